"""How often one may guess. The counters live in PostgreSQL, so losing Redis opens no door.

An attempt is counted before the password is looked at and taken back when it was right; counting afterwards
would let many guesses through at the same moment."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.platform.addresses import network_of
from hrx.app.settings import AppSettings
from hrx.kit import clock
from hrx.kit.errors import Text, TooMany


class TooManyAttempts(TooMany):
    code = "auth.too_many_attempts"


@dataclass(frozen=True, slots=True)
class Allowance:
    """One counter: what is counted, and how many failures it allows in the window."""

    key: bytes
    limit: int


def for_sign_in(settings: AppSettings, *, account: str, address: str | None) -> list[Allowance]:
    """The counters of one sign-in: account from this address, account from anywhere, address.

    An attacker elsewhere can use up the second only slowly, so a person is rarely locked out by others."""
    place = network_of(address)
    return [
        Allowance(_key("account+address", account, place), settings.sign_in_failures_per_account),
        Allowance(_key("account", account), settings.sign_in_failures_per_account_anywhere),
        Allowance(_key("address", place), settings.sign_in_failures_per_address),
    ]


def for_second_step(settings: AppSettings, *, purpose: str, tenant_id: int, user_id: int) -> list[Allowance]:
    """The counter of codes and password confirmations of one signed-in or half signed-in account."""
    return [Allowance(_key(purpose, str(tenant_id), str(user_id)), settings.sign_in_failures_per_account)]


def for_departure(settings: AppSettings, *, address: str | None) -> list[Allowance]:
    """The counter of external sign-ins that were begun at an address; those that end well are taken back.

    Each leaves a row behind until it is over, and beginning one takes no account."""
    return [Allowance(_key("departure", network_of(address)), settings.sign_in_failures_per_address)]


async def count(session: AsyncSession, allowances: Sequence[Allowance], *, window_s: int) -> int:
    """Count one attempt; gives the seconds to wait, 0 when it may go on. The caller must commit."""
    ordered = sorted(allowances, key=lambda allowance: allowance.key)
    wait_s = await session.scalar(
        text("SELECT gate.count_attempt(:keys, :limits, :at, :window_s)"),
        {
            "keys": [allowance.key for allowance in ordered],
            "limits": [allowance.limit for allowance in ordered],
            "at": clock.now(),
            "window_s": window_s,
        },
    )
    return int(wait_s or 0)


async def forgive(session: AsyncSession, allowances: Sequence[Allowance]) -> None:
    """Take one attempt back: it was no failure."""
    await session.execute(
        text("SELECT gate.forgive_attempt(:keys)"),
        {"keys": sorted(allowance.key for allowance in allowances)},
    )


def too_many(wait_s: int) -> TooManyAttempts:
    minutes = max(1, round(wait_s / 60))
    return TooManyAttempts(
        Text(ja="失敗が続いたため、しばらく受け付けません。", en="Too many failed attempts for now."),
        retry_after_s=wait_s,
        hint=Text(
            ja=f"約 {minutes} 分後にもう一度お試しください。", en=f"Please try again in about {minutes} min."
        ),
    )


def _key(*parts: str) -> bytes:
    return hashlib.sha256("\x1f".join(parts).encode()).digest()
