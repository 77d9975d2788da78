"""How a rollout looks: its plan, its steps as they are taken, the comparison, and its end."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import typer

from hrx.cli import output
from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.release.gating.wording import HEADINGS, ComparisonView, row_cells
from hrx.ops.release.releases import CheckResult, Outcome
from hrx.ops.release.strategies.progress import Progress, Stand
from hrx.ops.release.strategies.rollout import Rollout, plan_steps
from hrx.ops.release.strategies.wording import STRATEGIES, say_progress, say_step, show_comparisons
from hrx.ops.release.wording import OUTCOMES, count_checks

_MARKS: Final = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.NOT_CHECKED: "−"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a rollout ended, and whether models and indexes followed the requests."""

    progress: Progress
    is_followed: bool


def show_plan(rollout: Rollout, *, as_json: bool) -> None:
    """The steps that a rollout would take."""
    steps = plan_steps(rollout)
    if as_json:
        output.show_json(
            {
                "release": rollout.release_id,
                "slot": rollout.new,
                "strategy": rollout.strategy,
                "steps": [
                    {"kind": step.kind, "services": step.services, "percent": step.percent} for step in steps
                ],
                "dry_run": True,
            }
        )
        return
    print(f"{rollout.release_id} → {rollout.new}: {output.say(STRATEGIES[rollout.strategy])}")
    for number, step in enumerate(steps, start=1):
        print(f"  {number}. {output.say(say_step(step))}")


def tell_step(progress: Progress) -> None:
    """One line for each step, on standard error: standard output is for the result."""
    step = progress.current
    if progress.stand is Stand.RUNNING and step is not None:
        line = output.say(say_step(step))
    else:
        line = output.say(say_progress(progress))
    print(f"{output.moment(clock.now(), to_second=True)}  {line}", file=sys.stderr, flush=True)


def print_checks(checks: Sequence[CheckResult]) -> None:
    """What was checked of the release before it went anywhere."""
    print(
        f"\n{output.say(Text(ja='リリースの検査', en='Checks of the release'))}: "
        f"{output.say(count_checks(checks))}"
    )
    for one in checks:
        detail = f" — {one.detail}" if one.detail else ""
        print(f"  {_MARKS[one.outcome]} {one.name}: {output.say(OUTCOMES[one.outcome])}{detail}")


def print_comparison(view: ComparisonView) -> None:
    """Both versions side by side, and what the gate makes of them."""
    rows = [[output.say(cell) for cell in row_cells(row)] for row in view.rows]
    output.show_table(
        HEADINGS, rows, title=Text(ja=f"{view.service} の比較", en=f"Comparison of {view.service}")
    )
    print(f"  {output.say(view.verdict)}: {output.say(view.reason)}")
    print(f"  {output.say(view.harm)}")
    print(f"  {output.say(view.evidence)}")


def rollout_document(progress: Progress) -> dict[str, object]:
    """The same as JSON."""
    return {
        "rollout": progress.rollout.id,
        "release": progress.rollout.release_id,
        "strategy": progress.rollout.strategy,
        "slot": progress.rollout.new,
        "stand": progress.stand,
        "reason": progress.reason,
        "step": progress.step,
        "steps": [step.kind for step in plan_steps(progress.rollout)],
        "bad_answers": round(progress.total_harm, 1),
        "left_open": progress.left_open,
        "comparisons": [
            {
                "service": view.service,
                "verdict": view.verdict.en,
                "reason": view.reason.en,
                "rows": [
                    {
                        "slot": row.slot,
                        "share_percent": row.weight_percent,
                        "requests": row.requests,
                        "errors": row.errors,
                        "p95_ms": row.p95_ms,
                    }
                    for row in view.rows
                ],
            }
            for view in show_comparisons(progress)
        ],
        "events": [
            {"at": event.at, "step": event.step, "stand": event.stand, "reason": event.reason}
            for event in progress.events
        ],
    }


def finish(
    ended: Ended, *, wanted: Stand, as_json: bool, checks: Sequence[Mapping[str, object]] = ()
) -> None:
    """Tell the end. Exit code 1: not as wanted, or models and indexes did not follow."""
    progress = ended.progress
    if as_json:
        told = {"is_followed": ended.is_followed, **({"checks": list(checks)} if checks else {})}
        output.show_json({**rollout_document(progress), **told})
    else:
        print(output.say(say_progress(progress)))
    if progress.stand is not wanted or not ended.is_followed:
        raise typer.Exit(output.FAILED)
