"""`hrx recover drill`: lose data on purpose on a scratch ground, bring it back, and measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import typer

from hrx.cli import output
from hrx.cli.drill_apart import All, Names, ask_for, begin_journal, show_measured
from hrx.cli.drill_tables import seconds_of
from hrx.cli.options import As, AsJson, Code, DryRun, Yes
from hrx.cli.plane import opened
from hrx.kit.errors import Text
from hrx.kit.settings import load
from hrx.ops.drills.journal import last_by_drill
from hrx.ops.drills.recovery.experiments import RecoveryExperiment, choose, load_recovery_experiments
from hrx.ops.drills.recovery.outcomes import RecoveryOutcome, list_recovery_outcomes
from hrx.ops.drills.recovery.running import run_recovery_drill
from hrx.ops.drills.recovery.scratch import opened_seed
from hrx.ops.targets.machine.layout import find_layout
from hrx.ops.targets.machine.settings import MachineSettings

_COLUMNS: Final = (
    Text(ja="訓練", en="Drill"),
    Text(ja="内容", en="What"),
    Text(ja="気づいたもの", en="Noticed by"),
    Text(ja="検知", en="Noticed"),
    Text(ja="RTO", en="RTO"),
    Text(ja="RPO", en="RPO"),
    Text(ja="失った / 書いた件数", en="Lost / written"),
    Text(ja="約束", en="Promise"),
    Text(ja="目標", en="Aim"),
    Text(ja="証拠", en="Evidence"),
)


def drill(
    names: Names = None,
    is_all: All = False,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Lose a scratch database on purpose and bring it back, measured. Exit code 1: a promise was not kept."""
    with opened() as plane:
        known = load_recovery_experiments(plane.settings.runbook_dir.parent / "drills")
        chosen = list(known) if is_all else choose(known, names or [])
        if not chosen:
            last = last_by_drill(list_recovery_outcomes(plane.ledger))
            _show(known, list(last.values()), as_json=as_json)
            return
        question = Text(
            ja=f"{len(chosen)} 件を、この機械に作る練習用のデータベースで行います"
            "(稼働中のデータには触れません)。よろしいですか?",
            en=f"This runs {len(chosen)} on a scratch database of this machine"
            " (the living data is not touched). Go on?",
        )
        actor = ask_for(plane, chosen, question, operator=operator, code=code, dry_run=dry_run, yes=yes)
        if actor is None:
            return
        outcomes: list[RecoveryOutcome] = []
        with opened_seed(find_layout(load(MachineSettings))) as seed:
            for one in chosen:
                journal = begin_journal(plane, one, actor=actor, as_json=as_json)
                found = run_recovery_drill(seed, one, journal=journal)
                outcomes.append(found)
                if not as_json:
                    _tell_witnesses(found)
    _show(tuple(chosen), outcomes, as_json=as_json)
    if not all(one.is_kept for one in outcomes):
        raise typer.Exit(output.FAILED)


def _tell_witnesses(found: RecoveryOutcome) -> None:
    for one in found.witnesses:
        print(f"  · {output.say(Text(ja=one.ja, en=one.en))}")
    if found.problem:
        print(f"  ✗ {found.problem}")


def _show(
    experiments: Sequence[RecoveryExperiment], outcomes: Sequence[RecoveryOutcome], *, as_json: bool
) -> None:
    show_measured(
        experiments,
        outcomes,
        columns=_COLUMNS,
        row=row_of,
        document=_document,
        command="hrx recover drill",
        as_json=as_json,
    )


def row_of(one: RecoveryExperiment, found: RecoveryOutcome | None) -> list[str]:
    """One line of the table."""
    if found is None:
        return [one.id, output.say(one.title), *["–"] * 7, output.say(Text(ja="未実施", en="not run yet"))]
    lost = "–" if found.lost_commits is None else str(found.lost_commits)
    return [
        one.id,
        output.say(one.title),
        found.noticed_by or "–",
        seconds_of(found.detect_s),
        seconds_of(found.rto_s),
        seconds_of(found.rpo_s),
        f"{lost} / {found.written}",
        "✓" if found.is_kept else "✗",
        "✓" if found.is_aim_met else "✗",
        f"#{found.evidence_seq}" if found.evidence_seq else "–",
    ]


def _document(found: RecoveryOutcome) -> dict[str, object]:
    return {**asdict(found), "is_kept": found.is_kept, "is_aim_met": found.is_aim_met}
