"""When the next word is due, and to whom. Pure, from the rules, the incident and what was told so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hrx.ops.communication.document import list_affected, service_of
from hrx.ops.ledger.communications import Audience, Notice, NoticeKind, NoticeState, list_notices
from hrx.ops.ledger.incidents import Incident, IncidentState
from hrx.ops.ledger.store import Connection
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.communication import Cadence, CommunicationRules, Rhythm


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The next word: of which kind, until when. `is_promised`: readers were told this moment."""

    audience: Audience
    kind: NoticeKind
    due_at: datetime
    every: Rhythm
    is_promised: bool = False


def list_dues(plane: Plane, connection: Connection, incident: Incident) -> tuple[Due, ...]:
    """What is due to each audience of an incident, soonest first; empty when nobody waits for a word."""
    told = list_notices(
        connection, incident_id=incident.id, with_absorbed=True, states=(NoticeState.PUBLISHED,)
    )
    rules = plane.content.communication
    concerns = concerns_customers(plane, incident)
    found = [
        find_due(rules, incident, audience, told=told, concerns_customers=concerns) for audience in Audience
    ]
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.due_at))


def find_due(
    rules: CommunicationRules,
    incident: Incident,
    audience: Audience,
    *,
    told: Sequence[Notice],
    concerns_customers: bool,
) -> Due | None:
    """The next word to one audience. `told` is what was published about the incident, newest first.

    Drills are told to nobody. Customers hear of a security incident by a person's decision only; once they
    have, the rhythm holds there too."""
    cadence = rules.cadence.get(incident.severity)
    if incident.is_drill or incident.state in (IncidentState.MERGED, IncidentState.CLOSED):
        return None
    ours = [one for one in told if one.audience is audience and one.kind is not NoticeKind.MAINTENANCE]
    rhythm = _rhythm(cadence, audience) if cadence else None
    last = ours[0] if ours else None
    if audience is Audience.CUSTOMERS and last is None and (incident.is_security or not concerns_customers):
        return None
    if incident.resolved_at is not None:
        return _find_last_word(rules, incident, audience, last=last, rhythm=rhythm)
    since = began_at(incident)
    is_first = last is None or (last.published_at or last.made_at) < since
    if rhythm is None:
        # What was promised is kept, even after the severity fell.
        slowest = max(rules.cadence, default=None)
        if last is None or last.next_update_at is None or slowest is None:
            return None
        rhythm = _rhythm(rules.cadence[slowest], audience)
    kind = NoticeKind.FIRST if last is None else NoticeKind.UPDATE
    if last is None or is_first:
        first_at = since + rhythm.first
        # Promised by an incident that became part of this one.
        promised_at = last.next_update_at if last is not None else None
        is_promised = promised_at is not None and promised_at < first_at
        due_at = promised_at if promised_at is not None and is_promised else first_at
        return Due(audience=audience, kind=kind, due_at=due_at, every=rhythm, is_promised=is_promised)
    return Due(
        audience=audience,
        kind=kind,
        due_at=last.next_update_at or (last.published_at or last.made_at) + rhythm.every,
        every=rhythm,
        is_promised=last.next_update_at is not None,
    )


def began_at(incident: Incident) -> datetime:
    """When it began for readers: at the opening, or when it came back."""
    found = incident.body.get("reopened_at")
    return datetime.fromisoformat(found) if found else incident.opened_at


def _find_last_word(
    rules: CommunicationRules,
    incident: Incident,
    audience: Audience,
    *,
    last: Notice | None,
    rhythm: Rhythm | None,
) -> Due | None:
    """Whoever heard that it began hears that it is over."""
    resolved_at, slowest = incident.resolved_at, max(rules.cadence, default=None)
    if last is None or resolved_at is None or slowest is None:
        return None
    was_told = (last.published_at or last.made_at) >= began_at(incident)
    if last.kind in (NoticeKind.RESOLUTION, NoticeKind.REPORT) and was_told:
        return None
    every = rhythm or _rhythm(rules.cadence[slowest], audience)
    return Due(audience=audience, kind=NoticeKind.RESOLUTION, due_at=resolved_at + every.first, every=every)


def concerns_customers(plane: Plane, incident: Incident) -> bool:
    """Whether customers lose something by it; what is about no known part is assumed to concern them."""
    return bool(list_affected(plane, incident)) or service_of(plane, incident.part) is None


def _rhythm(cadence: Cadence, audience: Audience) -> Rhythm:
    return cadence.customers if audience is Audience.CUSTOMERS else cadence.internal
