"""Coming in, being refused readably, and going out."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.portal import SIGN_IN, Language, Room

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.xdist_group("stack")]

WRONG = {
    "ja": "メールアドレスまたはパスワードが違います",
    "en": "The e-mail address or the password is wrong",
}


@pytest.mark.req("R2-1")
async def test_hr_signs_in_and_lands_on_the_page_that_was_asked_for(room: Room) -> None:
    # The account's language wins over the browser's, and other tests share the account.
    await room.seat("hr", "ja")
    seat = await room.sit_down("ja")
    await seat.sign_in(room.accounts["hr"], path="/people?q=sato&as_of=2025-04-01")
    await expect(seat.page).to_have_url(re.compile(r"/people\?q=sato&as_of=2025-04-01$"))
    await expect(seat.page.get_by_role("heading", level=1)).to_have_text("社員名簿")


@pytest.mark.req("R2-12")
@pytest.mark.parametrize("language", ["ja", "en"])
async def test_a_wrong_password_is_told_in_words(room: Room, language: Language) -> None:
    seat = await room.sit_down(language)
    await seat.page.goto(f"{seat.base_url}/sign-in")
    await seat.fill_credentials("nobody@minato-seiki.example", "not the password")
    alert = seat.alert().filter(has_text=WRONG[language])
    await expect(alert).to_be_visible()
    await expect(seat.button(SIGN_IN[language])).to_be_enabled()
    assert await seat.find_violations() == []
    seat.forgive(401)


@pytest.mark.req("R2-1")
async def test_a_password_never_gets_into_the_address_before_the_script_runs(room: Room) -> None:
    seat = await room.sit_down("en", java_script_enabled=False)
    await seat.page.goto(f"{seat.base_url}/sign-in")
    await expect(seat.button("Sign in")).to_be_disabled()
    assert await seat.page.locator("form").get_attribute("method") == "post"


@pytest.mark.req("R2-1")
async def test_an_address_outside_the_portal_is_not_followed_after_sign_in(room: Room) -> None:
    seat = await room.sit_down("en")
    await seat.sign_in(room.accounts["auditor"], path="/sign-in?return_to=https%3A%2F%2Fevil.example%2F")
    await expect(seat.page).to_have_url(f"{seat.base_url}/")


@pytest.mark.req("R2-1")
async def test_after_signing_out_the_back_button_shows_nothing(room: Room) -> None:
    seat = await room.seat("employee", "en")
    await seat.open("/people")
    await seat.page.get_by_role("button", name=re.compile("^Menu of")).click()
    await seat.page.get_by_role("menuitem", name="Sign out").click()
    await expect(seat.button("Sign in")).to_be_visible()
    await seat.page.go_back()
    await expect(seat.button("Sign in")).to_be_visible()
    await expect(seat.page.get_by_role("table")).to_have_count(0)
    seat.forgive(401)
