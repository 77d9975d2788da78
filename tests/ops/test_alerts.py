"""Alerts: taken through a door with a token, recorded once for each change, never mistaken for none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from hrx.kit import clock
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind
from hrx.ops.ledger.incidents import list_unresolved
from hrx.ops.observe.alerts import list_recent
from hrx.ops.observe.watching import Watcher
from hrx.ops.operators.roles import Role
from hrx.ops.run.plane import Plane
from hrx.ops.targets.rising import rising
from tests.ops.browsing import Browser, serving, wait_for
from tests.ops.conftest import make_operator

pytestmark = pytest.mark.req("R4.3-2")


def notification(*, status: str = "firing", fingerprint: str = "f1") -> dict[str, Any]:
    return {
        "version": "4",
        "alerts": [
            {
                "status": status,
                "fingerprint": fingerprint,
                "labels": {"alertname": "ApiDown", "severity": "critical"},
                "annotations": {"summary": "The API does not answer"},
                "startsAt": "2026-11-24T01:00:00.123456789Z",
            }
        ],
    }


@pytest.fixture
def hook(plane: Plane) -> Iterator[httpx.Client]:
    with (
        serving(plane) as address,
        httpx.Client(
            base_url=address,
            trust_env=False,
            headers={"Authorization": "Bearer hook-token-of-the-tests"},
        ) as client,
    ):
        yield client


def test_one_alert_told_many_times_is_two_entries_in_the_end(hook: httpx.Client, plane: Plane) -> None:
    for status in ("firing", "firing", "firing", "resolved", "resolved"):
        assert hook.post("/hooks/alertmanager", json=notification(status=status)).status_code == 200
    entries = plane.ledger.list_entries(EntryFilter(kinds=(Kind.ALERT,)))
    assert [entry.body["state"] for entry in entries] == ["resolved", "firing"]
    assert entries[0].subject == "alert:ApiDown"


def test_what_cannot_be_put_on_record_is_refused_as_retryable_and_taken_when_it_comes_again(
    hook: httpx.Client, plane: Plane
) -> None:
    def rename(before: str, after: str) -> None:
        with plane.ledger.store.write() as connection:
            connection.exec_driver_sql(f"ALTER TABLE {before} RENAME TO {after}")

    rename("signal", "signal_away")
    assert hook.post("/hooks/alertmanager", json=notification()).status_code == 503
    rename("signal_away", "signal")
    assert unresolved_count(plane) == 0
    for _ in range(2):
        assert hook.post("/hooks/alertmanager", json=notification()).status_code == 200
    assert unresolved_count(plane) == 1
    assert len(plane.ledger.list_entries(EntryFilter(kinds=(Kind.ALERT,)))) == 1


def test_what_alertmanager_tells_while_the_place_is_brought_up_is_left_to_the_watchers_own_look(
    plane: Plane, tmp_path: Path
) -> None:
    marked = replace(plane, settings=plane.settings.model_copy(update={"var_dir": tmp_path}))
    headers = {"Authorization": "Bearer hook-token-of-the-tests"}
    with (
        serving(marked) as address,
        httpx.Client(base_url=address, trust_env=False, headers=headers) as client,
        rising(tmp_path),
    ):
        answer = client.post("/hooks/alertmanager", json=notification())
        assert (answer.status_code, answer.json()["recorded"]) == (200, 0)
        assert list_alerts(plane) == []


def list_alerts(plane: Plane) -> list[Entry]:
    return plane.ledger.list_entries(EntryFilter(kinds=(Kind.ALERT,)))


def unresolved_count(plane: Plane) -> int:
    with plane.ledger.store.read() as connection:
        return len(list_unresolved(connection))


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Basic hook-token-of-the-tests", "Bearer"])
def test_the_door_opens_only_to_its_token(hook: httpx.Client, plane: Plane, header: str) -> None:
    answer = hook.post("/hooks/alertmanager", json=notification(), headers={"Authorization": header})
    assert answer.status_code == 403
    assert plane.ledger.count() == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"alerts": 3}',
        b'{"alerts": [3]}',
        b'{"alerts": [{"labels": {}, "startsAt": "x", "fingerprint": "f"}]}',
        json.dumps(
            {"alerts": [{"labels": {}, "startsAt": "2026-01-01T00:00:00Z", "fingerprint": ""}]}
        ).encode(),
        json.dumps({"alerts": [{}] * 1001}).encode(),
    ],
)
def test_anything_else_is_refused_and_not_recorded(hook: httpx.Client, plane: Plane, content: bytes) -> None:
    answer = hook.post("/hooks/alertmanager", content=content)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert plane.ledger.count() == 0


class _Alertmanager(BaseHTTPRequestHandler):
    """A stand-in for Alertmanager's /api/v2/alerts; the server holds the list."""

    def do_GET(self) -> None:
        payload = json.dumps(self.server.alerts).encode()  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def alertmanager() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Alertmanager)
    server.alerts = []  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(timeout=10)


def test_alerts_are_also_pulled_and_a_lost_all_clear_is_made_up_for(
    plane: Plane, alertmanager: ThreadingHTTPServer
) -> None:
    from dataclasses import replace

    url = f"http://127.0.0.1:{alertmanager.server_address[1]}"
    pulling = replace(plane, settings=plane.settings.model_copy(update={"alertmanager_url": url}))
    watcher = Watcher(pulling)
    alertmanager.alerts = [  # type: ignore[attr-defined]
        {**notification()["alerts"][0], "status": {"state": "active"}}
    ]
    found = watcher.look_once()
    assert found.alerts is not None
    assert [alert.name for alert in found.alerts] == ["ApiDown"]
    alertmanager.alerts = []  # type: ignore[attr-defined]
    watcher.look_once()
    assert list_recent(plane.ledger)[0].state == "firing", "resolved too early: a notice may be on its way"
    with clock.shifted(timedelta(minutes=2)):
        watcher.look_once()
    assert list_recent(plane.ledger)[0].state == "resolved"


def test_a_silent_alertmanager_is_shown_as_unknown_and_not_as_quiet(plane: Plane) -> None:
    make_operator(plane.ledger, "viewer", role=Role.VIEWER)
    assert Watcher(plane).look_once().alerts is None
    with serving(plane) as address:
        browser = Browser(address)
        browser.sign_in("viewer")
        wait_for(browser, "/fragments/alerts", "That is not the same as none")
        browser.close()
