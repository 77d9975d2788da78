"""Which messages go out now, and which together: pure.

A person whom 40 messages wait for gets one that holds them all. A page of severity 1 never waits and is never
bundled; PagerDuty keeps its own alerts and gets each event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from hrx.ops.channels.channel import ChannelKind
from hrx.ops.ledger.notifications import Notification

#: So many messages for one recipient at once become one.
BUNDLE_FROM: Final = 4
#: A recipient gets so many messages in the window through one channel; the rest waits, and is bundled.
WINDOW_S: Final = 30.0
PER_WINDOW: Final = 4

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """`send`: groups, each one delivery. `hold`: messages that wait, by the moment until when."""

    send: list[list[Notification]] = field(default_factory=list)
    hold: list[tuple[Notification, datetime]] = field(default_factory=list)


def is_urgent(one: Notification) -> bool:
    """Whether it goes out alone and at once."""
    return one.is_page and one.severity == 1


def plan_batches(
    waiting: Sequence[Notification], *, lately: Mapping[Key, Sequence[datetime]], at: datetime
) -> Batches:
    """What to do with the messages that are due; `lately` says when each recipient last got some."""
    batches = Batches()
    groups: dict[Key, list[Notification]] = {}
    for one in sorted(waiting, key=lambda one: (not is_urgent(one), one.next_at, one.id)):
        if is_urgent(one) or one.channel == ChannelKind.PAGERDUTY:
            batches.send.append([one])
        else:
            groups.setdefault((one.recipient, one.channel), []).append(one)
    for key, ours in groups.items():
        recent = [moment for moment in lately.get(key, ()) if moment > at - timedelta(seconds=WINDOW_S)]
        free = PER_WINDOW - len(recent)
        if free <= 0:
            until = recent[0] + timedelta(seconds=WINDOW_S)
            batches.hold.extend((one, until) for one in ours)
        elif len(ours) >= BUNDLE_FROM or len(ours) > free:
            batches.send.append(ours)
        else:
            batches.send.extend([one] for one in ours)
    return batches
