"""Recoveries that an SOP lets run by themselves: those marked `auto` whose plan needs nobody's word.

The wish is a row, so that a kill loses none; one incident has each of them run once."""

from __future__ import annotations

import logging
from typing import Final

from hrx.kit import clock
from hrx.ops.ledger.entries import EntryFilter, Kind
from hrx.ops.ledger.timers import Timer, set_timer
from hrx.ops.operators.roles import Actor, Role
from hrx.ops.plan import ApprovalRule
from hrx.ops.run.executor import new_run_id, resume_run, run_plan
from hrx.ops.run.plane import Plane
from hrx.ops.run.planning import PlanRecord, get_plan, propose
from hrx.ops.run.records import RunState, list_runs
from hrx.ops.triage.result import TriageResult

_log = logging.getLogger("hrx.ops.triage")
AUTO: Final = "triage.auto"
_ACTOR: Final = Actor(name="auto", role=Role.RESPONDER, is_operator=False)


def set_auto(plane: Plane, subject: str, result: TriageResult) -> int:
    """Have the automatic recoveries of the blamed cause run, each once for this incident; gives how many."""
    cause = result.first_cause
    if cause is None:
        return 0
    wanted = [
        item
        for item in cause.proposals
        if item.is_auto and not item.missing and _find_plan(plane, subject, item.procedure) is None
    ]
    with plane.ledger.store.write() as connection:
        for item in wanted:
            payload = {"procedure": item.procedure, "params": dict(item.params), "cause": cause.id}
            set_timer(
                connection,
                kind=AUTO,
                subject=subject,
                name=item.procedure,
                due_at=clock.now(),
                payload=payload,
            )
    return len(wanted)


def run_auto(plane: Plane, timer: Timer) -> None:
    """Plan and run it; what an earlier try left unfinished is gone on with."""
    procedure = str(timer.payload["procedure"])
    record = _find_plan(plane, timer.subject, procedure)
    if record is None:
        record = propose(
            plane,
            procedure,
            params=dict(timer.payload["params"]),
            reason=_reason(timer.subject),
            actor=_ACTOR,
        )
    if record.plan.approval_needed is not ApprovalRule.NONE:
        _log.warning("triage.auto_needs_a_word", extra={"fields": {"plan": record.seq}})
        return
    runs = [run for run in list_runs(plane, subject=record.plan.lock) if run.plan_seq == record.seq]
    if not runs:
        run_plan(plane, record.seq, actor=_ACTOR, run_id=new_run_id())
    elif runs[0].state is RunState.DIED:
        resume_run(plane, runs[0].run_id, actor=_ACTOR)


def _reason(subject: str) -> str:
    return f"auto {subject}"


def _find_plan(plane: Plane, subject: str, procedure: str) -> PlanRecord | None:
    wanted = EntryFilter(kinds=(Kind.PLAN,), actor=_ACTOR.name, text=f'"reason":"{_reason(subject)}"')
    for entry in plane.ledger.list_entries(wanted, limit=20):
        if entry.body["plan"]["procedure"] == procedure:
            return get_plan(plane, entry.seq)
    return None
