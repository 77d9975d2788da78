"""Sessions: listed, ended, expired, forged; and requests that a browser was tricked into."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from hrx.app.identity.gate import COOKIE
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Role, TenantId, system_principal
from hrx.kit import clock, ids
from tests.app.clients import Browser, open_browser
from tests.app.conftest import MakeUser, SignIn
from tests.conftest import MakeTenant

pytestmark = pytest.mark.req("R2-1")


async def test_without_a_session_every_door_answers_401(browser: Browser) -> None:
    for path in ("/session", "/sessions", "/users", "/audit", "/audit/verify", "/events"):
        answer = await browser.get(path)
        assert answer.status_code == 401, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "session.missing"


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "",
        "A" * 5000,
        "ｔｏｋｅｎ",
        "' OR 1=1 --",
        "Zm9yZ2VkLXRva2VuLW9mLXRoZS1yaWdodC1sZW5ndGg-",
        "\x7f\x7f",
    ],
)
async def test_a_forged_token_is_not_a_session(app: FastAPI, token: str) -> None:
    header = b"Bearer " + token.encode()
    answer = await open_browser(app).get("/session", headers={b"Authorization": header})
    assert answer.status_code == 401


async def test_a_session_ends_after_its_longest_life(sign_in: SignIn) -> None:
    browser = await sign_in()
    with clock.shifted(timedelta(hours=11)):
        assert (await browser.get("/session")).status_code == 401  # idle for longer than 4 h
    with clock.shifted(timedelta(hours=3)):
        assert (await browser.get("/session")).status_code == 200  # and used again: idle time starts over
    with clock.shifted(timedelta(hours=6)):
        assert (await browser.get("/session")).status_code == 200
    with clock.shifted(timedelta(hours=9)):
        assert (await browser.get("/session")).status_code == 200
    with clock.shifted(timedelta(hours=12, seconds=1)):
        answer = await browser.get("/session")
    assert answer.status_code == 401
    assert answer.json()["code"] == "session.ended"


async def test_sessions_are_listed_and_an_ended_one_is_out_at_once(
    app: FastAPI, sign_in: SignIn, make_user: MakeUser
) -> None:
    user = await make_user()
    here = await sign_in(user=user)
    there = await sign_in(user=user)
    rows = (await here.get("/sessions")).json()["items"]
    assert len(rows) == 2
    assert [row["is_current"] for row in rows].count(True) == 1
    other = next(row for row in rows if not row["is_current"])
    assert (await here.delete(f"/sessions/{other['id']}")).status_code == 204
    assert (await there.get("/session")).status_code == 401
    assert (await here.get("/session")).status_code == 200
    assert (await here.delete(f"/sessions/{other['id']}")).status_code == 404


async def test_all_other_sessions_end_together(sign_in: SignIn, make_user: MakeUser) -> None:
    user = await make_user()
    here, *others = [await sign_in(user=user) for _ in range(3)]
    assert (await here.post("/sessions/revoke-others")).json() == {"ended": 2}
    assert [(await other.get("/session")).status_code for other in others] == [401, 401]
    assert (await here.get("/session")).status_code == 200


async def test_nobody_ends_a_session_of_somebody_else(sign_in: SignIn, make_tenant: MakeTenant) -> None:
    victim = await sign_in()
    victim_session = (await victim.get("/sessions")).json()["items"][0]["id"]
    colleague = await sign_in(Role.HR)
    stranger = await sign_in(Role.OWNER, tenant_id=await make_tenant())
    for attacker in (colleague, stranger):
        assert (await attacker.delete(f"/sessions/{victim_session}")).status_code == 404
    assert (await victim.get("/session")).status_code == 200


async def test_signing_out_ends_the_session_and_twice_is_no_error(sign_in: SignIn) -> None:
    browser = await sign_in()
    token = browser.http.cookies[COOKIE]
    assert (await browser.post("/auth/logout")).status_code == 204
    assert COOKIE not in browser.http.cookies
    browser.http.cookies.set(COOKIE, token)
    assert (await browser.get("/session")).status_code == 401
    assert (await browser.post("/auth/logout")).status_code == 204


async def test_an_unsafe_request_without_the_pages_token_is_refused(sign_in: SignIn) -> None:
    browser = await sign_in()
    right = (browser.csrf_token or "").encode()
    browser.csrf_token = None
    for wrong in (b"", b"x", right[:-2] + b"xx", "ｔ".encode()):
        answer = await browser.post("/account/locale", {"locale": "en"}, headers={b"X-CSRF-Token": wrong})
        assert answer.status_code == 403
        assert answer.json()["code"] == "csrf.failed"
    assert (await browser.get("/session")).json()["user"]["locale"] == "ja"


async def test_a_csrf_token_of_another_session_is_refused(sign_in: SignIn) -> None:
    victim, attacker = await sign_in(), await sign_in()
    answer = await victim.post(
        "/account/locale", {"locale": "en"}, headers={"X-CSRF-Token": attacker.csrf_token}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8080.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_a_request_from_another_sites_page_is_refused(
    sign_in: SignIn, browser: Browser, headers: dict[str, str]
) -> None:
    signed_in = await sign_in()
    answer = await signed_in.post("/account/locale", {"locale": "en"}, headers=headers)
    assert answer.status_code == 403
    # Signing a victim into the attacker's account is refused, too.
    answer = await browser.post("/auth/login", {"email": "a@example.jp", "password": "x"}, headers=headers)
    assert answer.status_code == 403


async def test_a_new_password_ends_all_other_sessions(sign_in: SignIn, make_user: MakeUser) -> None:
    user = await make_user()
    here, there = await sign_in(user=user), await sign_in(user=user)
    change = {"current_password": user.password, "new_password": "a-brand-new-鍵-for-today"}
    assert (await here.post("/account/password", change)).json() == {"ended": 1}
    assert (await there.get("/session")).status_code == 401
    assert (await here.get("/session")).status_code == 200
    answer = await there.post("/auth/login", {"email": user.email, "password": user.password})
    assert answer.status_code == 401
    answer = await there.post("/auth/login", {"email": user.email, "password": change["new_password"]})
    assert answer.status_code == 200


async def test_the_current_password_cannot_be_guessed_in_a_stolen_session(sign_in: SignIn) -> None:
    browser = await sign_in()
    change = {"current_password": "wrong-guess-1", "new_password": "a-brand-new-鍵-for-today"}
    statuses = [(await browser.post("/account/password", change)).status_code for _ in range(11)]
    assert statuses == [403] * 10 + [429]


@pytest.mark.parametrize("weak", ["short", "aaaaaaaaaaaa", "password1234", "x" * 201])
async def test_a_weak_new_password_is_refused_with_its_field(sign_in: SignIn, weak: str) -> None:
    browser = await sign_in()
    answer = await browser.post(
        "/account/password",
        {"current_password": browser.user.password, "new_password": weak},  # type: ignore[union-attr]
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "new_password"


async def test_errors_follow_the_accounts_language(sign_in: SignIn) -> None:
    browser = await sign_in(locale="en")
    answer = await browser.get("/users", headers={"Accept-Language": "ja"})
    assert answer.status_code == 403
    assert answer.json()["detail"] == "You may not do this."


async def test_the_database_holds_no_token_that_could_be_used(
    sign_in: SignIn, database: Database, tenant: TenantId
) -> None:
    browser = await sign_in()
    async with database.transaction(system_principal(tenant)) as session:
        digest = await session.scalar(text("SELECT token_digest FROM app.session"))
    assert bytes(digest) == ids.digest(browser.http.cookies[COOKIE])


async def test_long_ended_sessions_are_purged_and_open_ones_kept(
    sign_in: SignIn, database: Database, tenant: TenantId, make_user: MakeUser
) -> None:
    user = await make_user()
    here, _ = await sign_in(user=user), await sign_in(user=user)
    await here.post("/sessions/revoke-others")
    async with database.transaction(None) as session:
        await session.execute(
            text("SELECT app.purge_sessions(:before)"), {"before": clock.now() + timedelta(seconds=5)}
        )
    async with database.transaction(system_principal(tenant)) as session:
        assert await session.scalar(text("SELECT count(*) FROM app.session")) == 1
