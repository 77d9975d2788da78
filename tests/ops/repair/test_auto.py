"""What an SOP lets run by itself: once an incident, resumed after a kill, and never without its word."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.ledger.entries import EntryFilter, Kind
from hrx.ops.ledger.timers import Timer, list_timers
from hrx.ops.run.plane import Plane
from hrx.ops.run.records import RunState, list_runs
from hrx.ops.runbook.sops import get_sop
from hrx.ops.triage.proposing import Proposer
from hrx.ops.triage.recovering import AUTO, run_auto, set_auto
from hrx.ops.triage.result import CauseSeen, Evidence, TriageResult, Verdict

pytestmark = pytest.mark.req("R5.2-2", "R5.2-3")
SUBJECT = "incident:7"


def a_result(plane: Plane, cause_id: str) -> TriageResult:
    """A triage of 5.2.6 that blames this cause, with what the SOP proposes for it."""
    sop = get_sop(plane.content.sops, "5.2.6")
    cause = next(item for item in sop.causes if item.id == cause_id)
    nothing = Text(ja="–", en="–")
    evidence = {
        f"5.2.6/{probe.key}": Evidence(
            id=probe.key,
            check=probe.check,
            params={},
            title=nothing,
            facts={"top_user_id": 12, "top_source": "203.0.113.x#0123abcd"},
            failure=None,
            latency_ms=1,
            raw="",
        )
        for probe in sop.probes
    }
    seen = CauseSeen(
        id=cause.id,
        sop=sop.id,
        title=cause.title,
        component=cause.component,
        verdict=Verdict.SUPPORTED,
        predictions=(),
        proposals=Proposer(procedures=plane.content.procedures).propose(sop, cause, evidence=evidence),
        advice=cause.advice,
    )
    return TriageResult(sop=sop.id, started_at=clock.now(), took_ms=1, evidence=(), causes=(seen,))


def due(plane: Plane) -> list[Timer]:
    return [timer for timer in list_timers(plane.ledger.store, subject=SUBJECT) if timer.kind == AUTO]


def test_evidence_is_kept_by_itself_once_an_incident_and_nothing_else_is_done(repairing: Plane) -> None:
    result = a_result(repairing, "account-misused")
    assert [item.procedure for item in result.causes[0].proposals] == [
        "keep-evidence",
        "lock-account",
        "revoke-sessions",
    ]
    assert result.causes[0].proposals[1].params == {"account": "12"}
    assert set_auto(repairing, SUBJECT, result) == 1
    [timer] = due(repairing)
    run_auto(repairing, timer)
    # A worker whose lease ran out does it again, and the next triage of the same incident wants it again.
    run_auto(repairing, timer)
    assert set_auto(repairing, SUBJECT, result) == 0
    runs = list_runs(repairing)
    assert [(run.state, run.actor) for run in runs] == [(RunState.SUCCEEDED, "auto")]
    plans = repairing.ledger.list_entries(EntryFilter(kinds=(Kind.PLAN,)))
    assert [entry.body["plan"]["procedure"] for entry in plans] == ["keep-evidence"]


def test_a_recovery_that_needs_somebodys_word_does_not_run_whatever_the_sop_says(repairing: Plane) -> None:
    timer = Timer(
        id=1,
        kind=AUTO,
        subject=SUBJECT,
        name="restart-part",
        due_at=clock.now() - timedelta(seconds=1),
        tries=1,
        payload={"procedure": "restart-part", "params": {"part": "worker"}},
    )
    run_auto(repairing, timer)
    assert list_runs(repairing) == []
