"""The HTTP edge: what every route of the product is given. Slices import from here and nowhere else.

    from hrx.app.platform.edge import CurrentPrincipal, Id, Transaction, require

    router = APIRouter(prefix="/people", tags=["people"])

    @router.get("/{person_id}")
    async def show_person(person_id: Id, session: Transaction, principal: CurrentPrincipal) -> PersonDetail:
        return await queries.get_person(session, person_id=person_id)

    @router.post("", status_code=201, dependencies=[require(Role.HR, Role.OWNER)])
    async def hire(body: Hire, session: Transaction) -> Hired: ...

- `Transaction`  an AsyncSession inside ONE transaction that acts as the signed-in principal; it commits
                 before the response leaves and rolls back when anything raises. Routes never commit.
- `CurrentPrincipal`  who is signed in (also `session.info["principal"]`).
- `require(...)` a dependency that answers 403 unless the principal has one of the roles.
- `Id`           a path parameter that fits a bigint.
- `EdgeParts`    the process-wide parts (settings, cursor signer, cache, live events).
- `Reply`        orjson response for rows that are JSON already in shape: `return Reply(rows)`.
- `CursorParam`, `LimitParam` and `EdgeParts.cursors` for keyset pages (see platform.paging).

Errors: raise those of hrx.kit.errors; see platform.problems for constraints of the database.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import orjson
from fastapi import Depends, Path, Request
from fastapi.params import Depends as DependsParam
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from hrx.app.platform import problems
from hrx.app.platform.cache import Cache
from hrx.app.platform.db import Database
from hrx.app.platform.live import LiveHub
from hrx.app.platform.paging import CursorParam, CursorSigner, LimitParam
from hrx.app.platform.refusals import Refusals
from hrx.app.platform.tenancy import Principal, Role
from hrx.app.platform.visitors import Visitors
from hrx.app.platform.web_figures import WebFigures
from hrx.app.settings import AppSettings
from hrx.kit.errors import Forbidden, Text

MAX_ID = 2**63 - 1


class Authenticator(Protocol):
    """Signs the request's transaction in; implemented by `identity`, which this layer does not know."""

    async def begin(self, session: AsyncSession, request: Request) -> Principal:
        """Find who asks and tell PostgreSQL, in this transaction.

        Raises NotSignedIn, or Forbidden when a browser's request lacks proof that it is not forged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What one API process is made of; lives on `app.state.parts`."""

    settings: AppSettings
    database: Database
    authenticator: Authenticator
    cursors: CursorSigner
    cache: Cache
    live: LiveHub
    refusals: Refusals
    visitors: Visitors
    web: WebFigures


def parts_of(request: Request) -> Parts:
    """The process's parts, for code that has the request only."""
    parts: Parts = request.app.state.parts
    return parts


EdgeParts = Annotated[Parts, Depends(parts_of)]


def signed_in(request: Request) -> AbstractAsyncContextManager[AsyncSession]:
    """A transaction of the signed-in principal, for routes that must end it before they answer."""
    parts = parts_of(request)

    async def begin(session: AsyncSession) -> None:
        principal = await parts.authenticator.begin(session, request)
        _leave_for_telemetry(request, principal)
        parts.visitors.note(principal)

    return parts.database.open(begin)


async def _signed_in_transaction(request: Request) -> AsyncIterator[AsyncSession]:
    async with signed_in(request) as session:
        yield session


def _leave_for_telemetry(request: Request, principal: Principal) -> None:
    """What error pages and access lines may say about the caller: language and ids, nothing personal."""
    request.scope[problems.LANGUAGE_SCOPE_KEY] = principal.locale
    request.scope["hrx.user_id"] = principal.user_id
    request.scope["hrx.tenant_id"] = principal.tenant_id


# "function" scope: the transaction ends before the response is sent, so that what a client has been told is
# committed, and a failing commit still becomes an error document.
Transaction = Annotated[AsyncSession, Depends(_signed_in_transaction, scope="function")]


async def _current_principal(session: Transaction) -> Principal:
    principal: Principal = session.info["principal"]
    return principal


CurrentPrincipal = Annotated[Principal, Depends(_current_principal)]


def require(*roles: Role) -> DependsParam:
    """A route dependency: 403 unless the principal has one of `roles`."""

    async def check(principal: CurrentPrincipal) -> None:
        if not principal.is_any(*roles):
            raise not_allowed()

    dependency: DependsParam = Depends(check)
    return dependency


def not_allowed() -> Forbidden:
    return Forbidden(
        Text(
            ja="この操作を行う権限がありません。",
            en="You may not do this.",
        ),
        hint=Text(
            ja="必要な場合は、人事部または管理者に依頼してください。",
            en="Ask HR or the owner of your organisation if you need it.",
        ),
    )


Id = Annotated[int, Path(ge=1, le=MAX_ID)]


def client_address(request: Request) -> str | None:
    """The caller's address, as the trusted proxy gave it."""
    return request.client.host if request.client else None


class Reply(Response):
    """JSON by orjson: dates, datetimes and UUIDs included; no second validation of our own rows."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


__all__ = [
    "MAX_ID",
    "Authenticator",
    "CurrentPrincipal",
    "CursorParam",
    "EdgeParts",
    "Id",
    "LimitParam",
    "Parts",
    "Reply",
    "Transaction",
    "client_address",
    "not_allowed",
    "parts_of",
    "require",
    "signed_in",
]
