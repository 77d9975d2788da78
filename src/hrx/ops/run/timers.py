"""What runs leave to be done later: a block that has done its time is lifted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from hrx.ops.ledger.entries import Kind
from hrx.ops.ledger.timers import Timer
from hrx.ops.run.acting.sources import LIFT, handle_of
from hrx.ops.run.plane import Plane

ACTOR: Final = "timer"


def lift(plane: Plane, timer: Timer) -> None:
    """Let the source in again. Harmless twice, and when somebody was quicker."""
    handle = str(timer.payload["source"])
    found = [source for source in plane.target.list_blocked() if handle_of(source) == handle]
    if not found:
        return
    plane.target.change_blocked(remove=found)
    plane.ledger.append(
        Kind.CONTAINMENT, actor=ACTOR, subject=timer.subject, body={"change": "unblocked", "source": handle}
    )


WORKS: Final[Mapping[str, Callable[[Plane, Timer], None]]] = {LIFT: lift}
