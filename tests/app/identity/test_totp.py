"""The second factor: turned on with a code, asked for at sign-in, each code good once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pyotp
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from hrx.app.identity.gate import COOKIE
from hrx.app.identity.keys import KeyRing
from hrx.app.identity.totp import Seal, SealBroken
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Role, TenantId, system_principal
from hrx.kit import clock
from tests.app.clients import Browser, User, open_browser
from tests.app.conftest import MakeUser, SignIn

pytestmark = pytest.mark.req("R2-1")


def code_now(secret: str) -> str:
    return pyotp.TOTP(secret).at(clock.now())


async def turn_on(browser: Browser) -> str:
    secret: str = (await browser.post("/account/totp/start")).json()["secret"]
    answer = await browser.post("/account/totp/confirm", {"code": code_now(secret)})
    assert answer.status_code == 204, answer.text
    return secret


async def give_password(browser: Browser, user: User) -> None:
    answer = await browser.post("/auth/login", {"email": user.email, "password": user.password})
    assert answer.json()["state"] == "totp_required"


async def test_sign_in_asks_for_the_code_and_opens_with_it(
    sign_in: SignIn, make_user: MakeUser, browser: Browser
) -> None:
    user = await make_user(Role.HR)
    secret = await turn_on(await sign_in(user=user))
    await give_password(browser, user)
    half_open = browser.http.cookies[COOKIE]
    answer = await browser.get("/session")
    assert answer.status_code == 401
    assert answer.json()["code"] == "session.totp_required"
    with clock.shifted(timedelta(seconds=30)):
        answer = await browser.post("/auth/totp", {"code": code_now(secret)})
    assert answer.json()["state"] == "signed_in"
    assert browser.http.cookies[COOKIE] != half_open
    assert (await browser.get("/session")).json()["user"]["totp_enabled"] is True


async def test_the_half_open_session_is_worth_nothing_after_the_code(
    app: FastAPI, sign_in: SignIn, make_user: MakeUser, browser: Browser
) -> None:
    user = await make_user()
    secret = await turn_on(await sign_in(user=user))
    await give_password(browser, user)
    thief = open_browser(app)
    thief.http.cookies.set(COOKIE, browser.http.cookies[COOKIE])
    with clock.shifted(timedelta(seconds=30)):
        await browser.post("/auth/totp", {"code": code_now(secret)})
        assert (await thief.get("/session")).status_code == 401
        assert (await thief.post("/auth/totp", {"code": code_now(secret)})).status_code == 401


async def test_a_code_is_good_once(sign_in: SignIn, make_user: MakeUser, app: FastAPI) -> None:
    user = await make_user()
    secret = await turn_on(await sign_in(user=user))
    with clock.shifted(timedelta(seconds=60)):
        code = code_now(secret)
        browsers = [open_browser(app, address=f"203.0.113.{n}") for n in (1, 2)]
        for each in browsers:
            await give_password(each, user)
        answers = await asyncio.gather(*(each.post("/auth/totp", {"code": code}) for each in browsers))
    assert sorted(answer.status_code for answer in answers) == [200, 401]


async def test_the_code_that_turned_it_on_does_not_sign_in(
    sign_in: SignIn, make_user: MakeUser, browser: Browser
) -> None:
    user = await make_user()
    secret = await turn_on(await sign_in(user=user))
    await give_password(browser, user)
    assert (await browser.post("/auth/totp", {"code": code_now(secret)})).status_code == 401


async def test_an_old_code_is_refused(sign_in: SignIn, make_user: MakeUser, browser: Browser) -> None:
    user = await make_user()
    secret = await turn_on(await sign_in(user=user))
    with clock.shifted(timedelta(minutes=2)):
        old = code_now(secret)
    with clock.shifted(timedelta(minutes=4)):
        await give_password(browser, user)
        assert (await browser.post("/auth/totp", {"code": old})).status_code == 401


async def test_codes_cannot_be_guessed(sign_in: SignIn, make_user: MakeUser, browser: Browser) -> None:
    user = await make_user()
    await turn_on(await sign_in(user=user))
    await give_password(browser, user)
    statuses = [(await browser.post("/auth/totp", {"code": "000000"})).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]


async def test_the_half_open_session_ends_after_five_minutes(
    sign_in: SignIn, make_user: MakeUser, browser: Browser
) -> None:
    user = await make_user()
    secret = await turn_on(await sign_in(user=user))
    await give_password(browser, user)
    with clock.shifted(timedelta(seconds=301)):
        answer = await browser.post("/auth/totp", {"code": code_now(secret)})
    assert answer.json()["code"] == "session.ended"


async def test_turning_it_off_needs_the_password(sign_in: SignIn) -> None:
    browser = await sign_in()
    await turn_on(browser)
    assert (await browser.post("/account/totp/disable", {"password": "wrong-guess-1"})).status_code == 403
    password = browser.user.password  # type: ignore[union-attr]
    assert (await browser.post("/account/totp/disable", {"password": password})).status_code == 204
    assert (await browser.get("/session")).json()["user"]["totp_enabled"] is False


async def test_an_owner_resets_the_factor_of_somebody_who_lost_their_device(
    sign_in: SignIn, make_user: MakeUser, browser: Browser
) -> None:
    user = await make_user()
    await turn_on(await sign_in(user=user))
    owner = await sign_in(Role.OWNER)
    assert (await owner.post(f"/users/{user.id}/reset-totp")).status_code == 204
    await browser.sign_in(user)


async def test_starting_again_while_it_is_on_is_refused(sign_in: SignIn) -> None:
    browser = await sign_in()
    await turn_on(browser)
    assert (await browser.post("/account/totp/start")).status_code == 409


async def test_the_offer_holds_a_qr_code_and_an_address_for_the_app(sign_in: SignIn) -> None:
    browser = await sign_in()
    offer = (await browser.post("/account/totp/start")).json()
    assert offer["qr_svg"].startswith("<svg")
    assert offer["otpauth_url"].startswith("otpauth://totp/")
    assert offer["secret"] in offer["otpauth_url"]


async def test_the_secret_is_sealed_at_rest(sign_in: SignIn, database: Database, tenant: TenantId) -> None:
    browser = await sign_in()
    secret = await turn_on(browser)
    async with database.transaction(system_principal(tenant)) as session:
        sealed = await session.scalar(
            text("SELECT totp_secret_sealed FROM app.user_account WHERE totp_secret_sealed IS NOT NULL")
        )
    assert secret.encode() not in bytes(sealed)


def test_a_sealed_secret_opens_only_for_its_owner_and_survives_key_rotation() -> None:
    old, new = b"o" * 32, b"n" * 32
    sealed = Seal(KeyRing((old,))).close("SECRET", owner="totp:1:1")
    assert Seal(KeyRing((new, old))).open(sealed, owner="totp:1:1") == "SECRET"
    with pytest.raises(SealBroken):
        Seal(KeyRing((new, old))).open(sealed, owner="totp:1:2")
    with pytest.raises(SealBroken):
        Seal(KeyRing((new,))).open(sealed, owner="totp:1:1")
    with pytest.raises(SealBroken):
        Seal(KeyRing((old,))).open(sealed[:-1] + bytes([sealed[-1] ^ 1]), owner="totp:1:1")
