"""Nobody sees a door that is closed to them, nor what is behind it."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.portal import Room

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.xdist_group("stack")]


@pytest.mark.req("R2-1")
async def test_an_employee_has_no_hr_screens(room: Room) -> None:
    seat = await room.seat("employee", "en")
    await seat.open("/people")
    for name in ("Import", "Answer quality", "Users & roles", "Audit log", "Hire"):
        await expect(seat.link(name)).to_have_count(0)
    for path in ("/imports", "/evaluation", "/evaluation/sets/1", "/users", "/audit", "/people/new"):
        await seat.open(path)
        await expect(seat.page.get_by_role("heading", level=1)).to_have_text("This page is not open to you")


@pytest.mark.req("R2-1")
async def test_an_employee_reads_own_private_facts_and_no_others(room: Room) -> None:
    seat = await room.seat("employee", "ja")
    me = (await seat.api("GET", "/api/v1/session"))["person_id"]
    private = seat.page.get_by_role("heading", name="個人情報")
    await seat.open(f"/people/{me}")
    await expect(private).to_be_visible()
    other = 1 if me != 1 else 2
    await seat.open(f"/people/{other}")
    await expect(private).to_have_count(0)
    await expect(seat.button("異動を登録")).to_have_count(0)


@pytest.mark.req("R2-13")
async def test_the_owner_sees_who_read_what_and_verifies_the_chain(room: Room) -> None:
    seat = await room.seat("owner", "en")
    await seat.open("/audit")
    entry = seat.page.get_by_role("listitem").filter(has_text="Signed in").first
    await entry.get_by_role("button", name="Details").click()
    await expect(entry.get_by_text("session.signed_in")).to_be_visible()
    await seat.button("Verify the chain").click()
    await expect(seat.page.get_by_role("status").filter(has_text="entries")).to_be_visible()
