"""Whether one press is enough to go back from a rollout, and what the planner says where it is not.

While a rollout is under way the old slot served until a moment ago: back is one command at the edge. After
its end the planner is asked, for the press moves requests and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import HrxError, Text
from hrx.ops.release.asking import Counted, plan_way_back, read_ground
from hrx.ops.release.migrations.revisions import read_revisions
from hrx.ops.release.releases import Component, Environment
from hrx.ops.release.rollback.plans import RollbackPlan, StepKind
from hrx.ops.release.store import ReleaseStore
from hrx.ops.release.strategies.progress import Progress, Stand

#: What the way back of a rollout does by itself: requests, and the worker behind them, at once. Jobs of the
#: newer version would be kept until it is back, so a plan that lets them finish first is more than a press.
_BY_ITSELF: Final = frozenset(
    {
        StepKind.START_API,
        StepKind.SWITCH_API,
        StepKind.SWITCH_WEB,
        StepKind.SWITCH_BOTH,
        StepKind.STOP_API,
        # Models and indexes in which the two differ follow the requests (`pointers`).
        StepKind.CATCH_UP_INDEX,
        StepKind.SWITCH_POINTERS,
        StepKind.OBSERVE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """`to`: what the old slot holds; None for the checkout's code. `why_not`: None where a press is enough.

    `plan` and `refused` are the planner's word; both None while a rollout is under way, when it is not
    asked. `was_looked_at`: the tables are those of the database itself."""

    to: str | None
    why_not: Text | None
    plan: RollbackPlan | None = None
    refused: HrxError | None = None
    was_looked_at: bool = False


def find_way_back(
    progress: Progress | None,
    store: ReleaseStore,
    environment: Environment,
    *,
    migrations: Path,
    database_url: str | None,
    has_fresh_backup: bool = False,
) -> WayBack:
    """Nothing is changed; the planner's refusals and errors are part of the answer.

    Raises ReleaseUnreadable."""
    held = store.look(environment).slots
    old = held.get(progress.rollout.old) if progress is not None else None
    to = old.release_id if old is not None else None
    if progress is not None and progress.stand is not Stand.PROMOTED:
        return WayBack(to=to, why_not=check_press(progress, to=to, plan=None, has_same_schema=False))
    plan, refused, was_looked_at = None, None, False
    try:
        ground = read_ground(store, environment, migrations=migrations, database_url=database_url)
        was_looked_at = ground.was_looked_at
        target = store.get(to) if to is not None else None
        plan = plan_way_back(ground, target, Counted(has_fresh_backup=has_fresh_backup))
    except HrxError as error:
        refused = error
    return WayBack(
        to=to,
        why_not=check_press(
            progress,
            to=to,
            plan=plan,
            has_same_schema=progress is not None
            and _has_same_schema(store, progress.rollout.release_id, migrations=migrations),
        ),
        plan=plan,
        refused=refused,
        was_looked_at=was_looked_at,
    )


def check_press(
    progress: Progress | None, *, to: str | None, plan: RollbackPlan | None, has_same_schema: bool
) -> Text | None:
    """Why a press is not enough; None where it is."""
    if progress is None:
        return Text(
            ja="切り替えの記録がないため、ボタンでは戻せません",
            en="There is no record of a rollout, so no press can undo it",
        )
    match progress.stand:
        case Stand.RUNNING | Stand.ASKING:
            return None
        case Stand.UNDOING:
            return Text(ja="すでに戻している途中です", en="It is on its way back already")
        case Stand.ROLLED_BACK:
            return Text(ja="すでに前の版に戻っています", en="The version before is back already")
        case Stand.PROMOTED:
            return _check_after_its_end(to=to, plan=plan, has_same_schema=has_same_schema)


def _check_after_its_end(*, to: str | None, plan: RollbackPlan | None, has_same_schema: bool) -> Text | None:
    if to is None:
        if has_same_schema:
            return None
        return Text(
            ja="前の版は記録のないチェックアウトの版で、今のスキーマで動くか分かりません",
            en="The version before is the checkout's, of which nothing shows that it runs on this schema",
        )
    if plan is None:
        return Text(ja="安全に戻せると確かめられていません", en="Nothing shows that going back is safe")
    if plan.to != to:
        return Text(
            ja=f"待機中のスロットにあるのは {to} で、計画の戻り先は {plan.to} です",
            en=f"The slot that rests holds {to}, and the plan goes back to {plan.to}",
        )
    return check_steps(plan)


def check_steps(plan: RollbackPlan) -> Text | None:
    """Why moving requests is not all that the plan asks for; None where it is."""
    command = f"`hrx release rollback --to {plan.to}`"
    if any(step.kind is StepKind.DRAIN_JOBS for step in plan.steps):
        return Text(
            ja="新しい版だけが知るジョブを、先に終わらせる必要があります。"
            f"計画の手順は {command} が順に行います",
            en=f"Jobs that only the new version knows have to be done first; {command} runs the plan",
        )
    if plan.loss or plan.cannot_undo or any(step.kind not in _BY_ITSELF for step in plan.steps):
        return Text(
            ja=f"要求を戻すだけでは足りません。計画の手順は {command} が順に行います",
            en=f"Moving requests is not enough: the plan has steps of its own, and {command} runs them",
        )
    return None


def _has_same_schema(store: ReleaseStore, release_id: str, *, migrations: Path) -> bool:
    """Whether the release was built on the very schema that the checkout's code was written for."""
    release = store.find(release_id)
    if release is None:
        return False
    known = read_revisions(migrations)
    return bool(known) and release.find_version(Component.SCHEMA) == known[-1].id
