"""Whether a drill is going on: intake marks what begins meanwhile, so that people read “DRILL”."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from hrx.kit import clock
from hrx.ops.ledger.leases import find_lease
from hrx.ops.ledger.store import Connection

#: The lock that a running drill holds and renews; one drill at a time.
DRILL_LOCK: Final = "drill"


#: Rules look back over windows of a minute and more: what they say just after a drill is about the drill.
ECHO: Final = timedelta(seconds=180)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillTime:
    """Whether a drill goes on, and whether one ended so lately that rules may still speak of it."""

    is_running: bool
    is_echoing: bool


def find_drill_time(connection: Connection) -> DrillTime:
    """As of now. A drill that was killed stops counting when its lock runs out."""
    held = find_lease(connection, DRILL_LOCK)
    if held is None:
        return DrillTime(is_running=False, is_echoing=False)
    now = clock.now()
    return DrillTime(is_running=held.expires_at > now, is_echoing=held.expires_at + ECHO > now)
