"""`hrx release switch | status | promote | rollback`: requests move to a version, or back."""

from __future__ import annotations

import sys
from typing import Annotated, Final

import typer

from hrx.cli import output
from hrx.cli.options import As, AsJson, Code, DryRun, Reason, Yes
from hrx.cli.plane import acting, confirm, opened
from hrx.cli.release_going_back import Asked, go_back, require_no_way_back
from hrx.cli.release_rollback import find_checks, list_checks, open_store, refuse_unsafe
from hrx.cli.release_rollout_shown import (
    Ended,
    finish,
    print_checks,
    print_comparison,
    rollout_document,
    show_plan,
    tell_step,
)
from hrx.kit import clock
from hrx.kit.errors import Conflict, HrxError, Invalid, Text
from hrx.kit.settings import load
from hrx.ops.operators.roles import Permission
from hrx.ops.release.deploying import alone, count_unknown_jobs, fill_first, list_followers, settle
from hrx.ops.release.gating.judging import Verdict
from hrx.ops.release.gating.policy import Policy
from hrx.ops.release.releases import Slot
from hrx.ops.release.rollback.words import name_jobs
from hrx.ops.release.strategies.hands import Hands
from hrx.ops.release.strategies.noting import note_rollout
from hrx.ops.release.strategies.progress import Progress, Stand
from hrx.ops.release.strategies.rollout import SHARES, Rollout, Strategy, plan_steps
from hrx.ops.release.strategies.running import begin, decide, roll_back, run
from hrx.ops.release.strategies.storing import RolloutStore, rollout_folder
from hrx.ops.release.strategies.warmth import find_start_s, say_way_back
from hrx.ops.release.strategies.wording import say_progress, say_step, show_comparisons
from hrx.ops.run.plane import Plane
from hrx.ops.run.rollouts import find_this_place, follow
from hrx.ops.targets.machine.layout import find_layout
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.machine.slots import find_slots

HARM: Final = Policy().harm_budget
SHARES_SAID: Final = ",".join(map(str, SHARES))
#: A worker ends its jobs and starts anew.
_SETTLES_WITHIN_S: Final = 120.0
How = Annotated[
    Strategy, typer.Option("--strategy", help="How requests move: rolling, blue_green or canary.")
]
Shares = Annotated[str, typer.Option("--shares", help="Shares of a canary in percent, rising.")]
Harm = Annotated[
    int, typer.Option("--harm", help="Bad answers, beyond the old version's, that people may get.")
]


def add_to(release: typer.Typer) -> None:
    """Add the commands to `hrx release`."""
    for command in (status, switch, promote, rollback):
        release.command()(command)
    release.command("follow")(follow_requests)


def status(as_json: AsJson = False) -> None:
    """Where the current rollout stands: its steps, the comparison, what it cost, the release's checks."""
    with opened() as plane:
        progress = _store(plane).get()
        releases = open_store(plane.settings)
        is_warm = _is_warm(progress)
    if as_json:
        way_back = {"is_warm": is_warm, "start_took_s": find_start_s(progress)}
        checked = list_checks(releases, progress.rollout.release_id)
        output.show_json({**rollout_document(progress), "way_back": way_back, "release_checks": checked})
        return
    print(output.say(say_progress(progress)))
    if progress.stand is Stand.PROMOTED:
        print(output.say(say_way_back(progress, is_warm=is_warm)))
    for number, step in enumerate(plan_steps(progress.rollout)):
        mark = "✓" if number < progress.step else "▸" if number == progress.step else "·"
        print(f"  {mark} {output.say(say_step(step))}")
    for view in show_comparisons(progress):
        print_comparison(view)
    print_checks(find_checks(releases, progress.rollout.release_id))


def _is_warm(progress: Progress) -> bool:
    """Whether every service of the version before still answers."""
    hands, old = _hands(), progress.rollout.old
    return all(hands.is_alive(service, old) for service in progress.rollout.services)


def switch(
    release_id: Annotated[str, typer.Argument(help="The release's id, for the record.")],
    strategy: How = Strategy.CANARY,
    shares: Shares = SHARES_SAID,
    harm: Harm = HARM,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    operator: As = None,
    code: Code = "",
) -> None:
    """Let the version in the resting slot take over, or go on where a rollout was interrupted."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        rollout, is_new = find_or_plan(plane, release_id, strategy=strategy, shares=shares, harm=harm)
        if dry_run:
            show_plan(rollout, as_json=as_json)
            return
        confirm(
            Text(
                ja=f"リリース {release_id}({rollout.new})に切り替えますか?",
                en=f"Let release {release_id} ({rollout.new}) take over?",
            ),
            yes=yes,
        )
        if is_new:
            begin_here(plane, rollout)
        ended = go_on(plane, actor=actor.name, as_json=as_json)
    finish(ended, wanted=Stand.PROMOTED, as_json=as_json)


def promote(
    dry_run: DryRun = False, yes: Yes = False, as_json: AsJson = False, operator: As = None, code: Code = ""
) -> None:
    """Go on with a rollout that asks; shares are skipped, the watch after the switch is not."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        store = _store(plane)
        progress = store.get()
        if progress.stand is not Stand.ASKING:
            raise Conflict(say_progress(progress), code="rollout.does_not_ask")
        if dry_run:
            show_plan(progress.rollout, as_json=as_json)
            return
        release = progress.rollout.release_id
        confirm(Text(ja=f"リリース {release} を進めますか?", en=f"Go on with release {release}?"), yes=yes)
        decide(store, Verdict.PROMOTE)
        ended = go_on(plane, actor=actor.name, as_json=as_json)
    finish(ended, wanted=Stand.PROMOTED, as_json=as_json)


def rollback(
    to: Annotated[
        str, typer.Option("--to", help="Run the planner's plan back to this release, step by step.")
    ] = "",
    lose: Annotated[
        list[str] | None, typer.Option("--lose", help="Values of this column or table may be lost.")
    ] = None,
    may_stop: Annotated[
        bool, typer.Option("--may-stop", help="The maintenance page may be shown meanwhile.")
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take back a way back that died, instead of going on.")
    ] = False,
    reason: Reason = "",
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also when the plan says that the version before would break.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    operator: As = None,
    code: Code = "",
) -> None:
    """All requests back to the version before, at once. Exit code 4: that one would break."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        if to or lose or may_stop or undo:
            asked = Asked(
                to=to, lose=tuple(lose or ()), may_stop=may_stop, undo=undo, reason=reason, dry_run=dry_run
            )
            go_back(plane, asked, actor=actor, yes=yes, as_json=as_json)
            return
        require_no_way_back(plane)
        store, hands = _store(plane), _hands()
        rollout = store.get().rollout
        text = Text(
            ja=f"{' '.join(rollout.services)} の要求をすべて {rollout.old} に戻します。",
            en=f"All requests of {' '.join(rollout.services)} go back to {rollout.old}.",
        )
        if dry_run:
            output.show_json({"would": text.en, "dry_run": True}) if as_json else print(output.say(text))
            return
        progress = store.get()
        if progress.stand is Stand.PROMOTED and not anyway:
            refuse_unsafe(plane.settings, progress, as_json=as_json)
        if anyway:
            text = _with_failing_jobs(plane, text, rollout.old)
        confirm(Text(ja=f"{text.ja}よいですか?", en=f"{text.en} Go on?"), yes=yes)
        done = roll_back(store, hands, tell=None if as_json else tell_step)
        ended = _settle(plane, done, actor=actor.name, fails_jobs=anyway)
    finish(ended, wanted=Stand.ROLLED_BACK, as_json=as_json)


def follow_requests(
    dry_run: DryRun = False, as_json: AsJson = False, operator: As = None, code: Code = ""
) -> None:
    """Let models and indexes follow the requests of the last rollout, where that failed before."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        place, progress = find_this_place(plane.settings), _store(plane).get()
        found = list_followers(place, progress)
        moved = [] if dry_run else follow(plane, place, progress, by=actor.name)
    if as_json:
        names = [{"kind": one.component.value, "name": one.name, "version": one.version} for one in found]
        output.show_json({"differ": names, "moved": [one.name for one in moved], "dry_run": dry_run})
        return
    for one in found:
        mark = "✓" if one in moved else "·"
        print(f"{mark} {one.component.value} {one.name} {one.version}")
    print(output.say(Text(ja=f"切り替えたもの: {len(moved)} 件", en=f"Moved: {len(moved)}")))


def find_or_plan(
    plane: Plane, release_id: str, *, strategy: Strategy, shares: str, harm: int, fills: bool = False
) -> tuple[Rollout, bool]:
    """The rollout of this release that was interrupted, else a new one into the slot that rests; and whether
    it is new. Raises Conflict while another release's is not over, Invalid, Unavailable."""
    former = _store(plane).find()
    if former is not None and not former.stand.is_over:
        _require_same(former, release_id)
        return former.rollout, False
    rollout = Rollout(
        id=f"{release_id}-{clock.now():%Y%m%dT%H%M%S}",
        release_id=release_id,
        strategy=strategy,
        new=_resting(_hands()),
        shares=_read_shares(shares),
        policy=Policy(harm_budget=harm),
        fills=fills,
    )
    return rollout, True


def begin_here(plane: Plane, rollout: Rollout) -> None:
    """Put it on record; nothing else is touched. Raises as `begin`."""
    begin(_store(plane), _hands(), rollout)


def go_on(plane: Plane, *, actor: str, as_json: bool) -> Ended:
    """Run the current rollout until it is over or asks, and what follows its end. Raises as `run`."""
    store = _store(plane)
    with alone(plane.ledger, by=actor, reason=store.get().rollout.id):
        fill_first(find_this_place(plane.settings), store.get(), by=actor)
    note_rollout(plane.ledger, store.get(), actor=actor)
    done = run(store, _hands(), tell=None if as_json else tell_step)
    return _settle(plane, done, actor=actor)


def _settle(plane: Plane, done: Progress, *, actor: str, fails_jobs: bool = False) -> Ended:
    note_rollout(plane.ledger, done, actor=actor)
    place = find_this_place(plane.settings)
    # The operations plane may be at the same: then there is nothing left to do here.
    with alone(plane.ledger, by=actor, reason=done.rollout.id, wait_s=_SETTLES_WITHIN_S):
        settle(place, done, by=actor, fails_jobs=fails_jobs)
    try:
        follow(plane, place, done, by=actor)
    except HrxError as error:
        # The requests stay where they are; `hrx release follow` tries it again.
        output.show_error(error, as_json=False)
        return Ended(progress=done, is_followed=False)
    return Ended(progress=done, is_followed=True)


def _with_failing_jobs(plane: Plane, text: Text, slot: Slot) -> Text:
    """The question, with the jobs that may fail where they cannot be kept."""
    jobs = count_unknown_jobs(find_this_place(plane.settings), slot)
    if not jobs:
        return text
    named = name_jobs(jobs)
    said = Text(
        ja=f"前の版が知らないジョブ({named.ja})は、保管できなければ失敗します。",
        en=f"Jobs that the version before does not know ({named.en}) fail where they cannot be kept.",
    )
    print(output.say(said), file=sys.stderr)
    return Text(ja=f"{text.ja}{said.ja}", en=f"{text.en} {said.en}")


def _store(plane: Plane) -> RolloutStore:
    return RolloutStore(rollout_folder(plane.settings.var_dir))


def _hands() -> Hands:
    return find_slots(find_layout(load(MachineSettings)))


def _resting(hands: Hands) -> Slot:
    return Slot.GREEN if hands.edge.kept("api") == Slot.BLUE else Slot.BLUE


def _require_same(former: Progress, release_id: str) -> None:
    if former.rollout.release_id != release_id:
        raise Conflict(say_progress(former), code="rollout.under_way")


def _read_shares(shares: str) -> tuple[int, ...]:
    try:
        return tuple(int(share) for share in shares.split(","))
    except ValueError as error:
        raise Invalid(
            Text(ja=f"割合が読めません: {shares}", en=f"These are no shares: {shares}"),
            hint=Text(ja="例: `--shares 10,25`", en="For example `--shares 10,25`."),
            code="rollout.bad_shares",
        ) from error
