"""Every page in both languages, wide and narrow: accessible, inside its window, without a word too little."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.portal import Device, Language, Room, Seat

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.xdist_group("stack")]

PAGES = (
    "/",
    "/people",
    "/org",
    "/changes",
    "/documents",
    "/matching",
    "/assistant",
    "/imports",
    "/evaluation",
    "/users",
    "/audit",
    "/account",
    "/people/new",
)
#: next-intl writes the key where a text is missing.
KEY = re.compile(
    r"\b(?:common|nav|people|person|orders|documents|assistant|imports|evaluation|users|audit|account|home|org"
    r"|matching)\.[a-z]\w+\b"
)


async def look_over(seat: Seat, path: str) -> list[str]:
    """What is wrong with a page as it stands."""
    wrong = [f"{path}: {one}" for one in await seat.find_violations()]
    if await seat.overflow_px():
        wrong.append(f"{path}: wider than the window by {await seat.overflow_px()} px")
    if key := KEY.search(await seat.page.locator("main").inner_text()):
        wrong.append(f"{path}: no text for {key[0]}")
    return wrong


@pytest.mark.req("R2-12")
@pytest.mark.timeout(120)
@pytest.mark.parametrize("device", ["desktop", "phone"])
@pytest.mark.parametrize("language", ["ja", "en"])
async def test_every_page_is_accessible_and_fits(room: Room, language: Language, device: Device) -> None:
    seat = await room.seat("owner", language, device=device)
    wrong: list[str] = []
    me = (await seat.api("GET", "/api/v1/session"))["person_id"]
    for path in (*PAGES, f"/people/{me}", "/people?as_of=2025-04-01"):
        await seat.open(path)
        wrong += await look_over(seat, path)
    assert wrong == []


@pytest.mark.req("R2-12")
async def test_the_dark_appearance_has_contrast_too(room: Room) -> None:
    seat = await room.seat("owner", "ja", color_scheme="dark")
    wrong: list[str] = []
    for path in ("/", "/people", "/org?as_of=2025-04-01", "/changes", "/account"):
        await seat.open(path)
        wrong += await look_over(seat, path)
    assert wrong == []


@pytest.mark.req("R2-12")
@pytest.mark.parametrize(("language", "title"), [("ja", "ページが見つかりません"), ("en", "Page not found")])
async def test_an_unknown_address_leads_back_home(room: Room, language: Language, title: str) -> None:
    seat = await room.seat("hr", language, device="phone")
    await seat.page.goto(f"{seat.base_url}/nowhere/at/all")
    await expect(seat.page.get_by_role("heading", level=1)).to_have_text(title)
    assert await seat.find_violations() == []
    seat.forgive(404)


@pytest.mark.req("R2-12")
async def test_dialogs_are_accessible_and_give_the_focus_back(room: Room) -> None:
    seat = await room.seat("hr", "ja")
    await seat.open("/people/30")
    opener = seat.button("異動を登録")
    await opener.focus()
    await seat.page.keyboard.press("Enter")
    await expect(seat.page.get_by_role("dialog")).to_be_visible()
    assert await seat.find_violations() == []
    await seat.page.keyboard.press("Escape")
    await expect(seat.page.get_by_role("dialog")).to_have_count(0)
    await expect(opener).to_be_focused()


@pytest.mark.req("R2-12")
async def test_the_skip_link_is_first_and_leads_to_the_content(room: Room) -> None:
    seat = await room.seat("hr", "en")
    await seat.open("/people")
    await seat.page.locator("body").press("Tab")
    await expect(seat.link("Skip to content")).to_be_focused()
    await seat.page.keyboard.press("Enter")
    await expect(seat.page.locator("#content")).to_be_focused()
