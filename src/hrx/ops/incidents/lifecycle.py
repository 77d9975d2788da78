"""Changing an incident inside a write transaction: the row, its clocks, its timers and the ledger together.

Everything that changes an incident goes through here: signals, people, timers. Who is told, and how, is the
affair of `paging` and `communication`; here their timers are set and cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from hrx.kit import clock
from hrx.ops.incidents.clocks import ClockName, due_at, due_moments, find_stop, list_pauses
from hrx.ops.ledger.entries import Kind
from hrx.ops.ledger.incidents import Incident, IncidentState, add_incident, save_incident
from hrx.ops.ledger.signals import move_conditions
from hrx.ops.ledger.standing import Standing
from hrx.ops.ledger.store import Connection
from hrx.ops.ledger.timers import cancel_timers, hasten_timer, set_timer
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity

#: Who changes an incident when no person does.
ACTOR: Final = "incidents"

ESCALATE: Final = "paging.escalate"
TELL: Final = "paging.tell"
TRIAGE: Final = "triage.run"
CADENCE: Final = "communication.cadence"
RESPOND_DUE: Final = "incident.respond_due"
RECOVER_DUE: Final = "incident.recover_due"
FORECAST: Final = "incident.forecast"
SETTLE: Final = "incident.settle"

#: Names of the two settle timers: the symptom has gone, and it stayed away.
GONE: Final = "gone"
STAYED_AWAY: Final = "stayed_away"
_DAMPING_MAX: Final = 10
#: Changes after which readers are due another word, or none any more.
_TOLD: Final = frozenset({"severity_set", "severity_raised", "resolved", "stayed_quiet", "merged", "closed"})


def open_within(
    plane: Plane, connection: Connection, draft: Incident, *, actor: str, facts: Mapping[str, object]
) -> Incident:
    """Open an incident: its row, its clocks, and the timers of everybody who has to do something now."""
    opened = add_incident(connection, draft)
    opened = save_incident(connection, with_clocks(plane, opened))
    _record(plane, connection, Kind.INCIDENT_OPENED, opened, actor=actor, facts=facts)
    set_clock_timers(plane, connection, opened)
    now = clock.now()
    ask_triage(connection, opened, because="opened")
    page(plane, connection, opened)
    if opened.severity <= Severity.MAJOR:
        set_timer(connection, kind=CADENCE, subject=opened.subject, due_at=now)
    return opened


def change_within(
    plane: Plane,
    connection: Connection,
    after: Incident,
    *,
    change: str,
    actor: str,
    facts: Mapping[str, object] | None = None,
) -> Incident:
    """Write a changed incident and say in the ledger what changed. Raises Conflict."""
    saved = save_incident(connection, with_clocks(plane, after))
    facts = {"change": change, **(facts or {})}
    _record(plane, connection, Kind.INCIDENT_CHANGED, saved, actor=actor, facts=facts)
    set_clock_timers(plane, connection, saved)
    if change in _TOLD:
        set_timer(connection, kind=CADENCE, subject=saved.subject, due_at=clock.now())
    # What there is to say about it, and to whom, is known to those who called people.
    set_timer(connection, kind=TELL, subject=saved.subject, due_at=clock.now())
    return saved


def note_within(
    plane: Plane,
    connection: Connection,
    incident: Incident,
    *,
    kind: Kind = Kind.INCIDENT_CHANGED,
    actor: str,
    facts: Mapping[str, object],
) -> None:
    """Say something about an incident in its time line without changing it."""
    _record(plane, connection, kind, incident, actor=actor, facts=facts)


def with_clocks(plane: Plane, incident: Incident) -> Incident:
    """The incident with the moments at which its clocks are due: from its opening, pauses kept."""
    respond_due_at, recover_due_at = due_moments(plane.content.respond, incident)
    return replace(incident, respond_due_at=respond_due_at, recover_due_at=recover_due_at)


def set_clock_timers(plane: Plane, connection: Connection, incident: Incident) -> None:
    """Set the timers of both clocks anew; those of a stopped clock are cancelled."""
    for kind in (RESPOND_DUE, RECOVER_DUE, FORECAST):
        cancel_timers(connection, subject=incident.subject, kind=kind)
    if not incident.is_unresolved:
        return
    breaches = incident.body.get("breaches", {})
    for kind, which, due in (
        (RESPOND_DUE, ClockName.RESPOND, incident.respond_due_at),
        (RECOVER_DUE, ClockName.RECOVER, incident.recover_due_at),
    ):
        if due is not None and find_stop(incident, which) is None and which.value not in breaches:
            set_timer(connection, kind=kind, subject=incident.subject, due_at=due)
    for name, at, payload in _list_forecasts(plane, incident):
        if name not in incident.body.get("forecasts", []):
            set_timer(
                connection, kind=FORECAST, subject=incident.subject, name=name, due_at=at, payload=payload
            )


def page(plane: Plane, connection: Connection, incident: Incident) -> None:
    """Have people called from the first step on, now; severities that call nobody are left alone."""
    if plane.content.respond.severities[incident.severity].pages:
        set_timer(
            connection, kind=ESCALATE, subject=incident.subject, due_at=clock.now(), payload={"step": 0}
        )


def hasten_paging(connection: Connection, incident: Incident) -> bool:
    """Take the next step of escalation now; False when no further step is waiting."""
    return hasten_timer(connection, kind=ESCALATE, subject=incident.subject, due_at=clock.now())


def stop_paging(connection: Connection, incident: Incident) -> None:
    cancel_timers(connection, subject=incident.subject, kind=ESCALATE)


def watch_quiet(plane: Plane, connection: Connection, incident: Incident) -> None:
    """Everything has gone quiet: after a while of this the incident counts as mitigated."""
    rules = plane.content.respond.grouping
    times = 2 ** min(int(incident.body.get("relapses", 0)), _DAMPING_MAX)
    wait = min(rules.settle * times, rules.settle_max)
    set_timer(connection, kind=SETTLE, subject=incident.subject, name=GONE, due_at=clock.now() + wait)


def watch_stay(plane: Plane, connection: Connection, incident: Incident) -> None:
    """The symptom has gone: when it stays away, severities that say so are resolved by rule."""
    after = plane.content.respond.severities[incident.severity].resolves_after
    if after is not None:
        at = clock.now() + after
        set_timer(connection, kind=SETTLE, subject=incident.subject, name=STAYED_AWAY, due_at=at)


def stop_watching(connection: Connection, incident: Incident) -> None:
    cancel_timers(connection, subject=incident.subject, kind=SETTLE)


def judge_quiet(
    plane: Plane,
    connection: Connection,
    incident: Incident,
    standing: Standing,
    *,
    has_begun: bool,
    actor: str,
) -> None:
    """After something came in: watch whether it stays quiet, or see that it was not over."""
    if incident.state in (IncidentState.OPEN, IncidentState.ACKNOWLEDGED):
        if standing.is_quiet:
            watch_quiet(plane, connection, incident)
        else:
            stop_watching(connection, incident)
    elif incident.state is IncidentState.MITIGATED and has_begun:
        reopen_within(plane, connection, incident, actor=actor, facts={}, change="relapsed")


def reopen_within(
    plane: Plane,
    connection: Connection,
    incident: Incident,
    *,
    actor: str,
    facts: Mapping[str, object],
    change: str,
) -> Incident:
    """Back to open after it was mitigated or resolved: people are called again, and the clocks go on."""
    stop_watching(connection, incident)
    again = replace(
        incident,
        state=IncidentState.OPEN,
        acknowledged_at=incident.acknowledged_at if change == "relapsed" else None,
        acknowledged_by=incident.acknowledged_by if change == "relapsed" else None,
        mitigated_at=None,
        resolved_at=None,
        body={
            **incident.body,
            "relapses": int(incident.body.get("relapses", 0)) + 1,
            "reopened_at": clock.now().isoformat(),
        },
    )
    if again.acknowledged_at is not None:
        again = replace(again, state=IncidentState.ACKNOWLEDGED)
    saved = change_within(plane, connection, again, change=change, actor=actor, facts=facts)
    page(plane, connection, saved)
    ask_triage(connection, saved, because="again")
    if saved.severity <= Severity.MAJOR:
        set_timer(connection, kind=CADENCE, subject=saved.subject, due_at=clock.now())
    return saved


def ask_triage(connection: Connection, incident: Incident, *, because: str) -> None:
    """Have the SOP's probes asked at once. Each reason has a timer of its own, for one may be at work."""
    set_timer(connection, kind=TRIAGE, subject=incident.subject, name=because, due_at=clock.now())


def merge_within(
    plane: Plane,
    connection: Connection,
    merged: Incident,
    *,
    into: Incident,
    actor: str,
    facts: Mapping[str, object],
) -> Incident:
    """Hand everything of one incident to another; it ends as merged, and both time lines say so."""
    conditions = move_conditions(connection, to_incident=into.id, from_incident=merged.id)
    cancel_timers(connection, subject=merged.subject)
    ended = replace(merged, state=IncidentState.MERGED, merged_into=into.id)
    saved = change_within(
        plane, connection, ended, change="merged", actor=actor, facts={"into": into.id, **facts}
    )
    note_within(
        plane,
        connection,
        into,
        actor=actor,
        facts={"change": "absorbed", "from": merged.id, "conditions": conditions, **facts},
    )
    # What readers were promised about the one is owed by the other.
    set_timer(connection, kind=CADENCE, subject=into.subject, due_at=clock.now())
    return saved


def _list_forecasts(plane: Plane, incident: Incident) -> list[tuple[str, datetime, dict[str, object]]]:
    respond = plane.content.respond
    rule = respond.severities[incident.severity]
    found: list[tuple[str, datetime, dict[str, object]]] = []
    if find_stop(incident, ClockName.RESPOND) is None:
        for share in rule.escalates_at:
            at = due_at(respond, rule.respond, start=incident.opened_at, share=share)
            if at is not None:
                payload: dict[str, object] = {"clock": ClockName.RESPOND.value, "share": share}
                found.append((f"respond-{share:g}", at, payload))
    if find_stop(incident, ClockName.RECOVER) is None and rule.at_risk_at < 1:
        at = due_at(
            respond,
            rule.recover,
            start=incident.opened_at,
            share=rule.at_risk_at,
            pauses=list_pauses(incident),
        )
        if at is not None:
            payload = {"clock": ClockName.RECOVER.value, "share": rule.at_risk_at}
            found.append((f"recover-{rule.at_risk_at:g}", at, payload))
    return found


def _record(
    plane: Plane,
    connection: Connection,
    kind: Kind,
    incident: Incident,
    *,
    actor: str,
    facts: Mapping[str, object],
) -> None:
    plane.ledger.append_within(
        connection,
        kind,
        actor=actor,
        subject=incident.subject,
        body={
            "incident": incident.id,
            "state": incident.state.value,
            "severity": int(incident.severity),
            **facts,
        },
    )
