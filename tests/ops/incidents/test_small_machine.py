"""From a killed part to a resolved incident, with nothing but the console's own looks: no Prometheus here."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import replace

import pytest

from hrx.kit import clock
from hrx.ops.console.duties import make_watcher
from hrx.ops.incidents.actions import ending, responding
from hrx.ops.ledger.incidents import Incident, IncidentState, get_incident
from hrx.ops.ledger.timers import list_timers
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity
from tests.ops.conftest import LIVE_PARTS, SmallMachine
from tests.ops.incidents.conftest import RESPONDER, tick, unresolved
from tests.ops.incidents.test_actions import MINUTE

pytestmark = pytest.mark.req("R5.1-1")


@pytest.fixture
def small(plane: Plane) -> Plane:
    """A plane whose runbook knows the live parts only: everything else is absent here, and down."""
    parts = tuple(part for part in plane.content.parts if part.name in LIVE_PARTS)
    return replace(plane, content=replace(plane.content, parts=parts))


def about_worker(plane: Plane) -> list[Incident]:
    return [found for found in unresolved(plane) if found.part == "worker"]


def test_a_killed_part_is_an_incident_within_ten_seconds_and_ends_when_it_is_back(
    small: Plane, machine: SmallMachine
) -> None:
    plane = small
    watcher = make_watcher(plane)
    watcher.look_once()
    watcher.look_once()
    assert about_worker(plane) == []
    watcher.start()
    killed_s = time.monotonic()
    machine.supervisor().stop("worker", timeout_s=10)
    while not about_worker(plane) and time.monotonic() - killed_s < 20:
        time.sleep(0.1)
    (found,) = about_worker(plane)
    assert time.monotonic() - killed_s < 10
    assert found.severity is Severity.CRITICAL
    waiting = [timer.kind for timer in list_timers(plane.ledger.store, subject=found.subject)]
    assert "paging.escalate" in waiting
    watcher.stop()
    responding.acknowledge(plane, found.id, actor=RESPONDER)
    machine.supervisor().start("worker", timeout_s=10)
    for _ in range(40):
        watcher.look_once()
        if [t for t in list_timers(plane.ledger.store, subject=found.subject) if t.kind == "incident.settle"]:
            break
        time.sleep(0.1)
    with clock.shifted(2 * MINUTE):
        tick(plane)
        assert get_incident(plane.ledger.store, found.id).state is IncidentState.MITIGATED
        ending.resolve(plane, found.id, reason="the worker was killed", actor=RESPONDER)
    assert get_incident(plane.ledger.store, found.id).state is IncidentState.RESOLVED


def test_what_the_ledger_could_not_take_is_told_again(
    small: Plane, machine: SmallMachine, ledger_url: str
) -> None:
    plane = small
    watcher = make_watcher(plane)
    watcher.look_once()
    machine.set_mood("worker", "not_ready")
    path = ledger_url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE signal RENAME TO hidden")
    for _ in range(3):
        assert watcher.look_once().problem is not None or not about_worker(plane)
    assert about_worker(plane) == []
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE hidden RENAME TO signal")
    watcher.look_once()
    assert len(about_worker(plane)) == 1
