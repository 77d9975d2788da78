"""Ten thousand signals become one incident and none is lost, also when the plane is killed in between."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from hrx.kit import clock
from hrx.ops.incidents.intake import take_signals
from hrx.ops.ledger.entries import open_ledger
from hrx.ops.ledger.incidents import list_incidents, list_unresolved
from hrx.ops.ledger.signals import count_signals
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity, SignalSource
from tests.conftest import ROOT, free_port
from tests.ops.incidents.conftest import make_signal, unresolved

pytestmark = pytest.mark.req("R5.1-1")
BODIES, PER_BODY = 10, 1000
#: Moments after the start of sending at which the console is killed, in seconds.
KILLS_S = (0.15, 0.5, 0.9)


def body(number: int) -> dict[str, Any]:
    """What Alertmanager sends when a thousand series of twenty rules fire at once."""
    return {
        "version": "4",
        "alerts": [
            {
                "status": "firing",
                "fingerprint": f"{number:04x}{index:04x}",
                "labels": {
                    "alertname": f"Rule{index % 20}",
                    "severity": "warning",
                    "route": f"/api/{number}/{index}",
                },
                "annotations": {"summary": f"Route {index} of {number} is slow"},
                "startsAt": "2026-11-24T01:00:00Z",
            }
            for index in range(PER_BODY)
        ],
    }


@contextmanager
def console(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The console as a process of its own, which looks at nothing while this takes."""
    environment = {
        "HRX_VAR_DIR": str(folder),
        "HRX_LEDGER_URL": f"sqlite:///{folder / 'ledger.sqlite3'}",
        "HRX_OPS_PORT": str(port),
        "HRX_OPS_HOOK_TOKEN": "token-of-the-storm",
        "HRX_LOOK_INTERVAL_S": "60",
        "HRX_LOG_LEVEL": "ERROR",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "hrx.ops.console"],
        env={**os.environ, **environment},
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(timeout=10)


def send(client: httpx.Client, waiting: list[int], *, until: float | None) -> None:
    """Send bodies until each was answered 2xx, as Alertmanager does; stop at that time."""
    while waiting and (until is None or time.monotonic() < until):
        try:
            answer = client.post("/hooks/alertmanager", json=body(waiting[0]))
        except httpx.HTTPError:
            time.sleep(0.05)
            continue
        assert answer.status_code in (200, 503), answer.text
        if answer.status_code == 200:
            waiting.pop(0)


def test_a_storm_survives_the_plane_being_killed_in_the_middle(tmp_path: Path) -> None:
    port, waiting = free_port(), list(range(BODIES))
    headers = {"Authorization": "Bearer token-of-the-storm"}
    address = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=address, headers=headers, trust_env=False, timeout=20) as client:
        for kill_s in KILLS_S:
            with console(tmp_path, port) as process:
                wait_until_alive(client)
                killer = subprocess.Popen(["sh", "-c", f"sleep {kill_s}; kill -9 {process.pid}"])
                send(client, waiting, until=time.monotonic() + kill_s)
                killer.wait(timeout=10)
        assert waiting, "everything was sent before the last kill: the test shows nothing"
        with console(tmp_path, port):
            wait_until_alive(client)
            send(client, waiting, until=None)
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    with ledger.store.read() as connection:
        found = list_unresolved(connection)
    told = {one.id: count_signals(ledger.store, incident_id=one.id) for one in found}
    # On a busy machine the console's own looks may find that it is the only part here; that is no storm.
    (storm,) = [one for one in found if SignalSource.ALERTMANAGER in told[one.id]]
    assert told[storm.id][SignalSource.ALERTMANAGER] == BODIES * PER_BODY
    assert storm.body["is_storm"] is True
    assert ledger.verify().is_valid


def wait_until_alive(client: httpx.Client) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if client.get("/livez").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise AssertionError("the console did not start")


def test_a_storm_of_unrelated_things_is_one_incident_with_its_worst_severity(quiet: Plane) -> None:
    told = [
        make_signal(f"oddity:thing-{index}", part="", severity=Severity.MINOR, name=f"Oddity{index}")
        for index in range(40)
    ]
    told.append(make_signal("oddity:worst", part="", severity=Severity.MAJOR, name="Worst"))
    take_signals(quiet, told)
    (found,) = unresolved(quiet)
    assert found.severity is Severity.MAJOR
    assert len(list_incidents(quiet.ledger.store)) == 1


def test_a_storm_that_goes_on_stays_one_and_what_comes_long_after_it_is_news(quiet: Plane) -> None:
    take_signals(
        quiet, [make_signal(f"odd:thing-{number}", name=f"Odd{number}", part="") for number in range(8)]
    )
    for number in range(8, 13):
        with clock.shifted(timedelta(seconds=50 * (number - 7))):
            take_signals(quiet, [make_signal(f"odd:thing-{number}", name=f"Odd{number}", part="")])
            (storm,) = unresolved(quiet)
    with clock.shifted(timedelta(minutes=30)):
        take_signals(quiet, [make_signal("odd:thing-99", name="Odd99", part="")])
        assert {one.id == storm.id for one in unresolved(quiet)} == {True, False}


def test_a_few_unrelated_things_are_no_storm(quiet: Plane) -> None:
    take_signals(
        quiet,
        [make_signal(f"oddity:thing-{index}", part="", name=f"Oddity{index}") for index in range(4)],
    )
    assert len(unresolved(quiet)) == 4
