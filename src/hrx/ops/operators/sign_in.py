"""Signing in and staying signed in: attempts counted by name and by address, sessions that end."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import pyotp

from hrx.kit import clock
from hrx.kit.errors import NotSignedIn, Text, TooMany
from hrx.kit.ids import digest, new_token
from hrx.kit.secrets import list_accepted
from hrx.ops.ledger import accounts as rows
from hrx.ops.ledger.entries import Kind, Ledger
from hrx.ops.operators import passwords
from hrx.ops.operators.accounts import Operator, find_operator
from hrx.ops.operators.roles import Actor
from hrx.ops.settings import OpsSettings

#: Writing "seen" at every click would be a write for every poll of every browser.
_TOUCH_EVERY_S: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in browser: who, and the token that its forms must carry."""

    operator: Operator
    csrf_token: str
    created_at: datetime

    @property
    def actor(self) -> Actor:
        return Actor(name=self.operator.name, role=self.operator.role, is_operator=True)


class WrongSignIn(NotSignedIn):
    """Name, password or code is wrong; which of them is not said."""

    code = "sign_in.wrong"

    def __init__(self) -> None:
        super().__init__(
            Text(
                ja="名前、パスワード、または確認コードが違います",
                en="The name, the password or the code is wrong",
            )
        )


def authenticate(
    ledger: Ledger, settings: OpsSettings, *, name: str, password: str, code: str, address: str
) -> Operator:
    """The operator whose name and password (and code, when a second factor is on) these are.

    Raises WrongSignIn, or TooMany after several failures for this name or from this address."""
    # What was typed as a name may be a password: enough of a digest to count by, too little to find it again.
    keys = (f"name:{digest(name[:100]).hex()[:8]}", f"address:{address[:64]}")
    _refuse_too_many(ledger, settings, keys)
    row = rows.find_operator_row(ledger.store, name[:100])
    is_right = passwords.is_right(password, row.password_hash if row else None)
    if row is None or not is_right or row.disabled_at is not None or not _fits(row.totp_secret, code):
        _record_failure(ledger, settings, keys, name=name, address=address)
        raise WrongSignIn
    with ledger.store.write() as connection:
        for key in keys:
            rows.clear_failures(connection, key)
    found = find_operator(ledger, row.name)
    if found is None:
        raise WrongSignIn
    return found


def sign_in(
    ledger: Ledger, settings: OpsSettings, *, name: str, password: str, code: str, address: str
) -> str:
    """Start a session and give its token, which only the browser keeps. Raises as `authenticate`."""
    found = authenticate(ledger, settings, name=name, password=password, code=code, address=address)
    token = new_token()
    now = clock.now()
    with ledger.store.write() as connection:
        rows.delete_ended_sessions(
            connection,
            seen_before=now - timedelta(seconds=settings.ops_session_idle_s),
            made_before=now - timedelta(seconds=settings.ops_session_max_s),
        )
        rows.insert_session(
            connection,
            rows.SessionRow(
                token_digest=digest(token).hex(),
                operator=found.name,
                csrf_token=secrets.token_urlsafe(24),
                address=address[:64],
                created_at=now,
                seen_at=now,
            ),
        )
        rows.update_operator(connection, found.name, last_sign_in_at=now.isoformat())
        ledger.append_within(
            connection, Kind.SIGN_IN, actor=found.name, subject=found.name, body={"address": address}
        )
    return token


def find_session(ledger: Ledger, settings: OpsSettings, token: str | None) -> Session | None:
    """The live session of a browser's token; None when it ended, expired or its operator was disabled."""
    if not token:
        return None
    row = rows.find_session_row(ledger.store, digest(token).hex())
    if row is None:
        return None
    now = clock.now()
    idle_s, age_s = (now - row.seen_at).total_seconds(), (now - row.created_at).total_seconds()
    if idle_s > settings.ops_session_idle_s or age_s > settings.ops_session_max_s:
        return None
    found = find_operator(ledger, row.operator)
    if found is None or not found.is_enabled:
        return None
    if idle_s > _TOUCH_EVERY_S:
        with ledger.store.write() as connection:
            rows.touch_session(connection, row.token_digest, at=now)
    return Session(operator=found, csrf_token=row.csrf_token, created_at=row.created_at)


def sign_out(ledger: Ledger, token: str | None) -> None:
    """End the session of this token; harmless when there is none."""
    if not token:
        return
    row = rows.find_session_row(ledger.store, digest(token).hex())
    if row is None:
        return
    with ledger.store.write() as connection:
        rows.delete_session(connection, row.token_digest)
        ledger.append_within(connection, Kind.SIGN_OUT, actor=row.operator, subject=row.operator)


def is_same_token(offered: str | None, expected: str) -> bool:
    """Compare in constant time; `expected` may be a list, of which each counts while it is rotated."""
    given = (offered or "").encode()
    return any(hmac.compare_digest(given, one.encode()) for one in list_accepted(expected))


def _fits(totp_secret: str | None, code: str) -> bool:
    if totp_secret is None:
        return True
    return pyotp.TOTP(totp_secret).verify(code.replace(" ", ""), for_time=clock.now(), valid_window=1)


def _refuse_too_many(ledger: Ledger, settings: OpsSettings, keys: tuple[str, ...]) -> None:
    now = clock.now()
    with ledger.store.read() as connection:
        counts = [rows.count_failures(connection, key, now=now) for key in keys]
    ends = [ends_at for failures, ends_at in counts if failures >= settings.ops_sign_in_attempts]
    if not ends:
        return
    wait_s = max(1, round((max(ends) - now).total_seconds()))
    raise TooMany(
        Text(
            ja=f"失敗が続いたため、{wait_s} 秒後まで受け付けません",
            en=f"Too many failures: wait {wait_s} seconds",
        ),
        retry_after_s=wait_s,
        code="sign_in.too_many",
    )


def _record_failure(
    ledger: Ledger, settings: OpsSettings, keys: tuple[str, ...], *, name: str, address: str
) -> None:
    with ledger.store.write() as connection:
        for key in keys:
            rows.add_failure(connection, key, now=clock.now(), window_s=settings.ops_sign_in_window_s)
        # A mistyped password in the name field must not be kept for ever: only names that exist are written.
        known = rows.read_operator_row(connection, name[:100]) is not None
        ledger.append_within(
            connection,
            Kind.SIGN_IN_FAILED,
            actor=name if known else "unknown",
            subject=name if known else "unknown",
            body={"address": address},
        )
