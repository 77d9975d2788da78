"""Incidents: which there are, with their clocks; and one of them, with all that is known and can be done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter, Depends, Form, Query, Response

from hrx.kit import clock
from hrx.kit.errors import Invalid, NotFound, Text
from hrx.ops.console.desk import Visit, go, language_of, needs, needs_form
from hrx.ops.console.drawing import draw_services
from hrx.ops.console.pages.dashboards import show_around_incident
from hrx.ops.console.pages.logs import show_incident_lines
from hrx.ops.console.panels import IncidentPanel, show_communication, show_messages, show_triage
from hrx.ops.incidents.actions import ending, judging, regrouping, responding
from hrx.ops.incidents.clocks import Clock, ClockName, find_running_pause, read_clock
from hrx.ops.incidents.intake import take_signals
from hrx.ops.incidents.story import list_story
from hrx.ops.ledger.incidents import (
    Incident,
    IncidentState,
    find_incident,
    get_incident,
    list_incidents,
    list_unresolved,
)
from hrx.ops.ledger.signals import count_signals, find_home, list_conditions, list_signals
from hrx.ops.ledger.standing import count_standing
from hrx.ops.observe.timing import explain_incident
from hrx.ops.operators.roles import Permission
from hrx.ops.runbook.graph import make_graph
from hrx.ops.signal import Severity, Signal, SignalSource, SignalState
from hrx.ops.triage.running import run_triage

router: Final = APIRouter()
Looker = Annotated[Visit, Depends(needs(Permission.LOOK))]
Doer = Annotated[Visit, Depends(needs_form(Permission.PLAN_AND_RUN))]
_SHOWN: Final = 50
_CONDITIONS_SHOWN: Final = 30
_SEVERITIES: Final = tuple(str(int(one)) for one in Severity)
_TOPICS: Final = ("signals", "people", "clocks", "others")


#: Each room adds its line; the order is the order on the page.
PANELS: Final[tuple[IncidentPanel, ...]] = (
    IncidentPanel(name="triage", template="fragments/panel_triage.html", values=show_triage),
    IncidentPanel(name="plots", template="fragments/incident_plots.html", values=show_around_incident),
    IncidentPanel(name="messages", template="fragments/panel_messages.html", values=show_messages),
    IncidentPanel(
        name="communication", template="fragments/panel_communication.html", values=show_communication
    ),
    IncidentPanel(name="logs", template="fragments/panel_logs.html", values=show_incident_lines),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One incident as the list shows it."""

    incident: Incident
    respond: Clock
    recover: Clock
    conditions: int
    holding: int


@router.get("/incidents")
def show_incidents(
    visit: Looker,
    severity: Annotated[str, Query(max_length=1)] = "",
    part: Annotated[str, Query(max_length=100)] = "",
    before: int | None = None,
) -> Response:
    plane = visit.desk.plane
    wanted = Severity(int(severity)) if severity in _SEVERITIES else None
    past = list_incidents(plane.ledger.store, limit=_SHOWN, before_id=before, severity=wanted, part=part)
    return visit.page(
        "incidents.html",
        rows=list_open_rows(visit),
        past=past,
        chosen={"severity": severity, "part": part},
        parts=plane.content.parts,
        rules=plane.content.respond.severities,
        older=past[-1].id if len(past) == _SHOWN else None,
    )


@router.get("/fragments/incidents")
def show_open_incidents(visit: Looker, brief: bool = False) -> Response:
    """The open ones alone, asked for every two seconds; `brief` shows nothing when there are none."""
    template = "fragments/incidents_brief.html" if brief else "fragments/incidents_open.html"
    return visit.page(template, rows=list_open_rows(visit))


@router.post("/incidents")
def report(
    visit: Doer,
    said: Annotated[str, Form(max_length=300)] = "",
    severity: Annotated[str, Form(max_length=1)] = "3",
    part: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """A person says what is wrong; it opens an incident or joins the one it belongs to."""
    if not said.strip() or severity not in ("1", "2", "3", "4"):
        raise Invalid(
            Text(ja="何が起きているかを書いてください", en="Say what is wrong"), code="incident.no_words"
        )
    plane = visit.desk.plane
    signal = Signal(
        source=SignalSource.CONSOLE,
        key=f"report:{uuid4().hex[:12]}",
        name="Report",
        state=SignalState.FIRING,
        started_at=clock.now(),
        summary=Text(ja=said.strip(), en=said.strip()),
        part=part or None,
        severity=Severity(int(severity)),
        labels={"reported_by": visit.actor.name},
    )
    take_signals(plane, [signal])
    return go(f"/incidents/{find_home(plane.ledger.store, signal.key)}")


@router.get("/incidents/{incident_id}")
def show_incident(
    visit: Looker, incident_id: int, topic: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    found = get_incident(visit.desk.ledger.store, incident_id)
    return visit.page(
        "incident.html",
        **_values(visit, found, topic=topic),
        others=[row.incident for row in list_open_rows(visit) if row.incident.id != incident_id],
        roles=[role.value for role in responding.IncidentRole],
        rules=visit.desk.plane.content.respond.severities,
    )


@router.get("/fragments/incidents/{incident_id}")
def show_incident_now(
    visit: Looker, incident_id: int, topic: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    found = get_incident(visit.desk.ledger.store, incident_id)
    return visit.page("fragments/incident_now.html", **_values(visit, found, topic=topic))


@router.get("/fragments/incidents/{incident_id}/head")
def show_incident_head(visit: Looker, incident_id: int) -> Response:
    """What stands above the buttons, apart from the rest so that nothing typed between them is lost."""
    found = get_incident(visit.desk.ledger.store, incident_id)
    rule = visit.desk.plane.content.respond.severities[found.severity]
    return visit.page("fragments/incident_head.html", incident=found, rule=rule)


@router.get("/fragments/incidents/{incident_id}/timing")
def show_timing(visit: Looker, incident_id: int) -> Response:
    """How it came to be known, stage by stage. Asks Prometheus, so it is fetched apart and less often."""
    return visit.page("fragments/timing.html", timing=explain_incident(visit.desk.plane, incident_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What the form of an action said."""

    reason: str
    severity: str
    minutes: int
    into: int
    keys: tuple[str, ...]
    role: str
    person: str


@router.post("/incidents/{incident_id}/{verb}")
def act(
    visit: Doer,
    incident_id: int,
    verb: str,
    reason: Annotated[str, Form(max_length=4000)] = "",
    severity: Annotated[str, Form(max_length=1)] = "",
    minutes: Annotated[int, Form(ge=1, le=20160)] = 60,
    into: Annotated[int, Form()] = 0,
    keys: Annotated[list[str] | None, Form()] = None,
    role: Annotated[str, Form(max_length=20)] = "",
    person: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """One action of `hrx.ops.incidents.actions`; shows the incident afterwards."""
    do = _VERBS.get(verb)
    if do is None:
        raise NotFound(
            Text(ja="その操作はありません", en="There is no such action"), code="incident.no_action"
        )
    said = _Said(
        reason=reason,
        severity=severity,
        minutes=minutes,
        into=into,
        keys=tuple(keys or ()),
        role=role,
        person=person,
    )
    return go(f"/incidents/{do(visit, incident_id, said).id}")


def _set_severity(visit: Visit, incident_id: int, said: _Said) -> Incident:
    if said.severity not in ("1", "2", "3", "4"):
        raise Invalid(Text(ja="重大度を選んでください", en="Choose a severity"), code="incident.no_severity")
    return judging.set_severity(
        visit.desk.plane,
        incident_id,
        severity=Severity(int(said.severity)),
        reason=said.reason,
        actor=visit.actor,
    )


def _pause(visit: Visit, incident_id: int, said: _Said) -> Incident:
    until = clock.now() + timedelta(minutes=said.minutes)
    return judging.pause_clock(
        visit.desk.plane, incident_id, until=until, reason=said.reason, actor=visit.actor
    )


def _assign(visit: Visit, incident_id: int, said: _Said) -> Incident:
    if said.role not in {role.value for role in responding.IncidentRole}:
        raise Invalid(Text(ja="役割を選んでください", en="Choose a role"), code="incident.no_role")
    role = responding.IncidentRole(said.role)
    return responding.assign_role(
        visit.desk.plane, incident_id, role=role, person=said.person, actor=visit.actor
    )


def _triage(visit: Visit, incident_id: int, _said: _Said) -> Incident:
    run_triage(visit.desk.plane, incident_id, actor=visit.actor.name)
    return get_incident(visit.desk.ledger.store, incident_id)


def _by_reason(do: Callable[..., Incident]) -> Callable[[Visit, int, _Said], Incident]:
    return lambda visit, incident_id, said: do(
        visit.desk.plane, incident_id, reason=said.reason, actor=visit.actor
    )


def _plain(do: Callable[..., Incident]) -> Callable[[Visit, int, _Said], Incident]:
    return lambda visit, incident_id, said: do(visit.desk.plane, incident_id, actor=visit.actor)


_VERBS: Final[dict[str, Callable[[Visit, int, _Said], Incident]]] = {
    "acknowledge": _plain(responding.acknowledge),
    "take-over": _plain(responding.take_over),
    "severity": _set_severity,
    "pause": _pause,
    "continue": _plain(judging.continue_clock),
    "mitigate": _by_reason(ending.mitigate),
    "resolve": _by_reason(ending.resolve),
    "reopen": _by_reason(ending.reopen),
    "close": _plain(ending.close),
    "triage": _triage,
    "role": _assign,
    "note": lambda visit, incident_id, said: responding.add_note(
        visit.desk.plane, incident_id, text=said.reason, actor=visit.actor
    ),
    "merge": lambda visit, incident_id, said: regrouping.merge(
        visit.desk.plane, incident_id, into=said.into, reason=said.reason, actor=visit.actor
    ),
    "split": lambda visit, incident_id, said: regrouping.split_off(
        visit.desk.plane, incident_id, keys=said.keys, reason=said.reason, actor=visit.actor
    ),
}


def list_open_rows(visit: Visit) -> list[Row]:
    """The incidents in which somebody still has something to do, the worst and oldest first."""
    plane, now = visit.desk.plane, clock.now()
    with plane.ledger.store.read() as connection:
        found = list_unresolved(connection)
        standing = count_standing(connection, [one.id for one in found])
    return [
        Row(
            incident=one,
            respond=read_clock(plane.content.respond, one, ClockName.RESPOND, now=now),
            recover=read_clock(plane.content.respond, one, ClockName.RECOVER, now=now),
            conditions=standing[one.id].conditions,
            holding=standing[one.id].firing,
        )
        for one in sorted(found, key=lambda one: (one.severity, one.id))
    ]


# `Any`: values for a template.
def _values(visit: Visit, found: Incident, *, topic: str) -> dict[str, Any]:
    plane, now = visit.desk.plane, clock.now()
    respond = plane.content.respond
    with plane.ledger.store.read() as connection:
        conditions = list_conditions(connection, found.id, limit=_CONDITIONS_SHOWN)
        standing = count_standing(connection, [found.id])[found.id]
        follows = found.body.get("follows")
        former = find_incident(connection, int(follows)) if follows else None
    graph = make_graph(plane.content.parts, aliases=respond.grouping.aliases)
    cause = graph.service_of(found.part)
    services = {graph.service_of(one.part) for one in conditions}
    marks = {name: "symptom" for name in services if name is not None} | ({cause: "cause"} if cause else {})
    chosen = topic if topic in _TOPICS else ""
    return {
        "incident": found,
        "rule": respond.severities[found.severity],
        "clocks": [read_clock(respond, found, name, now=now) for name in ClockName],
        "pause": find_running_pause(found, at=now),
        "info": next((part for part in plane.content.parts if part.name == found.part), None),
        "conditions": conditions,
        "standing": standing,
        "signals": list_signals(plane.ledger.store, incident_id=found.id, limit=20),
        "sources": count_signals(plane.ledger.store, incident_id=found.id),
        "graph": draw_services(graph, plane.content.parts, marks=marks, language=language_of(visit.request)),
        "story": list_story(plane, found.id, topic=chosen),
        "topic": chosen,
        "topics": _TOPICS,
        "former": former,
        "IncidentState": IncidentState,
        "panels": [(panel, panel.values(visit, found)) for panel in PANELS],
    }
