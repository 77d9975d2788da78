"""What the plane did about a fault, read from its own records: signal, incident, page, triage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from hrx.ops.drills.experiments import Experiment
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind, Ledger
from hrx.ops.ledger.incidents import Incident, IncidentState, find_incident, list_unresolved
from hrx.ops.ledger.notifications import NotificationState, list_notifications
from hrx.ops.ledger.signals import Condition, find_conditions, find_first_heard, is_trace, list_conditions

#: Keys of messages that tell of an incident for the first time: to people, and to the places of its policy
#: (PagerDuty is one). What waits for the office to open is told to a place alone.
PAGES: Final = ("page:", "place:")
#: Two of our clocks are one machine's; a receipt may still be rounded before the signal that it answers.
_SLACK: Final = timedelta(milliseconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """How far the plane has come. `proposals` are those of the first cause, as the triage put them."""

    condition: str | None = None
    #: The name of the rule or look that told first.
    alert: str | None = None
    detected_at: datetime | None = None
    incident_id: int | None = None
    paged_at: datetime | None = None
    cause_at: datetime | None = None
    first_cause: str | None = None
    #: Every cause that was blamed first at any time and is not the right one, in any incident of the drill.
    wrongly_blamed: tuple[str, ...] = ()
    evidence_complete: bool = False
    #: The entry of the ledger that keeps the evidence.
    evidence_seq: int | None = None
    triaged_at: datetime | None = None
    # `Any`: JSON of the triage.
    proposals: tuple[Mapping[str, Any], ...] = ()


def look_at_response(ledger: Ledger, experiment: Experiment, *, since: datetime) -> Noticed:
    """What is on record of this fault so far."""
    found = _find_first_condition(ledger, experiment, since=since)
    if found is None:
        return Noticed()
    condition, heard_at = found
    incident = _find_root(ledger, condition.incident_id)
    if incident is None:
        return Noticed(
            condition=condition.key,
            alert=condition.name,
            detected_at=heard_at,
            wrongly_blamed=_list_wrongly_blamed(ledger, experiment, since=since),
        )
    noticed = Noticed(
        condition=condition.key,
        alert=condition.name,
        detected_at=heard_at,
        incident_id=incident.id,
        paged_at=_find_page(ledger, incident, since=max(since, heard_at - _SLACK)),
        wrongly_blamed=_list_wrongly_blamed(ledger, experiment, since=since),
    )
    # What was diagnosed before the fault was noticed was asked for by an echo.
    return _with_triage(ledger, noticed, incident, experiment, since=max(since, heard_at - _SLACK))


def list_open_real(ledger: Ledger) -> list[Incident]:
    """Incidents that are no drills and not over: no time to put faults in.

    One that only says that an error budget burns is the trace of an outage, perhaps of the last drill's: it
    goes on for hours and stops nobody."""
    with ledger.store.read() as connection:
        return [
            found
            for found in list_unresolved(connection)
            if not found.is_drill and not _is_only_trace(list_conditions(connection, found.id))
        ]


def _is_only_trace(conditions: Sequence[Condition]) -> bool:
    holding = [one for one in conditions if one.is_firing]
    return bool(holding) and all(is_trace(one.key) for one in holding)


def list_open_drills(ledger: Ledger) -> list[Incident]:
    """Incidents of drills that are still open."""
    with ledger.store.read() as connection:
        return [found for found in list_unresolved(connection) if found.is_drill]


def _find_first_condition(
    ledger: Ledger, experiment: Experiment, *, since: datetime
) -> tuple[Condition, datetime] | None:
    with ledger.store.read() as connection:
        conditions = find_conditions(connection, list(experiment.expects.conditions))
    heard: list[tuple[datetime, Condition]] = []
    for one in conditions.values():
        at = find_first_heard(ledger.store, key=one.key, since=since)
        if at is not None:
            heard.append((at, one))
    if not heard:
        return None
    at, first = min(heard, key=lambda pair: pair[0])
    return first, at


def _find_root(ledger: Ledger, incident_id: int | None) -> Incident | None:
    if incident_id is None:
        return None
    with ledger.store.read() as connection:
        found = find_incident(connection, incident_id)
        while found is not None and found.state is IncidentState.MERGED and found.merged_into is not None:
            found = find_incident(connection, found.merged_into)
    return found


def _find_page(ledger: Ledger, incident: Incident, *, since: datetime) -> datetime | None:
    """When the first page of this incident was delivered: the other side's receipt, not our sending.

    What was written before the fault was noticed told of something else: an echo of the last drill."""
    delivered = [
        one.settled_at
        for one in list_notifications(ledger.store, incident_id=incident.id)
        if one.dedup_key.startswith(PAGES)
        and one.state in (NotificationState.DELIVERED, NotificationState.BUNDLED)
        and one.settled_at is not None
        and one.created_at >= since
    ]
    return min(delivered, default=None)


def _with_triage(
    ledger: Ledger, noticed: Noticed, incident: Incident, experiment: Experiment, *, since: datetime
) -> Noticed:
    entries = ledger.list_entries(EntryFilter(kinds=(Kind.TRIAGE,), subject=incident.subject), limit=20)
    results = [entry for entry in reversed(entries) if entry.at >= since and "causes" in _result_of(entry)]
    if not results:
        return noticed
    # The first that found a right cause counts for the time, else the last word.
    last = results[-1]
    right = next((one for one in results if _first_cause(one) in experiment.expects.causes), None)
    shown = right or last
    return replace(
        noticed,
        cause_at=right.at if right is not None else None,
        first_cause=_first_cause(shown),
        evidence_complete=_is_complete(shown),
        evidence_seq=shown.seq,
        triaged_at=last.at,
        proposals=tuple(_proposals(shown)),
    )


def _list_wrongly_blamed(ledger: Ledger, experiment: Experiment, *, since: datetime) -> tuple[str, ...]:
    """What any triage since then put first wrongly; real incidents do not stand open in a drill."""
    entries = ledger.list_entries(EntryFilter(kinds=(Kind.TRIAGE,)), limit=100)
    blamed = {_first_cause(entry) for entry in entries if entry.at >= since}
    return tuple(sorted(cause for cause in blamed if cause and cause not in experiment.expects.causes))


# `Any`: JSON of the triage.
def _result_of(entry: Entry) -> Mapping[str, Any]:
    inner = entry.body.get("result")
    return inner if isinstance(inner, dict) else entry.body


def _first_cause(entry: Entry) -> str | None:
    found = _result_of(entry).get("first_cause")
    return str(found) if found else None


def _is_complete(entry: Entry) -> bool:
    """Every prediction of the blamed cause that had to be seen rests on an answered probe."""
    result = _result_of(entry)
    answered = {one["id"] for one in result.get("evidence", []) if not one.get("failure")}
    for cause in result.get("causes", []):
        if cause["id"] == result.get("first_cause"):
            return all(one["evidence"] in answered for one in cause["predictions"] if one["is_required"])
    return False


def _proposals(entry: Entry) -> list[Mapping[str, Any]]:
    result = _result_of(entry)
    for cause in result.get("causes", []):
        if cause["id"] == result.get("first_cause"):
            return list(cause.get("proposals", []))
    return []
