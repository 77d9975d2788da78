"""The page of on-call in a browser, and the calendar's address that stands for a sign-in."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import icalendar
import pytest

from hrx.kit import clock
from hrx.ops.ledger.on_call import list_changes
from hrx.ops.operators.accounts import disable_operator
from hrx.ops.run.plane import Plane
from hrx.ops.schedules.rotation import ChangeKind, OnCallChange
from tests.ops.browsing import Browser

pytestmark = pytest.mark.req("R4.3-3")


def changes(plane: Plane) -> list[OnCallChange]:
    with plane.ledger.store.read() as connection:
        return list_changes(connection, ending_after=clock.now())


def period(hours: float = 4) -> dict[str, str]:
    """From now on, as the browser's field of date and time sends it, in Tokyo."""
    now = clock.now() + timedelta(hours=9)
    return {"starts": f"{now:%Y-%m-%dT%H:%M}", "until": f"{now + timedelta(hours=hours):%Y-%m-%dT%H:%M}"}


def test_everybody_signed_in_sees_who_is_called_the_weeks_and_the_proof(browser: Browser) -> None:
    browser.sign_in("viewer")
    page = browser.get("/on-call").text
    assert "Who is called now" in page
    assert 'class="shifts"' in page
    # No channel is configured in this test: the page must say so rather than promise.
    assert "There are times at which nobody can be reached" in page
    assert "no channel in use leads to them" in page
    assert "Add an override" not in page, "viewers change nothing"


def test_an_override_is_made_seen_and_cancelled_by_clicks(browser: Browser, plane: Plane) -> None:
    browser.sign_in("responder")
    answer = browser.post("/on-call/override", person="ito", rotation="first", reason="dentist", **period())
    assert answer.status_code == 303, answer.text
    (made,) = changes(plane)
    assert (made.kind, made.person, made.rotation, made.made_by) == (
        ChangeKind.OVERRIDE,
        "ito",
        "first",
        "responder",
    )
    page = browser.get("/on-call").text
    assert "dentist" in page
    assert "Mari Ito" in page
    assert browser.post(f"/on-call/changes/{made.id}/cancel").status_code == 303
    assert changes(plane) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"person": "nobody"},
        {"until": ""},
        {"until": "2020-01-01T00:00"},
        {"starts": "soon"},
    ],
)
def test_wrong_leave_is_refused_in_words_and_nothing_is_written(
    browser: Browser, plane: Plane, wrong: dict[str, str]
) -> None:
    browser.sign_in("responder")
    answer = browser.post("/on-call/leave", **{"person": "sato", **period(), **wrong})
    assert answer.status_code in (404, 422)
    assert changes(plane) == []


def feed_of(browser: Browser) -> str:
    found = re.search(r'value="([^"]+/on-call\.ics\?[^"]+)"', browser.get("/on-call").text)
    assert found is not None
    return found.group(1).replace("&amp;", "&")


@pytest.fixture
def feed(browser: Browser) -> str:
    browser.sign_in("viewer")
    return feed_of(browser)


def test_the_calendars_address_opens_the_roster_without_a_sign_in(feed: str) -> None:
    answer = httpx.get(feed, trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/calendar")
    events = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    assert len(events) > 100
    mine = httpx.get(feed + "&person=sato", trust_env=False)
    assert 0 < len(icalendar.Calendar.from_ical(mine.content).walk("VEVENT")) < len(events)


def test_a_wrong_token_another_operators_name_and_none_are_refused(feed: str) -> None:
    given = {name: values[0] for name, values in parse_qs(urlsplit(feed).query).items()}
    address = feed.partition("?")[0]
    for wrong in ({**given, "token": "x" * 40}, {**given, "operator": "admin"}, {}):
        assert httpx.get(address, params=wrong, trust_env=False).status_code == 403


def test_the_address_of_an_operator_who_is_disabled_is_void(feed: str, plane: Plane) -> None:
    disable_operator(plane.ledger, "viewer", by="admin", reason="left")
    assert httpx.get(feed, trust_env=False).status_code == 403
