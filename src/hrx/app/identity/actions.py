"""Changing identity: accounts, roles, sessions, passwords, the second factor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.identity import passwords, queries, totp
from hrx.app.identity.models import SESSION, USER, USER_ROLE
from hrx.app.identity.parts import IdentityParts
from hrx.app.identity.sign_in import use_code
from hrx.app.platform import audit
from hrx.app.platform.live import EventKind, publish
from hrx.app.platform.tenancy import Principal, Role, SessionId, UserId
from hrx.kit import clock
from hrx.kit.errors import Conflict, FieldProblem, Forbidden, Invalid, Language, Refused, Text

#: Roles that an owner may give; SYSTEM is nobody's.
GRANTABLE: Final = frozenset(Role) - {Role.SYSTEM}


class LastOwner(Refused):
    code = "user.last_owner"


class WrongPassword(Forbidden):
    code = "account.wrong_password"


class TotpAlreadyOn(Conflict):
    code = "account.totp_already_on"


class TotpNotStarted(Conflict):
    code = "account.totp_not_started"


class NotOnYourself(Refused):
    code = "user.not_on_yourself"


# ── accounts ──────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """An account to create; `password` None means: made by us and told once."""

    email: str
    display_name: str
    roles: frozenset[Role]
    locale: Language = "ja"
    person_id: int | None = None
    password: str | None = None


async def create_user(
    session: AsyncSession, identity: IdentityParts, *, new: NewUser
) -> tuple[UserId, str | None]:
    """The new account's id, and the password we made for it (None when one was given)."""
    if new.password is not None:
        passwords.check_strength(new.password, email=new.email, field_name="password")
    made = None if new.password is not None else passwords.new_initial_password()
    user_id = await session.scalar(
        insert(USER)
        .values(
            email=new.email,
            display_name=new.display_name,
            locale=new.locale,
            person_id=new.person_id,
            password_hash=await identity.passwords.hash(new.password or made or ""),
        )
        .returning(USER.c.id)
    )
    created = UserId(user_id or 0)
    await _insert_roles(session, user_id=created, roles=new.roles)
    await audit.record(
        session,
        action="user.created",
        subject_person_id=new.person_id,
        details={"user_id": created, "roles": sorted(new.roles)},
    )
    return created, made


async def set_roles(session: AsyncSession, *, user_id: int, roles: frozenset[Role]) -> None:
    """Replace an account's roles; they count from the next request on. Raises LastOwner, UserNotFound."""
    before = await queries.get_user(session, user_id=user_id)
    await _lock_owners(session)
    await session.execute(delete(USER_ROLE).where(USER_ROLE.c.user_id == user_id))
    await _insert_roles(session, user_id=UserId(user_id), roles=roles)
    await _check_owner_remains(session)
    await audit.record(
        session,
        action="user.roles_changed",
        details={"user_id": user_id, "before": sorted(before.roles), "after": sorted(roles)},
    )


async def disable_user(session: AsyncSession, *, user_id: int, by: Principal) -> None:
    """Shut an account out at once, its open sessions included. Raises LastOwner, NotOnYourself."""
    if user_id == by.user_id:
        raise NotOnYourself(
            Text(ja="自分自身を停止することはできません。", en="You cannot disable yourself."),
            hint=Text(ja="別の管理者に依頼してください。", en="Ask another owner."),
        )
    await queries.get_user(session, user_id=user_id)
    await _lock_owners(session)
    await session.execute(update(USER).where(USER.c.id == user_id).values(is_active=False))
    await _check_owner_remains(session)
    await end_sessions(session, user_id=UserId(user_id), except_id=None)
    await audit.record(session, action="user.disabled", details={"user_id": user_id})


async def enable_user(session: AsyncSession, *, user_id: int) -> None:
    await queries.get_user(session, user_id=user_id)
    await session.execute(update(USER).where(USER.c.id == user_id).values(is_active=True))
    await audit.record(session, action="user.enabled", details={"user_id": user_id})


async def _insert_roles(session: AsyncSession, *, user_id: UserId, roles: Iterable[Role]) -> None:
    rows = [
        {"user_id": user_id, "role": role.value, "granted_by": _actor(session)}
        for role in sorted(roles)
        if role in GRANTABLE
    ]
    if rows:
        await session.execute(insert(USER_ROLE), rows)


def _actor(session: AsyncSession) -> UserId | None:
    principal: Principal = session.info["principal"]
    return principal.user_id


async def _lock_owners(session: AsyncSession) -> None:
    """Two owners removing each other at the same moment take turns; the second sees what the first did."""
    await session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended("hrx.owners", func.app.current_tenant())))
    )


async def _check_owner_remains(session: AsyncSession) -> None:
    if await queries.count_active_owners(session) == 0:
        raise LastOwner(
            Text(
                ja="最後の管理者(オーナー)を外すことはできません。",
                en="The last owner cannot be removed.",
            ),
            hint=Text(ja="先に別の利用者をオーナーにしてください。", en="Make another user an owner first."),
        )


# ── sessions ──────────────────────────────────────────────────────────────────────────────────────────
async def end_session(session: AsyncSession, *, session_id: int, user_id: UserId) -> None:
    """End one open session of the user, everywhere at once. Raises SessionNotFound."""
    ended = await session.scalar(
        update(SESSION)
        .where(SESSION.c.id == session_id, SESSION.c.user_id == user_id, SESSION.c.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .returning(SESSION.c.id)
    )
    if ended is None:
        raise queries.SessionNotFound(Text(ja="セッションが見つかりません。", en="There is no such session."))
    await audit.record(session, action="session.ended", details={"session_id": session_id})
    await publish(session, kind=EventKind.SESSION_REVOKED, ref_id=session_id)


async def end_sessions(session: AsyncSession, *, user_id: UserId, except_id: SessionId | None) -> int:
    """End all open sessions of a user but one; gives how many ended."""
    open_ids = await queries.list_open_session_ids(session, user_id=user_id, except_id=except_id)
    if not open_ids:
        return 0
    await session.execute(update(SESSION).where(SESSION.c.id.in_(open_ids)).values(revoked_at=clock.now()))
    for session_id in open_ids:
        await publish(session, kind=EventKind.SESSION_REVOKED, ref_id=session_id)
    return len(open_ids)


# ── one's own account ─────────────────────────────────────────────────────────────────────────────────
async def check_own_password(
    session: AsyncSession, identity: IdentityParts, *, user_id: UserId, password: str, field_name: str
) -> queries.AnyRow:
    """The account, when the password is its own. Raises WrongPassword."""
    account = await queries.get_account_secrets(session, user_id=user_id)
    if not await identity.passwords.is_right(password, hashed=account.password_hash):
        message = Text(ja="現在のパスワードが違います。", en="The current password is wrong.")
        error = WrongPassword(
            message, fields=(FieldProblem(field=field_name, code=WrongPassword.code, message=message),)
        )
        raise error
    return account


async def change_password(
    session: AsyncSession, identity: IdentityParts, *, principal: Principal, current: str, new: str
) -> int:
    """Set a new password and end all other sessions; gives how many ended."""
    user_id = UserId(principal.user_id or 0)
    account = await check_own_password(
        session, identity, user_id=user_id, password=current, field_name="current_password"
    )
    passwords.check_strength(new, email=account.email, field_name="new_password")
    hashed = await identity.passwords.hash(new)
    await session.execute(update(USER).where(USER.c.id == user_id).values(password_hash=hashed))
    ended = await end_sessions(session, user_id=user_id, except_id=principal.session_id)
    await audit.record(session, action="account.password_changed", details={"sessions_ended": ended})
    return ended


async def set_locale(session: AsyncSession, *, user_id: UserId, locale: Language) -> None:
    await session.execute(update(USER).where(USER.c.id == user_id).values(locale=locale))


# ── second factor ─────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True, kw_only=True)
class TotpOffer:
    """A secret shown once, to be confirmed with a code."""

    secret: str
    otpauth_url: str
    qr_svg: str


async def start_totp(session: AsyncSession, identity: IdentityParts, *, user_id: UserId) -> TotpOffer:
    """Offer a new secret; it counts once confirmed. Raises TotpAlreadyOn."""
    account = await queries.get_account_secrets(session, user_id=user_id)
    if account.totp_confirmed_at is not None:
        raise TotpAlreadyOn(
            Text(ja="二要素認証はすでに有効です。", en="The second factor is on already."),
            hint=Text(ja="先に無効にしてください。", en="Turn it off first."),
        )
    tenant = await queries.get_tenant(session)
    secret = totp.new_secret()
    sealed = identity.seal.close(
        secret, owner=totp.owner_name(tenant_id=account.tenant_id, user_id=account.id)
    )
    await session.execute(
        update(USER).where(USER.c.id == user_id).values(totp_secret_sealed=sealed, totp_last_step=None)
    )
    url = totp.provisioning_url(secret, email=account.email, tenant_name=tenant.name)
    return TotpOffer(secret=secret, otpauth_url=url, qr_svg=totp.qr_svg(url))


async def confirm_totp(session: AsyncSession, identity: IdentityParts, *, user_id: UserId, code: str) -> None:
    """Turn the second factor on. Raises TotpAlreadyOn, TotpNotStarted or Invalid."""
    account = await queries.get_account_secrets(session, user_id=user_id)
    if account.totp_confirmed_at is not None:
        raise TotpAlreadyOn(Text(ja="二要素認証はすでに有効です。", en="The second factor is on already."))
    if account.totp_secret_sealed is None:
        raise TotpNotStarted(
            Text(ja="二要素認証の設定を始めていません。", en="The second factor was not started.")
        )
    if not await use_code(session, identity, account=account, code=code):
        message = Text(ja="認証コードが違います。", en="The code is wrong.")
        raise Invalid(
            message,
            code="account.totp_wrong_code",
            fields=(FieldProblem(field="code", code="account.totp_wrong_code", message=message),),
        )
    await session.execute(update(USER).where(USER.c.id == user_id).values(totp_confirmed_at=clock.now()))
    await audit.record(session, action="account.totp_enabled")


async def remove_totp(session: AsyncSession, *, user_id: UserId, action: str) -> None:
    """Turn the second factor off and forget its secret."""
    await session.execute(
        update(USER)
        .where(USER.c.id == user_id)
        .values(totp_secret_sealed=None, totp_confirmed_at=None, totp_last_step=None)
    )
    await audit.record(session, action=action, details={"user_id": user_id})


async def create_tenant(
    session: AsyncSession, *, slug: str, name: str, time_zone: str = "Asia/Tokyo", locale: Language = "ja"
) -> int:
    """A new tenant's id; for provisioning (the demo company, later sign-up). Anonymous transactions may."""
    created = await session.scalar(
        text("SELECT app.create_tenant(:slug, :name, :time_zone, :locale)"),
        {"slug": slug, "name": name, "time_zone": time_zone, "locale": locale},
    )
    return int(created or 0)


def roles_of(names: Sequence[str]) -> frozenset[Role]:
    return frozenset(Role(name) for name in names)
