"""Maintenance, post-mortems and contacts by clicks: what responders do, and what viewers cannot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from hrx.kit import clock
from hrx.ops.incidents.actions import ending
from hrx.ops.ledger.communications import Notice, NoticeKind, list_notices
from hrx.ops.ledger.post_mortems import PostMortemState, find_post_mortem
from hrx.ops.operators.roles import Role
from hrx.ops.paging.freshness import list_freshness
from hrx.ops.run.plane import Plane
from tests.ops.browsing import Browser, serving
from tests.ops.communication.conftest import open_incident, turn
from tests.ops.conftest import make_operator
from tests.ops.incidents.conftest import RESPONDER

pytestmark = pytest.mark.req("R5.3-1")
ZONE_HOURS = timedelta(hours=9)


@pytest.fixture
def browser(quiet: Plane) -> Iterator[Browser]:
    for role in Role:
        make_operator(quiet.ledger, role.value, role=role)
    with serving(quiet) as address:
        opened = Browser(address)
        yield opened
        opened.close()


def windows(plane: Plane) -> list[Notice]:
    with plane.ledger.store.read() as connection:
        return list_notices(connection, kind=NoticeKind.MAINTENANCE)


def test_work_is_planned_announced_and_cancelled_by_clicks(quiet: Plane, browser: Browser) -> None:
    browser.sign_in("responder")
    starts = clock.now() + timedelta(days=2) + ZONE_HOURS
    fields = {
        "starts_at": starts.strftime("%Y-%m-%dT%H:%M"),
        "ends_at": (starts + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M"),
        "said_ja": "保存先を移します。",
        "said_en": "We are moving storage.",
    }
    assert browser.post("/maintenance", **fields).status_code == 409, "no part is named"
    browser.post("/maintenance", parts="postgres", **fields)
    (notice,) = windows(quiet)
    assert "We are moving storage." in browser.get("/maintenance").text
    refused = browser.post(f"/maintenance/{notice.id}/announce")
    assert "5 business days ahead" in refused.text
    browser.post(f"/maintenance/{notice.id}/announce", reason="a security fix")
    assert "Why it was urgent" in browser.get("/maintenance").text
    browser.post(f"/maintenance/{notice.id}/cancel", reason="parts are late")
    assert windows(quiet)[0].is_cancelled
    assert browser.post(f"/maintenance/{notice.id}/frobnicate").status_code == 404


def test_a_post_mortem_is_written_handed_in_approved_and_exported_by_clicks(
    quiet: Plane, browser: Browser
) -> None:
    number = open_incident(quiet)
    ending.resolve(quiet, number, reason="over", actor=RESPONDER)
    turn(quiet)
    base = f"/incidents/{number}/post-mortem"
    browser.sign_in("responder")
    assert f"INC-{number}" in browser.get("/post-mortems").text
    sections = {
        "summary": "It <b>stopped</b>.",
        "impact": "All.",
        "cause": "A disk was full.",
        "factors": "Nobody was warned.",
    }
    browser.post(f"{base}/write", **sections)
    assert browser.post(f"{base}/hand-in").status_code == 409
    due_on = (clock.now() + timedelta(days=9)).date().isoformat()
    browser.post(f"{base}/actions", title="Warn at 80 %", owner="suzuki", due_on=due_on)
    browser.post(f"{base}/hand-in")
    page = browser.get(base).text
    assert "&lt;b&gt;stopped" in page
    assert browser.post(f"{base}/approve").status_code == 403
    browser.post("/actions/1/done", outcome="the rule stands")
    assert "the rule stands" in browser.get("/post-mortems").text
    approver = Browser(browser.base_url)
    approver.sign_in("approver")
    approver.post(f"{base}/approve")
    approver.close()
    with quiet.ledger.store.read() as connection:
        found = find_post_mortem(connection, number)
    assert found is not None
    assert found.state is PostMortemState.APPROVED
    exported = browser.get(f"{base}/export?language=en")
    assert exported.headers["content-type"].startswith("text/markdown")
    assert exported.text.startswith(f"# Post-mortem INC-{number}")
    assert "Warn at 80 %" in exported.text


@pytest.mark.req("R9-1")
def test_a_contact_is_confirmed_by_a_click_and_shown_to_viewers(quiet: Plane, browser: Browser) -> None:
    browser.sign_in("viewer")
    page = browser.get("/contacts").text
    assert "These are examples" in page
    assert "Write the support plan here" in page
    assert browser.post("/contacts/sato/verify").status_code == 403
    other = Browser(browser.base_url)
    other.sign_in("responder")
    other.post("/contacts/sato/verify")
    other.close()
    with quiet.ledger.store.read() as connection:
        sato = next(one for one in list_freshness(quiet, connection) if one.id == "sato")
    assert sato.checked_by == "responder"
