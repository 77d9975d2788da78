"""Budgets three ways: the promise, the simulation, and the last drill on record."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.incidents.intake import take_signals
from hrx.ops.ledger.entries import Kind, Ledger
from hrx.ops.observe.rules.budgets import last_drills, list_budgets
from hrx.ops.observe.rules.figures import read_simulated
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.watch.content import Watch
from hrx.ops.signal import Severity, Signal, SignalSource, SignalState
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R4.3-1")


def test_the_last_drill_stands_beside_promise_and_simulation(watch: Watch, ledger: Ledger) -> None:
    for seconds in (9.0, 6.5):
        body = {"alert": "PartDown", "detect_s": seconds, "page_s": seconds + 1}
        ledger.append(Kind.DRILL, actor="test", subject="drill:x", body=body)
    ledger.append(Kind.DRILL, actor="test", subject="drill:y", body={"says": "no alert was waited for"})
    found = {
        one.rule.name: one
        for one in list_budgets(watch.rules, simulated=read_simulated(ROOT / "monitoring"), ledger=ledger)
    }
    budget = found["PartDown"]
    assert budget.simulated is not None
    assert budget.drilled is not None
    assert (budget.promised_s, budget.simulated.total_s, budget.drilled.detect_s) == (12.0, 9.0, 6.5)
    assert budget.is_kept
    assert found["ApiOutage"].drilled is None


def test_a_drill_that_took_longer_than_promised_breaks_the_promise(watch: Watch, ledger: Ledger) -> None:
    body = {"alert": "ApiOutage", "detect_s": 30.0, "page_s": None}
    ledger.append(Kind.DRILL, actor="test", subject="drill:x", body=body)
    broken = [
        one.rule.name for one in list_budgets(watch.rules, simulated={}, ledger=ledger) if not one.is_kept
    ]
    assert broken == ["ApiOutage"]


def test_a_drill_measures_the_rule_itself_and_not_whoever_was_quicker(plane: Plane) -> None:
    began = clock.now() - timedelta(seconds=8)
    number = take_signals(plane, [told(SignalSource.WATCHER, began), told(SignalSource.ALERTMANAGER, began)])
    body = {
        "phase": "measured",
        "alert": "PartDown",
        "detect_s": 2.0,
        "page_s": 3.0,
        "incident_id": number.opened[0],
        "run_at": began.isoformat(),
    }
    plane.ledger.append(Kind.DRILL, actor="test", subject="drill:worker-stopped", body=body)
    drilled = last_drills(plane.ledger)
    assert drilled.keys() == {"PartDown"}
    assert 8 <= drilled["PartDown"].detect_s < 12
    assert drilled["PartDown"].page_s == 3.0


def told(source: SignalSource, at: datetime) -> Signal:
    return Signal(
        source=source,
        key="part-down:worker",
        name="PartDown",
        state=SignalState.FIRING,
        started_at=at,
        summary=Text(ja="止まった", en="It stopped"),
        part="worker",
        severity=Severity.MAJOR,
        labels={"source": source.value},
    )
