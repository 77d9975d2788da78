"""Signing in: by password, by a second factor, by another's OIDC.

The one place of the product that opens its own transactions: a failed attempt must stay counted and audited
although the request fails, and nothing may hold a transaction open while a password is hashed or a provider
is asked."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.identity import throttle
from hrx.app.identity.gate import FoundSession
from hrx.app.identity.models import OIDC_IDENTITY, SESSION, USER
from hrx.app.identity.oidc import ExternalIdentity
from hrx.app.identity.parts import IdentityParts, Method
from hrx.app.identity.queries import AnyRow, get_account_secrets
from hrx.app.identity.totp import matching_step, owner_name
from hrx.app.platform import audit
from hrx.app.platform.db import Database
from hrx.app.platform.refusals import Rule
from hrx.app.platform.tenancy import Principal, SessionId, TenantId, UserId, system_principal
from hrx.app.settings import AppSettings
from hrx.kit import clock, ids
from hrx.kit.errors import Conflict, FieldProblem, Forbidden, NotSignedIn, Text

#: Rows that say whose session is opened: tenant_id, user_id, locale.
Account = AnyRow | FoundSession

_logger = logging.getLogger("hrx.identity")
#: Sessions keep what the browser calls itself, cut to what the column takes.
MAX_USER_AGENT: Final = 400
#: How a session came to be → the step that opened it; whatever else there is names an OIDC provider.
_METHODS: Final[dict[str, Method]] = {"password": "password", "password+totp": "totp"}


class WrongCredentials(NotSignedIn):
    code = "auth.wrong_credentials"


class WrongCode(NotSignedIn):
    code = "auth.wrong_code"


class TenantNeeded(Conflict):
    """The same address and password fit accounts of several tenants."""

    code = "auth.tenant_needed"


class NoAccount(Forbidden):
    """The provider vouches for somebody whom nobody here knows."""

    code = "oidc.no_account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """From where somebody signs in."""

    address: str | None
    user_agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A new session. `token` is shown once, to the browser or script that asked."""

    token: str
    needs_totp: bool
    tenant_id: TenantId
    user_id: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """The ways in. `is_password_right` and the rest are steps, in the order they happen."""

    settings: AppSettings
    database: Database
    identity: IdentityParts

    async def with_password(
        self, *, email: str, password: str, tenant_slug: str | None, caller: Caller
    ) -> SignedIn:
        """Raises TooManyAttempts, WrongCredentials or TenantNeeded."""
        # Without the organisation: naming it or not would otherwise be two ways to guess at one account.
        counters = throttle.for_sign_in(self.settings, account=email, address=caller.address)
        candidates = await self._count_and_find(counters, email=email, tenant_slug=tenant_slug, caller=caller)
        fitting = await self._whose_password_is_right(candidates, password=password)
        if not fitting:
            await self._record_failures(candidates, caller=caller)
            self._measure("password", "wrong_password")
            raise WrongCredentials(
                Text(
                    ja="メールアドレスまたはパスワードが違います。",
                    en="The e-mail address or the password is wrong.",
                )
            )
        if len(fitting) > 1:
            self._measure("password", "tenant_needed")
            raise _tenant_needed(fitting)
        chosen = fitting[0]
        async with self.database.transaction(_principal_of(chosen)) as session:
            await throttle.forgive(session, counters)
            await self._renew_hash(session, chosen, password=password)
            return await self._start_session(session, chosen, method="password", caller=caller)

    async def with_code(self, *, pending: FoundSession, code: str, caller: Caller) -> SignedIn:
        """The second step: a new session in place of the half-open one. Raises TooManyAttempts, WrongCode."""
        counters = throttle.for_second_step(
            self.settings, purpose="totp", tenant_id=pending.tenant_id, user_id=pending.user_id
        )
        await self._count(counters, method="totp", caller=caller)
        principal = _principal_of(pending)
        async with self.database.transaction(principal) as session:
            account = await get_account_secrets(session, user_id=pending.user_id)
            is_right = await use_code(session, self.identity, account=account, code=code)
            if is_right:
                await throttle.forgive(session, counters)
                # The half-open session ends: a token known before the second factor opens nothing after it.
                await session.execute(
                    update(SESSION).where(SESSION.c.id == pending.session_id).values(revoked_at=clock.now())
                )
                return await self._open_session(session, pending, method="password+totp", caller=caller)
            await audit.record(
                session,
                action="session.second_factor_failed",
                details={"user_id": pending.user_id},
                address=caller.address,
            )
        self._measure("totp", "wrong_code")
        raise WrongCode(
            Text(ja="認証コードが違うか、使用済みです。", en="The code is wrong or was used already."),
            hint=Text(
                ja="アプリに表示されている新しいコードを入力してください。",
                en="Enter the code that the app shows now.",
            ),
        )

    async def with_identity(self, external: ExternalIdentity, *, caller: Caller) -> SignedIn:
        """The session of whom a provider vouches for. Raises NoAccount or TenantNeeded."""
        candidates = await self._find_linked(external) or await self._find_by_email(external)
        if not candidates:
            self._measure("oidc", "no_account")
            raise NoAccount(
                Text(
                    ja="このアカウントに対応する利用者がいません。",
                    en="There is no user for this account.",
                ),
                hint=Text(
                    ja="管理者に利用者の登録を依頼してください。", en="Ask your administrator to add you."
                ),
            )
        if len(candidates) > 1:
            self._measure("oidc", "tenant_needed")
            raise _tenant_needed(candidates)
        chosen = candidates[0]
        async with self.database.transaction(_principal_of(chosen)) as session:
            await self._link(session, chosen, external=external)
            return await self._start_session(
                session, chosen, method=f"oidc:{external.provider.id}", caller=caller
            )

    # ── steps ─────────────────────────────────────────────────────────────────────────────────────
    async def _count_and_find(
        self, counters: list[throttle.Allowance], *, email: str, tenant_slug: str | None, caller: Caller
    ) -> Sequence[AnyRow]:
        async with self.database.transaction(None) as session:
            wait_s = await throttle.count(session, counters, window_s=self.settings.sign_in_window_s)
            found = await session.execute(
                text("SELECT * FROM app.find_accounts(:email, :slug)"), {"email": email, "slug": tenant_slug}
            )
            candidates = found.all()
        self._refuse_if_waiting(wait_s, method="password", caller=caller)
        return candidates

    async def _count(self, counters: list[throttle.Allowance], *, method: Method, caller: Caller) -> None:
        async with self.database.transaction(None) as session:
            wait_s = await throttle.count(session, counters, window_s=self.settings.sign_in_window_s)
        self._refuse_if_waiting(wait_s, method=method, caller=caller)

    def _refuse_if_waiting(self, wait_s: int, *, method: Method, caller: Caller) -> None:
        if wait_s:
            self._measure(method, "too_many")
            rule: Rule = "sign_in" if method == "password" else "second_step"
            self.identity.refusals.note(rule, address=caller.address)
            _logger.warning("Sign-in refused: too many attempts", extra={"fields": {"wait_s": wait_s}})
            raise throttle.too_many(wait_s)

    async def _whose_password_is_right(self, candidates: Sequence[AnyRow], *, password: str) -> list[AnyRow]:
        """One verification is made even when there is no account, so that time tells nothing."""
        passwords = self.identity.passwords
        if not candidates:
            await passwords.is_right(password, hashed=None)
        fitting = []
        for row in candidates:
            if await passwords.is_right(password, hashed=row.password_hash) and row.is_active:
                fitting.append(row)
        return fitting

    async def _record_failures(self, candidates: Sequence[AnyRow], *, caller: Caller) -> None:
        for row in candidates:
            async with self.database.transaction(system_principal(TenantId(row.tenant_id))) as session:
                await audit.record(
                    session,
                    action="session.sign_in_failed",
                    details={"user_id": row.user_id, "is_active": row.is_active},
                    address=caller.address,
                )

    async def _renew_hash(self, session: AsyncSession, account: AnyRow, *, password: str) -> None:
        if self.identity.passwords.is_outdated(account.password_hash):
            hashed = await self.identity.passwords.hash(password)
            await session.execute(
                update(USER).where(USER.c.id == account.user_id).values(password_hash=hashed)
            )

    async def _start_session(
        self, session: AsyncSession, account: AnyRow, *, method: str, caller: Caller
    ) -> SignedIn:
        if not account.has_totp:
            return await self._open_session(session, account, method=method, caller=caller)
        self._measure("oidc" if method.startswith("oidc:") else "password", "totp_required")
        lifetime_s = self.settings.totp_pending_s
        return await _insert_session(
            session, account, stage="totp_required", method=method, lifetime_s=lifetime_s, caller=caller
        )

    async def _open_session(
        self, session: AsyncSession, account: Account, *, method: str, caller: Caller
    ) -> SignedIn:
        lifetime_s = self.settings.session_lifetime_s
        opened = await _insert_session(
            session, account, stage="signed_in", method=method, lifetime_s=lifetime_s, caller=caller
        )
        await session.execute(
            update(USER).where(USER.c.id == account.user_id).values(last_signed_in_at=clock.now())
        )
        await audit.record(
            session, action="session.signed_in", details={"method": method}, address=caller.address
        )
        self._measure(_METHODS.get(method, "oidc"), "none")
        return opened

    async def _find_linked(self, external: ExternalIdentity) -> list[AnyRow]:
        async with self.database.transaction(None) as session:
            rows = await session.execute(
                text("SELECT * FROM app.find_oidc_accounts(:issuer, :subject)"),
                {"issuer": external.provider.issuer, "subject": external.subject},
            )
            found = rows.all()
        return await self._of_allowed_tenant(found, external=external)

    async def _find_by_email(self, external: ExternalIdentity) -> list[AnyRow]:
        if not (external.verified_email and external.provider.links_by_email):
            return []
        async with self.database.transaction(None) as session:
            rows = await session.execute(
                text("SELECT * FROM app.find_accounts(:email, :slug)"),
                {"email": external.verified_email, "slug": external.provider.tenant},
            )
            return [row for row in rows.all() if row.is_active]

    async def _of_allowed_tenant(
        self, found: Sequence[AnyRow], *, external: ExternalIdentity
    ) -> list[AnyRow]:
        if external.provider.tenant is None:
            return list(found)
        async with self.database.transaction(None) as session:
            allowed = await session.scalar(
                text("SELECT app.find_tenant(:slug)"), {"slug": external.provider.tenant}
            )
        return [row for row in found if row.tenant_id == allowed]

    async def _link(self, session: AsyncSession, account: AnyRow, *, external: ExternalIdentity) -> None:
        """Remember the provider's subject: addresses change hands, subjects do not."""
        identity = OIDC_IDENTITY.c
        known = await session.scalar(
            select(identity.user_id).where(
                identity.issuer == external.provider.issuer, identity.subject == external.subject
            )
        )
        if known is not None:
            return
        await session.execute(
            insert(OIDC_IDENTITY).values(
                user_id=account.user_id,
                provider=external.provider.id,
                issuer=external.provider.issuer,
                subject=external.subject,
            )
        )
        await audit.record(session, action="user.oidc_linked", details={"provider": external.provider.id})

    def _measure(self, method: Method, reason: str) -> None:
        self.identity.metrics.count(method, reason)


async def use_code(session: AsyncSession, identity: IdentityParts, *, account: AnyRow, code: str) -> bool:
    """Whether the code is right and was never used; a right one is used up with this transaction."""
    if account.totp_secret_sealed is None:
        return False
    owner = owner_name(tenant_id=account.tenant_id, user_id=account.id)
    step = matching_step(identity.seal.open(bytes(account.totp_secret_sealed), owner=owner), code)
    if step is None:
        return False
    # The comparison happens in the database, so that of two uses at the same moment one loses.
    used = await session.execute(
        update(USER)
        .where(USER.c.id == account.id, (USER.c.totp_last_step.is_(None)) | (USER.c.totp_last_step < step))
        .values(totp_last_step=step)
        .returning(USER.c.id)
    )
    return used.one_or_none() is not None


async def _insert_session(
    session: AsyncSession, account: Account, *, stage: str, method: str, lifetime_s: int, caller: Caller
) -> SignedIn:
    token = ids.new_token()
    now = clock.now()
    session_id = await session.scalar(
        insert(SESSION)
        .values(
            user_id=account.user_id,
            token_digest=ids.digest(token),
            stage=stage,
            method=method,
            user_agent=_printable(caller.user_agent)[:MAX_USER_AGENT],
            address=caller.address,
            created_at=now,
            last_seen_at=now,
            expires_at=now + timedelta(seconds=lifetime_s),
        )
        .returning(SESSION.c.id)
    )
    await session.execute(
        text("SELECT set_config('hrx.session_id', :id, true)"), {"id": str(SessionId(session_id or 0))}
    )
    return SignedIn(
        token=token,
        needs_totp=stage == "totp_required",
        tenant_id=TenantId(account.tenant_id),
        user_id=UserId(account.user_id),
    )


def _printable(value: str) -> str:
    return "".join(character for character in value if character.isprintable())


def _principal_of(account: Account) -> Principal:
    """The account itself, without any role: enough to open its session and to be named in the audit."""
    return Principal(
        tenant_id=TenantId(account.tenant_id),
        user_id=UserId(account.user_id),
        person_id=None,
        roles=frozenset(),
        locale="en" if account.locale == "en" else "ja",
    )


def _tenant_needed(fitting: Sequence[AnyRow]) -> TenantNeeded:
    slugs = ", ".join(row.tenant_slug for row in fitting if hasattr(row, "tenant_slug"))
    message = Text(ja="会社を選んでください。", en="Please choose the organisation.")
    return TenantNeeded(
        message,
        hint=Text(ja=f"会社コード: {slugs}", en=f"Organisation codes: {slugs}"),
        fields=(FieldProblem(field="tenant", code=TenantNeeded.code, message=message),),
    )
