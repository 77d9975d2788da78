"""Asking Prometheus and Alertmanager: queries, loaded rules, announced metrics, alerts and silences now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hrx.ops.seams.http import HttpSeam
from hrx.ops.seams.looking import LookFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One series of an instant query."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSeen:
    """One alert as Alertmanager tells it; `fingerprint` names the series of labels."""

    fingerprint: str
    name: str
    severity: str
    state: str
    started_at: datetime
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series of a range query: moments with values."""

    labels: Mapping[str, str]
    points: tuple[tuple[datetime, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRule:
    """One alerting rule as Prometheus has it. `state` is inactive, pending or firing, `health` ok, err or
    unknown; `evaluated_at` lies in year 1 when it never was."""

    name: str
    query: str
    state: str
    health: str
    error: str
    evaluated_at: datetime
    every_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """One silence in force. `matchers`: label, value, whether it is an expression, whether it must equal."""

    id: str
    matchers: tuple[tuple[str, str, bool, bool], ...]
    until: datetime
    made_by: str
    comment: str


def query(http: HttpSeam, base_url: str, promql: str, *, at: datetime | None = None) -> tuple[Sample, ...]:
    """The samples of an instant query. Raises LookFailed when Prometheus does not answer."""
    params = {"query": promql} | ({"time": f"{at.timestamp():.3f}"} if at else {})
    body = http.get_json(f"{base_url}/api/v1/query", params=params)
    results = body.get("data", {}).get("result", []) if isinstance(body, dict) else []
    return tuple(Sample(labels=dict(item["metric"]), value=float(item["value"][1])) for item in results)


def query_range(
    http: HttpSeam, base_url: str, promql: str, *, start: datetime, end: datetime, step_s: float
) -> tuple[Series, ...]:
    """The series of a query over a span. Raises LookFailed when Prometheus does not answer."""
    params = {
        "query": promql,
        "start": f"{start.timestamp():.3f}",
        "end": f"{end.timestamp():.3f}",
        "step": f"{step_s:g}",
    }
    body = http.get_json(f"{base_url}/api/v1/query_range", params=params)
    results = body.get("data", {}).get("result", []) if isinstance(body, dict) else []
    return tuple(
        Series(
            labels=dict(item["metric"]),
            points=tuple(
                (datetime.fromtimestamp(float(at), tz=UTC), float(value)) for at, value in item["values"]
            ),
        )
        for item in results
    )


def list_loaded_rules(http: HttpSeam, base_url: str) -> tuple[LoadedRule, ...]:
    """Every alerting rule that Prometheus has. Raises LookFailed when it does not answer."""
    body = http.get_json(f"{base_url}/api/v1/rules", params={"type": "alert"})
    groups = body.get("data", {}).get("groups", []) if isinstance(body, dict) else []
    return tuple(
        LoadedRule(
            name=str(rule["name"]),
            query=str(rule["query"]),
            state=str(rule.get("state", "inactive")),
            health=str(rule.get("health", "unknown")),
            error=str(rule.get("lastError", "")),
            evaluated_at=datetime.fromisoformat(str(rule["lastEvaluation"])),
            every_s=float(group.get("interval", 0)),
        )
        for group in groups
        for rule in group.get("rules", [])
    )


def list_announced(http: HttpSeam, base_url: str) -> dict[str, frozenset[str]]:
    """Metric → the parts that announce it, with series or not. Some forms leave out the `_total` of counters.

    Raises LookFailed when Prometheus does not answer."""
    body = http.get_json(f"{base_url}/api/v1/targets/metadata", params={"limit": "20000"})
    found: dict[str, set[str]] = {}
    for item in body.get("data", []) if isinstance(body, dict) else []:
        found.setdefault(str(item["metric"]), set()).add(str(item.get("target", {}).get("part", "")))
    return {name: frozenset(parts) for name, parts in found.items()}


def list_silences(http: HttpSeam, base_url: str) -> tuple[Silence, ...]:
    """The silences in force. Raises LookFailed when Alertmanager does not answer."""
    # Parameters lift the limit of a look; this one changes nothing.
    body = http.get_json(f"{base_url}/api/v2/silences", params={"active": "true"})
    return tuple(
        Silence(
            id=str(item["id"]),
            matchers=tuple(
                (str(one["name"]), str(one["value"]), bool(one["isRegex"]), bool(one.get("isEqual", True)))
                for one in item["matchers"]
            ),
            until=datetime.fromisoformat(str(item["endsAt"])),
            made_by=str(item.get("createdBy", "")),
            comment=str(item.get("comment", "")),
        )
        for item in (body if isinstance(body, list) else [])
        if item.get("status", {}).get("state") == "active"
    )


def list_alerts(http: HttpSeam, base_url: str) -> tuple[AlertSeen, ...]:
    """The alerts that Alertmanager holds now. Raises LookFailed when it does not answer."""
    body = http.get_json(f"{base_url}/api/v2/alerts", params={"active": "true"})
    return tuple(_read_alert(item) for item in body if isinstance(item, dict))


def _read_alert(item: Mapping[str, Any]) -> AlertSeen:
    labels = {str(key): str(value) for key, value in item.get("labels", {}).items()}
    return AlertSeen(
        fingerprint=str(item.get("fingerprint", "")),
        name=labels.get("alertname", "?"),
        severity=labels.get("severity", "none"),
        state=str(item.get("status", {}).get("state", "active")),
        started_at=datetime.fromisoformat(str(item["startsAt"])),
        labels=labels,
        annotations={str(key): str(value) for key, value in item.get("annotations", {}).items()},
    )


__all__ = [
    "AlertSeen",
    "LoadedRule",
    "LookFailed",
    "Sample",
    "Series",
    "Silence",
    "list_alerts",
    "list_announced",
    "list_loaded_rules",
    "list_silences",
    "query",
    "query_range",
]
