"""Who was called about an incident hears that somebody has it, and that it is over.

PagerDuty's own alert follows ours; places read it in the thread of the page; a person who was paged and is no
longer needed may sleep on. What changes an incident sets the timer, whatever it changed: what was told
already has a key and is not told again."""

from __future__ import annotations

from typing import Final

from hrx.kit.errors import Text
from hrx.ops.channels.channel import ChannelKind, Event
from hrx.ops.ledger.incidents import Incident, IncidentState, find_incident
from hrx.ops.ledger.notifications import enqueue, list_told
from hrx.ops.ledger.store import Connection
from hrx.ops.ledger.timers import Timer
from hrx.ops.paging.messages import message_of, title_of
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.contacts import Contact

TELL: Final = "paging.tell"
_EVENTS: Final = {
    IncidentState.ACKNOWLEDGED: Event.ACKNOWLEDGE,
    IncidentState.RESOLVED: Event.RESOLVE,
    IncidentState.CLOSED: Event.RESOLVE,
    IncidentState.MERGED: Event.RESOLVE,
}


def tell(plane: Plane, connection: Connection, timer: Timer) -> None:
    """Say where the incident stands to whom it was said that it is open."""
    incident = find_incident(connection, int(timer.subject.removeprefix("incident:")))
    if incident is None or incident.state not in _EVENTS:
        return
    event, has_it = _EVENTS[incident.state], _find_person(plane, incident.acknowledged_by)
    relapses = int(incident.body.get("relapses", 0))
    for recipient, channel in list_told(connection, incident_id=incident.id):
        # Mail and numbers of phones are for calling; nobody wants a second mail for the first.
        is_theirs = has_it is not None and recipient == has_it.id
        if is_theirs or channel not in (ChannelKind.PAGERDUTY, ChannelKind.SLACK):
            continue
        enqueue(
            connection,
            dedup_key=f"{event}:{incident.id}:{relapses}:{incident.acknowledged_by}:{recipient}:{channel}",
            recipient=recipient,
            channel=channel,
            purpose="update",
            message={**_say(plane, incident, event), "event": event.value},
            incident_id=incident.id,
        )


def _say(plane: Plane, incident: Incident, event: Event) -> dict[str, object]:
    if event is Event.ACKNOWLEDGE:
        person, name = _find_person(plane, incident.acknowledged_by), incident.acknowledged_by or "–"
        who = person.name if person else Text(ja=name, en=name)
        line = Text(ja=f"{who.ja} が対応を始めました。", en=f"{who.en} has it.")
    elif incident.state is IncidentState.MERGED:
        line = Text(
            ja=f"障害 {incident.merged_into} にまとめました。",
            en=f"It is part of incident {incident.merged_into} now.",
        )
    else:
        line = Text(ja="解決しました。", en="It is resolved.")
    return message_of(incident, title=title_of(incident), lines=[line])


def _find_person(plane: Plane, name: str | None) -> Contact | None:
    """The contact who acts under a name: of an operator, or their own."""
    people = plane.content.contacts.people
    return next((one for one in people if name is not None and name in (one.operator, one.id)), None)
