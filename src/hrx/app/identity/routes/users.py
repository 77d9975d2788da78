"""Accounts and roles of the organisation; owners only."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from hrx.app.identity import actions, queries
from hrx.app.identity.parts import Identity
from hrx.app.identity.routes.shapes import Body, Email, LocaleName, Password, RoleName, VisibleText
from hrx.app.platform.edge import (
    MAX_ID,
    CurrentPrincipal,
    CursorParam,
    EdgeParts,
    Id,
    LimitParam,
    Transaction,
    require,
)
from hrx.app.platform.paging import DEFAULT_LIMIT
from hrx.app.platform.tenancy import Role

router = APIRouter(tags=["users"], dependencies=[require(Role.OWNER)])
_LISTING = "users"


class User(BaseModel):
    id: int
    email: str
    display_name: str
    locale: LocaleName
    person_id: int | None
    roles: list[RoleName]
    is_active: bool
    totp_enabled: bool
    has_password: bool
    last_signed_in_at: datetime | None
    created_at: datetime


class Users(BaseModel):
    items: list[User]
    total: int
    next_cursor: str | None


class UserToCreate(Body):
    email: Email
    display_name: VisibleText
    roles: list[RoleName] = Field(max_length=5)
    locale: LocaleName = "ja"
    person_id: Annotated[int, Field(ge=1, le=MAX_ID)] | None = None
    #: Without one, a password is made and told once in the answer.
    password: Password | None = None


class CreatedUser(BaseModel):
    user: User
    initial_password: str | None


class Roles(Body):
    roles: list[RoleName] = Field(max_length=5)


def _user(row: queries.AnyRow) -> User:
    values = row._asdict()
    values["roles"] = sorted(values["roles"])
    return User(**values)


@router.get("/users")
async def list_users(
    session: Transaction,
    parts: EdgeParts,
    cursor: CursorParam = None,
    limit: LimitParam = DEFAULT_LIMIT,
    q: Annotated[str | None, Query(max_length=100)] = None,
) -> Users:
    """Accounts by e-mail address."""
    after = parts.cursors.read(cursor, listing=_LISTING)[0] if cursor else None
    rows = await queries.list_users(
        session, after_email=None if after is None else str(after), limit=limit, search=q
    )
    page = rows[:limit]
    next_cursor = parts.cursors.sign(listing=_LISTING, after=[page[-1].email]) if len(rows) > limit else None
    total = await queries.count_users(session, search=q)
    return Users(items=[_user(row) for row in page], total=total, next_cursor=next_cursor)


@router.post("/users", status_code=201)
async def create_user(body: UserToCreate, session: Transaction, identity: Identity) -> CreatedUser:
    """Create an account."""
    new = actions.NewUser(
        email=body.email,
        display_name=body.display_name,
        roles=actions.roles_of(body.roles),
        locale=body.locale,
        person_id=body.person_id,
        password=body.password,
    )
    user_id, made = await actions.create_user(session, identity, new=new)
    row = await queries.get_user(session, user_id=user_id)
    return CreatedUser(user=_user(row), initial_password=made)


@router.put("/users/{user_id}/roles")
async def set_user_roles(user_id: Id, body: Roles, session: Transaction) -> User:
    """Replace the roles of an account; the last owner keeps that role."""
    await actions.set_roles(session, user_id=user_id, roles=actions.roles_of(body.roles))
    return _user(await queries.get_user(session, user_id=user_id))


@router.post("/users/{user_id}/disable")
async def disable_user(user_id: Id, session: Transaction, principal: CurrentPrincipal) -> User:
    """Shut an account out, its open sessions included."""
    await actions.disable_user(session, user_id=user_id, by=principal)
    return _user(await queries.get_user(session, user_id=user_id))


@router.post("/users/{user_id}/enable")
async def enable_user(user_id: Id, session: Transaction) -> User:
    """Let an account in again; ended sessions stay ended."""
    await actions.enable_user(session, user_id=user_id)
    return _user(await queries.get_user(session, user_id=user_id))


@router.post("/users/{user_id}/reset-totp", status_code=204)
async def reset_user_second_factor(user_id: Id, session: Transaction) -> Response:
    """Forget the second factor of somebody who lost their device."""
    row = await queries.get_user(session, user_id=user_id)
    await actions.remove_totp(session, user_id=row.id, action="user.totp_reset")
    return Response(status_code=204)
