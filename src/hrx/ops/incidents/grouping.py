"""What belongs together: pure decisions over conditions, open incidents and the graph of parts.

A cause explains its symptoms; it may be at most one step milder than what it explains, and over an optional
dependency not milder at all: a lost cache does not explain a lost product. What is worse than an incident
and comes long after it is a new incident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One unresolved incident as grouping sees it. `last_at`: when it last got something new."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """A condition that has just begun and belongs to nobody yet."""

    name: str
    service: str | None
    severity: Severity
    at: datetime
    is_security: bool = False
    is_drill: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a newcomer goes: to a case, or (`number` None) to a new one. `absorbs` are cases that turn out
    to be part of the same."""

    why: Why
    number: int | None = None
    absorbs: tuple[int, ...] = ()


def place(newcomer: Newcomer, *, cases: Sequence[Case], graph: Graph, rules: Grouping) -> Place:
    """Where this condition belongs."""
    same_kind = [
        case
        for case in cases
        if case.is_security == newcomer.is_security and case.is_drill == newcomer.is_drill
    ]
    own = [case for case in same_kind if _is_same(newcomer, case) and _may_take(newcomer, case, rules)]
    if own:
        why = Why.SAME_PART if newcomer.service is not None else Why.SAME_NAME
        return Place(why=why, number=_oldest(own).number)
    if newcomer.service is not None and not newcomer.is_security:
        found = _by_graph(newcomer, same_kind, graph, rules)
        if found is not None:
            return found
    return _storm(newcomer, same_kind, rules) or Place(why=Why.NEW)


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
