"""Releases and roll-backs as rows that a page or a terminal shows: words only, no layout and no decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.plan import Effect
from hrx.ops.release.releases import CheckResult, Outcome, Release
from hrx.ops.release.rollback.plans import Fate, RollbackPlan, RollbackRefused
from hrx.ops.release.rollback.words import COMPONENTS, say_hidden, say_loss
from hrx.ops.release.store import Placement, Standing

FATES: Final = {
    Fate.GOES_BACK: Text(ja="戻す", en="goes back"),
    Fate.STAYS: Text(ja="そのまま", en="stays"),
    Fate.SAME: Text(ja="変更なし", en="the same"),
}
OUTCOMES: Final = {
    Outcome.PASSED: Text(ja="合格", en="passed"),
    Outcome.FAILED: Text(ja="不合格", en="failed"),
    Outcome.NOT_CHECKED: Text(ja="未確認", en="not checked"),
}
_NO_CHECK: Final = Text(ja="検査の記録なし(未確認)", en="no check recorded, so not checked")
_NO_UNDO: Final = Text(ja="取り消せません", en="cannot be undone")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    number: int
    name: Text
    reason: Text
    #: None where nothing was changed that could be taken back.
    undo: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    component: Text
    now: str
    then: str
    fate: Text
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """A plan for a page: every list may be empty. `summary` is one sentence for whoever decides."""

    to: str
    title: Text
    summary: Text
    parts: tuple[PartRow, ...]
    steps: tuple[StepRow, ...]
    breaks: tuple[Text, ...]
    hidden: tuple[Text, ...]
    loss: tuple[Text, ...]
    cannot_undo: tuple[Text, ...]
    plan_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalView:
    title: Text
    reasons: tuple[Text, ...]
    #: What would be safe instead, and what to type for it ("" where somebody has to decide first).
    alternatives: tuple[tuple[Text, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One placement, newest first. `is_live`: it is what the slot holds and serves now."""

    placement: Placement
    version: str
    commit: str
    state: Text
    is_live: bool


def show_plan(plan: RollbackPlan) -> PlanView:
    """The plan as rows, in the order in which somebody reads who has to decide."""
    return PlanView(
        to=plan.to,
        title=Text(
            ja=f"{plan.live} から {plan.to} へ戻す計画", en=f"Going back from {plan.live} to {plan.to}"
        ),
        summary=_say_summary(plan),
        parts=tuple(
            PartRow(
                component=COMPONENTS[one.component],
                now=one.now or "–",
                then=one.then or "–",
                fate=FATES[one.fate],
                reason=one.reason,
            )
            for one in plan.parts
        ),
        steps=tuple(
            StepRow(
                number=number,
                name=one.name,
                reason=one.reason,
                undo=one.undo or (_NO_UNDO if one.effect is Effect.IRREVERSIBLE else None),
            )
            for number, one in enumerate(plan.steps, start=1)
        ),
        breaks=plan.breaks,
        hidden=tuple(say_hidden(one) for one in plan.hidden),
        loss=tuple(say_loss(one) for one in plan.loss),
        cannot_undo=plan.cannot_undo,
        plan_hash=plan.plan_hash,
    )


def show_refusal(refused: RollbackRefused) -> RefusalView:
    return RefusalView(
        title=refused.message,
        reasons=refused.reasons,
        alternatives=tuple((one.says, one.command) for one in refused.alternatives),
    )


def show_history(
    placements: Sequence[Placement], standing: Standing, releases: Sequence[Release]
) -> tuple[HistoryRow, ...]:
    """Everything that was placed, newest first."""
    known = {one.id: one for one in releases}
    rows = []
    for one in sorted(placements, key=lambda placed: placed.at, reverse=True):
        release = known.get(one.release_id or "")
        is_held = standing.slots.get(one.slot) == one
        rows.append(
            HistoryRow(
                placement=one,
                version=release.version if release else "–",
                commit=release.commit[:10] if release else "–",
                state=_say_state(one, is_held=is_held),
                is_live=is_held and one.weight > 0,
            )
        )
    return tuple(rows)


def count_checks(checks: Sequence[CheckResult]) -> Text:
    """How many came out how, the bad ones first."""
    order = (Outcome.FAILED, Outcome.NOT_CHECKED, Outcome.PASSED)
    found = [(one, sum(check.outcome is one for check in checks)) for one in order]
    told = [(OUTCOMES[one], number) for one, number in found if number]
    if not told:
        return _NO_CHECK
    return Text(
        ja="・".join(f"{says.ja} {number}" for says, number in told),
        en=", ".join(f"{number} {says.en}" for says, number in told),
    )


def _say_state(one: Placement, *, is_held: bool) -> Text:
    if not is_held:
        return Text(ja="過去", en="past")
    if one.release_id is None:
        return Text(ja="空", en="empty")
    if one.weight == 0:
        return Text(ja="待機", en="warm")
    if one.weight == 100:
        return Text(ja="公開中", en="live")
    return Text(ja=f"公開中({one.weight} %)", en=f"live ({one.weight} %)")


def _say_summary(plan: RollbackPlan) -> Text:
    ja, en = [], []
    if plan.has_downtime:
        ja.append("途中でメンテナンス画面を出します")
        en.append("the maintenance page is shown on the way")
    else:
        ja.append("止めずに戻せます")
        en.append("it can be done without a pause")
    if plan.loss:
        ja.append(f"{len(plan.loss)} 項目の値が失われます")
        en.append(f"values are lost (columns: {len(plan.loss)})")
    else:
        ja.append("失われるデータはありません")
        en.append("no data is lost")
    if plan.breaks:
        ja.append(f"利用者に影響することが {len(plan.breaks)} 件あります")
        en.append(f"people will notice (things: {len(plan.breaks)})")
    sentence = ", ".join(en)
    return Text(ja="。".join(ja) + "。", en=f"{sentence[0].upper()}{sentence[1:]}.")
