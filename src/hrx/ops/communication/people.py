"""Who speaks for an incident, who hears of it inside, and how each is reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hrx.ops.channels.opening import list_configured
from hrx.ops.ledger.communications import Audience
from hrx.ops.ledger.incidents import Incident
from hrx.ops.ledger.notifications import enqueue
from hrx.ops.ledger.store import Connection
from hrx.ops.paging.people import PLACE, usable_reaches
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.contacts import Contact


def find_person(plane: Plane, name: str) -> Contact | None:
    """The contact of an id or of an operator's name."""
    contacts = plane.content.contacts
    return contacts.find(name) or next((one for one in contacts.people if one.operator == name), None)


def list_speakers(plane: Plane, incident: Incident, *, urgency: int) -> tuple[Contact, ...]:
    """Who is asked for the next word, more of them the more urgent it is.

    0: whoever leads communication, else whoever has the incident, else public relations. 1: also the
    incident manager. 2 and above: also the leader of the response team and public relations."""
    roles: Mapping[str, str] = incident.body.get("roles", {})
    team = plane.content.contacts.response_team
    first = [roles.get("liaison"), incident.acknowledged_by]
    names = [next((one for one in first if one and find_person(plane, one)), team["pr"])]
    if urgency >= 1:
        names.append(roles.get("manager") or team["leader"])
    if urgency >= 2:
        names += [team["leader"], team["pr"]]
    found = [find_person(plane, name) for name in names if name]
    return tuple({one.id: one for one in found if one is not None}.values())


def list_insiders(plane: Plane) -> tuple[Contact, ...]:
    """Those who are always told inside."""
    contacts = plane.content.contacts
    return tuple(contacts.get(name) for name in plane.content.communication.stakeholders)


def tell(
    plane: Plane,
    connection: Connection,
    *,
    people: Sequence[Contact],
    key: str,
    purpose: str,
    message: Mapping[str, object],
    incident_id: int | None,
    also_place: bool = True,
) -> int:
    """Put a message into the outbox for people, and for the place where all read along; gives how many.

    Somebody without a usable way is left out; the place still has it."""
    configured, count = list_configured(plane.settings), 0
    for person in people:
        ways = usable_reaches(person.channels, configured)
        if ways:
            enqueue(
                connection,
                dedup_key=f"{key}:{person.id}",
                recipient=person.id,
                channel=ways[0].kind.value,
                purpose=purpose,
                message=message,
                incident_id=incident_id,
            )
            count += 1
    place = plane.content.on_call.find_place(plane.content.communication.place) if also_place else None
    if place is not None and place.reach.kind in configured:
        enqueue(
            connection,
            dedup_key=f"{key}:place",
            recipient=f"{PLACE}{plane.content.communication.place}",
            channel=place.reach.kind.value,
            purpose=purpose,
            message=message,
            incident_id=incident_id,
        )
        count += 1
    return count


def audience_url(incident: Incident, audience: Audience) -> str:
    """Where the next word is written."""
    return f"/incidents/{incident.id}/communication?audience={audience.value}"
