"""Triage by itself: at once when an incident opens, again while the answer is "unknown", and once to confirm.

Symptoms come one after the other; what nobody could tell in the first second is often plain in the tenth."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import NotFound
from hrx.ops.ledger.incidents import find_incident
from hrx.ops.ledger.timers import Timer, set_timer
from hrx.ops.run.plane import Plane
from hrx.ops.tick import Round, Work
from hrx.ops.triage.growth import note_growth
from hrx.ops.triage.memory import note_memory
from hrx.ops.triage.recovering import AUTO, run_auto, set_auto
from hrx.ops.triage.running import run_triage

_log = logging.getLogger("hrx.ops.triage")
KIND: Final = "triage.run"
#: Pauses between attempts while nothing is supported, then no more: people look by then.
_PAUSES_S: Final = (3, 4, 5, 8, 15, 30, 60, 60)
_CONFIRM_AFTER_S: Final = 20


def run(plane: Plane, timer: Timer) -> None:
    """One attempt; sets the next one when there is a reason for it."""
    incident_id = int(timer.subject.partition(":")[2])
    with plane.ledger.store.read() as connection:
        found = find_incident(connection, incident_id)
    if found is None or not found.is_unresolved:
        return
    try:
        result = run_triage(plane, incident_id)
    except NotFound as error:
        # An incident of a chapter that has no SOP, such as a late backup: nothing to ask.
        _log.info("triage.no_sop", extra={"fields": {"incident": incident_id, "code": error.stable_code}})
        return
    set_auto(plane, timer.subject, result)
    attempt = int(timer.payload.get("attempt", 0))
    is_known = result.first_cause is not None
    if is_known and timer.payload.get("confirms"):
        return
    if not is_known and attempt >= len(_PAUSES_S):
        return
    pause_s = _CONFIRM_AFTER_S if is_known else _PAUSES_S[attempt]
    with plane.ledger.store.write() as connection:
        set_timer(
            connection,
            kind=KIND,
            subject=timer.subject,
            # A name of its own: the timer that is being worked off is finished after us.
            name=f"again-{attempt + 1}",
            due_at=clock.now() + timedelta(seconds=pause_s),
            payload={"attempt": attempt + 1, "confirms": is_known},
        )


WORKS: Final[Mapping[str, Work]] = {KIND: run, AUTO: run_auto}
ROUNDS: Final[tuple[Round, ...]] = (note_memory, note_growth)
