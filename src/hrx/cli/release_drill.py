"""`hrx release drill`: deploys, broken versions and deaths on a stack beside the living one, measured."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import Final

import typer

from hrx.cli import output
from hrx.cli.drill_apart import All, Names, ask_for, begin_journal, show_measured
from hrx.cli.options import As, AsJson, Code, DryRun, Yes
from hrx.cli.plane import opened
from hrx.kit.errors import Text
from hrx.kit.settings import load
from hrx.ops.drills.journal import last_by_drill
from hrx.ops.drills.release.experiments import ReleaseExperiment, choose, load_release_experiments
from hrx.ops.drills.release.figures import show_figures
from hrx.ops.drills.release.outcomes import ReleaseOutcome, list_release_outcomes
from hrx.ops.drills.release.running import needs_stack, run_release_drill
from hrx.ops.drills.release.stack import opened_stack
from hrx.ops.operators.roles import Actor
from hrx.ops.run.plane import Plane
from hrx.ops.targets.machine.layout import find_layout
from hrx.ops.targets.machine.settings import MachineSettings

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
    is_all: All = False,
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
        question = Text(
            ja=f"{len(chosen)} 件を、コミット済みのコードから横に起動する練習用の一式で行います"
            "(稼働中のものには触れません。数分かかります)。よろしいですか?",
            en=f"This runs {len(chosen)} on a whole stack brought up beside from the committed code"
            " (the living one is not touched; it takes minutes). Go on?",
        )
        actor = ask_for(plane, chosen, question, operator=operator, code=code, dry_run=dry_run, yes=yes)
        if actor is None:
            return
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
            journal = begin_journal(plane, one, actor=actor, as_json=as_json)
            if stack is None and needs_stack(one):
                stack = ends.enter_context(opened_stack(machine))
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
    show_measured(
        experiments,
        outcomes,
        columns=_COLUMNS,
        row=_row,
        document=_document,
        command="hrx release drill",
        as_json=as_json,
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
