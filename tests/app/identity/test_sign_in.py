"""Signing in by password: who gets in, who does not, and how often one may try."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from hrx.app.identity.gate import COOKIE
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Role, TenantId, system_principal
from hrx.kit import clock
from tests.app.clients import PASSWORD, Browser, open_browser
from tests.app.conftest import MakeSettings, MakeUser, SignIn, running
from tests.conftest import MakeTenant, free_port

pytestmark = pytest.mark.req("R2-1")


async def test_the_right_password_opens_a_session(browser: Browser, make_user: MakeUser) -> None:
    user = await make_user(Role.HR)
    await browser.sign_in(user)
    session = (await browser.get("/session")).json()
    assert session["user"]["email"] == user.email
    assert session["roles"] == ["hr"]
    assert session["may"] == {
        "hire": True,
        "transfer": True,
        "import": True,
        "export": True,
        "audit": False,
        "evaluate": True,
        "manage_users": False,
        "match": True,
    }


async def test_the_session_cookie_is_kept_from_scripts_and_other_sites(
    browser: Browser, make_user: MakeUser
) -> None:
    user = await make_user()
    answer = await browser.post("/auth/login", {"email": user.email, "password": user.password})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "token" not in {key for key, value in answer.json().items() if value}


@pytest.mark.parametrize("email", ["nobody@example.co.jp", None])
async def test_unknown_account_and_wrong_password_give_the_same_answer(
    browser: Browser, make_user: MakeUser, email: str | None
) -> None:
    user = await make_user()
    answer = await browser.post("/auth/login", {"email": email or user.email, "password": "wrong-guess-1"})
    assert answer.status_code == 401
    body = answer.json()
    assert body["code"] == "auth.wrong_credentials"
    assert body["detail"] == "メールアドレスまたはパスワードが違います。"
    assert body["correlation_id"] == answer.headers["x-correlation-id"]


async def test_the_time_of_an_answer_does_not_tell_which_accounts_exist(
    app: FastAPI, make_user: MakeUser
) -> None:
    user = await make_user()

    async def spent_s(email: str, *, last_byte: int) -> float:
        """Processor time of all threads: what others do on the machine meanwhile does not count."""
        browser = open_browser(app, address=f"203.0.113.{last_byte}")
        began = time.process_time()
        await browser.post("/auth/login", {"email": email, "password": "wrong-guess-1"})
        return time.process_time() - began

    known, unknown = [], []
    for number in range(4):
        known.append(await spent_s(user.email, last_byte=200 + number))
        unknown.append(await spent_s("nobody-at-all@example.co.jp", last_byte=210 + number))
    # A skipped verification would cost about a tenth.
    assert min(unknown) > min(known) / 3


async def test_errors_come_in_the_language_the_browser_asks_for(browser: Browser) -> None:
    answer = await browser.post(
        "/auth/login",
        {"email": "nobody@example.co.jp", "password": "wrong-guess-1"},
        headers={"Accept-Language": "fr, en-GB;q=0.8, ja;q=0.5"},
    )
    assert answer.json()["detail"] == "The e-mail address or the password is wrong."


async def test_email_is_taken_in_any_case_and_width(browser: Browser, make_user: MakeUser) -> None:
    user = await make_user(email="yamada.taro@example.co.jp")
    wide = "Ｙａｍａｄａ.Taro＠EXAMPLE.co.jp"
    answer = await browser.post("/auth/login", {"email": wide, "password": user.password})
    assert answer.status_code == 200


async def test_the_same_password_typed_with_another_input_method_fits(
    browser: Browser, make_user: MakeUser
) -> None:
    composed, decomposed = "パスワードは長いほうがガンバる", "パスワードは長いほうがガンバる"
    user = await make_user(password=composed)
    answer = await browser.post("/auth/login", {"email": user.email, "password": decomposed})
    assert answer.status_code == 200


async def test_a_disabled_account_cannot_sign_in_and_its_sessions_end_at_once(
    sign_in: SignIn, make_user: MakeUser, browser: Browser
) -> None:
    owner = await sign_in(Role.OWNER)
    user = await make_user(Role.EMPLOYEE)
    theirs = await sign_in(user=user)
    assert (await owner.post(f"/users/{user.id}/disable")).status_code == 200
    assert (await theirs.get("/session")).status_code == 401
    answer = await browser.post("/auth/login", {"email": user.email, "password": user.password})
    assert answer.status_code == 401


async def test_guessing_is_stopped_even_for_the_right_password(browser: Browser, make_user: MakeUser) -> None:
    user = await make_user()
    for _ in range(10):
        await browser.post("/auth/login", {"email": user.email, "password": "wrong-guess-1"})
    answer = await browser.post("/auth/login", {"email": user.email, "password": user.password})
    assert answer.status_code == 429
    assert answer.json()["code"] == "auth.too_many_attempts"
    assert int(answer.headers["retry-after"]) > 0


async def test_naming_the_organisation_or_not_are_no_two_ways_to_guess(
    browser: Browser, database: Database, tenant: TenantId, make_user: MakeUser
) -> None:
    user = await make_user()
    async with database.transaction(system_principal(tenant)) as session:
        slug = await session.scalar(text("SELECT slug FROM app.tenant"))
    guess = {"email": user.email, "password": "wrong-guess-1"}
    statuses = []
    for at in range(11):
        named = {"tenant": slug} if at % 2 else {"tenant": "nobody"} if at % 3 else {}
        statuses.append((await browser.post("/auth/login", {**guess, **named})).status_code)
    assert statuses == [401] * 10 + [429]


async def test_guesses_made_at_the_same_moment_are_all_counted(app: FastAPI, make_user: MakeUser) -> None:
    user = await make_user()
    browser = open_browser(app, address="203.0.113.251")
    answers = await asyncio.gather(
        *(browser.post("/auth/login", {"email": user.email, "password": "wrong-guess-1"}) for _ in range(14))
    )
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(401) == 10
    assert statuses.count(429) == 4


async def test_somebody_elsewhere_guessing_does_not_lock_a_person_out(
    app: FastAPI, browser: Browser, make_user: MakeUser
) -> None:
    user = await make_user()
    attacker = open_browser(app, address="203.0.113.252")
    for _ in range(11):
        await attacker.post("/auth/login", {"email": user.email, "password": "wrong-guess-1"})
    answer = await browser.post("/auth/login", {"email": user.email, "password": user.password})
    assert answer.status_code == 200


async def test_many_right_sign_ins_from_one_office_are_not_stopped(app: FastAPI, make_user: MakeUser) -> None:
    user = await make_user()
    office = open_browser(app, address="203.0.113.253")
    for _ in range(12):
        answer = await office.post("/auth/login", {"email": user.email, "password": user.password})
        assert answer.status_code == 200


async def test_the_door_opens_again_when_the_window_has_passed(browser: Browser, make_user: MakeUser) -> None:
    user = await make_user()
    for _ in range(11):
        await browser.post("/auth/login", {"email": user.email, "password": "wrong-guess-1"})
    with clock.shifted(timedelta(seconds=901)):
        answer = await browser.post("/auth/login", {"email": user.email, "password": user.password})
    assert answer.status_code == 200


async def test_losing_redis_does_not_open_the_door(make_settings: MakeSettings, make_user: MakeUser) -> None:
    user = await make_user()
    async with running(make_settings(redis_url=f"redis://127.0.0.1:{free_port()}/0")) as app:
        browser = open_browser(app, address="203.0.113.254")
        for _ in range(10):
            answer = await browser.post("/auth/login", {"email": user.email, "password": "wrong-guess-1"})
            assert answer.status_code == 401
        answer = await browser.post("/auth/login", {"email": user.email, "password": user.password})
        assert answer.status_code == 429


async def test_the_same_credentials_in_two_companies_ask_which_one(
    browser: Browser, make_user: MakeUser, make_tenant: MakeTenant
) -> None:
    user = await make_user()
    slug = f"other-{user.id}"
    other = await make_tenant(slug=slug)
    await make_user(tenant_id=other, email=user.email)
    credentials = {"email": user.email, "password": PASSWORD}
    answer = await browser.post("/auth/login", credentials)
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["field"] == "tenant"
    assert slug in answer.json()["hint"]
    answer = await browser.post("/auth/login", {**credentials, "tenant": slug})
    assert answer.status_code == 200
    assert (await browser.get("/session")).json()["tenant"]["slug"] == slug


async def test_scripts_get_a_bearer_token_and_need_no_csrf_token(
    app: FastAPI, browser: Browser, make_user: MakeUser
) -> None:
    user = await make_user()
    answer = await browser.post(
        "/auth/login", {"email": user.email, "password": user.password, "bearer": True}
    )
    assert COOKIE not in browser.http.cookies
    script = open_browser(app)
    script.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    assert (await script.post("/account/locale", {"locale": "en"})).status_code == 204
    assert (await script.get("/session")).json()["csrf_token"] is None


@pytest.mark.parametrize(("asked", "spoken"), [("en", "en"), ("ja", "ja"), ("fr", "ja"), (None, "ja")])
async def test_a_script_is_answered_in_the_language_it_asks_for_and_a_browser_in_its_persons(
    app: FastAPI, browser: Browser, make_user: MakeUser, asked: str | None, spoken: str
) -> None:
    user = await make_user()
    given = {"email": user.email, "password": user.password}
    header = {"Accept-Language": asked} if asked else {}
    token = (await browser.post("/auth/login", {**given, "bearer": True})).json()["token"]
    script = open_browser(app)
    script.headers["Authorization"] = f"Bearer {token}"
    refused = await script.get("/people/999999", headers=header)
    assert (refused.status_code, refused.headers["content-language"]) == (404, spoken)
    assert (await browser.post("/auth/login", given)).status_code == 200
    refused = await browser.get("/people/999999", headers=header)
    assert (refused.status_code, refused.headers["content-language"]) == (404, "ja")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"password": "x"}, "email"),
        ({"email": "no-at-sign", "password": "x"}, "email"),
        ({"email": "a b@example.jp", "password": "x"}, "email"),
        ({"email": "a@example.jp", "password": ""}, "password"),
        ({"email": "a@example.jp", "password": "x", "pasword": "y"}, "pasword"),
        ({"email": ["a@example.jp"], "password": "x"}, "email"),
    ],
)
async def test_wrong_input_names_the_field_in_both_languages(
    browser: Browser, body: dict[str, object], field: str
) -> None:
    messages = []
    for language in ("ja", "en"):
        answer = await browser.post("/auth/login", body, headers={"Accept-Language": language})
        assert answer.status_code == 422
        problem = next(item for item in answer.json()["errors"] if item["field"] == field)
        messages.append(problem["message"])
    assert messages[0] != messages[1]


async def test_unicode_that_cannot_be_stored_is_refused_not_crashed(browser: Browser) -> None:
    for raw in (
        b'{"email":"a\\u0000@example.jp","password":"x"}',
        b'{"email":"\\ud800@example.jp","password":"x"}',
    ):
        answer = await browser.request(
            "POST", "/auth/login", content=raw, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 422
