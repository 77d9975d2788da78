"""A button pressed in Slack acknowledges; nothing that Slack did not sign does."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

import httpx
import orjson
import pytest

from hrx.kit.errors import Text
from hrx.ops.channels.slack import ACKNOWLEDGE_ACTION, sign_like_slack
from hrx.ops.incidents.actions.regrouping import merge
from hrx.ops.incidents.intake import take_signals
from hrx.ops.ledger.incidents import IncidentState, get_incident, list_incidents
from hrx.ops.operators.accounts import create_operator, disable_operator
from hrx.ops.operators.roles import Actor, Role
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity, Signal, SignalSource, SignalState
from tests.ops.conftest import PASSWORD

pytestmark = pytest.mark.req("R4.3-3")
SECRET = "signing-secret-of-the-tests"


@pytest.fixture
def incident(plane: Plane) -> int:
    take_signals(
        plane,
        [
            Signal(
                source=SignalSource.WEBHOOK,
                key="portal-slow",
                name="PortalSlow",
                state=SignalState.FIRING,
                started_at=datetime.now(UTC),
                summary=Text(ja="ポータルが遅い", en="The portal is slow"),
                severity=Severity.MAJOR,
            )
        ],
    )
    return list_incidents(plane.ledger.store)[0].id


def press(
    console: str, *, user: str, incident: int, at: str | None = None, secret: str = SECRET
) -> httpx.Response:
    payload = {
        "type": "block_actions",
        "user": {"id": user},
        "actions": [{"action_id": ACKNOWLEDGE_ACTION, "value": str(incident)}],
    }
    body = urlencode({"payload": orjson.dumps(payload).decode()}).encode()
    moment = at or str(int(datetime.now(UTC).timestamp()))
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": moment,
        "X-Slack-Signature": sign_like_slack(secret, timestamp=moment, body=body),
    }
    return httpx.post(f"{console}/hooks/slack", content=body, headers=headers, timeout=10, trust_env=False)


def test_a_press_acknowledges_for_the_contact_who_pressed(console: str, plane: Plane, incident: int) -> None:
    answer = press(console, user="U0SUZUKI", incident=incident)
    assert answer.json()["done"]
    found = get_incident(plane.ledger.store, incident)
    assert (found.state, found.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "suzuki")
    late = press(console, user="U0TANAKA", incident=incident)
    assert not late.json()["done"]
    assert "suzuki" in late.json()["text"]


@pytest.mark.parametrize("wrong", ["signature", "age", "person"])
def test_what_slack_did_not_sign_just_now_changes_nothing(
    console: str, plane: Plane, incident: int, wrong: str
) -> None:
    old = str(int(datetime.now(UTC).timestamp()) - 900)
    answer = press(
        console,
        user="U0NOBODY" if wrong == "person" else "U0SUZUKI",
        incident=incident,
        at=old if wrong == "age" else None,
        secret="somebody else's" if wrong == "signature" else SECRET,
    )
    assert answer.status_code == 403
    assert get_incident(plane.ledger.store, incident).state is IncidentState.OPEN


def test_an_operator_who_may_no_longer_sign_in_may_no_longer_press(
    console: str, plane: Plane, incident: int
) -> None:
    create_operator(plane.ledger, "suzuki", role=Role.RESPONDER, password=PASSWORD, by="test")
    disable_operator(plane.ledger, "suzuki", by="test", reason="left")
    answer = press(console, user="U0SUZUKI", incident=incident)
    assert not answer.json()["done"]
    assert get_incident(plane.ledger.store, incident).state is IncidentState.OPEN


def test_the_button_of_a_merged_incident_acknowledges_what_took_it_in(
    console: str, plane: Plane, incident: int
) -> None:
    other = Signal(
        source=SignalSource.WEBHOOK,
        key="disk-slow",
        name="DiskSlow",
        state=SignalState.FIRING,
        started_at=datetime.now(UTC),
        summary=Text(ja="ディスクが遅い", en="The disk is slow"),
        severity=Severity.MAJOR,
    )
    take_signals(plane, [other])
    (into,) = [one.id for one in list_incidents(plane.ledger.store) if one.id != incident]
    merge(
        plane,
        incident,
        into=into,
        reason="one disk",
        actor=Actor(name="ito", role=Role.RESPONDER, is_operator=True),
    )
    assert press(console, user="U0SUZUKI", incident=incident).json()["done"]
    assert get_incident(plane.ledger.store, into).acknowledged_by == "suzuki"
