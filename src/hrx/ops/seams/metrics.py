"""Asking Prometheus and Alertmanager: an instant query, the targets that do not answer, the alerts now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
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


def query(http: HttpSeam, base_url: str, promql: str) -> tuple[Sample, ...]:
    """The samples of an instant query. Raises LookFailed when Prometheus does not answer."""
    body = http.get_json(f"{base_url}/api/v1/query", params={"query": promql})
    results = body.get("data", {}).get("result", []) if isinstance(body, dict) else []
    return tuple(Sample(labels=dict(item["metric"]), value=float(item["value"][1])) for item in results)


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


__all__ = ["AlertSeen", "LookFailed", "Sample", "list_alerts", "query"]
