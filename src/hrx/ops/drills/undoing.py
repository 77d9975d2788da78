"""Taking back what drills put in: at the end of each, and after one that was killed."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from hrx.ops.drills.faults.registry import get_fault
from hrx.ops.drills.ground import Ground
from hrx.ops.drills.journal import Injected, Journal, find_injected

_log = logging.getLogger("hrx.ops.drills")


def undo(ground: Ground, injected: Sequence[Injected], *, actor: str) -> list[Injected]:
    """Take these back in the given order; gives those that could not be, which stay on record as put in."""
    left: list[Injected] = []
    for one in injected:
        journal = Journal(ledger=ground.plane.ledger, run_id=one.run_id, drill=one.drill, actor=actor)
        try:
            get_fault(one.call.fault).undo(ground, one.call.arguments, one.memo)
        # Whatever goes wrong with one fault, the others have to be taken back.
        except Exception:  # noqa: BLE001
            _log.exception(
                "drill.not_undone", extra={"fields": {"drill": one.drill, "fault": one.call.fault}}
            )
            left.append(one)
        else:
            journal.write_undone(one.number)
    return left


def abort(ground: Ground, *, actor: str) -> tuple[list[Injected], list[Injected]]:
    """Take back everything that is still in, whichever drill put it in; gives what was and what was not."""
    found = find_injected(ground.plane.ledger)
    left = undo(ground, found, actor=actor)
    return [one for one in found if one not in left], left
