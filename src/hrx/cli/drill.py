"""`hrx drill …`: put faults in on purpose, measure what the plane does, take them back."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.drill_people import people
from hrx.cli.drill_tables import LINE_COLUMNS, line_row, seconds_of, show_outcomes, show_summary
from hrx.cli.options import As, AsJson, Code, DryRun, Yes
from hrx.cli.plane import actor_of, confirm, opened
from hrx.kit.errors import HrxError, Refused, Text
from hrx.ops.drills.experiments import Experiment, get_experiment, load_experiments
from hrx.ops.drills.faults.fault import NOT_HERE
from hrx.ops.drills.ground import Ground, open_ground
from hrx.ops.drills.journal import Outcome, find_injected, list_outcomes
from hrx.ops.drills.recovery import experiments as recovery
from hrx.ops.drills.recovery.outcomes import list_recovery_outcomes
from hrx.ops.drills.refusing import refuse_unless_safe
from hrx.ops.drills.release import experiments as release
from hrx.ops.drills.release.outcomes import list_release_outcomes
from hrx.ops.drills.report import newest_runs, summarise, tell, to_markdown
from hrx.ops.drills.running import QUIET_S, run_drill
from hrx.ops.drills.survival import list_pairs, name_teller, run_pairs
from hrx.ops.drills.undoing import abort as undo_all
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.run.plane import Plane

Names = Annotated[list[str] | None, typer.Argument(help="Drills to run; without any, the suite.")]
GiveUp = Annotated[
    float | None, typer.Option("--give-up", help="Wait at most so many seconds for page and cause.", min=1)
]
Quiet = Annotated[
    float,
    typer.Option("--quiet", help="Wait in the end at most so many seconds until alerts fall silent.", min=0),
]
Suite = Annotated[str, typer.Option(help="fast, slow (rules with minutes of duration) or all.")]


def register(app: typer.Typer) -> None:
    """Add `hrx drill`."""
    group = typer.Typer(help="Drills: faults on purpose, measured.", no_args_is_help=True)
    group.command("list")(list_all)
    group.command("run")(run)
    group.command("practise")(practise)
    group.command("people")(people)
    group.command("report")(report)
    group.command("survive")(survive)
    group.command("abort")(abort)
    app.add_typer(group, name="drill")


def list_all(as_json: AsJson = False) -> None:
    """Every drill, and when it was last run."""
    with opened() as plane:
        items = _list_items(plane)
    if as_json:
        output.show_json({"items": [{**asdict(one), "title": output.say(one.title),
                                     "waits_for": output.say(one.waits_for) if one.waits_for else None}
                                    for one in items]})  # fmt: skip
        return
    columns = (
        Text(ja="訓練", en="Drill"),
        Text(ja="節", en="Section"),
        Text(ja="組", en="Suite"),
        Text(ja="内容", en="What"),
        Text(ja="最後に実施 (UTC)", en="Last run (UTC)"),
    )
    none = Text(ja="–", en="–")
    rows = [
        [
            one.id,
            one.sop,
            one.suite,
            output.say(one.title),
            f"{one.last_at:%Y-%m-%d %H:%M}" if one.last_at else output.say(one.waits_for or none),
        ]
        for one in items
    ]
    output.show_table(columns, rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """One drill of any suite, as the list shows it."""

    id: str
    suite: str
    sop: str
    title: Text
    waits_for: Text | None = None
    last_at: datetime | None = None


def _list_items(plane: Plane) -> list[_Item]:
    drills_dir, ledger = open_ground(plane).drills_dir, plane.ledger
    items = [
        _Item(id=one.id, suite=one.suite, sop=one.expects.sop, title=one.title, waits_for=one.waits_for)
        for one in load_experiments(drills_dir)
    ]
    items += [
        _Item(id=one.id, suite="recovery", sop=recovery.SECTION, title=one.title)
        for one in recovery.load_recovery_experiments(drills_dir)
    ]
    items += [
        _Item(id=one.id, suite="release", sop=release.SECTION, title=one.title)
        for one in release.load_release_experiments(drills_dir)
    ]
    last = {
        **{one.drill: one.at for one in reversed(list_outcomes(ledger))},
        **{one.drill: one.at for one in reversed(list_recovery_outcomes(ledger))},
        **{one.drill: one.at for one in reversed(list_release_outcomes(ledger))},
    }
    return [replace(one, last_at=last.get(one.id)) for one in items]


def run(
    drills: Names = None,
    suite: Suite = "fast",
    give_up_s: GiveUp = None,
    quiet_s: Quiet = QUIET_S,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Run drills one after the other, each taken back and verified before the next."""
    with opened() as plane:
        ground = open_ground(plane)
        chosen = _choose(ground, drills or [], suite)
        if give_up_s is not None:
            chosen = [replace(one, expects=replace(one.expects, give_up_s=give_up_s)) for one in chosen]
        actor = actor_of(plane, operator, code=code)
        require(actor, Permission.PLAN_AND_RUN)
        if dry_run:
            would_run, not_here = _list_possible(ground, chosen, actor=actor)
            output.show_json({"would_run": would_run, "not_run": not_here, "dry_run": True})
            return
        confirm(
            Text(
                ja=f"{len(chosen)} 件の故障を起こします。よろしいですか?",
                en=f"This puts in {len(chosen)} faults, one after the other. Go on?",
            ),
            yes=yes,
        )
        outcomes: list[Outcome] = []
        not_run: list[dict[str, str]] = []
        for one in chosen:
            _tell(Text(ja=f"■ {one.id}: {one.title.ja}", en=f"■ {one.id}: {one.title.en}"), as_json=as_json)
            try:
                outcomes.append(
                    run_drill(
                        ground,
                        one,
                        actor=actor,
                        say=lambda text: _tell(text, as_json=as_json),
                        quiet_s=quiet_s,
                    )
                )
            except HrxError as error:
                if len(chosen) == 1:
                    raise
                if error.stable_code == NOT_HERE:
                    not_run.append(_not_run(one, error))
                output.show_error(error, as_json=False)
    show_outcomes(outcomes, not_run=not_run, as_json=as_json)
    if any(one.problem for one in outcomes) or len(outcomes) + len(not_run) < len(chosen):
        raise typer.Exit(output.FAILED)


def _list_possible(
    ground: Ground, chosen: list[Experiment], *, actor: Actor
) -> tuple[list[str], list[dict[str, str]]]:
    """Which of these could be run now, and which this machine cannot bear. Raises Refused as a run does."""
    possible: list[str] = []
    not_here: list[dict[str, str]] = []
    for one in chosen:
        try:
            refuse_unless_safe(ground, one, actor=actor)
        except Refused as error:
            if error.stable_code != NOT_HERE or len(chosen) == 1:
                raise
            not_here.append(_not_run(one, error))
        else:
            possible.append(one.id)
    return possible, not_here


def _not_run(one: Experiment, error: HrxError) -> dict[str, str]:
    return {"drill": one.id, "says": output.say(error.message)}


def practise(
    drill: Annotated[
        str | None, typer.Argument(help="The drill; without one, any fast one, unnamed.")
    ] = None,
    minutes: Annotated[float, typer.Option(help="Take the fault back after so many minutes.", min=0.1)] = 15,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put one fault in and leave the repair to people; it only watches, and tells what was when."""
    with opened() as plane:
        ground = open_ground(plane)
        # Not cryptography: nobody is to guess it, that is all.
        one = _choose(ground, [drill], "")[0] if drill else random.choice(_choose(ground, [], "fast"))  # noqa: S311
        actor = actor_of(plane, operator, code=code)
        require(actor, Permission.PLAN_AND_RUN)
        if dry_run:
            refuse_unless_safe(ground, one, actor=actor)
            output.show_json({"would_run": [one.id] if drill else ["?"], "dry_run": True})
            return
        confirm(
            Text(
                ja=f"故障を 1 件起こし、復旧を人に任せます({minutes:g} 分で取り消し)。よろしいですか?",
                en=f"This puts one fault in; people repair it ({minutes:g} min at most). Go on?",
            ),
            yes=yes,
        )
        title = one.title if drill else Text(ja="何かが壊れました", en="Something is broken")
        _tell(Text(ja=f"■ {title.ja}", en=f"■ {title.en}"), as_json=as_json)
        _tell(
            Text(
                ja=f"  障害: {plane.settings.ops_url}/incidents ・ Ctrl-C で故障を取り消します",
                en=f"  Incidents: {plane.settings.ops_url}/incidents · Ctrl-C takes the fault back",
            ),
            as_json=as_json,
        )

        def say(text: Text) -> None:
            # What is put in would give the game away.
            if drill or text.en.startswith(" "):
                _tell(text, as_json=as_json)

        found = run_drill(ground, one, actor=actor, say=say, patience_s=minutes * 60)
    show_outcomes([found], as_json=as_json)
    if found.problem or found.repaired_by != "people":
        raise typer.Exit(output.FAILED)


def report(
    runs: Annotated[int, typer.Option(help="The newest so many runs of each drill.", min=1, max=50)] = 1,
    markdown: Annotated[bool, typer.Option("--markdown", help="A table of Markdown.")] = False,
    as_json: AsJson = False,
) -> None:
    """The newest results of every drill, and what they say together."""
    with opened() as plane:
        experiments = load_experiments(open_ground(plane).drills_dir)
        by_drill = newest_runs(experiments, list_outcomes(plane.ledger, limit=2000), runs=runs)
    outcomes = [found for one in by_drill.values() for found in one]
    lines, summary = tell(experiments, by_drill), summarise(outcomes)
    if as_json:
        items = [{**asdict(one), "title": output.say(one.title)} for one in lines]
        shown = [asdict(one) for one in outcomes]
        output.show_json({"drills": items, "runs": shown, "summary": asdict(summary)})
    elif markdown:
        print(to_markdown(lines, summary, say=output.say))
    else:
        output.show_table(LINE_COLUMNS, [line_row(one) for one in lines])
        show_summary(summary)


def survive(
    operator: As = None, code: Code = "", dry_run: DryRun = False, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Stop two of those who watch, and the API: is somebody told within 30 s?"""
    with opened() as plane:
        ground = open_ground(plane)
        actor = actor_of(plane, operator, code=code)
        require(actor, Permission.PLAN_AND_RUN)
        if dry_run:
            output.show_json({"would_hold_down": list_pairs(), "dry_run": True})
            return
        confirm(
            Text(
                ja="監視の部品を二つずつと API を止めます。よろしいですか?",
                en="This stops the watchers two by two, and the API. Go on?",
            ),
            yes=yes,
        )
        experiment = get_experiment(load_experiments(ground.drills_dir), "api-stopped")
        outcomes = run_pairs(ground, experiment, actor=actor, say=lambda text: _tell(text, as_json=as_json))
    if as_json:
        output.show_json({"items": [asdict(one) for one in outcomes]})
    else:
        columns = (
            Text(ja="止めた二つ", en="Without"),
            Text(ja="通知", en="Told"),
            Text(ja="誰が", en="By"),
            Text(ja="約束どおり", en="Kept"),
        )
        rows = [
            [
                " + ".join(one.pair),
                seconds_of(one.page_s),
                output.say(name_teller(one)),
                "✓" if one.is_kept else "✗",
            ]
            for one in outcomes
        ]
        output.show_table(columns, rows)
    if not all(one.is_kept and one.is_back for one in outcomes):
        raise typer.Exit(output.FAILED)


def abort(
    operator: As = None, code: Code = "", dry_run: DryRun = False, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Take back what a killed drill left in."""
    with opened() as plane:
        ground = open_ground(plane)
        actor = actor_of(plane, operator, code=code)
        require(actor, Permission.PLAN_AND_RUN)
        if dry_run:
            names = [f"{one.drill}: {one.call.fault}" for one in find_injected(plane.ledger)]
            output.show_json({"would_undo": names, "dry_run": True})
            return
        confirm(Text(ja="訓練の故障を取り消しますか?", en="Take the drills' faults back?"), yes=yes)
        done, left = undo_all(ground, actor=actor.name)
    names = [f"{one.drill}: {one.call.fault}" for one in done]
    if as_json:
        output.show_json({"undone": names, "left": [f"{one.drill}: {one.call.fault}" for one in left]})
    else:
        nothing = Text(ja="残っている故障はありません", en="Nothing was left in")
        print("\n".join(names) or output.say(nothing))
    if left:
        raise typer.Exit(output.FAILED)


def _choose(ground: Ground, names: list[str], suite: str) -> list[Experiment]:
    known = load_experiments(ground.drills_dir)
    if names:
        return [get_experiment(known, name) for name in names]
    return [one for one in known if one.suite == suite or (suite == "all" and one.suite != "later")]


def _tell(text: Text, *, as_json: bool) -> None:
    if not as_json:
        print(output.say(text), flush=True)
