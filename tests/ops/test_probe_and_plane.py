"""Probe and plane together: what the probe tells opens an incident, and the heartbeat says who is alive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.ledger.incidents import get_incident
from hrx.ops.ledger.signals import Condition, find_conditions
from hrx.ops.probe.looking import Outsider
from hrx.ops.probe.reporting import Reporter, signal_to_json
from hrx.ops.probe.targets import PLANE, ProbeTarget, TargetKind
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity, Signal, SignalSource, SignalState
from tests.ops.browsing import serving

pytestmark = pytest.mark.req("R5.2-2")
TOKEN = "hook-token-of-the-tests"


@pytest.fixture
def console(plane: Plane) -> Iterator[str]:
    with serving(plane) as address:
        yield address


def signal(state: SignalState = SignalState.FIRING, *, after_s: int = 0) -> Signal:
    return Signal(
        source=SignalSource.PROBE,
        key="probe-failed:portal",
        name="HrxProbeFailed",
        state=state,
        started_at=clock.now() + timedelta(seconds=after_s),
        summary=Text(ja="画面が開きません", en="The portal does not open"),
        severity=Severity.CRITICAL,
        sop="5.2.1",
    )


def condition(plane: Plane) -> Condition | None:
    with plane.ledger.store.read() as connection:
        return find_conditions(connection, ["probe-failed:portal"]).get("probe-failed:portal")


def test_what_the_probe_tells_opens_one_incident_however_often_it_is_told(console: str, plane: Plane) -> None:
    reporter = Reporter(url=f"{console}/hooks/signals", token=TOKEN)
    told = signal()
    reporter.tell(told)
    assert reporter.flush() == 1
    reporter.tell_all_again()
    assert reporter.flush() == 1
    found = condition(plane)
    assert found is not None
    assert found.incident_id is not None
    assert get_incident(plane.ledger.store, found.incident_id).severity is Severity.CRITICAL
    assert found.signals == 1


def test_a_wrong_token_or_a_wrong_body_is_refused_and_keeps_waiting(console: str, plane: Plane) -> None:
    reporter = Reporter(url=f"{console}/hooks/signals", token="guessed")
    reporter.tell(signal())
    assert reporter.flush() == 0
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for body in ({}, {"signals": [{"key": "x"}]}, {"signals": "all"}):
        answer = httpx.post(f"{console}/hooks/signals", json=body, headers=headers, trust_env=False)
        assert answer.status_code == 422
    assert condition(plane) is None


def test_nobody_can_speak_as_the_watcher_through_this_door(console: str, plane: Plane) -> None:
    body = {"signals": [{**signal_to_json(signal()), "source": "watcher"}]}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = httpx.post(f"{console}/hooks/signals", json=body, headers=headers, trust_env=False)
    assert answer.json()["new"] == 1
    found = condition(plane)
    assert found is not None
    assert found.source is SignalSource.WEBHOOK


def test_the_heartbeat_tells_when_the_ticker_last_ticked(console: str) -> None:
    plane_target = ProbeTarget(
        name=PLANE,
        kind=TargetKind.PLANE,
        address=f"{console}/heartbeat",
        title=Text(ja="運用", en="plane"),
        sop="5.2.2",
    )
    assert Outsider(timeout_s=2).look(plane_target).is_well
    ages = httpx.get(f"{console}/heartbeat", trust_env=False).json()
    assert ages["tick_age_s"] < 5
    assert ages["look_age_s"] < 30
    assert ages["rules_age_s"] < 60
    assert ages["watchdog_age_s"] is None, "nobody has told it"
