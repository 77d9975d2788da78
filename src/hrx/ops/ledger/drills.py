"""Whether a drill is going on: intake marks what begins meanwhile, so that people read “DRILL”."""

from __future__ import annotations

from typing import Final

from hrx.kit import clock
from hrx.ops.ledger.leases import find_lease
from hrx.ops.ledger.store import Connection

#: The lock that a running drill holds and renews; one drill at a time.
DRILL_LOCK: Final = "drill"


def is_drill_running(connection: Connection) -> bool:
    """Whether a drill holds its lock now. One that was killed stops counting when its lock runs out."""
    held = find_lease(connection, DRILL_LOCK)
    return held is not None and held.expires_at > clock.now()
