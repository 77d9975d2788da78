"""A plane that pages into an inbox: the real sender and channels, and stand-ins that speak the protocols."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.kit.settings import SecretStr
from hrx.ops.channels.opening import open_channels
from hrx.ops.inbox.app import build_inbox
from hrx.ops.inbox.box import Box, Message, StandIn
from hrx.ops.inbox.mail import open_mail_door
from hrx.ops.incidents.actions.responding import acknowledge
from hrx.ops.ledger.incidents import Incident, IncidentState, add_incident
from hrx.ops.ledger.timers import set_timer
from hrx.ops.operators.roles import Actor, Role
from hrx.ops.paging.escalation import ESCALATE
from hrx.ops.paging.sender import Sender
from hrx.ops.paging.timers import DECISIONS
from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.settings import OpsSettings
from hrx.ops.signal import Severity
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.tick import Ticker
from tests.conftest import ROOT, free_port

TOKEN = "xoxb-of-the-tests"
SIGNING_SECRET = "signing-secret-of-the-tests"
ROUTING_KEY = "routing-key-of-the-tests"
WEBHOOK_SECRET = "webhook-secret-of-the-tests"
SECRETS = (TOKEN, SIGNING_SECRET, ROUTING_KEY, WEBHOOK_SECRET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """A running inbox."""

    box: Box
    http_port: int
    smtp_port: int

    def messages(self, stand_in: StandIn | None = None, *, to: str | None = None) -> list[Message]:
        """What arrived, oldest first."""
        found = reversed(self.box.list_newest())
        return [
            one
            for one in found
            if (stand_in is None or one.stand_in is stand_in) and (to is None or one.to == to)
        ]

    def wait_for(self, count: int, stand_in: StandIn | None = None, *, within_s: float = 10) -> list[Message]:
        deadline = time.monotonic() + within_s
        while len(self.messages(stand_in)) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        found = self.messages(stand_in)
        assert len(found) >= count, f"only {len(found)} of {count} arrived"
        return found


def reach_settings(settings: OpsSettings, *, http_port: int, smtp_port: int) -> OpsSettings:
    """The settings with every channel pointing at an inbox."""
    base = f"http://127.0.0.1:{http_port}"
    return settings.model_copy(
        update={
            "slack_api_url": f"{base}/slack/api/",
            "slack_bot_token": SecretStr(TOKEN),
            "slack_signing_secret": SecretStr(SIGNING_SECRET),
            "smtp_host": "127.0.0.1",
            "smtp_port": smtp_port,
            "pagerduty_events_url": f"{base}/pagerduty",
            "pagerduty_routing_key": SecretStr(ROUTING_KEY),
            "webhook_url": f"{base}/webhook",
            "webhook_secret": SecretStr(WEBHOOK_SECRET),
            "notify_timeout_s": 1.0,
            "inbox_port": http_port,
            "inbox_smtp_port": smtp_port,
        }
    )


@pytest.fixture
def paging_settings(tmp_path: Path) -> OpsSettings:
    """A plane of its own in a folder of this test; nothing of the stack runs."""
    plain = OpsSettings(
        var_dir=tmp_path,
        runbook_dir=ROOT / "runbook",
        ledger_url=SecretStr(f"sqlite:///{tmp_path / 'ledger.sqlite3'}"),
        language="en",
    )
    return reach_settings(plain, http_port=free_port(), smtp_port=free_port())


@pytest.fixture
def inbox(paging_settings: OpsSettings, tmp_path: Path) -> Iterator[Inbox]:
    """A real inbox on ports of its own."""
    box = Box(tmp_path / "inbox" / "messages.jsonl")
    mail = open_mail_door(box, port=paging_settings.inbox_smtp_port)
    server = uvicorn.Server(
        uvicorn.Config(
            build_inbox(paging_settings, box),
            host="127.0.0.1",
            port=paging_settings.inbox_port,
            log_config=None,
            access_log=False,
            # What hangs on purpose must not hold up the end of the test.
            timeout_graceful_shutdown=0,
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 15
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.started
    yield Inbox(box=box, http_port=paging_settings.inbox_port, smtp_port=paging_settings.inbox_smtp_port)
    server.should_exit = True
    server.force_exit = True
    thread.join(timeout=10)
    mail.stop()


@pytest.fixture
def paging_plane(paging_settings: OpsSettings, tmp_path: Path) -> Iterator[Plane]:
    target = Machine(Layout(root=ROOT, var=tmp_path, tools=tmp_path / "tools", user=None))
    with opened_plane(paging_settings, target=target) as opened:
        yield opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A plane with its ticker and sender, moved by hand."""

    plane: Plane
    sender: Sender
    ticker: Ticker

    def tick(self) -> None:
        """Do what is due and wait until it is sent; what that makes due is done too."""
        for _ in range(2):
            self.ticker.tick()
            assert self.sender.drain(within_s=15)

    def open(
        self, severity: Severity = Severity.CRITICAL, *, is_security: bool = False, is_drill: bool = False
    ) -> Incident:
        """An incident with its escalation due now, as `incidents` opens one."""
        return open_incident(self.plane, severity, is_security=is_security, is_drill=is_drill)

    def acknowledge(self, incident: Incident, *, by: str = "sato") -> None:
        acknowledge(self.plane, incident.id, actor=Actor(name=by, role=Role.RESPONDER, is_operator=True))


def open_incident(
    plane: Plane, severity: Severity, *, is_security: bool = False, is_drill: bool = False
) -> Incident:
    with plane.ledger.store.write() as connection:
        incident = add_incident(
            connection,
            Incident(
                id=0,
                state=IncidentState.OPEN,
                severity=severity,
                title=Text(ja="API が応答しません", en="The API does not answer"),
                part="api-blue",
                sop="5.2.2",
                opened_at=clock.now(),
                is_security=is_security,
                is_drill=is_drill,
            ),
        )
        set_timer(
            connection, kind=ESCALATE, subject=incident.subject, due_at=clock.now(), payload={"step": 0}
        )
    return incident


@pytest.fixture
def desk(paging_plane: Plane) -> Iterator[Desk]:
    sender = Sender(paging_plane, open_channels(paging_plane.settings))
    ticker = Ticker(paging_plane, decisions=DECISIONS, works={}, rounds=(sender.send_due,))
    yield Desk(plane=paging_plane, sender=sender, ticker=ticker)
    sender.close()
