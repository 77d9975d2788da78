"""The chart at any date, with mouse, keyboard and thumb."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.portal import Room

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.xdist_group("stack")]


@pytest.mark.req("R2-2")
async def test_a_unit_that_was_renamed_has_its_old_name_in_the_past(room: Room) -> None:
    seat = await room.seat("hr", "ja")
    orders = (await seat.api("GET", "/api/v1/change-orders?state=applied"))["items"]
    rename = next(one for one in orders if one["kind"] == "unit_rename")
    old, new = rename["changes"][0]["before"], rename["changes"][0]["after"]
    year, rest = rename["effective_on"][:4], rename["effective_on"][4:]

    for path, shown, hidden in (("/org", new, old), (f"/org?as_of={int(year) - 1}{rest}", old, new)):
        await seat.open(path)
        await seat.button("すべて開く").click()
        await seat.button("一覧で表示").click()
        await expect(seat.page.get_by_role("treeitem").filter(has_text=shown)).to_be_visible()
        await expect(seat.page.get_by_role("treeitem").filter(has_text=hidden)).to_have_count(0)


@pytest.mark.req("R2-2")
async def test_the_chart_counts_as_many_people_as_the_directory_on_a_past_day(room: Room) -> None:
    seat = await room.seat("hr", "en")
    day = (await seat.api("GET", "/api/v1/session"))["tenant"]["today"]
    past = f"{int(day[:4]) - 2}-10-01"
    total = (await seat.api("GET", f"/api/v1/people?limit=1&as_of={past}"))["total"]
    now = (await seat.api("GET", "/api/v1/people?limit=1"))["total"]
    assert total != now
    await seat.open(f"/org?as_of={past}")
    await expect(seat.page.get_by_role("treeitem").first).to_contain_text(str(total))


@pytest.mark.req("R2-12")
async def test_the_arrow_keys_walk_the_tree_and_enter_shows_the_members(room: Room) -> None:
    seat = await room.seat("hr", "en")
    await seat.open("/org")
    root = seat.page.get_by_role("treeitem").first
    await root.focus()
    await seat.page.keyboard.press("ArrowRight")
    child = seat.page.locator("[role=treeitem]:focus")
    await expect(child).to_have_attribute("aria-level", "2")
    await seat.page.keyboard.press("ArrowLeft")
    await seat.page.keyboard.press("ArrowLeft")
    await expect(seat.page.locator("[role=treeitem]:focus")).to_have_attribute("aria-level", "1")
    await seat.page.keyboard.press("Enter")
    await expect(seat.page).to_have_url(re.compile(r"unit=\d+"))


@pytest.mark.req("R2-12")
async def test_a_phone_gets_the_list_and_a_sheet_with_the_members(room: Room) -> None:
    seat = await room.seat("hr", "ja", device="phone")
    await seat.open("/org")
    unit = seat.page.get_by_role("treeitem").nth(2)
    nodes = (await seat.api("GET", "/api/v1/org-chart"))["nodes"]
    unit_id = await unit.get_attribute("data-unit")
    name = next(node["name"] for node in nodes if str(node["id"]) == unit_id)
    await unit.tap()
    await expect(seat.page.get_by_role("dialog", name=name)).to_be_visible()
    assert await seat.find_violations() == []
