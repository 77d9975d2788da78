"""Budgets three ways: the promise, the simulation, and the last drill on record."""

from __future__ import annotations

import pytest

from hrx.ops.ledger.entries import Kind, Ledger
from hrx.ops.observe.rules.budgets import list_budgets
from hrx.ops.observe.rules.figures import read_simulated
from hrx.ops.runbook.watch.content import Watch
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
