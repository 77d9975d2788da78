"""The decision whom an incident pages next. Everything it writes is one transaction with the timer's end.

A step with nobody reachable costs no time: the next is taken in the same transaction. After the last step the
steps begin again, louder: on every channel of a person at once.

The places of a policy are told once in a calling, at its first step or when the incident gets worse and comes
under a policy with other places: which ones know goes along with the timer, from step to step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.channels.opening import list_configured
from hrx.ops.ledger.communications import find_maintenance
from hrx.ops.ledger.entries import Kind
from hrx.ops.ledger.incidents import Incident, IncidentState, find_incident
from hrx.ops.ledger.notifications import CALL, PAGE, enqueue
from hrx.ops.ledger.on_call import list_changes
from hrx.ops.ledger.store import Connection
from hrx.ops.ledger.timers import Timer, set_timer
from hrx.ops.paging.freshness import list_stale_people
from hrx.ops.paging.messages import say_at_risk, say_page, say_unanswered
from hrx.ops.paging.people import PLACE, list_step_people, usable_reaches
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.contacts import Contact
from hrx.ops.schedules.business import add_business_time, find_opening
from hrx.ops.schedules.rotation import EscalationStep, OnCallChange, Policy, Target

ESCALATE: Final = "paging.escalate"
ACTOR: Final = "paging"
#: A timer of this name tells the incident manager that a clock runs out; it is no step.
AT_RISK: Final = "at_risk"
_MANAGER: Final = EscalationStep(targets=(Target(rotation="manager"),), delay_s=1)
#: Part of a timer's payload: names of the places that have been told in this calling.
_TOLD: Final = "told"
#: How long to wait when a whole policy reaches nobody: schedules and settings are changed by people.
_NOBODY_RETRY_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """The step to take now, and which were passed over because they reach nobody."""

    round: int
    step: int
    people: list[Contact]
    skipped: tuple[str, ...]


def _mark(timer: Timer) -> str:
    """Part of every message's key: an incident that is opened again pages again."""
    return f"{timer.due_at.timestamp():.3f}"


def escalate(plane: Plane, connection: Connection, timer: Timer) -> None:
    """Page the next step of an incident that nobody has acknowledged, and set the timer for the one after."""
    incident = find_incident(connection, int(timer.subject.removeprefix("incident:")))
    if incident is None:
        return
    if timer.name == AT_RISK:
        _tell_manager(plane, connection, incident, timer)
        return
    if incident.state is not IncidentState.OPEN or _waits_for_maintenance(plane, connection, incident, timer):
        return
    policy = plane.content.on_call.policy_for(incident.severity, is_security=incident.is_security)
    step, turn = int(timer.payload.get("step", 0)), int(timer.payload.get("round", 0))
    told = _tell_places(plane, connection, incident, policy, timer)
    if not policy.steps:
        return
    now = clock.now()
    if _waits_for_opening(plane, connection, incident, policy, timer, told=told):
        return
    changes = list_changes(connection, ending_after=now)
    found = find_next(plane, policy, turn=turn, step=step, at=now, changes=changes)
    if found is None:
        _give_up_round(plane, connection, incident, policy, turn=turn, told=told)
        return
    _page(plane, connection, incident, found, mark=_mark(timer))
    _set_next(plane, connection, incident, found, policy=policy, told=told)


def _waits_for_maintenance(plane: Plane, connection: Connection, incident: Incident, timer: Timer) -> bool:
    """Whether this is what announced work on that very part was expected to cause; it is on record, and
    people are called at the end of the window if it still is so. A suspected breach never waits."""
    now = clock.now()
    work = find_maintenance(connection, part=incident.part, at=now)
    if work is None or work.ends_at is None or incident.is_security:
        return False
    set_timer(
        connection,
        kind=ESCALATE,
        subject=incident.subject,
        due_at=work.ends_at,
        payload={**timer.payload, "held_by": work.id},
    )
    if timer.payload.get("held_by") != work.id:
        plane.ledger.append_within(
            connection,
            Kind.ESCALATION,
            actor=ACTOR,
            subject=incident.subject,
            body={
                "outcome": "held",
                "maintenance": work.id,
                "until": work.ends_at.isoformat(),
                "message": {
                    "ja": f"計画メンテナンス MNT-{work.id} の対象なので、終わるまで呼び出しません",
                    "en": f"Expected by planned maintenance MNT-{work.id}: nobody is paged before its end",
                },
            },
        )
    return True


def _waits_for_opening(
    plane: Plane, connection: Connection, incident: Incident, policy: Policy, timer: Timer, *, told: list[str]
) -> bool:
    """Whether this step is put off until the office opens; then its timer is set, and that is on record."""
    if not policy.in_business_hours:
        return False
    now = clock.now()
    opens_at = find_opening(plane.content.respond.calendar, now)
    if opens_at <= now:
        return False
    payload = {**timer.payload, _TOLD: told}
    set_timer(connection, kind=ESCALATE, subject=incident.subject, due_at=opens_at, payload=payload)
    plane.ledger.append_within(
        connection,
        Kind.ESCALATION,
        actor=ACTOR,
        subject=incident.subject,
        body={"outcome": "waits_for_opening", "until": opens_at.isoformat()},
    )
    return True


def _tell_manager(plane: Plane, connection: Connection, incident: Incident, timer: Timer) -> None:
    """Whoever manages incidents hears that a clock runs out, whoever is at work on it."""
    if not incident.is_unresolved:
        return
    now = clock.now()
    changes = list_changes(connection, ending_after=now)
    people = list_step_people(plane, _MANAGER, at=now, changes=changes)
    configured = list_configured(plane.settings)
    for person in people:
        reach = usable_reaches(person.channels, configured)[0]
        enqueue(
            connection,
            dedup_key=f"at-risk:{incident.id}:{person.id}:{_mark(timer)}",
            recipient=person.id,
            channel=reach.kind.value,
            # No page: it is meant although somebody has acknowledged.
            purpose="notice",
            message=say_at_risk(incident, clock_name=str(timer.payload.get("clock", ""))),
            incident_id=incident.id,
        )
    plane.ledger.append_within(
        connection,
        Kind.ESCALATION,
        actor=ACTOR,
        subject=incident.subject,
        body={
            "outcome": "manager_told",
            "people": [person.id for person in people],
            "reason": str(timer.payload.get("reason", "")),
        },
    )


def find_next(
    plane: Plane,
    policy: Policy,
    *,
    turn: int,
    step: int,
    at: datetime,
    changes: list[OnCallChange],
) -> Next | None:
    """The first step from here on that reaches somebody; None when none does, or the rounds are over."""
    skipped: list[str] = []
    while turn < policy.rounds:
        for number in range(step, len(policy.steps)):
            people = list_step_people(plane, policy.steps[number], at=at, changes=changes)
            if people:
                return Next(round=turn, step=number, people=people, skipped=tuple(skipped))
            skipped.append(f"{turn + 1}.{number + 1}")
        turn, step = turn + 1, 0
    return None


def _page(plane: Plane, connection: Connection, incident: Incident, found: Next, *, mark: str) -> None:
    is_loud = found.round > 0
    configured = list_configured(plane.settings)
    # An entry that nobody has confirmed for long may have a dead channel first.
    stale = list_stale_people(plane, connection)
    for person in found.people:
        ways = usable_reaches(person.channels, configured)
        for reach in ways if is_loud or person.id in stale else ways[:1]:
            enqueue(
                connection,
                dedup_key=f"page:{incident.id}:{found.round}:{found.step}:{person.id}:{reach.kind}:{mark}",
                recipient=person.id,
                channel=reach.kind.value,
                purpose=PAGE,
                message=say_page(
                    incident, step=found.step, turn=found.round, part=_name_part(plane, incident)
                ),
                incident_id=incident.id,
            )
    plane.ledger.append_within(
        connection,
        Kind.ESCALATION,
        actor=ACTOR,
        subject=incident.subject,
        body={
            "outcome": "paged",
            "round": found.round + 1,
            "step": found.step + 1,
            "people": [person.id for person in found.people],
            "skipped": list(found.skipped),
            "all_channels": is_loud,
            "stale_contacts": sorted(stale & {person.id for person in found.people}),
        },
    )


def _set_next(
    plane: Plane, connection: Connection, incident: Incident, found: Next, *, policy: Policy, told: list[str]
) -> None:
    now, delay = clock.now(), timedelta(seconds=policy.steps[found.step].delay_s)
    calendar = plane.content.respond.calendar
    due_at = add_business_time(calendar, now, delay) if policy.in_business_hours else now + delay
    is_last = found.step + 1 >= len(policy.steps)
    payload = {
        "step": 0 if is_last else found.step + 1,
        "round": found.round + 1 if is_last else found.round,
        _TOLD: told,
    }
    set_timer(
        connection,
        kind=ESCALATE,
        subject=incident.subject,
        due_at=due_at,
        payload=payload,
    )


def _tell_places(
    plane: Plane, connection: Connection, incident: Incident, policy: Policy, timer: Timer
) -> list[str]:
    """The places of the policy that have not heard of it hear at once, beside the people; gives all that
    have."""
    known = [str(name) for name in timer.payload.get(_TOLD, ())]
    told = list(dict.fromkeys((*known, *policy.places)))
    for name in told[len(known) :]:
        place = plane.content.on_call.find_place(name)
        if place is None:
            continue
        enqueue(
            connection,
            dedup_key=f"place:{incident.id}:{name}:{_mark(timer)}",
            recipient=f"{PLACE}{name}",
            channel=place.reach.kind.value,
            purpose=CALL,
            message=say_page(incident, step=0, turn=0, part=_name_part(plane, incident)),
            incident_id=incident.id,
        )
    return told


def _give_up_round(
    plane: Plane, connection: Connection, incident: Incident, policy: Policy, *, turn: int, told: list[str]
) -> None:
    """Nobody can be paged, or everybody was, often enough: say so where it is read, and keep a record."""
    is_over = turn >= policy.rounds
    key = "over" if is_over else f"nobody:{clock.now():%Y%m%d%H}"
    for name in policy.places:
        place = plane.content.on_call.find_place(name)
        if place is not None:
            enqueue(
                connection,
                dedup_key=f"unanswered:{incident.id}:{key}:{name}",
                recipient=f"{PLACE}{name}",
                channel=place.reach.kind.value,
                purpose=CALL,
                message=say_unanswered(incident, is_over=is_over),
                incident_id=incident.id,
            )
    plane.ledger.append_within(
        connection,
        Kind.ESCALATION,
        actor=ACTOR,
        subject=incident.subject,
        body={"outcome": "exhausted" if is_over else "nobody_reachable", "round": turn + 1},
    )
    if not is_over:
        set_timer(
            connection,
            kind=ESCALATE,
            subject=incident.subject,
            due_at=clock.now() + timedelta(seconds=_NOBODY_RETRY_S),
            payload={"step": 0, "round": turn, _TOLD: told},
        )


def _name_part(plane: Plane, incident: Incident) -> Text | None:
    return next((part.title for part in plane.content.parts if part.name == incident.part), None)
