"""What happens to an incident by the passing of time: clocks that run out, forecasts, quiet that lasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from hrx.kit import clock
from hrx.ops.incidents.burning import burns_on
from hrx.ops.incidents.clocks import ClockName, find_running_pause, find_stop
from hrx.ops.incidents.lifecycle import (
    ACTOR,
    ESCALATE,
    FORECAST,
    GONE,
    RECOVER_DUE,
    RESPOND_DUE,
    SETTLE,
    change_within,
    hasten_paging,
    page,
    stop_paging,
    watch_stay,
)
from hrx.ops.incidents.traces import BURNS_ON, watch_burning
from hrx.ops.ledger.incidents import Incident, IncidentState, find_incident
from hrx.ops.ledger.standing import count_standing
from hrx.ops.ledger.store import Connection
from hrx.ops.ledger.timers import Timer, set_timer
from hrx.ops.run.plane import Plane
from hrx.ops.tick import Decision

#: The name of the timer by which paging tells the incident manager, beside the steps of escalation.
AT_RISK: Final = "at_risk"


def respond_due(plane: Plane, connection: Connection, timer: Timer) -> None:
    """Nobody responded in time: it is on record, and escalation goes on at once."""
    _breach(plane, connection, timer, ClockName.RESPOND)


def recover_due(plane: Plane, connection: Connection, timer: Timer) -> None:
    """The symptom outlived its clock: it is on record, and the incident manager is told."""
    _breach(plane, connection, timer, ClockName.RECOVER)


def forecast(plane: Plane, connection: Connection, timer: Timer) -> None:
    """The clock is not out yet, but will be unless somebody hurries: escalate early."""
    found = _find_unresolved(connection, timer)
    name = ClockName(str(timer.payload["clock"]))
    if found is None or find_stop(found, name) is not None:
        return
    due = found.respond_due_at if name is ClockName.RESPOND else found.recover_due_at
    if due is None or due <= clock.now():
        return
    told = [*found.body.get("forecasts", []), timer.name]
    change_within(
        plane,
        connection,
        replace(found, body={**found.body, "forecasts": told}),
        change="forecast",
        actor=ACTOR,
        facts={
            "clock": name.value,
            "due_at": due.isoformat(),
            "share": timer.payload["share"],
            "minutes_left": round((due - clock.now()).total_seconds() / 60),
        },
    )
    _urge(plane, connection, found, name, reason="forecast")


def settle(plane: Plane, connection: Connection, timer: Timer) -> None:
    """It has been quiet for long enough: the symptom has gone, or has stayed away."""
    found = _find_unresolved(connection, timer)
    if found is None or not count_standing(connection, [found.id])[found.id].is_quiet:
        return
    if timer.name == GONE and found.state is not IncidentState.MITIGATED:
        mitigated = replace(found, state=IncidentState.MITIGATED, mitigated_at=clock.now())
        saved = change_within(plane, connection, mitigated, change="quiet", actor=ACTOR)
        stop_paging(connection, saved)
        watch_stay(plane, connection, saved)
        watch_burning(plane.content.watch, connection, saved)
    elif timer.name != GONE and found.state is IncidentState.MITIGATED:
        resolved = replace(found, state=IncidentState.RESOLVED, resolved_at=clock.now())
        change_within(plane, connection, resolved, change="stayed_quiet", actor=ACTOR)


def _breach(plane: Plane, connection: Connection, timer: Timer, name: ClockName) -> None:
    found = _find_unresolved(connection, timer)
    if found is None or find_stop(found, name) is not None:
        return
    due = found.respond_due_at if name is ClockName.RESPOND else found.recover_due_at
    breaches: Mapping[str, object] = found.body.get("breaches", {})
    if due is None or due > clock.now() or name.value in breaches:
        return
    if name is ClockName.RECOVER and find_running_pause(found, at=clock.now()) is not None:
        return
    body = {**found.body, "breaches": {**breaches, name.value: due.isoformat()}}
    change_within(
        plane,
        connection,
        replace(found, body=body),
        change="breached",
        actor=ACTOR,
        facts={"clock": name.value, "due_at": due.isoformat()},
    )
    _urge(plane, connection, found, name, reason="breached")


def _urge(plane: Plane, connection: Connection, found: Incident, name: ClockName, *, reason: str) -> None:
    """Response: the next step of escalation now. Recovery: the incident manager, whoever has it."""
    if not plane.content.respond.severities[found.severity].pages:
        return
    if name is ClockName.RESPOND:
        if not hasten_paging(connection, found):
            page(plane, connection, found)
        return
    set_timer(
        connection,
        kind=ESCALATE,
        subject=found.subject,
        name=AT_RISK,
        due_at=clock.now(),
        payload={"role": "incident_manager", "reason": reason, "clock": name.value},
    )


def _find_unresolved(connection: Connection, timer: Timer) -> Incident | None:
    found = find_incident(connection, int(timer.subject.removeprefix("incident:")))
    return found if found is not None and found.is_unresolved else None


DECISIONS: Final[Mapping[str, Decision]] = {
    RESPOND_DUE: respond_due,
    RECOVER_DUE: recover_due,
    FORECAST: forecast,
    SETTLE: settle,
    BURNS_ON: burns_on,
}
