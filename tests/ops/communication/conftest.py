"""The quiet plane of the incidents' tests, and a real status process on its files."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import psutil
import pytest

from hrx.kit import clock
from hrx.kit.settings import SecretStr, to_environment
from hrx.ops.console.duties import DECISIONS
from hrx.ops.incidents.intake import take_signals
from hrx.ops.ledger.entries import Entry
from hrx.ops.operators.roles import Actor, Role
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity
from hrx.ops.tick import Ticker
from tests.conftest import free_port
from tests.ops.incidents.conftest import make_signal, story, unresolved
from tests.ops.incidents.conftest import quiet as quiet


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusProcess:
    """A running `python -m hrx.ops.status`."""

    url: str
    pid: int

    def get(self, path: str, *, language: str = "en") -> httpx.Response:
        with httpx.Client(trust_env=False, timeout=10) as client:
            return client.get(self.url + path, headers={"Accept-Language": language})

    @property
    def size_mb(self) -> float:
        return float(psutil.Process(self.pid).memory_info().rss) / 1e6


@contextmanager
def serving_status(plane: Plane, *, port: int) -> Iterator[StatusProcess]:
    """The status process with only what the machine would give it: no ledger, no token."""
    known = to_environment(plane.settings)
    process = subprocess.Popen(
        [sys.executable, "-m", "hrx.ops.status"],
        env={"PATH": "", "HRX_VAR_DIR": known["HRX_VAR_DIR"], "HRX_STATUS_PORT": str(port)},
    )
    page = StatusProcess(url=f"http://127.0.0.1:{port}", pid=process.pid)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            page.get("/livez")
            break
        except httpx.TransportError:
            time.sleep(0.05)
    try:
        yield page
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture
def status_page(quiet: Plane) -> Iterator[StatusProcess]:
    """A running status process on the files of the quiet plane."""
    with serving_status(quiet, port=free_port()) as page:
        yield page


MANAGER = Actor(name="watanabe", role=Role.RESPONDER, is_operator=True)
APPROVER = Actor(name="nakamura", role=Role.APPROVER, is_operator=True)


@pytest.fixture
def speaking(quiet: Plane) -> Plane:
    """The quiet plane with mail and Slack configured, so that messages are put into the outbox."""
    settings = quiet.settings.model_copy(
        update={"smtp_host": "127.0.0.1", "slack_bot_token": SecretStr("xoxb-for-tests")}
    )
    return replace(quiet, settings=settings)


def open_incident(
    plane: Plane, key: str = "part-down:postgres", *, severity: Severity = Severity.CRITICAL
) -> int:
    """An incident that customers notice; gives its number."""
    take_signals(plane, [make_signal(key, severity=severity)])
    return unresolved(plane)[-1].id


def turn(plane: Plane, *, after: timedelta = timedelta(0)) -> None:
    """Take every decision that is due at that time, until none is; no message is really sent."""
    ticker = Ticker(plane, decisions=DECISIONS, works={}, rounds=())
    with clock.shifted(after):
        while ticker.tick():
            pass
    ticker.stop()


def told(plane: Plane, incident_id: int, change: str) -> list[Entry]:
    """What communication put on record about an incident, oldest first."""
    return [one for one in story(plane, incident_id) if one.body.get("change") == change]
