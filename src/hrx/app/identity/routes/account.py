"""One's own account: sessions, password, language, second factor."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import BaseModel

from hrx.app.identity import actions, queries, throttle
from hrx.app.identity.parts import Identity
from hrx.app.identity.routes.shapes import Body, Code, LocaleName, Password
from hrx.app.platform.edge import CurrentPrincipal, EdgeParts, Id, Parts, Transaction
from hrx.app.platform.tenancy import Principal, UserId

router = APIRouter(tags=["account"])


class OpenSession(BaseModel):
    id: int
    method: str
    user_agent: str
    address: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    is_current: bool


class OpenSessions(BaseModel):
    items: list[OpenSession]
    total: int
    next_cursor: str | None = None


class Ended(BaseModel):
    ended: int


class PasswordChange(Body):
    current_password: Password
    new_password: Password


class LocaleChange(Body):
    locale: LocaleName


class TotpOffer(BaseModel):
    secret: str
    otpauth_url: str
    qr_svg: str


class TotpCode(Body):
    code: Code


class PasswordProof(Body):
    password: Password


@router.get("/sessions")
async def list_own_sessions(session: Transaction, principal: CurrentPrincipal) -> OpenSessions:
    """The open sessions of one's own account."""
    rows = await queries.list_sessions(session, user_id=_user_id(principal))
    items = [OpenSession(**row._asdict(), is_current=row.id == principal.session_id) for row in rows]
    return OpenSessions(items=items, total=len(items))


@router.delete("/sessions/{session_id}", status_code=204)
async def end_own_session(session_id: Id, session: Transaction, principal: CurrentPrincipal) -> Response:
    """End one of one's own sessions; it counts at once, everywhere."""
    await actions.end_session(session, session_id=session_id, user_id=_user_id(principal))
    return Response(status_code=204)


@router.post("/sessions/revoke-others")
async def end_other_sessions(session: Transaction, principal: CurrentPrincipal) -> Ended:
    """End all of one's own sessions but this one."""
    ended = await actions.end_sessions(session, user_id=_user_id(principal), except_id=principal.session_id)
    return Ended(ended=ended)


@router.post("/account/password")
async def change_own_password(
    body: PasswordChange,
    session: Transaction,
    principal: CurrentPrincipal,
    parts: EdgeParts,
    identity: Identity,
) -> Ended:
    """Set a new password; all other sessions end."""
    counters = await _count_attempt(parts, principal, purpose="password")
    ended = await actions.change_password(
        session, identity, principal=principal, current=body.current_password, new=body.new_password
    )
    await throttle.forgive(session, counters)
    return Ended(ended=ended)


@router.post("/account/locale", status_code=204)
async def change_own_locale(
    body: LocaleChange, session: Transaction, principal: CurrentPrincipal
) -> Response:
    """Set the language of pages, errors and messages."""
    await actions.set_locale(session, user_id=_user_id(principal), locale=body.locale)
    return Response(status_code=204)


@router.post("/account/totp/start")
async def start_second_factor(
    session: Transaction, principal: CurrentPrincipal, identity: Identity
) -> TotpOffer:
    """A new secret for an authenticator app; it counts once confirmed with a code."""
    offer = await actions.start_totp(session, identity, user_id=_user_id(principal))
    return TotpOffer(secret=offer.secret, otpauth_url=offer.otpauth_url, qr_svg=offer.qr_svg)


@router.post("/account/totp/confirm", status_code=204)
async def confirm_own_second_factor(
    body: TotpCode, session: Transaction, principal: CurrentPrincipal, parts: EdgeParts, identity: Identity
) -> Response:
    """Turn the second factor on."""
    counters = await _count_attempt(parts, principal, purpose="totp")
    await actions.confirm_totp(session, identity, user_id=_user_id(principal), code=body.code)
    await throttle.forgive(session, counters)
    return Response(status_code=204)


@router.post("/account/totp/disable", status_code=204)
async def disable_own_second_factor(
    body: PasswordProof,
    session: Transaction,
    principal: CurrentPrincipal,
    parts: EdgeParts,
    identity: Identity,
) -> Response:
    """Turn the second factor off; asks for the password."""
    counters = await _count_attempt(parts, principal, purpose="password")
    user_id = _user_id(principal)
    await actions.check_own_password(
        session, identity, user_id=user_id, password=body.password, field_name="password"
    )
    await actions.remove_totp(session, user_id=user_id, action="account.totp_disabled")
    await throttle.forgive(session, counters)
    return Response(status_code=204)


async def _count_attempt(parts: Parts, principal: Principal, *, purpose: str) -> list[throttle.Allowance]:
    """Count one guess in a transaction of its own, which stays when the request fails."""
    counters = throttle.for_second_step(
        parts.settings, purpose=purpose, tenant_id=principal.tenant_id, user_id=_user_id(principal)
    )
    async with parts.database.transaction(None) as session:
        wait_s = await throttle.count(session, counters, window_s=parts.settings.sign_in_window_s)
    if wait_s:
        raise throttle.too_many(wait_s)
    return counters


def _user_id(principal: Principal) -> UserId:
    """Requests always have a user; only jobs have none."""
    return principal.user_id or UserId(0)
