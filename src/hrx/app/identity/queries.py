"""Reading identity: accounts, roles, sessions, the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.identity.models import AUDIT_ENTRY, SESSION, TENANT, USER, USER_ROLE
from hrx.app.platform.tenancy import SessionId, UserId
from hrx.kit import clock
from hrx.kit.errors import NotFound, Text

#: Rows of Core selects; their columns are those named in the select.
AnyRow = Row[*tuple[Any, ...]]


class UserNotFound(NotFound):
    code = "user.not_found"


class SessionNotFound(NotFound):
    code = "session.not_found"


def user_not_found() -> UserNotFound:
    return UserNotFound(Text(ja="利用者が見つかりません。", en="There is no such user."))


_ROLES = (
    select(func.coalesce(func.array_agg(USER_ROLE.c.role), text("'{}'")))
    .where(USER_ROLE.c.user_id == USER.c.id)
    .scalar_subquery()
    .label("roles")
)
_USER_COLUMNS = (
    USER.c.id,
    USER.c.email,
    USER.c.display_name,
    USER.c.locale,
    USER.c.person_id,
    USER.c.is_active,
    USER.c.last_signed_in_at,
    USER.c.created_at,
    USER.c.totp_confirmed_at.is_not(None).label("totp_enabled"),
    USER.c.password_hash.is_not(None).label("has_password"),
    _ROLES,
)


async def get_user(session: AsyncSession, *, user_id: int) -> AnyRow:
    """One account with its roles. Raises UserNotFound for other tenants' ids as well."""
    row = (await session.execute(select(*_USER_COLUMNS).where(USER.c.id == user_id))).one_or_none()
    if row is None:
        raise user_not_found()
    return row


async def list_users(
    session: AsyncSession, *, after_email: str | None, limit: int, search: str | None
) -> Sequence[AnyRow]:
    """Accounts by e-mail address; one more than `limit`, to know whether there is a next page."""
    query = select(*_USER_COLUMNS).order_by(USER.c.email).limit(limit + 1)
    if after_email is not None:
        query = query.where(USER.c.email > after_email)
    if search:
        query = query.where(_matches(search))
    return (await session.execute(query)).all()


async def count_users(session: AsyncSession, *, search: str | None) -> int:
    query = select(func.count()).select_from(USER)
    if search:
        query = query.where(_matches(search))
    return int(await session.scalar(query) or 0)


def _matches(search: str) -> ColumnElement[bool]:
    return USER.c.email.contains(search.lower(), autoescape=True) | USER.c.display_name.contains(
        search, autoescape=True
    )


async def get_account_secrets(session: AsyncSession, *, user_id: int) -> AnyRow:
    """Password hash and second factor of one account, for verifying only. Raises UserNotFound."""
    query = select(
        USER.c.id,
        USER.c.tenant_id,
        USER.c.email,
        USER.c.locale,
        USER.c.password_hash,
        USER.c.totp_secret_sealed,
        USER.c.totp_confirmed_at,
        USER.c.totp_last_step,
    ).where(USER.c.id == user_id)
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise user_not_found()
    return row


async def get_tenant(session: AsyncSession) -> AnyRow:
    """The tenant of this transaction; the policy shows no other."""
    return (
        await session.execute(select(TENANT.c.id, TENANT.c.name, TENANT.c.slug, TENANT.c.time_zone))
    ).one()


async def get_signed_in(session: AsyncSession, *, user_id: int) -> AnyRow:
    """The signed-in user beside the tenant, in one round trip."""
    query = select(
        USER.c.id,
        USER.c.email,
        USER.c.display_name,
        USER.c.locale,
        USER.c.totp_confirmed_at.is_not(None).label("totp_enabled"),
        TENANT.c.id.label("tenant_id"),
        TENANT.c.name.label("tenant_name"),
        TENANT.c.slug.label("tenant_slug"),
        TENANT.c.time_zone.label("tenant_time_zone"),
    ).where(USER.c.id == user_id, TENANT.c.id == USER.c.tenant_id)
    return (await session.execute(query)).one()


async def count_active_owners(session: AsyncSession) -> int:
    query = (
        select(func.count())
        .select_from(USER_ROLE.join(USER, USER.c.id == USER_ROLE.c.user_id))
        .where(USER_ROLE.c.role == "owner", USER.c.is_active)
    )
    return int(await session.scalar(query) or 0)


async def list_sessions(session: AsyncSession, *, user_id: UserId) -> Sequence[AnyRow]:
    """Open sessions of one user, the latest used first; index session_of_user."""
    query = (
        select(
            SESSION.c.id,
            SESSION.c.method,
            SESSION.c.user_agent,
            SESSION.c.address,
            SESSION.c.created_at,
            SESSION.c.last_seen_at,
            SESSION.c.expires_at,
        )
        .where(
            SESSION.c.user_id == user_id,
            SESSION.c.stage == "signed_in",
            SESSION.c.revoked_at.is_(None),
            SESSION.c.expires_at > clock.now(),
        )
        .order_by(SESSION.c.last_seen_at.desc())
        .limit(200)
    )
    return (await session.execute(query)).all()


async def list_open_session_ids(
    session: AsyncSession, *, user_id: int, except_id: SessionId | None
) -> list[SessionId]:
    query = select(SESSION.c.id).where(SESSION.c.user_id == user_id, SESSION.c.revoked_at.is_(None))
    if except_id is not None:
        query = query.where(SESSION.c.id != except_id)
    return [SessionId(row) for row in await session.scalars(query)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """What part of the audit trail is asked for; None means any."""

    actor_user_id: int | None = None
    action: str | None = None
    subject_person_id: int | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None


async def list_audit(
    session: AsyncSession, *, wanted: AuditFilter, before_id: int | None, limit: int
) -> Sequence[AnyRow]:
    """Entries, newest first, one more than `limit`; index audit_entry_of_tenant or audit_entry_of_person."""
    entry = AUDIT_ENTRY.c
    query = (
        select(
            entry.id,
            entry.at,
            entry.actor_user_id,
            USER.c.display_name.label("actor_name"),
            entry.action,
            entry.subject_person_id,
            entry.details,
            entry.address,
            entry.correlation_id,
        )
        .select_from(AUDIT_ENTRY.outerjoin(USER, USER.c.id == entry.actor_user_id))
        .order_by(entry.id.desc())
        .limit(limit + 1)
    )
    if before_id is not None:
        query = query.where(entry.id < before_id)
    if wanted.actor_user_id is not None:
        query = query.where(entry.actor_user_id == wanted.actor_user_id)
    if wanted.subject_person_id is not None:
        query = query.where(entry.subject_person_id == wanted.subject_person_id)
    if wanted.from_at is not None:
        query = query.where(entry.at >= wanted.from_at)
    if wanted.to_at is not None:
        query = query.where(entry.at < wanted.to_at)
    if wanted.action:
        query = query.where(entry.action.startswith(wanted.action, autoescape=True))
    return (await session.execute(query)).all()
