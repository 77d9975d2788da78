"""Rows of the ledger as grouping sees them, and what is counted of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from hrx.kit import clock
from hrx.ops.incidents.grouping import Case, Newcomer
from hrx.ops.ledger.incidents import Incident, IncidentState
from hrx.ops.ledger.signals import Condition, is_trace, key_of
from hrx.ops.ledger.standing import Standing
from hrx.ops.runbook.graph import Graph
from hrx.ops.runbook.parts import PartInfo
from hrx.ops.runbook.respond import Grouping
from hrx.ops.signal import Severity, Signal


def to_newcomer(
    begun: Condition, parts: Sequence[PartInfo], graph: Graph, *, looks_back: timedelta
) -> Newcomer:
    """A condition that begins now; `looks_back` is for traces."""
    return Newcomer(
        name=begun.name,
        service=graph.service_of(begun.part),
        severity=severity_of(begun, parts, graph),
        at=clock.now(),
        is_security=bool(begun.body.get("is_security")),
        is_drill=bool(begun.body.get("is_drill")),
        is_trace=is_trace(begun.key),
        looks_back=looks_back,
    )


def severity_of(found: Condition, parts: Sequence[PartInfo], graph: Graph) -> Severity:
    """What was said; else by the part: a required one is major, anything else minor."""
    if found.severity is not None:
        return found.severity
    service = graph.service_of(found.part)
    is_required = any(part.required and part.service == service for part in parts)
    return Severity.MAJOR if is_required else Severity.MINOR


def to_case(incident: Incident, standing: Standing, graph: Graph) -> Case:
    """An incident with how its conditions stand."""
    last = incident.body.get("last_joined_at")
    return Case(
        number=incident.id,
        service=graph.service_of(incident.part),
        severity=incident.severity,
        names=frozenset(incident.body.get("names", [])),
        opened_at=incident.opened_at,
        last_at=datetime.fromisoformat(last) if last else incident.opened_at,
        has_firing=standing.is_holding,
        is_security=incident.is_security,
        is_drill=incident.is_drill,
        is_storm=bool(incident.body.get("is_storm")),
        is_only_trace=standing.is_only_trace,
        ended_at=incident.mitigated_at,
    )


def is_back_soon(former: Incident, rules: Grouping) -> bool:
    """Whether a condition of this resolved incident that begins now is its return."""
    return (
        former.state is IncidentState.RESOLVED
        and former.resolved_at is not None
        and clock.now() - former.resolved_at <= rules.reopen
    )


def count_by_incident(
    signals: Sequence[Signal], heard: Sequence[Condition]
) -> Mapping[int, dict[str, object]]:
    """How many statements came in for each incident: `received`, `firing`, `resolved`, `sources`."""
    homes = {found.key: found.incident_id for found in heard}
    states: dict[int, Counter[str]] = {}
    sources: dict[int, Counter[str]] = {}
    for one in signals:
        home = homes.get(key_of(one))
        if home is not None:
            states.setdefault(home, Counter())[one.state.value] += 1
            sources.setdefault(home, Counter())[one.source.value] += 1
    return {
        home: {
            "received": sum(counted.values()),
            "firing": counted["firing"],
            "resolved": counted["resolved"],
            "sources": dict(sources[home]),
        }
        for home, counted in states.items()
    }
