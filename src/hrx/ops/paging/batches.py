"""Which messages go out now, and which together: pure.

A call (somebody is asked to take an incident of severity 1 or 2) waits behind nothing that is no call. The
first few go alone, with their button; when many come at once, or keep coming, one message names them all, and
the next follows within seconds. Everything else is bundled from four on, and waits while a reader has had
enough. PagerDuty keeps its own alerts and gets each event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from hrx.ops.channels.channel import ChannelKind
from hrx.ops.ledger.notifications import Notification, Sent

#: No delivery holds more: Slack takes 50 blocks, and nobody reads further.
BUNDLE_MAX: Final = 100

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a reader gets through one channel: `per_window` messages in `window_s` seconds, beyond which
    calls come as one every `call_every_s`. From `bundle_from` at once on, they become one. What is no call
    waits no longer than `overdue_s`."""

    bundle_from: int = 4
    window_s: float = 30.0
    per_window: int = 4
    call_every_s: float = 5.0
    overdue_s: float = 60.0


#: 4 in 30 s is what a person can read on a phone; a flood of calls then makes 10 messages in the half minute.
LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """`send`: groups, each one delivery, calls first. `hold`: messages that wait, each until when."""

    send: list[list[Notification]] = field(default_factory=list)
    hold: list[tuple[Notification, datetime]] = field(default_factory=list)


def plan_batches(
    waiting: Sequence[Notification],
    *,
    lately: Mapping[Key, Sequence[Sent]],
    at: datetime,
    limits: Limits = LIMITS,
) -> Batches:
    """What to do with the messages that are due; `lately` says what each recipient last got, oldest first."""
    batches = Batches()
    calls: dict[Key, list[Notification]] = {}
    others: dict[Key, list[Notification]] = {}
    for one in sorted(waiting, key=lambda one: (one.severity or 9, one.next_at, one.id)):
        kind = calls if one.is_call else others
        if one.channel == ChannelKind.PAGERDUTY:
            kind[(f"{one.recipient}:{one.id}", one.channel)] = [one]
        else:
            kind.setdefault((one.recipient, one.channel), []).append(one)
    for found, plan in ((calls, _plan_calls), (others, _plan_others)):
        for key, ours in found.items():
            if key[1] == ChannelKind.PAGERDUTY:
                batches.send.append(ours)
                continue
            recent = [
                sent for sent in lately.get(key, ()) if sent.at > at - timedelta(seconds=limits.window_s)
            ]
            plan(batches, ours, recent, at, limits)
    return batches


def _plan_calls(
    batches: Batches, ours: list[Notification], recent: list[Sent], at: datetime, limits: Limits
) -> None:
    called = [sent for sent in recent if sent.has_calls]
    room = limits.per_window - len(called)
    every = timedelta(seconds=limits.call_every_s)
    if len(ours) < limits.bundle_from and len(ours) <= room:
        batches.send.extend([one] for one in ours)
    elif room > 0 or called[-1].at + every <= at:
        _bundle(batches, ours, until=at + every)
    else:
        batches.hold.extend((one, called[-1].at + every) for one in ours)


def _plan_others(
    batches: Batches, ours: list[Notification], recent: list[Sent], at: datetime, limits: Limits
) -> None:
    ours = sorted(ours, key=lambda one: (one.next_at, one.id))
    free = limits.per_window - len(recent)
    window, overdue = timedelta(seconds=limits.window_s), timedelta(seconds=limits.overdue_s)
    # Else a flood of calls would hold back for ever what was said before it.
    is_overdue = min(one.created_at for one in ours) <= at - overdue
    if free <= 0 and not is_overdue:
        until = min(recent[-limits.per_window].at + window, min(one.created_at for one in ours) + overdue)
        batches.hold.extend((one, until) for one in ours)
    elif len(ours) >= limits.bundle_from or len(ours) > free:
        _bundle(batches, ours, until=at + timedelta(seconds=limits.call_every_s))
    else:
        batches.send.extend([one] for one in ours)


def _bundle(batches: Batches, ours: list[Notification], *, until: datetime) -> None:
    batches.send.append(ours[:BUNDLE_MAX])
    batches.hold.extend((one, until) for one in ours[BUNDLE_MAX:])
