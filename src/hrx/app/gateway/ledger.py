"""Money before and after each call: reserved by one guarded UPDATE, settled once, a row for every call.

Statements are plain SQL: what admits a call under concurrency is the statement itself. A row holds figures
and names, never a word of what was asked or answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.gateway.answering import Attempted
from hrx.app.platform.db import Database, fetch_dicts, send
from hrx.app.platform.tenancy import Principal, TenantId, UserId, system_principal
from hrx.kit import clock, log
from hrx.kit.errors import Expected, Text, TooMany

#: A call that is open longer lost its process: no call may take so long (`HRX_LLM_CALL_TIMEOUT_S` ≤ 600).
LOST_AFTER: Final = timedelta(minutes=15)

# One statement: the allowances that apply are locked in the order of their ids (so that two calls never wait
# for each other), each is raised only where there is room, and the call's row is written only if all were.
# Index: ai_allowance_of_month.
_OPEN: Final = """
WITH mine AS MATERIALIZED (
  SELECT id FROM app.ai_allowance
  WHERE period_on = :period_on
    AND (feature IS NULL OR feature = :feature)
    AND (user_id IS NULL OR user_id = :user_id)
  ORDER BY id
  FOR UPDATE
), taken AS (
  UPDATE app.ai_allowance AS a
  SET reserved_nano_usd = a.reserved_nano_usd + :amount,
      minute_calls = CASE WHEN a.minute_at = :minute_at THEN a.minute_calls + 1 ELSE 1 END,
      minute_at = :minute_at
  FROM mine
  WHERE a.id = mine.id
    AND (a.limit_nano_usd IS NULL
         OR a.used_nano_usd + a.reserved_nano_usd + :amount <= a.limit_nano_usd)
    AND (a.calls_per_minute IS NULL
         OR a.minute_at IS DISTINCT FROM :minute_at
         OR a.minute_calls < a.calls_per_minute)
  RETURNING a.id,
            (a.limit_nano_usd - a.used_nano_usd - a.reserved_nano_usd)::float8
              / nullif(a.limit_nano_usd, 0) AS left_ratio
)
INSERT INTO app.ai_call (user_id, feature, operation, prompt_version, correlation_id, is_masked,
                         reserved_nano_usd, allowance_ids, started_at)
SELECT :user_id, :feature, :operation, :prompt_version, :correlation_id,
       coalesce((SELECT masks_personal_data FROM app.ai_policy), false),
       :amount, coalesce((SELECT array_agg(id) FROM taken), '{}'), :now
WHERE (SELECT count(*) FROM mine) = (SELECT count(*) FROM taken)
RETURNING id, is_masked, (SELECT min(left_ratio) FROM taken) AS left_ratio
"""
# The same guard once more for what a second request of the same call may cost. No minute: it is one call.
_COVER: Final = """
WITH mine AS MATERIALIZED (
  SELECT a.id FROM app.ai_allowance AS a
  JOIN app.ai_call AS c ON a.id = ANY (c.allowance_ids)
  WHERE c.id = :call_id AND c.state = 'open'
  ORDER BY a.id
  FOR UPDATE OF a
), taken AS (
  UPDATE app.ai_allowance AS a
  SET reserved_nano_usd = a.reserved_nano_usd + :amount
  FROM mine
  WHERE a.id = mine.id
    AND (a.limit_nano_usd IS NULL
         OR a.used_nano_usd + a.reserved_nano_usd + :amount <= a.limit_nano_usd)
  RETURNING a.id
)
UPDATE app.ai_call SET reserved_nano_usd = reserved_nano_usd + :amount
WHERE id = :call_id AND state = 'open' AND (SELECT count(*) FROM mine) = (SELECT count(*) FROM taken)
RETURNING id
"""
# Only an open call is settled, therefore once, however often this is sent.
_SETTLE: Final = """
WITH mine AS MATERIALIZED (
  SELECT a.id FROM app.ai_allowance AS a
  JOIN app.ai_call AS c ON a.id = ANY (c.allowance_ids)
  WHERE c.id = :call_id
  ORDER BY a.id
  FOR UPDATE OF a
), settled AS (
  UPDATE app.ai_call AS c
  SET state = :state, vendor = :vendor, model = :model, input_tokens = :input_tokens,
      output_tokens = :output_tokens, cached_tokens = :cached_tokens, cost_nano_usd = :cost,
      is_estimated = :is_estimated, fallback_reason = :fallback_reason, attempts = :attempts,
      latency_ms = :latency_ms, first_token_ms = :first_token_ms, settled_at = :now
  WHERE c.id = :call_id AND c.state = 'open'
  RETURNING c.reserved_nano_usd, (SELECT count(*) FROM mine) AS places
)
UPDATE app.ai_allowance AS a
SET reserved_nano_usd = a.reserved_nano_usd - settled.reserved_nano_usd,
    used_nano_usd = a.used_nano_usd + :cost
FROM settled, mine
WHERE a.id = mine.id
"""
# A month begins with the limits of the last one, the first time anybody asks in it.
_BEGIN_MONTH: Final = """
INSERT INTO app.ai_allowance (period_on, feature, user_id, limit_nano_usd, calls_per_minute)
SELECT DISTINCT ON (feature, user_id)
       CAST(:period_on AS date), feature, user_id, limit_nano_usd, calls_per_minute
FROM app.ai_allowance
WHERE period_on < :period_on
ORDER BY feature, user_id, period_on DESC
ON CONFLICT DO NOTHING
"""
_SET_ALLOWANCE: Final = """
INSERT INTO app.ai_allowance (period_on, feature, user_id, limit_nano_usd, calls_per_minute)
VALUES (:period_on, CAST(:feature AS text), CAST(:user_id AS bigint), CAST(:limit AS bigint),
        CAST(:calls_per_minute AS integer))
ON CONFLICT (tenant_id, period_on, feature, user_id)
DO UPDATE SET limit_nano_usd = excluded.limit_nano_usd, calls_per_minute = excluded.calls_per_minute
"""
_LOST: Final = """
SELECT id, reserved_nano_usd FROM app.ai_call WHERE state = 'open' AND started_at < :before ORDER BY id
"""
_BUSY: Final = """
SELECT 1 FROM app.ai_allowance
WHERE period_on = :period_on
  AND (feature IS NULL OR feature = :feature)
  AND (user_id IS NULL OR user_id = :user_id)
  AND minute_at = :minute_at AND minute_calls >= calls_per_minute
LIMIT 1
"""


class BudgetSpent(Expected):
    """A budget of this month has no room for the call at its most."""

    code = "gateway.budget_spent"


class CallsTooFast(TooMany):
    """More calls in this minute than allowed."""

    code = "gateway.too_fast"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """What a row says of a call before it is made."""

    feature: str
    operation: str
    prompt_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a call ended: answered, failed, or abandoned by who asked."""

    state: str
    attempts: Sequence[Attempted]
    fallback_reason: str
    latency_s: float


@dataclass(slots=True, kw_only=True)
class Reservation:
    """A call that may be made. `left_ratio`: of the tightest budget, None without one."""

    ledger: Ledger
    tenant_id: TenantId
    call_id: int
    amount_nano: int
    is_masked: bool
    left_ratio: float | None
    requests: int = 1

    async def cover(self, requests: int) -> bool:
        """Whether so many requests are paid for; reserves what is missing when there is room."""
        if requests <= self.requests or not self.amount_nano:
            return True
        more = (requests - self.requests) * self.amount_nano
        if not await self.ledger.cover(self, amount_nano=more):
            return False
        self.requests = requests
        return True


class Ledger:
    """Allowances and calls of every tenant; works as each tenant's own background, whoever asks.

    Months and minutes are those of UTC, like the vendors' own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._months: set[tuple[TenantId, date]] = set()

    async def open(self, facts: CallFacts, *, by: Principal, amount_nano: int) -> Reservation:
        """Reserve what one request costs at most. Raises BudgetSpent, CallsTooFast."""
        now = clock.now()
        asked = _places(facts, by, now)
        async with self._database.transaction(system_principal(by.tenant_id)) as session:
            await self._begin_month(session, by.tenant_id, asked["period_on"])
            rows = await fetch_dicts(
                session,
                _OPEN,
                {
                    **asked,
                    "amount": amount_nano,
                    "operation": facts.operation,
                    "prompt_version": facts.prompt_version,
                    "correlation_id": log.correlation_id.get() or "",
                    "now": now,
                },
            )
            if not rows:
                # Leaving by an error takes back what another allowance had room for.
                raise await _why_refused(session, asked)
        return Reservation(
            ledger=self,
            tenant_id=by.tenant_id,
            call_id=rows[0]["id"],
            amount_nano=amount_nano,
            is_masked=rows[0]["is_masked"],
            left_ratio=rows[0]["left_ratio"],
        )

    async def cover(self, reservation: Reservation, *, amount_nano: int) -> bool:
        """Reserve more for the same call, or nothing."""
        try:
            async with self._database.transaction(system_principal(reservation.tenant_id)) as session:
                given = {"call_id": reservation.call_id, "amount": amount_nano}
                if not await fetch_dicts(session, _COVER, given):
                    raise _NoRoom
        except _NoRoom:
            return False
        return True

    async def settle(self, reservation: Reservation, outcome: Outcome) -> None:
        """Write what the call cost, and give back the rest. A call that is settled stays as it is."""
        async with self._database.transaction(system_principal(reservation.tenant_id)) as session:
            await send(
                session, _SETTLE, {"call_id": reservation.call_id, **_figures(outcome), "now": clock.now()}
            )

    async def settle_lost(self, tenant_id: TenantId) -> int:
        """Close the calls whose process died, at what was reserved for them; gives their number."""
        async with self._database.transaction(system_principal(tenant_id)) as session:
            lost = await fetch_dicts(session, _LOST, {"before": clock.now() - LOST_AFTER})
            for row in lost:
                figures = _figures(Outcome(state="lost", attempts=(), fallback_reason="", latency_s=0))
                cost = {"cost": row["reserved_nano_usd"], "is_estimated": True}
                await send(session, _SETTLE, {"call_id": row["id"], **figures, **cost, "now": clock.now()})
        return len(lost)

    async def _begin_month(self, session: AsyncSession, tenant_id: TenantId, period_on: date) -> None:
        if (tenant_id, period_on) not in self._months:
            await send(session, _BEGIN_MONTH, {"period_on": period_on})
            self._months.add((tenant_id, period_on))


async def set_allowance(
    session: AsyncSession,
    *,
    limit_nano_usd: int | None,
    calls_per_minute: int | None = None,
    feature: str | None = None,
    user_id: UserId | None = None,
) -> None:
    """What may be spent a month, and asked a minute, by all, by a feature, by a user, or by a user in a
    feature; None is no limit. Counts at once; what is spent already stays spent."""
    await session.execute(
        text(_SET_ALLOWANCE),
        {
            "period_on": clock.now().date().replace(day=1),
            "feature": feature,
            "user_id": user_id,
            "limit": limit_nano_usd,
            "calls_per_minute": calls_per_minute,
        },
    )


async def set_masking(session: AsyncSession, *, masks_personal_data: bool) -> None:
    """Whether personal data is masked before anything of this tenant leaves."""
    await session.execute(
        text(
            "INSERT INTO app.ai_policy (masks_personal_data) VALUES (:masks)"
            " ON CONFLICT (tenant_id) DO UPDATE SET masks_personal_data = excluded.masks_personal_data"
        ),
        {"masks": masks_personal_data},
    )


class _NoRoom(Exception):
    """Rolls a transaction back."""


def _places(facts: CallFacts, by: Principal, now: datetime) -> dict[str, Any]:
    """Which allowances count. `Any`: values for SQL."""
    return {
        "period_on": now.date().replace(day=1),
        "minute_at": now.replace(second=0, microsecond=0),
        "feature": facts.feature,
        "user_id": by.user_id,
    }


async def _why_refused(session: AsyncSession, asked: dict[str, Any]) -> Expected:
    if await fetch_dicts(session, _BUSY, asked):
        return CallsTooFast(
            Text(ja="質問が多すぎます。", en="Too many questions."),
            retry_after_s=max(1, 60 - clock.now().second),
            hint=Text(ja="少し待ってからもう一度お試しください。", en="Wait a moment, then ask again."),
        )
    return BudgetSpent(
        Text(
            ja="今月の AI の予算を使い切りました。",
            en="This month's budget for language models is used up.",
        ),
        hint=Text(
            ja="管理者に予算の引き上げを依頼するか、来月までお待ちください。",
            en="Ask an owner to raise the budget, or wait for next month.",
        ),
    )


def _figures(outcome: Outcome) -> dict[str, Any]:
    """The columns of a settled call. `Any`: values for SQL."""
    good = next((one for one in outcome.attempts if one.outcome == "ok"), None)
    usages = [one.usage for one in outcome.attempts if one.usage is not None]
    first_s = good.first_token_s if good is not None else None
    return {
        "state": outcome.state,
        "vendor": good.vendor if good else None,
        "model": good.model if good else None,
        "input_tokens": sum(usage.input_tokens for usage in usages),
        "output_tokens": sum(usage.output_tokens for usage in usages),
        "cached_tokens": sum(usage.cached_tokens for usage in usages),
        "cost": sum(one.cost_nano for one in outcome.attempts),
        "is_estimated": any(usage.is_estimated for usage in usages),
        "fallback_reason": outcome.fallback_reason,
        "attempts": orjson.dumps([_row(one) for one in outcome.attempts]).decode(),
        "latency_ms": round(outcome.latency_s * 1000),
        "first_token_ms": None if first_s is None else round(first_s * 1000),
    }


def _row(one: Attempted) -> dict[str, object]:
    """One request of the call, for `attempts`."""
    return {
        "vendor": one.vendor,
        "model": one.model,
        "outcome": one.outcome,
        "detail": one.detail,
        "duration_ms": round(one.duration_s * 1000),
        "input_tokens": one.usage.input_tokens if one.usage else 0,
        "output_tokens": one.usage.output_tokens if one.usage else 0,
        "is_estimated": one.usage.is_estimated if one.usage else False,
        "cost_nano_usd": one.cost_nano,
    }
