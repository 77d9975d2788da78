"""A transfer with a later date: preview, reservation, and its end at another's hand."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.portal import Room, Seat

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.xdist_group("stack")]


async def find_free_person(seat: Seat, *, skip: int) -> dict[str, Any]:
    """Somebody without a reservation. `Any`: the API's card of a person."""
    for card in (await seat.api("GET", "/api/v1/people?limit=100&sort=number"))["items"][skip:]:
        detail: dict[str, Any] = await seat.api("GET", f"/api/v1/people/{card['id']}")
        if not detail["reservations"] and not detail["direct_reports"] and detail["org_unit"]:
            return detail
    raise AssertionError("nobody in the demo company is free to be transferred")


async def reserve_transfer(seat: Seat, person: dict[str, Any], *, unit: str, effective_on: str) -> None:
    """Through the form and its preview, in English."""
    await seat.open(f"/people/{person['id']}")
    await seat.button("Transfer").click()
    dialog = seat.page.get_by_role("dialog")
    await dialog.get_by_label("Effective on").fill(effective_on)
    await seat.choose("Unit", typed=unit, option=unit)
    await dialog.get_by_label("Reason").fill("Browser test")
    await seat.button("Review").click()
    await expect(dialog).to_contain_text("Will be scheduled")
    await expect(dialog).to_contain_text(person["org_unit"]["name"])
    await expect(dialog).to_contain_text(unit)
    await seat.button("Schedule").click()
    await expect(dialog).to_have_count(0)


@pytest.mark.req("R2-2")
async def test_a_future_transfer_is_a_reservation_until_somebody_else_cancels_it(room: Room) -> None:
    hr = await room.seat("hr", "en")
    person = await find_free_person(hr, skip=30)
    unit = "Treasury" if person["org_unit"]["name"] != "Treasury" else "Recruiting"
    day = (await hr.api("GET", "/api/v1/session"))["tenant"]["today"]
    effective_on = f"{int(day[:4]) + 1}-10-01"
    await reserve_transfer(hr, person, unit=unit, effective_on=effective_on)

    # Today nothing has moved; on the day it has; and the person's page says what is planned.
    await expect(hr.page.get_by_role("heading", name="Scheduled and proposed changes")).to_be_visible()
    posts = hr.page.locator("section").filter(has=hr.page.get_by_role("heading", name="Current posts"))
    await expect(posts).not_to_contain_text(unit)
    await hr.open(f"/people/{person['id']}?as_of={effective_on}")
    posts = hr.page.locator("section").filter(has=hr.page.get_by_role("heading", name="Posts on this day"))
    await expect(posts).to_contain_text(unit)

    owner = await room.seat("owner", "en")
    await owner.open("/changes?state=reserved")
    row = owner.page.get_by_role("listitem").filter(
        has=owner.page.locator(f"a[href='/people/{person['id']}']")
    )
    await row.get_by_role("button", name="Cancel the change").click()
    dialog = owner.page.get_by_role("dialog")
    await dialog.get_by_role("textbox").fill("Not needed after all")
    await dialog.get_by_role("button", name="Cancel the change").click()
    await expect(dialog).to_have_count(0)
    await expect(row).to_have_count(0)

    await hr.open(f"/people/{person['id']}?as_of={effective_on}")
    await expect(posts).not_to_contain_text(unit)
    await hr.open("/changes?state=cancelled")
    # Newest first: an earlier run of this test on the same company cancelled one too.
    cancelled = (
        hr.page.get_by_role("listitem").filter(has=hr.page.locator(f"a[href='/people/{person['id']}']")).first
    )
    await cancelled.get_by_role("button", name="Details").click()
    await expect(cancelled).to_contain_text("Not needed after all")


@pytest.mark.req("R2-2")
async def test_a_manager_proposes_and_hr_approves(room: Room) -> None:
    manager = await room.seat("manager", "en")
    me = (await manager.api("GET", "/api/v1/session"))["person_id"]
    reports = (await manager.api("GET", f"/api/v1/people/{me}"))["direct_reports"]
    details = [await manager.api("GET", f"/api/v1/people/{one['id']}") for one in reports]
    person: dict[str, Any] = next(one for one in details if not one["reservations"])
    day = (await manager.api("GET", "/api/v1/session"))["tenant"]["today"]
    await manager.open(f"/people/{person['id']}")
    await manager.button("Transfer").click()
    dialog = manager.page.get_by_role("dialog")
    await dialog.get_by_label("Effective on").fill(f"{int(day[:4]) + 1}-11-01")
    await dialog.get_by_label("Grade").fill("G9")
    await manager.button("Review").click()
    await manager.button("Propose").click()
    await expect(manager.page.get_by_text(re.compile("proposed"))).not_to_have_count(0)

    hr = await room.seat("hr", "en")
    await hr.open("/changes?state=proposed")
    row = hr.page.get_by_role("listitem").filter(has=hr.page.locator(f"a[href='/people/{person['id']}']"))
    await row.get_by_role("button", name="Approve", exact=True).click()
    dialog = hr.page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Approve").click()
    await expect(dialog).to_have_count(0)
    await expect(row).to_have_count(0)
    reserved = (await hr.api("GET", "/api/v1/change-orders?state=reserved"))["items"]
    mine = next(one for one in reserved if one["person"]["id"] == person["id"])
    assert mine["changes"] == [{"field": "grade", "before": person["assignments"][0]["grade"], "after": "G9"}]
    await hr.api("POST", f"/api/v1/change-orders/{mine['id']}/cancel", {"note": "Test is over"})
