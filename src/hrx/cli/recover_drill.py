"""`hrx recover drill`: lose data on purpose on a scratch ground, bring it back, and measure."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Final

import typer

from hrx.cli import output
from hrx.cli.drill_tables import seconds_of
from hrx.cli.ending import end_in_order
from hrx.cli.options import As, AsJson, Code, DryRun, Yes
from hrx.cli.plane import actor_of, confirm, opened
from hrx.kit.errors import Text
from hrx.kit.settings import load
from hrx.ops.drills.journal import Journal, last_by_drill
from hrx.ops.drills.recovery.experiments import RecoveryExperiment, choose, load_recovery_experiments
from hrx.ops.drills.recovery.outcomes import RecoveryOutcome, list_recovery_outcomes
from hrx.ops.drills.recovery.running import refuse_in_production, run_recovery_drill
from hrx.ops.drills.recovery.scratch import opened_seed
from hrx.ops.operators.roles import Permission, require
from hrx.ops.targets.machine.layout import find_layout
from hrx.ops.targets.machine.settings import MachineSettings

Names = Annotated[list[str] | None, typer.Argument(help="Drills to run; without any, all are listed.")]
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
    is_all: Annotated[bool, typer.Option("--all", help="Every one.")] = False,
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
        actor = actor_of(plane, operator, code=code)
        require(actor, Permission.PLAN_AND_RUN)
        refuse_in_production(plane.settings.environment, actor)
        if dry_run:
            output.show_json({"would_run": [one.id for one in chosen], "dry_run": True})
            return
        confirm(
            Text(
                ja=f"{len(chosen)} 件を、この機械に作る練習用のデータベースで行います"
                "(稼働中のデータには触れません)。よろしいですか?",
                en=f"This runs {len(chosen)} on a scratch database of this machine"
                " (the living data is not touched). Go on?",
            ),
            yes=yes,
        )
        outcomes: list[RecoveryOutcome] = []
        end_in_order()
        with opened_seed(find_layout(load(MachineSettings))) as seed:
            for one in chosen:
                if not as_json:
                    print(f"■ {one.id}: {output.say(one.title)}", flush=True)
                journal = Journal(
                    ledger=plane.ledger,
                    run_id=secrets.token_hex(6),
                    drill=one.id,
                    actor=actor.name,
                    title=one.title,
                )
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
    output.show_table(_COLUMNS, [row_of(one, by_drill.get(one.id)) for one in experiments])
    if not outcomes:
        print(
            output.say(Text(ja="→ `hrx recover drill --all` で実施します", en="→ `hrx recover drill --all`"))
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
