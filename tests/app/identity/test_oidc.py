"""OIDC against a real provider on a socket: the honest flow, and everything that may be wrong with it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey
from pydantic import SecretStr
from sqlalchemy import text

from hrx.app.identity.gate import COOKIE
from hrx.app.identity.oidc import Providers, open_providers
from hrx.app.identity.routes.oidc import safe_return_path
from hrx.app.platform.db import Database
from hrx.kit import clock
from hrx.kit.errors import Invalid
from tests.app.clients import Browser, User, open_browser
from tests.app.conftest import MakeSettings, MakeUser, running
from tests.servers.oidc import (
    CLIENT_ID,
    CLIENT_SECRET,
    OidcServer,
    running_oidc_server,
    signed_by_somebody_else,
    signed_with_public_key,
    unsigned,
)

pytestmark = pytest.mark.req("R2-1")


@pytest.fixture
def provider() -> Iterator[OidcServer]:
    with running_oidc_server() as server:
        yield server


def configured(provider: OidcServer, **given: Any) -> SecretStr:
    config = {
        "id": "test",
        "name": "試験プロバイダー",
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        **given,
    }
    return SecretStr(json.dumps([config]))


@dataclass(slots=True)
class Visit:
    """A browser at an API that knows the provider."""

    app: FastAPI
    browser: Browser
    provider: OidcServer

    async def leave(self, return_to: str = "/people") -> str:
        """Press the button; gives the provider's page."""
        answer = await self.browser.get("/auth/oidc/test/start", params={"return_to": return_to})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def come_back(self, address: str) -> str:
        """Follow the provider's redirect; gives where we send the browser."""
        parts = urlsplit(address)
        answer = await self.browser.http.get(f"{parts.path}?{parts.query}")
        assert answer.status_code == 302, answer.text
        location: str = answer.headers["location"]
        return location

    async def sign_in(self) -> str:
        return await self.come_back(self.provider.authorize(await self.leave()))

    async def is_signed_in(self) -> bool:
        return (await self.browser.get("/session")).status_code == 200


@pytest_asyncio.fixture
async def visit(make_settings: MakeSettings, provider: OidcServer) -> AsyncIterator[Visit]:
    async with running(make_settings(oidc_providers=configured(provider))) as app:
        browser = open_browser(app)
        yield Visit(app, browser, provider)
        await browser.http.aclose()


@pytest_asyncio.fixture
async def user(make_user: MakeUser, provider: OidcServer) -> User:
    """An account whose address the provider vouches for."""
    made = await make_user()
    provider.person["email"] = made.email
    provider.person["sub"] = f"subject-of-{made.id}-{made.email}"
    return made


async def test_the_page_offers_the_provider(visit: Visit) -> None:
    answer = await visit.browser.get("/auth/providers")
    assert answer.json() == {"items": [{"id": "test", "name": "試験プロバイダー"}]}


async def test_the_honest_flow_signs_in_and_returns_to_the_page(visit: Visit, user: User) -> None:
    assert await visit.sign_in() == "/people"
    session = (await visit.browser.get("/session")).json()
    assert session["user"]["email"] == user.email


async def test_a_linked_subject_finds_its_account_after_the_address_changed(visit: Visit, user: User) -> None:
    await visit.sign_in()
    visit.browser.http.cookies.clear()
    visit.provider.person["email"] = "new-address@example.co.jp"
    assert await visit.sign_in() == "/people"
    assert (await visit.browser.get("/session")).json()["user"]["id"] == user.id


async def test_an_unverified_address_finds_nobody(visit: Visit, user: User) -> None:
    visit.provider.person["email_verified"] = False
    assert await visit.sign_in() == "/sign-in?error=oidc.no_account"
    assert not await visit.is_signed_in()


async def test_somebody_nobody_knows_is_told_so(visit: Visit) -> None:
    visit.provider.person.update(sub="stranger", email="stranger@example.com")
    assert await visit.sign_in() == "/sign-in?error=oidc.no_account"


#: Times are seconds from now: a run of all tests takes longer than an hour on a slow machine.
WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "replayed"},
    "no nonce": {"nonce": None},
    "another audience": {"aud": "another-client"},
    "several audiences without us as azp": {"aud": [CLIENT_ID, "other"], "azp": "other"},
    "another issuer": {"iss": "https://evil.example"},
    "expired": {"exp": -120},
    "no expiry": {"exp": None},
    "issued in the future": {"iat": 3600},
    "not valid yet": {"nbf": 3600},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is no text": {"sub": {"$ne": ""}},
}


def wrong_claims(fault: str) -> dict[str, Any]:
    now = int(time.time())
    return {
        name: now + value if name in ("exp", "iat", "nbf") and value is not None else value
        for name, value in WRONG_CLAIMS[fault].items()
    }


@pytest.mark.parametrize("fault", WRONG_CLAIMS)
async def test_a_token_is_refused_with(visit: Visit, user: User, fault: str) -> None:
    visit.provider.wrong_claims = wrong_claims(fault)
    assert await visit.sign_in() == "/sign-in?error=oidc.token_refused"
    assert not await visit.is_signed_in()


async def test_an_unsigned_token_is_refused(visit: Visit, user: User) -> None:
    visit.provider.forge = unsigned
    assert await visit.sign_in() == "/sign-in?error=oidc.token_refused"


async def test_a_token_signed_by_somebody_else_is_refused(visit: Visit, user: User) -> None:
    visit.provider.forge = signed_by_somebody_else
    assert await visit.sign_in() == "/sign-in?error=oidc.token_refused"


async def test_the_public_key_does_not_pass_as_a_shared_secret(visit: Visit, user: User) -> None:
    # The classic confusion: HS256 keyed with the provider's public key, which everybody has.
    visit.provider.forge = partial(signed_with_public_key, key=visit.provider.key)
    assert await visit.sign_in() == "/sign-in?error=oidc.token_refused"


@pytest.mark.parametrize("garbage", ["", "x", "a.b.c", "e30.e30.", "." * 50, "A" * 20_000])
async def test_garbage_is_refused(visit: Visit, user: User, garbage: str) -> None:
    visit.provider.forge = lambda claims: garbage
    assert await visit.sign_in() == "/sign-in?error=oidc.token_refused"


async def test_a_state_is_good_once(visit: Visit, user: User) -> None:
    back = visit.provider.authorize(await visit.leave())
    assert await visit.come_back(back) == "/people"
    visit.browser.http.cookies.clear()
    assert await visit.come_back(back) == "/sign-in?error=oidc.token_refused"
    assert not await visit.is_signed_in()


async def test_a_flow_that_another_browser_began_is_refused(visit: Visit, user: User) -> None:
    # An attacker sends a victim the end of the attacker's own sign-in.
    back = visit.provider.authorize(await visit.leave())
    victim = Visit(visit.app, open_browser(visit.app), visit.provider)
    assert await victim.come_back(back) == "/sign-in?error=oidc.token_refused"
    assert COOKIE not in victim.browser.http.cookies


@pytest.mark.parametrize("query", ["", "?state=x&code=y", "?error=access_denied&state=x"])
async def test_coming_back_without_having_left_is_refused(visit: Visit, query: str) -> None:
    answer = await visit.browser.get(f"/auth/oidc/test/callback{query}")
    assert answer.headers["location"] == "/sign-in?error=oidc.token_refused"


async def test_an_address_begins_only_so_many_sign_ins_that_it_does_not_end(
    make_settings: MakeSettings, provider: OidcServer, user: User
) -> None:
    settings = make_settings(oidc_providers=configured(provider), sign_in_failures_per_address=3)
    async with running(settings) as app:
        browser = open_browser(app, address="203.0.113.255")
        visit = Visit(app, browser, provider)
        for _ in range(5):
            assert await visit.sign_in() == "/people"
        for _ in range(3):
            assert (await visit.leave()).startswith(provider.issuer)
        assert await visit.leave() == "/sign-in?error=auth.too_many_attempts"
        elsewhere = Visit(app, open_browser(app, address="198.51.100.255"), provider)
        assert (await elsewhere.leave()).startswith(provider.issuer)
        await browser.http.aclose()
        await elsewhere.browser.http.aclose()


async def test_a_provider_that_names_another_issuer_is_refused(visit: Visit, user: User) -> None:
    back = visit.provider.authorize(await visit.leave()) + "&iss=https%3A%2F%2Fevil.example"
    assert await visit.come_back(back) == "/sign-in?error=oidc.token_refused"


async def test_rotated_keys_are_fetched_when_first_seen(
    make_settings: MakeSettings, provider: OidcServer, user: User
) -> None:
    settings = make_settings(oidc_providers=configured(provider), oidc_jwks_ttl_s=1)
    async with running(settings) as app:
        visit = Visit(app, open_browser(app), provider)
        await visit.sign_in()
        provider.rotate_key()
        visit.browser.http.cookies.clear()
        # Within the pause nothing is fetched again, whoever asks; after it the new key is found.
        assert await visit.sign_in() == "/sign-in?error=oidc.token_refused"
        await asyncio.sleep(1.05)
        assert await visit.sign_in() == "/people"


async def test_unknown_keys_do_not_make_us_ask_the_provider_again_and_again(visit: Visit, user: User) -> None:
    await visit.sign_in()
    visit.provider.requests.clear()
    visit.provider.forge = lambda claims: jwt.encode(
        {"alg": "ES256", "kid": "unknown"}, claims, ECKey.generate_key("P-256", {"kid": "unknown"})
    )
    for _ in range(5):
        await visit.sign_in()
    assert visit.provider.requests.count("/jwks") == 0


async def test_a_provider_that_is_down_is_said_to_be_and_keys_kept_serve_on(visit: Visit, user: User) -> None:
    page = await visit.leave()
    back = visit.provider.authorize(page)
    visit.provider.is_down = True
    assert await visit.come_back(back) == "/sign-in?error=oidc.provider_unavailable"


async def test_a_provider_never_reached_answers_503_and_passwords_still_work(
    visit: Visit, user: User
) -> None:
    visit.provider.is_down = True
    answer = await visit.browser.get("/auth/oidc/test/start")
    assert answer.status_code == 503
    await visit.browser.sign_in(user)


async def test_an_unknown_provider_is_not_found(visit: Visit) -> None:
    assert (await visit.browser.get("/auth/oidc/other/start")).status_code == 404
    answer = await visit.browser.post("/auth/token", {"provider": "other", "id_token": "x" * 20})
    assert answer.status_code == 404


async def test_a_token_of_the_provider_is_exchanged_for_a_session(visit: Visit, user: User) -> None:
    answer = await visit.browser.post(
        "/auth/token", {"provider": "test", "id_token": visit.provider.id_token(), "bearer": True}
    )
    assert answer.status_code == 200
    script = open_browser(visit.app)
    script.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    assert (await script.get("/session")).json()["user"]["id"] == user.id


async def test_a_token_that_was_exchanged_once_is_worth_nothing(visit: Visit, user: User) -> None:
    token = visit.provider.id_token()
    thief = open_browser(visit.app, address="203.0.113.99")
    answers = await asyncio.gather(
        *(
            browser.post("/auth/token", {"provider": "test", "id_token": token})
            for browser in (visit.browser, thief)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 403]
    # Another spelling of the same signature (its last letter holds bits that say nothing) helps nobody.
    again = next(letter for letter in "AQgw" if letter != token[-1])
    for replayed in (token, token[:-1] + again):
        answer = await thief.post("/auth/token", {"provider": "test", "id_token": replayed})
        assert (answer.status_code, answer.json()["code"]) == (403, "oidc.token_refused")
    fresh = visit.provider.id_token(jti="another")
    assert (await thief.post("/auth/token", {"provider": "test", "id_token": fresh})).status_code == 200


async def test_used_tokens_are_forgotten_when_nobody_would_believe_them_any_more(
    visit: Visit, user: User, database: Database
) -> None:
    body = {"provider": "test", "id_token": visit.provider.id_token(jti="once")}
    assert (await visit.browser.post("/auth/token", body)).status_code == 200
    for later, status in ((timedelta(seconds=300), 403), (timedelta(seconds=400), 403)):
        with clock.shifted(later):
            async with database.transaction(None) as session:
                await session.execute(text("SELECT gate.purge(:at)"), {"at": clock.now()})
            assert (await visit.browser.post("/auth/token", body)).status_code == status


# Named: the moment of collecting differs between the processes of one run.
@pytest.mark.parametrize("exp", [int(time.time()) + 9 * 86_400, 1e300], ids=["nine days", "for ever"])
async def test_a_token_that_would_live_for_weeks_is_refused(visit: Visit, user: User, exp: float) -> None:
    visit.provider.wrong_claims = {"exp": exp}
    body = {"provider": "test", "id_token": visit.provider.id_token()}
    answer = await visit.browser.post("/auth/token", body)
    assert (answer.status_code, answer.json()["code"]) == (403, "oidc.token_refused")


@pytest.mark.parametrize("field", ["issuer", "jwks_uri"])
def test_keys_and_pages_of_a_provider_do_not_come_over_plain_http(
    make_settings: MakeSettings, provider: OidcServer, field: str
) -> None:
    with pytest.raises(Invalid, match="HRX_OIDC_PROVIDERS"):
        open_providers(
            make_settings(oidc_providers=configured(provider, **{field: "http://login.example.co.jp"}))
        )


@pytest.mark.parametrize("fault", [name for name in WRONG_CLAIMS if "nonce" not in name])
async def test_a_wrong_token_opens_no_session(visit: Visit, user: User, fault: str) -> None:
    visit.provider.wrong_claims = wrong_claims(fault)
    answer = await visit.browser.post(
        "/auth/token", {"provider": "test", "id_token": visit.provider.id_token()}
    )
    assert answer.status_code == 403
    assert answer.json()["code"] == "oidc.token_refused"


async def test_a_provider_bound_to_one_tenant_opens_no_other(
    make_settings: MakeSettings, provider: OidcServer, user: User
) -> None:
    settings = make_settings(oidc_providers=configured(provider, tenant="somebody-else"))
    async with running(settings) as app:
        bound = Visit(app, open_browser(app), provider)
        assert await bound.sign_in() == "/sign-in?error=oidc.no_account"


def test_firebase_and_supabase_are_configuration(make_settings: MakeSettings) -> None:
    settings = make_settings(
        oidc_providers=SecretStr(
            '[{"id":"fb","name":"F","preset":"firebase","project":"my-app"},'
            '{"id":"sb","name":"S","preset":"supabase","url":"https://x.supabase.co/"}]'
        )
    )
    providers: Providers = open_providers(settings)
    firebase, supabase = (providers.by_id[name].config for name in ("fb", "sb"))
    assert (firebase.issuer, firebase.client_id) == ("https://securetoken.google.com/my-app", "my-app")
    assert (supabase.issuer, supabase.client_id) == ("https://x.supabase.co/auth/v1", "authenticated")
    assert list(providers.with_button()) == []


@pytest.mark.parametrize(
    "broken", ["{", "{}", '[{"id":"x"}]', '[{"id":"x","preset":"other"}]', '[{"preset":"firebase"}]']
)
def test_broken_configuration_is_named_without_its_secrets(make_settings: MakeSettings, broken: str) -> None:
    with pytest.raises(Invalid, match="HRX_OIDC_PROVIDERS"):
        open_providers(make_settings(oidc_providers=SecretStr(broken)))


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nb", ""],
)
def test_the_way_back_stays_on_our_own_site(wanted: str) -> None:
    assert safe_return_path(wanted) == "/"
    assert safe_return_path("/people?q=佐藤") == "/people?q=佐藤"
