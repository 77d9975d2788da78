"""The gate every request passes: its session, and proof that a browser was not tricked into sending it.

A session token comes in the cookie `hrx_session` or as `Authorization: Bearer` (scripts). A cookie is sent by
a browser on its own account, so unsafe methods also need `X-CSRF-Token` and, where the browser names one, our
own Origin. A bearer token has to be put there on purpose and needs neither."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, replace
from typing import Final, Protocol

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from hrx.app.identity.keys import KeyRing
from hrx.app.platform.db import begin_with
from hrx.app.platform.problems import preferred_of
from hrx.app.platform.refusals import Refusals
from hrx.app.platform.tenancy import PersonId, Principal, Role, SessionId, TenantId, UserId
from hrx.kit import clock, ids, log
from hrx.kit.errors import Forbidden, Language, NotSignedIn, Text

COOKIE: Final = "hrx_session"
CSRF_HEADER: Final = "x-csrf-token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: Longer than any token of ours; anything longer is not looked up.
MAX_TOKEN_CHARACTERS: Final = 128


class NoSession(NotSignedIn):
    code = "session.missing"


class SessionEnded(NotSignedIn):
    """The token is unknown, expired, revoked, or its account was disabled: the caller cannot tell which."""

    code = "session.ended"


class SecondFactorNeeded(NotSignedIn):
    code = "session.totp_required"


class RequestForged(Forbidden):
    code = "csrf.failed"


_SIGN_IN: Final = Text(ja="もう一度サインインしてください。", en="Please sign in again.")

_BEGIN: Final = """
SELECT session_id, stage, tenant_id, user_id, person_id, locale, roles, data_version
FROM app.begin_request(%(digest)s, %(correlation_id)s, %(at)s, %(idle_s)s)
"""


class FoundSession(Protocol):
    """A row of _BEGIN."""

    session_id: int
    stage: str
    tenant_id: int
    user_id: int
    person_id: int | None
    locale: str
    roles: str
    data_version: int


@dataclass(frozen=True, slots=True)
class Credential:
    """A session token as it came."""

    token: str
    is_cookie: bool


def find_credential(request: Request) -> Credential | None:
    """The token of a request; a bearer token wins over a cookie."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return Credential(value.strip(), is_cookie=False)
    cookie = request.cookies.get(COOKIE)
    return Credential(cookie, is_cookie=True) if cookie else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Implements edge.Authenticator. `origins` are the addresses our own pages are served from."""

    keys: KeyRing
    origins: frozenset[str]
    idle_s: int
    refusals: Refusals

    async def begin(self, session: AsyncSession, request: Request) -> Principal:
        """Sign the transaction in with one indexed query.

        Raises NoSession, SessionEnded, SecondFactorNeeded or RequestForged."""
        credential = self._credential_of(request)
        if credential.is_cookie:
            self.check_not_forged(request, token=credential.token)
        found = await self._get_session(session, credential)
        if found.stage != "signed_in":
            raise SecondFactorNeeded(
                Text(ja="認証コードの入力が必要です。", en="The code of the second factor is still needed.")
            )
        principal = _principal_of(found)
        # A browser says what its maker chose; a program that holds a token says what its caller asked for.
        asked = None if credential.is_cookie else preferred_of(request.headers.get("accept-language", ""))
        if asked is not None:
            principal = replace(principal, locale=asked)
        session.info["principal"] = principal
        session.info["data_version"] = found.data_version
        session.info["address"] = request.client.host if request.client else None
        return principal

    async def find_pending(self, session: AsyncSession, request: Request) -> FoundSession:
        """The half-open session that waits for its second factor; nothing acts for it yet.

        It has no CSRF token, because its pages cannot ask for one; the caller checks the Origin.
        Raises NoSession or SessionEnded, also when the session is open already."""
        found = await self._get_session(session, self._credential_of(request))
        if found.stage != "totp_required":
            raise _ended()
        return found

    def _credential_of(self, request: Request) -> Credential:
        credential = find_credential(request)
        if credential is None:
            raise NoSession(Text(ja="サインインしていません。", en="You are not signed in."), hint=_SIGN_IN)
        return credential

    async def _get_session(self, session: AsyncSession, credential: Credential) -> FoundSession:
        row = await self._look_up(session, credential.token)
        if row is None:
            raise _ended()
        return row

    async def _look_up(self, session: AsyncSession, token: str) -> FoundSession | None:
        """The transaction's first statement. A token that cannot be one is looked up as well, as another."""
        is_possible = len(token) <= MAX_TOKEN_CHARACTERS and token.isascii()
        found: FoundSession | None = await begin_with(
            session,
            _BEGIN,
            {
                "digest": ids.digest(token if is_possible else "-"),
                "correlation_id": log.correlation_id.get() or "",
                "at": clock.now(),
                "idle_s": self.idle_s,
            },
        )
        return found

    def csrf_token(self, token: str) -> str:
        """What our pages must send along; derived from the session token, so nothing needs storing."""
        return _csrf(self.keys.newest, token)

    def check_not_forged(self, request: Request, *, token: str) -> None:
        """Raises RequestForged for an unsafe request from a cookie without the token or from elsewhere."""
        if request.method in SAFE_METHODS:
            return
        self.check_origin(request)
        given = request.headers.get(CSRF_HEADER, "")
        if not any(hmac.compare_digest(_csrf(key, token).encode(), given.encode()) for key in self.keys.keys):
            raise self._refuse(request)

    def check_origin(self, request: Request) -> None:
        """Raises RequestForged when the browser says that another site's page sent this."""
        origin = request.headers.get("origin")
        is_foreign = origin is not None and origin not in self.origins
        if is_foreign or request.headers.get("sec-fetch-site") == "cross-site":
            raise self._refuse(request)

    def _refuse(self, request: Request) -> RequestForged:
        self.refusals.note("forged_form", address=request.client.host if request.client else None)
        return _forged()


def _ended() -> SessionEnded:
    return SessionEnded(Text(ja="セッションが終了しました。", en="The session has ended."), hint=_SIGN_IN)


def _csrf(key: bytes, token: str) -> str:
    mac = hmac.digest(key, b"csrf:" + token.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def _forged() -> RequestForged:
    return RequestForged(
        Text(
            ja="この操作が画面から行われたことを確認できませんでした。",
            en="It could not be confirmed that this came from our own page.",
        ),
        hint=Text(
            ja="ページを再読み込みしてから、もう一度お試しください。", en="Reload the page and try again."
        ),
    )


def _principal_of(row: FoundSession) -> Principal:
    locale: Language = "en" if row.locale == "en" else "ja"
    return Principal(
        tenant_id=TenantId(row.tenant_id),
        user_id=UserId(row.user_id),
        person_id=None if row.person_id is None else PersonId(row.person_id),
        roles=frozenset(Role(name) for name in row.roles.split(",") if name),
        locale=locale,
        session_id=SessionId(row.session_id),
    )
