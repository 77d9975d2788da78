"""What belongs together: pure decisions over conditions, open incidents and the graph of parts.

A cause explains its symptoms; it may be at most one step milder than what it explains, and over an optional
dependency not milder at all: a lost cache does not explain a lost product. What is worse than an incident
and comes long after it is a new incident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from hrx.ops.runbook.graph import Graph
from hrx.ops.runbook.respond import Grouping
from hrx.ops.signal import Severity


class Why(StrEnum):
    """Why a condition went where it went."""

    NEW = "new"
    SAME_CONDITION = "same_condition"
    SAME_PART = "same_part"
    SAME_NAME = "same_name"
    SYMPTOM = "symptom"
    CAUSE = "cause"
    STORM = "storm"
    #: An error budget that the incident burns, or has just burned.
    BUDGET = "budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One incident as grouping sees it. `last_at`: when it last got something new."""

    number: int
    service: str | None
    severity: Severity
    names: frozenset[str]
    opened_at: datetime
    last_at: datetime
    has_firing: bool
    is_security: bool = False
    is_drill: bool = False
    is_storm: bool = False
    #: It holds nothing but burning budgets so far.
    is_only_trace: bool = False
    #: When its symptom had gone; None while it goes on.
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """A condition that has just begun and belongs to nobody yet.

    `looks_back`: a trace tells of what was; so far back it may be about what is over."""

    name: str
    service: str | None
    severity: Severity
    at: datetime
    is_security: bool = False
    is_drill: bool = False
    is_trace: bool = False
    looks_back: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a newcomer goes: to a case, or (`number` None) to a new one. `absorbs` are cases that turn out
    to be part of the same."""

    why: Why
    number: int | None = None
    absorbs: tuple[int, ...] = ()


def place(
    newcomer: Newcomer, *, cases: Sequence[Case], over: Sequence[Case] = (), graph: Graph, rules: Grouping
) -> Place:
    """Where this condition belongs. `over`: incidents that are resolved; only a trace may be about one."""
    same_kind = _of_kind(newcomer, cases)
    burnt: list[Case] = []
    if newcomer.is_trace:
        outage = _of_outage(newcomer, [*same_kind, *_of_kind(newcomer, over)], graph)
        if outage is not None:
            return outage
    else:
        burnt = _list_burnt(newcomer, same_kind, graph, rules)
    others = [case for case in same_kind if case not in burnt]
    found = _related(newcomer, others, graph, rules)
    if burnt:
        return _take_over(found, burnt)
    return found or _storm(newcomer, same_kind, rules) or Place(why=Why.NEW)


def _related(newcomer: Newcomer, cases: Sequence[Case], graph: Graph, rules: Grouping) -> Place | None:
    own = [case for case in cases if _is_same(newcomer, case) and _may_take(newcomer, case, rules)]
    if own:
        why = Why.SAME_PART if newcomer.service is not None else Why.SAME_NAME
        return Place(why=why, number=_oldest(own).number)
    # A budget explains nothing: what burns it may be anywhere.
    if newcomer.service is None or newcomer.is_security or newcomer.is_trace:
        return None
    return _by_graph(newcomer, cases, graph, rules)


def _of_kind(newcomer: Newcomer, cases: Sequence[Case]) -> list[Case]:
    return [
        case
        for case in cases
        if case.is_security == newcomer.is_security and case.is_drill == newcomer.is_drill
    ]


def _of_outage(newcomer: Newcomer, cases: Sequence[Case], graph: Graph) -> Place | None:
    """The incident that burns this budget: one that goes on, however long, else the one just over.

    What was milder than the burning goes on as something worse; what is over has been told in time only if
    it was as bad."""
    related = [
        case
        for case in cases
        if not case.is_only_trace
        and _burns(
            graph,
            cause=case.service,
            worst=case.severity,
            budget=newcomer.service,
            severity=newcomer.severity,
        )
    ]
    burning = [case for case in related if case.ended_at is None or case.has_firing]
    if burning:
        worst = min(burning, key=lambda case: (case.severity, case.opened_at, case.number))
        return Place(why=Why.BUDGET, number=worst.number)
    over = [
        (case.ended_at, case.number)
        for case in related
        if case.ended_at is not None
        and newcomer.at - case.ended_at < newcomer.looks_back
        and case.severity <= newcomer.severity
    ]
    return Place(why=Why.BUDGET, number=max(over)[1]) if over else None


def _list_burnt(newcomer: Newcomer, cases: Sequence[Case], graph: Graph, rules: Grouping) -> list[Case]:
    """Incidents about nothing but budgets that this burns."""
    return [
        case
        for case in cases
        if case.is_only_trace
        and _is_near(newcomer, case, rules)
        and newcomer.severity <= case.severity + 1
        and _burns(
            graph,
            cause=newcomer.service,
            worst=newcomer.severity,
            budget=case.service,
            severity=case.severity,
        )
    ]


def _take_over(found: Place | None, burnt: Sequence[Case]) -> Place:
    """What burns budgets has shown itself after them: it is all one incident, and about what burns them."""
    if found is not None:
        return replace(found, absorbs=(*found.absorbs, *(case.number for case in burnt)))
    first = _oldest(burnt)
    absorbs = tuple(case.number for case in burnt if case is not first)
    return Place(why=Why.CAUSE, number=first.number, absorbs=absorbs)


def _burns(
    graph: Graph, *, cause: str | None, worst: Severity, budget: str | None, severity: Severity
) -> bool:
    """Whether trouble with `cause` burns the budget of a service. Whoever needs that service fails with it:
    what people meet at the edge burns the budget of what is behind."""
    if cause is None or budget is None:
        return False
    return (
        cause == budget
        or graph.depends(cause, budget, optional=False)
        or explains(graph, cause=cause, worst=worst, symptom=budget, severity=severity)
    )


def explains(graph: Graph, *, cause: str, worst: Severity, symptom: str, severity: Severity) -> bool:
    """Whether trouble with `cause` (as bad as `worst`) explains trouble with `symptom` of this severity."""
    if graph.depends(symptom, cause, optional=False):
        return worst <= severity + 1
    return graph.depends(symptom, cause) and worst <= severity


def _by_graph(newcomer: Newcomer, cases: Sequence[Case], graph: Graph, rules: Grouping) -> Place | None:
    service = newcomer.service
    if service is None:
        return None
    causes = [
        case
        for case in cases
        if case.service is not None
        and case.has_firing
        and (_is_near(newcomer, case, rules) or case.severity <= newcomer.severity)
        and explains(
            graph, cause=case.service, worst=case.severity, symptom=service, severity=newcomer.severity
        )
    ]
    if causes:
        return Place(why=Why.SYMPTOM, number=_oldest(causes).number)
    symptoms = [
        case
        for case in cases
        if case.service is not None
        and _is_near(newcomer, case, rules)
        and explains(
            graph, cause=service, worst=newcomer.severity, symptom=case.service, severity=case.severity
        )
    ]
    if not symptoms:
        return None
    first = _oldest(symptoms)
    return Place(
        why=Why.CAUSE,
        number=first.number,
        absorbs=tuple(case.number for case in symptoms if case is not first),
    )


def _storm(newcomer: Newcomer, cases: Sequence[Case], rules: Grouping) -> Place | None:
    if newcomer.is_security:
        return None
    # A storm goes on as long as it grows, however long ago it began.
    raging = [case for case in cases if case.is_storm and newcomer.at - case.last_at <= rules.storm]
    if raging:
        return Place(why=Why.STORM, number=_oldest(raging).number)
    young = [case for case in cases if newcomer.at - case.opened_at <= rules.storm and not case.is_security]
    if len(young) < rules.storm_incidents:
        return None
    first = min(young, key=lambda case: (case.severity, case.opened_at, case.number))
    return Place(
        why=Why.STORM,
        number=first.number,
        absorbs=tuple(case.number for case in young if case is not first),
    )


def _is_same(newcomer: Newcomer, case: Case) -> bool:
    if newcomer.service is not None and not newcomer.is_security:
        return case.service == newcomer.service
    return newcomer.name in case.names and case.service == newcomer.service


def _may_take(newcomer: Newcomer, case: Case, rules: Grouping) -> bool:
    return _is_near(newcomer, case, rules) or newcomer.severity >= case.severity


def _is_near(newcomer: Newcomer, case: Case, rules: Grouping) -> bool:
    return abs(newcomer.at - case.last_at) <= rules.near


def _oldest(cases: Sequence[Case]) -> Case:
    return min(cases, key=lambda case: (case.opened_at, case.number))
