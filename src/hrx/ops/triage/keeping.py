"""Keeping what a triage found: in the ledger, chained, and on the incident, where people look."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from hrx.kit.errors import Conflict
from hrx.ops.ledger.entries import EntryFilter, Kind
from hrx.ops.ledger.incidents import Incident, find_incident, save_incident
from hrx.ops.ledger.store import Connection
from hrx.ops.run.plane import Plane
from hrx.ops.triage.result import TriageResult, result_to_json

ACTOR: Final = "triage"
_TRIES: Final = 5


def keep(plane: Plane, incident_id: int, result: TriageResult, *, actor: str = ACTOR) -> int:
    """Write the result down; gives the number of its entry. Raises Conflict after a few lost races."""
    document = result_to_json(result)
    for attempt in range(_TRIES):
        try:
            with plane.ledger.store.write() as connection:
                return _keep_within(plane, connection, incident_id, document, actor=actor)
        except Conflict:
            # Somebody changed the incident in the moment before; what they wrote is kept, ours is added.
            if attempt == _TRIES - 1:
                raise
    raise AssertionError


def find_last_triage(plane: Plane, incident: Incident) -> tuple[int, dict[str, Any]] | None:
    """The newest result with its entry's number, evidence included. `Any`: JSON as it was kept."""
    found = plane.ledger.list_entries(EntryFilter(kinds=(Kind.TRIAGE,), subject=incident.subject), limit=1)
    return (found[0].seq, dict(found[0].body)) if found else None


# `Any`: JSON.
def _keep_within(
    plane: Plane, connection: Connection, incident_id: int, document: dict[str, Any], *, actor: str
) -> int:
    found = find_incident(connection, incident_id)
    subject = f"incident:{incident_id}"
    entry = plane.ledger.append_within(connection, Kind.TRIAGE, actor=actor, subject=subject, body=document)
    if found is not None:
        brief = {key: value for key, value in document.items() if key != "evidence"}
        brief["evidence"] = [
            {key: value for key, value in item.items() if key != "raw"} for item in document["evidence"]
        ]
        kept = {**brief, "entry": entry.seq}
        former = found.body.get("triage")
        if brief["first_cause"] is None and former and former["first_cause"]:
            # After a repair nothing is seen any more; what was found while it lasted is what people need.
            kept = {**former, "unseen": {"at": document["started_at"], "entry": entry.seq}}
        save_incident(connection, replace(found, body={**found.body, "triage": kept}))
    return entry.seq
