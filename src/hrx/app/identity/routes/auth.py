"""Sign in and out, and what the pages need to know about the session."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.identity import actions, queries
from hrx.app.identity.gate import FoundSession, find_credential
from hrx.app.identity.parts import Identity, IdentityParts
from hrx.app.identity.routes.shapes import (
    Body,
    Code,
    Email,
    LocaleName,
    Password,
    RoleName,
    SignInState,
    answer,
    caller_of,
    drop_session_cookie,
    sign_in_of,
)
from hrx.app.identity.sign_in import SignedIn
from hrx.app.platform.edge import CurrentPrincipal, EdgeParts, Parts, Transaction
from hrx.app.platform.edge import signed_in as signed_in_transaction
from hrx.app.platform.tenancy import Principal, Role, SessionId, UserId
from hrx.kit import clock
from hrx.kit.errors import NotSignedIn

router = APIRouter(tags=["auth"])


class Login(Body):
    email: Email
    password: Password
    tenant: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,63}$")] | None = None
    #: Scripts set this: the token comes in the answer, and no cookie is set.
    bearer: bool = False


class SecondFactor(Body):
    code: Code
    bearer: bool = False


@router.post("/auth/login")
async def login(
    body: Login, request: Request, response: Response, parts: EdgeParts, identity: Identity
) -> SignInState:
    """Sign in by e-mail address and password."""
    identity.gate.check_origin(request)
    signed_in = await sign_in_of(parts, identity).with_password(
        email=body.email, password=body.password, tenant_slug=body.tenant, caller=caller_of(request)
    )
    return answer(parts, response, signed_in, as_bearer=body.bearer)


@router.post("/auth/totp")
async def confirm_second_factor(
    body: SecondFactor, request: Request, response: Response, parts: EdgeParts, identity: Identity
) -> SignInState:
    """Finish a sign-in that answered `totp_required`; the session gets a new token."""
    identity.gate.check_origin(request)
    pending = await _find_pending(parts, identity, request)
    signed_in: SignedIn = await sign_in_of(parts, identity).with_code(
        pending=pending, code=body.code, caller=caller_of(request)
    )
    return answer(parts, response, signed_in, as_bearer=body.bearer)


async def _find_pending(parts: Parts, identity: IdentityParts, request: Request) -> FoundSession:
    found: list[FoundSession] = []

    async def begin(session: AsyncSession) -> None:
        found.append(await identity.gate.find_pending(session, request))

    async with parts.database.open(begin):
        return found[-1]


@router.post("/auth/logout", status_code=204)
async def logout(request: Request, parts: EdgeParts) -> Response:
    """End this session; signing out twice is no error."""
    response = Response(status_code=204)
    drop_session_cookie(parts, response)
    try:
        async with signed_in_transaction(request) as session:
            principal: Principal = session.info["principal"]
            await actions.end_session(
                session,
                session_id=principal.session_id or SessionId(0),
                user_id=principal.user_id or UserId(0),
            )
    except NotSignedIn:
        return response
    return response


class SessionUser(BaseModel):
    id: int
    email: str
    display_name: str
    locale: LocaleName
    totp_enabled: bool


class SessionTenant(BaseModel):
    id: int
    name: str
    slug: str
    time_zone: str
    today: date


#: Which doors the pages show; the routes and the database decide again.
May = dict[
    Literal["hire", "transfer", "import", "export", "audit", "evaluate", "manage_users", "match"], bool
]


class CurrentSession(BaseModel):
    user: SessionUser
    tenant: SessionTenant
    roles: list[RoleName]
    person_id: int | None
    csrf_token: str | None
    may: May


@router.get("/session")
async def show_session(
    request: Request, session: Transaction, principal: CurrentPrincipal, identity: Identity
) -> CurrentSession:
    """Who is signed in, for which organisation, and what the pages may offer."""
    row = await queries.get_signed_in(session, user_id=principal.user_id or UserId(0))
    credential = find_credential(request)
    is_cookie = credential is not None and credential.is_cookie
    return CurrentSession(
        user=SessionUser(
            id=row.id,
            email=row.email,
            display_name=row.display_name,
            locale=row.locale,
            totp_enabled=row.totp_enabled,
        ),
        tenant=SessionTenant(
            id=row.tenant_id,
            name=row.tenant_name,
            slug=row.tenant_slug,
            time_zone=row.tenant_time_zone,
            today=clock.today(row.tenant_time_zone),
        ),
        roles=[name for name in _ROLE_ORDER if Role(name) in principal.roles],
        person_id=principal.person_id,
        csrf_token=identity.gate.csrf_token(credential.token) if credential and is_cookie else None,
        may=_may(principal),
    )


_ROLE_ORDER: tuple[RoleName, ...] = ("owner", "hr", "manager", "employee", "auditor")


def _may(principal: Principal) -> May:
    writes = principal.may_write_people
    return {
        "hire": writes,
        "transfer": writes or principal.is_any(Role.MANAGER),
        "import": writes,
        "export": principal.sees_everyone,
        "audit": principal.is_any(Role.OWNER, Role.AUDITOR),
        "evaluate": principal.sees_everyone,
        "manage_users": principal.is_any(Role.OWNER),
        "match": principal.is_any(Role.OWNER, Role.HR, Role.MANAGER, Role.AUDITOR),
    }
