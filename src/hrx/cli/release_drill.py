"""`hrx release drill`: deploys, broken versions and deaths on a stack beside the living one, measured."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import Annotated, Final

import typer

from hrx.cli import output
from hrx.cli.ending import end_in_order
from hrx.cli.options import As, AsJson, Code, DryRun, Yes
from hrx.cli.plane import actor_of, confirm, opened
from hrx.kit.errors import Text
from hrx.kit.settings import load
from hrx.ops.drills.journal import Journal, last_by_drill
from hrx.ops.drills.recovery.running import refuse_in_production
from hrx.ops.drills.release.experiments import ReleaseExperiment, choose, load_release_experiments
from hrx.ops.drills.release.figures import show_figures
from hrx.ops.drills.release.outcomes import ReleaseOutcome, list_release_outcomes
from hrx.ops.drills.release.running import needs_stack, run_release_drill
from hrx.ops.drills.release.stack import opened_stack
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.run.plane import Plane
from hrx.ops.targets.machine.layout import find_layout
from hrx.ops.targets.machine.settings import MachineSettings

Names = Annotated[list[str] | None, typer.Argument(help="Drills to run; without any, all are listed.")]
_COLUMNS: Final = (
    Text(ja="訓練", en="Drill"),
    Text(ja="内容", en="What"),
    Text(ja="測った値", en="Measured"),
    Text(ja="約束", en="Promise"),
    Text(ja="証拠", en="Evidence"),
)


def add_to(release: typer.Typer) -> None:
    """Add the command to `hrx release`."""
    release.command()(drill)


def drill(
    names: Names = None,
    is_all: Annotated[bool, typer.Option("--all", help="Every one.")] = False,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Deploy, break and kill on a stack of its own, measured. Exit code 1: a promise was not kept."""
    with opened() as plane:
        known = load_release_experiments(plane.settings.runbook_dir.parent / "drills")
        chosen = list(known) if is_all else choose(known, names or [])
        if not chosen:
            last = last_by_drill(list_release_outcomes(plane.ledger))
            _show(known, list(last.values()), as_json=as_json)
            return
        actor = actor_of(plane, operator, code=code)
        require(actor, Permission.PLAN_AND_RUN)
        refuse_in_production(plane.settings.environment, actor)
        if dry_run:
            output.show_json({"would_run": [one.id for one in chosen], "dry_run": True})
            return
        confirm(
            Text(
                ja=f"{len(chosen)} 件を、コミット済みのコードから横に起動する練習用の一式で行います"
                "(稼働中のものには触れません。数分かかります)。よろしいですか?",
                en=f"This runs {len(chosen)} on a whole stack brought up beside from the committed code"
                " (the living one is not touched; it takes minutes). Go on?",
            ),
            yes=yes,
        )
        # Asked to end, it takes its stack away first, as after Ctrl-C.
        end_in_order()
        outcomes = _run(plane, chosen, actor=actor, as_json=as_json)
    _show(chosen, outcomes, as_json=as_json)
    if not all(one.is_kept for one in outcomes):
        raise typer.Exit(output.FAILED)


def _run(
    plane: Plane, chosen: Sequence[ReleaseExperiment], *, actor: Actor, as_json: bool
) -> list[ReleaseOutcome]:
    """One stack for all that need one."""
    machine, outcomes = find_layout(load(MachineSettings)), []
    with ExitStack() as ends:
        stack = None
        for one in chosen:
            if not as_json:
                print(f"■ {one.id}: {output.say(one.title)}", flush=True)
            if stack is None and needs_stack(one):
                stack = ends.enter_context(opened_stack(machine))
            journal = Journal(
                ledger=plane.ledger,
                run_id=secrets.token_hex(6),
                drill=one.id,
                actor=actor.name,
                title=one.title,
            )
            outcomes.append(run_release_drill(machine, stack, one, journal=journal))
            if not as_json:
                _tell(outcomes[-1])
    return outcomes


def _tell(found: ReleaseOutcome) -> None:
    print(f"  {'✓' if found.is_kept else '✗'} {output.say(show_figures(found.figures))}", flush=True)
    if found.said:
        print(f"  · {', '.join(found.said)}")
    for one in (*found.left, *((found.problem,) if found.problem else ())):
        print(f"  ✗ {one}")


def _show(
    experiments: Sequence[ReleaseExperiment], outcomes: Sequence[ReleaseOutcome], *, as_json: bool
) -> None:
    by_drill = {one.drill: one for one in outcomes}
    if as_json:
        items = [
            {
                "id": one.id,
                "title": output.say(one.title),
                "expects": output.say(one.expects),
                "outcome": _document(by_drill[one.id]) if one.id in by_drill else None,
            }
            for one in experiments
        ]
        output.show_json({"items": items})
        return
    output.show_table(_COLUMNS, [_row(one, by_drill.get(one.id)) for one in experiments])
    if not outcomes:
        print(
            output.say(Text(ja="→ `hrx release drill --all` で実施します", en="→ `hrx release drill --all`"))
        )


def _row(one: ReleaseExperiment, found: ReleaseOutcome | None) -> list[str]:
    if found is None:
        not_run = Text(ja="未実施", en="not run yet")
        return [one.id, output.say(one.title), "–", "–", output.say(not_run)]
    return [
        one.id,
        output.say(one.title),
        output.say(show_figures(found.figures)),
        "✓" if found.is_kept else "✗",
        f"#{found.evidence_seq}" if found.evidence_seq else "–",
    ]


def _document(found: ReleaseOutcome) -> dict[str, object]:
    return {**asdict(found), "is_kept": found.is_kept, "exceeded": list(found.exceeded)}
