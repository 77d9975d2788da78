"""A post-mortem that is due is asked for, of more people each business day until it is there."""

from __future__ import annotations

from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.communication.people import list_speakers, tell
from hrx.ops.communication.post_mortems import DUE
from hrx.ops.ledger.entries import Kind
from hrx.ops.ledger.incidents import find_incident
from hrx.ops.ledger.post_mortems import PostMortemState, find_post_mortem
from hrx.ops.ledger.store import Connection
from hrx.ops.ledger.timers import Timer, set_timer
from hrx.ops.run.plane import Plane
from hrx.ops.schedules.business import add_business_time, business_time_between

ACTOR: Final = "communication"


def ask(plane: Plane, connection: Connection, timer: Timer) -> None:
    """Remind, put the lateness on record, and ask again the next business day."""
    number = int(timer.subject.removeprefix("incident:"))
    incident, found = find_incident(connection, number), find_post_mortem(connection, number)
    if incident is None or found is None or found.due_at is None:
        return
    calendar, now = plane.content.respond.calendar, clock.now()
    days = int(business_time_between(calendar, found.due_at, now) / calendar.day_length)
    asked = int(timer.payload.get("asked", 0))
    says = _say(found.state, number, days=days)
    people = list_speakers(plane, incident, urgency=min(2, 1 + asked))
    tell(
        plane,
        connection,
        people=people,
        key=f"post-mortem:{number}:{found.state}:{timer.due_at.timestamp():.0f}",
        purpose="reminder",
        message={
            "title": {"ja": says.ja, "en": says.en},
            "lines": [{"ja": incident.title.ja, "en": incident.title.en}],
            "url_path": f"/incidents/{number}/post-mortem",
            "incident_id": number,
            "thread": incident.subject,
        },
        incident_id=number,
        also_place=asked > 0,
    )
    plane.ledger.append_within(
        connection,
        Kind.COMMUNICATION,
        actor=ACTOR,
        subject=incident.subject,
        body={
            "change": "post_mortem_due",
            "state": found.state.value,
            "late_business_days": days,
            "asked": [one.id for one in people],
            "message": {"ja": says.ja, "en": says.en},
        },
    )
    again = add_business_time(calendar, now, calendar.day_length)
    set_timer(connection, kind=DUE, subject=incident.subject, due_at=again, payload={"asked": asked + 1})


def _say(state: PostMortemState, number: int, *, days: int) -> Text:
    step = (
        Text(ja="事後検証の提出", en="The post-mortem")
        if state is PostMortemState.DRAFT
        else Text(ja="事後検証の承認", en="Approval of the post-mortem")
    )
    if days == 0:
        return Text(ja=f"{step.ja}の期限です(INC-{number})", en=f"{step.en} of INC-{number} is due")
    return Text(
        ja=f"{step.ja}が {days} 営業日遅れています(INC-{number})",
        en=f"{step.en} of INC-{number} is {days} business day{'s' if days != 1 else ''} late",
    )
