"""Sign in through another's page, or with a token that another made."""

from __future__ import annotations

import logging
import secrets
from datetime import timedelta
from typing import Annotated
from urllib.parse import quote, urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from fastapi import APIRouter, Cookie, Query, Request, Response
from pydantic import BaseModel, StringConstraints
from sqlalchemy import text
from starlette.responses import RedirectResponse

from hrx.app.identity import throttle
from hrx.app.identity.oidc import MAX_TOKEN_CHARACTERS, ExternalIdentity, Provider, TokenRefused, refused
from hrx.app.identity.parts import Identity
from hrx.app.identity.routes.shapes import (
    Body,
    SignInState,
    answer,
    caller_of,
    set_session_cookie,
    sign_in_of,
)
from hrx.app.platform.edge import EdgeParts, Parts
from hrx.kit import clock, ids
from hrx.kit.errors import HrxError

_logger = logging.getLogger("hrx.identity")
router = APIRouter(tags=["auth"])
#: Ties the browser that comes back to the browser that left.
FLOW_COOKIE = "hrx_oidc"
FLOW_COOKIE_PATH = "/api/v1/auth/oidc"
FLOW_LIFETIME_S = 600
SIGN_IN_PAGE = "/sign-in"

ProviderId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]


class ProviderOffer(BaseModel):
    id: str
    name: str


class ProviderOffers(BaseModel):
    items: list[ProviderOffer]


class TokenSignIn(Body):
    provider: ProviderId
    id_token: Annotated[str, StringConstraints(min_length=10, max_length=MAX_TOKEN_CHARACTERS)]
    bearer: bool = False


@router.get("/auth/providers")
async def list_sign_in_providers(identity: Identity) -> ProviderOffers:
    """The external ways to sign in that the sign-in page offers."""
    offers = [ProviderOffer(id=each.id, name=each.name) for each in identity.providers.with_button()]
    return ProviderOffers(items=offers)


@router.get("/auth/oidc/{provider}/start", status_code=302, response_class=RedirectResponse)
async def start_oidc(
    provider: ProviderId,
    request: Request,
    parts: EdgeParts,
    identity: Identity,
    return_to: Annotated[str, Query(max_length=500)] = "/",
) -> RedirectResponse:
    """Send the browser to the provider (authorization code flow with PKCE, state and nonce)."""
    chosen = identity.providers.get(provider, flow="code")
    departures = throttle.for_departure(parts.settings, address=caller_of(request).address)
    async with parts.database.transaction(None) as session:
        wait_s = await throttle.count(session, departures, window_s=parts.settings.sign_in_window_s)
    if wait_s:
        identity.metrics.count("oidc", "too_many")
        identity.refusals.note("oidc_departure", address=caller_of(request).address)
        return _back_to_sign_in(throttle.too_many(wait_s), provider=provider)
    endpoint = (await chosen.discover()).authorization_endpoint
    state, nonce, verifier, browser = (secrets.token_urlsafe(32) for _ in range(4))
    async with parts.database.transaction(None) as session:
        await session.execute(
            text(
                "SELECT gate.start_oidc_flow(:state, :provider, :nonce, :verifier, :back, :browser, :until)"
            ),
            {
                "state": ids.digest(state),
                "provider": provider,
                "nonce": nonce,
                "verifier": verifier,
                "back": safe_return_path(return_to),
                "browser": ids.digest(browser),
                "until": clock.now() + timedelta(seconds=FLOW_LIFETIME_S),
            },
        )
    query = {
        "response_type": "code",
        "client_id": chosen.config.client_id,
        "redirect_uri": redirect_uri(parts, provider),
        "scope": chosen.config.scopes,
        "state": state,
        "nonce": nonce,
        "code_challenge": create_s256_code_challenge(verifier),
        "code_challenge_method": "S256",
    }
    separator = "&" if "?" in endpoint else "?"
    response = RedirectResponse(f"{endpoint}{separator}{urlencode(query)}", status_code=302)
    response.set_cookie(
        FLOW_COOKIE,
        browser,
        max_age=FLOW_LIFETIME_S,
        path=FLOW_COOKIE_PATH,
        secure=parts.settings.public_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/auth/oidc/{provider}/callback", status_code=302, response_class=RedirectResponse)
async def finish_oidc(
    provider: ProviderId,
    request: Request,
    parts: EdgeParts,
    identity: Identity,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
    browser: Annotated[str, Cookie(alias=FLOW_COOKIE, max_length=200)] = "",
) -> RedirectResponse:
    """Where the provider sends the browser back to; failures return to the sign-in page with their code."""
    chosen = identity.providers.get(provider, flow="code")
    try:
        external, return_to = await _identify(
            parts, chosen, state=state, code=code, browser=browser, issuer=request.query_params.get("iss")
        )
        signed_in = await sign_in_of(parts, identity).with_identity(external, caller=caller_of(request))
    except HrxError as error:
        if isinstance(error, TokenRefused):
            identity.metrics.count("oidc", "token_refused")
        response = _back_to_sign_in(error, provider=provider)
    else:
        async with parts.database.transaction(None) as session:
            departures = throttle.for_departure(parts.settings, address=caller_of(request).address)
            await throttle.forgive(session, departures)
        target = f"{SIGN_IN_PAGE}?step=totp" if signed_in.needs_totp else return_to
        response = RedirectResponse(target, status_code=302)
        set_session_cookie(parts, response, token=signed_in.token)
    response.delete_cookie(FLOW_COOKIE, path=FLOW_COOKIE_PATH)
    return response


def _back_to_sign_in(error: HrxError, *, provider: str) -> RedirectResponse:
    """A person looks at a page here, not at a problem document; the page says it in words."""
    _logger.info("OIDC sign-in failed", extra={"fields": {"code": error.stable_code, "provider": provider}})
    return RedirectResponse(f"{SIGN_IN_PAGE}?error={quote(error.stable_code)}", status_code=302)


async def _identify(
    parts: Parts, provider: Provider, *, state: str, code: str, browser: str, issuer: str | None
) -> tuple[ExternalIdentity, str]:
    """Whom the provider sent back, and where they wanted to go. Raises TokenRefused."""
    async with parts.database.transaction(None) as session:
        taken = await session.execute(
            text(
                "SELECT nonce, code_verifier, return_to"
                " FROM gate.take_oidc_flow(:state, :provider, :browser, :at)"
            ),
            {
                "state": ids.digest(state),
                "provider": provider.config.id,
                "browser": ids.digest(browser),
                "at": clock.now(),
            },
        )
        flow = taken.one_or_none()
    # RFC 9207: a provider that names itself must be the one that was asked.
    if flow is None or not code or (issuer is not None and issuer != provider.config.issuer):
        raise refused()
    token = await provider.exchange(
        code=code, verifier=flow.code_verifier, redirect_uri=redirect_uri(parts, provider.config.id)
    )
    return await provider.read_id_token(token, nonce=flow.nonce), flow.return_to


@router.post("/auth/token")
async def sign_in_with_token(
    body: TokenSignIn, request: Request, response: Response, parts: EdgeParts, identity: Identity
) -> SignInState:
    """Exchange an ID token of a configured provider (Supabase, Firebase, any OIDC) for a session."""
    identity.gate.check_origin(request)
    provider = identity.providers.get(body.provider, flow="token")
    try:
        external = await provider.read_id_token(body.id_token, nonce=None)
        await _use_up(parts, body.id_token, external)
    except TokenRefused:
        identity.metrics.count("oidc", "token_refused")
        raise
    signed_in = await sign_in_of(parts, identity).with_identity(external, caller=caller_of(request))
    return answer(parts, response, signed_in, as_bearer=body.bearer)


async def _use_up(parts: Parts, token: str, external: ExternalIdentity) -> None:
    """A token is good once: who finds it in a log or a proxy comes too late. Raises TokenRefused."""
    signed_part = token.rpartition(".")[0]
    async with parts.database.transaction(None) as session:
        is_first = await session.scalar(
            text("SELECT gate.use_token(:digest, :expires_at)"),
            {"digest": ids.digest(signed_part), "expires_at": external.expires_at},
        )
    if not is_first:
        _logger.warning("OIDC token used again", extra={"fields": {"provider": external.provider.id}})
        raise refused()


def redirect_uri(parts: Parts, provider_id: str) -> str:
    return f"{parts.settings.public_url.rstrip('/')}{FLOW_COOKIE_PATH}/{provider_id}/callback"


def safe_return_path(wanted: str) -> str:
    """A path on our own site, else the start page: an open redirect would serve phishing."""
    is_local = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    is_plain = wanted.isprintable() and "\\" not in wanted
    return wanted if is_local and is_plain else "/"
