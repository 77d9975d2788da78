"""Plans and runs as text and as JSON, for the commands of `procedure`."""

from __future__ import annotations

from hrx.cli import output
from hrx.kit.errors import Text
from hrx.ops.plan import Effect, Plan, Step, plan_to_json
from hrx.ops.run.records import RunRecord, StepState

_MARKS = {
    StepState.PENDING: "·",
    StepState.RUNNING: "…",
    StepState.DONE: "✓",
    StepState.FAILED: "✗",
    StepState.UNDONE: "↩",
    StepState.UNDO_FAILED: "✗",
}


def plan_document(plan: Plan, *, seq: int | None) -> dict[str, object]:
    """The plan as JSON; `plan` is its number, null when it is not on record."""
    return {
        "plan": seq,
        "plan_hash": plan.plan_hash,
        "approval_needed": plan.approval_needed.value,
        "is_irreversible": plan.is_irreversible,
        **plan_to_json(plan),
    }


def run_document(run: RunRecord) -> dict[str, object]:
    """The run as JSON."""
    return {
        "run": run.run_id,
        "plan": run.plan_seq,
        "state": run.state.value,
        "actor": run.actor,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "message": output.say(run.message) if run.message else None,
        "steps": [
            {"key": item.step.key, "state": item.state.value, "is_proof": item.is_proof} for item in run.steps
        ],
    }


def show_plan(plan: Plan, *, seq: int | None) -> None:
    """A plan as people read it before deciding."""
    number = output.say(Text(ja=f"計画 {seq}: ", en=f"Plan {seq}: ")) if seq is not None else ""
    print(f"{number}{output.say(plan.title)}")
    facts = (
        (Text(ja="影響", en="Impact"), f"{output.word('risk', plan.risk)} — {output.say(plan.impact)}"),
        (Text(ja="承認", en="Approval"), output.word("rule", plan.approval_needed)),
        (Text(ja="ハッシュ", en="Hash"), plan.plan_hash),
    )
    output.show_facts(facts)
    print()
    columns = (
        Text(ja="", en=""),
        Text(ja="手順", en="Step"),
        Text(ja="動作", en="Action"),
        Text(ja="制限", en="Limit"),
        Text(ja="取り消し", en="Undo"),
    )
    rows = [_step_row(str(number), step) for number, step in enumerate(plan.steps, start=1)]
    rows += [_step_row("✓", step) for step in plan.proofs]
    output.show_table(columns, rows)


def show_run(run: RunRecord) -> None:
    """A run step by step, and how it ended."""
    for item in run.steps:
        took = ""
        if item.started_at and item.ended_at:
            took = f" ({(item.ended_at - item.started_at).total_seconds():.1f} s)"
        said = f" — {output.say(item.message)}" if item.message else ""
        print(f"  {_MARKS[item.state]} {output.say(item.step.name)}{took}{said}")
    message = f": {output.say(run.message)}" if run.message else ""
    print(f"{run.run_id} {output.word('run', run.state)}{message}")


def _step_row(mark: str, step: Step) -> list[str]:
    undo = step.undo.id if step.undo else "–"
    if step.effect is Effect.IRREVERSIBLE:
        lost = f": {output.say(step.loses)}" if step.loses else ""
        undo = output.say(Text(ja=f"取り消せない{lost}", en=f"irreversible{lost}"))
    elif step.loses:
        lost = output.say(Text(ja="失われる: ", en="lost: ")) + output.say(step.loses)
        undo = f"{undo} ({lost})" if step.undo else f"{output.word('effect', step.effect)} ({lost})"
    return [mark, output.say(step.name), step.action.id, f"{step.timeout_s:g} s", undo]
