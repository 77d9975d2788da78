"""Finding people by any script, on any day."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.portal import Language, Room, Seat

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.xdist_group("stack")]

SEARCH = {
    "ja": "氏名・よみがな・ローマ字・番号・メールで検索",
    "en": "Search by name, reading, number or e-mail",
}


async def headcount(seat: Seat) -> int:
    """The figure under the title."""
    lead = await seat.page.locator("h1 + p").inner_text()
    found = re.search(r"[\d,]+", lead)
    assert found is not None, lead
    return int(found[0].replace(",", ""))


@pytest.mark.req("R2-2")
@pytest.mark.parametrize("language", ["ja", "en"])
async def test_one_person_is_found_by_kanji_kana_and_romaji(room: Room, language: Language) -> None:
    seat = await room.seat("hr", language)
    await seat.open("/people")
    everybody = await headcount(seat)
    person = (await seat.api("GET", "/api/v1/people?limit=1"))["items"][0]
    names = person["name"]
    kana_family, kana_given = names["kana"].split()
    hiragana = "".join(chr(ord(letter) - 0x60) for letter in kana_family)
    searches = [names["kanji"], kana_family + kana_given, hiragana, names["latin"].lower()]
    for typed in [*searches, person["employee_number"], person["work_email"]]:
        await seat.page.get_by_role("textbox", name=SEARCH[language]).fill(typed)
        await expect(seat.page).to_have_url(re.compile("q="))
        await seat.settle()
        link = seat.page.locator(f"a[data-row-link][href^='/people/{person['id']}']")
        await expect(link, typed).to_be_visible()
        await expect(seat.page.locator("h1 + p"), typed).not_to_contain_text(str(everybody))


@pytest.mark.req("R2-2")
async def test_nobody_found_says_what_to_do(room: Room) -> None:
    seat = await room.seat("hr", "ja")
    await seat.open("/people?q=zzzzzz")
    await expect(seat.page.get_by_text("条件に合う社員は見つかりませんでした")).to_be_visible()
    await seat.button("条件をクリア").click()
    await expect(seat.page.locator("a[data-row-link]").first).to_be_visible()


@pytest.mark.req("R2-2")
async def test_the_date_moves_the_directory_and_travels_to_the_person(room: Room) -> None:
    seat = await room.seat("hr", "ja")
    await seat.open("/people")
    today = await headcount(seat)
    day = (await seat.api("GET", "/api/v1/session"))["tenant"]["today"]
    past = f"{int(day[:4]) - 2}-04-01"
    then = (await seat.api("GET", f"/api/v1/people?limit=1&as_of={past}"))["total"]
    assert then != today, "the demo company should have changed in two years"

    await seat.page.get_by_role("button", name="基準日を変更").click()
    await seat.page.get_by_label("日付を指定").fill(past)
    await seat.button("この時点で表示").click()
    await expect(seat.page).to_have_url(re.compile(f"as_of={past}"))
    await expect(seat.page.locator("h1 + p")).to_contain_text(str(then))
    await expect(seat.page.get_by_role("status").filter(has_text="時点の情報")).to_be_visible()

    await seat.page.locator("a[data-row-link]").first.click()
    await expect(seat.page).to_have_url(re.compile(rf"/people/\d+\?as_of={past}"))
    await expect(seat.page.get_by_role("heading", name="この日の所属")).to_be_visible()
    await seat.button("今日に戻る").click()
    await expect(seat.page.get_by_role("heading", name="現在の所属")).to_be_visible()


@pytest.mark.req("R2-12")
async def test_the_keyboard_alone_finds_and_opens_a_person(room: Room) -> None:
    seat = await room.seat("hr", "en")
    await seat.open("/people")
    await seat.page.keyboard.press("/")
    await expect(seat.page.get_by_role("textbox", name=SEARCH["en"])).to_be_focused()
    await seat.page.locator("a[data-row-link]").first.focus()
    await seat.page.keyboard.press("ArrowDown")
    second = seat.page.locator("a[data-row-link]").nth(1)
    await expect(second).to_be_focused()
    name = await second.inner_text()
    await seat.page.keyboard.press("Enter")
    await expect(seat.page.get_by_role("heading", level=1)).to_have_text(name)
