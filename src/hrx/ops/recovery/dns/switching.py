"""The switch itself: when to advise it, what it will do, doing it, and seeing that it was done.

Nothing here goes back by itself: a location that answers again may lack what was written since."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Conflict, Invalid, NotFound, Text
from hrx.ops.recovery.dns.records import DnsUnavailable, Kind, Provider, Record, changed

#: One failed look is noise, two may be one.
FAILURES_MIN: Final = 3
_POLL_S: Final = 1.0


class Advice(StrEnum):
    """What the looks say."""

    STAY = "stay"
    SWITCH = "switch"
    HOLD = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`failures` in a row at the location in use advise a switch, if the other one answered as often in a
    row; after a switch none is advised for `hold`."""

    failures: int
    hold: timedelta

    def __post_init__(self) -> None:
        if self.failures < FAILURES_MIN:
            raise Invalid(
                Text(
                    ja=f"切り替えを決める失敗の回数は {FAILURES_MIN} 以上にしてください",
                    en=f"A switch has to take at least {FAILURES_MIN} failed looks",
                ),
                code="dns.too_few_failures",
            )


def advise(
    rule: Rule,
    *,
    in_use: Sequence[bool],
    other: Sequence[bool],
    switched_at: datetime | None,
    now: datetime,
) -> Advice:
    """From the looks at both locations, oldest first (True: it answered well)."""
    failed = len(in_use) >= rule.failures and not any(in_use[-rule.failures :])
    ready = len(other) >= rule.failures and all(other[-rule.failures :])
    if not (failed and ready):
        return Advice.STAY
    if switched_at is not None and now - switched_at < rule.hold:
        return Advice.HOLD
    return Advice.SWITCH


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsPlan:
    """`before` is what is there now; the switch is refused when it is not any more."""

    before: Record
    after: Record

    @property
    def reaches_all_within_s(self) -> int:
        """Others may remember the old answer for so long, from the switch on."""
        return self.before.ttl_s


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsSwitched:
    """`everywhere_after_s`: until all the provider's servers had it. From then it takes at most
    `remembered_s` until nobody goes to the old location."""

    before: Record
    after: Record
    everywhere_after_s: float
    remembered_s: int


def plan_switch(provider: Provider, name: str, kind: Kind, *, to: str, ttl_s: int) -> DnsPlan:
    """Raises NotFound without such a record, Conflict when it leads there already, and the provider's."""
    before = _read(provider, name, kind)
    if before.values == (to,):
        raise Conflict(
            Text(ja=f"{name} はもう {to} を指しています", en=f"{name} leads to {to} already"),
            hint=Text(ja="することはありません。", en="There is nothing to do."),
            code="dns.there_already",
        )
    return DnsPlan(before=before, after=replace(before, values=(to,), ttl_s=min(ttl_s, before.ttl_s)))


def lower_ttl(provider: Provider, name: str, kind: Kind, *, ttl_s: int) -> Record:
    """Beforehand, on a quiet day: a switch counts only after the old time has run out everywhere. Harmless
    where it is that low already."""
    before = _read(provider, name, kind)
    if before.ttl_s <= ttl_s:
        return before
    after = replace(before, ttl_s=ttl_s)
    provider.replace(before, after)
    return after


def switch(
    provider: Provider, plan: DnsPlan, *, timeout_s: float, wait: Callable[[float], None] = time.sleep
) -> DnsSwitched:
    """Do it and see it done. May be run again after any failure: what is done already is not done twice.

    Raises DnsChanged when the record is neither what it was nor what it should be, DnsUnavailable when it did
    not reach all the provider's servers in time."""
    began = clock.monotonic_s()
    now = _read(provider, plan.before.name, plan.before.kind)
    change = ""
    if now == plan.before:
        change = provider.replace(plan.before, plan.after)
    elif now != plan.after:
        raise changed(plan.before.name)
    while change and not provider.is_everywhere(change):
        if clock.monotonic_s() - began > timeout_s:
            raise DnsUnavailable(
                Text(
                    ja=f"{timeout_s:g} 秒たっても、提供者の全サーバーには届いていません",
                    en=f"After {timeout_s:g} s it has not reached all the provider's servers",
                ),
                hint=Text(ja="もう一度実行すると、続きを待ちます。", en="Run it again to go on waiting."),
            )
        wait(_POLL_S)
    if _read(provider, plan.after.name, plan.after.kind) != plan.after:
        raise changed(plan.after.name)
    return DnsSwitched(
        before=plan.before,
        after=plan.after,
        everywhere_after_s=round(clock.monotonic_s() - began, 3),
        remembered_s=plan.before.ttl_s,
    )


def _read(provider: Provider, name: str, kind: Kind) -> Record:
    found = provider.read(name, kind)
    if found is None:
        raise NotFound(
            Text(
                ja=f"{provider.says} に {kind} レコード {name} がありません",
                en=f"{provider.says} has no {kind} record {name}",
            ),
            hint=Text(ja="HRX_DNS_RECORD を確かめてください。", en="See to HRX_DNS_RECORD."),
            code="dns.no_record",
        )
    return found
