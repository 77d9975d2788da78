"""A person's own account: second factor and language."""

from __future__ import annotations

import secrets
import time

import pyotp
import pytest
from playwright.async_api import expect

from tests.browser.portal import Room
from tests.conftest import Account

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.xdist_group("stack")]


async def make_account(room: Room) -> Account:
    """A new user with the employee's rights, made by the owner."""
    owner = await room.seat("owner", "en")
    email = f"t{secrets.token_hex(4)}@minato-seiki.example"
    made = await owner.api(
        "POST",
        "/api/v1/users",
        {"email": email, "display_name": "試験 用子", "roles": ["employee"]},
    )
    return Account(email=email, password=made["initial_password"])


@pytest.mark.req("R2-1")
async def test_a_second_factor_is_set_up_and_then_asked_for(room: Room) -> None:
    account = await make_account(room)
    seat = await room.sit_down("en")
    await seat.sign_in(account)
    await seat.speak("en")
    await seat.open("/account")
    await seat.button("Set it up").click()
    await expect(seat.page.get_by_role("img", name="QR code for an authenticator app")).to_be_visible()
    assert await seat.find_violations() == []
    authenticator = pyotp.TOTP(await seat.page.locator("ol code").inner_text())
    await seat.page.get_by_label("Code").fill(authenticator.now())
    await seat.button("Turn it on").click()
    await expect(seat.page.get_by_text("Two-step verification is on.").first).to_be_visible()

    elsewhere = await room.sit_down("en", device="phone")
    await elsewhere.page.goto(f"{elsewhere.base_url}/sign-in")
    await elsewhere.fill_credentials(account.email, account.password)
    await expect(elsewhere.page.get_by_role("heading", name="Two-step verification")).to_be_visible()
    await elsewhere.page.get_by_label("Code").fill("000000")
    await elsewhere.button("Verify").click()
    await expect(elsewhere.alert()).to_be_visible()
    assert await elsewhere.find_violations() == []
    # The code that switched it on is used up: the next one, which the clock's tolerance lets in already.
    following = authenticator.at(for_time=int(time.time()), counter_offset=1)
    await elsewhere.page.get_by_label("Code").fill(following)
    await elsewhere.button("Verify").click()
    await expect(elsewhere.page.locator("#content")).to_be_visible()
    elsewhere.forgive(401)


@pytest.mark.req("R2-12")
async def test_the_language_changes_in_place_and_is_the_accounts(room: Room) -> None:
    seat = await room.seat("manager", "ja")
    await seat.open("/people?q=sato")
    await expect(seat.page.get_by_role("heading", level=1)).to_have_text("社員名簿")
    await seat.button("English").click()
    await expect(seat.page.get_by_role("heading", level=1)).to_have_text("Directory")
    await expect(seat.page.locator("html")).to_have_attribute("lang", "en")
    await expect(seat.page.get_by_role("textbox").first).to_have_value("sato")

    other = await room.sit_down("ja")
    await other.sign_in(room.accounts["manager"], path="/people")
    await expect(other.page.get_by_role("heading", level=1)).to_have_text("Directory")
    await other.speak("ja")
