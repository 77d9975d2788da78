"""On the running stack every rule sees what it is about, and the dead man's switch is heard."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from hrx.ops.observe.blindness.judging import RuleState, Sight, judge_sight
from hrx.ops.observe.blindness.looking import look_at_rules
from hrx.ops.observe.rules.inputs import inputs_of
from hrx.ops.runbook.watch.content import load_watch
from hrx.ops.seams.http import HttpSeam
from tests.acceptance.operating import eventually
from tests.conftest import ROOT, Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(300),
    pytest.mark.req("R4.3-1"),
]


def list_blind(stack: Stack) -> list[Sight]:
    """The rules that cannot see now, by what the stack's own Prometheus says."""
    watch = load_watch(ROOT / "runbook")
    inputs = {rule.name: inputs_of(rule, watch.slos) for rule in watch.rules}
    http = HttpSeam(timeout_s=5)
    try:
        url = f"http://127.0.0.1:{stack.ports['prometheus']}"
        looked = look_at_rules(http, url, [one for found in inputs.values() for one in found])
    finally:
        http.close()
    sights = [judge_sight(rule, inputs[rule.name], looked) for rule in watch.rules]
    return [one for one in sights if one.is_blind and one.state is not RuleState.NOT_FED]


def test_every_rule_that_should_see_does(stack: Stack) -> None:
    """A metric, label or part that is called otherwise than the rules think shows here."""
    eventually(lambda: not list_blind(stack), within_s=90, what="rules that see")


def test_prometheus_calls_parts_as_everybody_does(stack: Stack) -> None:
    parts = {path.stem for path in Path(stack.var / "prometheus" / "targets").glob("*.json")}
    assert "haproxy" in parts
    assert "edge" not in parts


@pytest.mark.req("R4.3-2")
def test_the_watchdog_is_heard_through_alertmanager_again_and_again(stack: Stack) -> None:
    def age() -> float | None:
        found: float | None = httpx.get(f"{stack.console_url}/heartbeat", timeout=5).json()["watchdog_age_s"]
        return found

    missing_s = load_watch(ROOT / "runbook").routes.missing_after_s
    eventually(lambda: age() is not None, within_s=60, what="the watchdog")
    ages: list[float] = []

    def comes_again() -> bool:
        ages.append(age() or 0.0)
        return any(later < sooner for sooner, later in pairwise(ages))

    eventually(comes_again, within_s=missing_s, what="the watchdog once more")
    assert max(ages) < missing_s
