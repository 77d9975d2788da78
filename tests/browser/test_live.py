"""What one person does is on another's open page at once, without a reload."""

from __future__ import annotations

import time

import pytest
from playwright.async_api import expect

from tests.browser.portal import Room
from tests.browser.test_transfer import find_free_person

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.xdist_group("stack")]

#: Promised: under a second. Chromium, the API and the edge share two cores here with whatever else runs.
SOON_MS = 3_000


@pytest.mark.req("R2-10")
async def test_a_change_reaches_a_second_open_browser(room: Room) -> None:
    watcher = await room.seat("owner", "en")
    actor = await room.seat("hr", "ja")
    person = await find_free_person(watcher, skip=60)
    await watcher.open(f"/people/{person['id']}")
    await expect(watcher.page.get_by_text("Live", exact=True)).to_be_visible()
    await watcher.page.evaluate("window.stillTheSamePage = true")
    grade = f"L{time.monotonic_ns() % 10_000}"
    day = (await actor.api("GET", "/api/v1/session"))["tenant"]["today"]
    await expect(watcher.page.get_by_text(grade)).to_have_count(0)
    await actor.api("POST", f"/api/v1/people/{person['id']}/transfers", {"effective_on": day, "grade": grade})
    await expect(watcher.page.get_by_text(grade).first).to_be_visible(timeout=SOON_MS)
    assert await watcher.page.evaluate("window.stillTheSamePage") is True


@pytest.mark.req("R2-1")
async def test_a_session_that_is_ended_elsewhere_leaves_its_open_page(room: Room) -> None:
    lost = await room.seat("auditor", "en")
    await lost.open("/people")
    await expect(lost.page.get_by_text("Live", exact=True)).to_be_visible()
    own = await room.seat("auditor", "en", device="phone")
    await own.open("/account")
    await own.button("Sign out everywhere else").click()
    await expect(lost.button("Sign in")).to_be_visible(timeout=SOON_MS)
    await expect(lost.page.get_by_role("table")).to_have_count(0)
    await expect(own.page.get_by_role("heading", level=1)).to_have_text("Account")
    lost.forgive(401)


@pytest.mark.req("R1-3")
async def test_a_lost_network_is_told_and_the_page_stays_readable(room: Room) -> None:
    seat = await room.seat("hr", "en")
    await seat.open("/people")
    rows = await seat.page.locator("a[data-row-link]").count()
    await seat.page.context.set_offline(True)
    await expect(seat.page.get_by_text("You are offline")).to_be_visible()
    assert await seat.page.locator("a[data-row-link]").count() == rows > 0
    await seat.page.context.set_offline(False)
    await expect(seat.page.get_by_text("You are offline")).to_have_count(0)
    seat.complaints = [one for one in seat.complaints if "ERR_INTERNET_DISCONNECTED" not in one]
