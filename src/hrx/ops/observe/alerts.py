"""Alerts on record: one entry when an alert begins and one when it ends, however often we are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from hrx.kit import clock
from hrx.kit.errors import Invalid, Text
from hrx.ops.ledger.alerts import AlertRow, find_alert, list_alert_rows, put_alert
from hrx.ops.ledger.entries import Kind, Ledger
from hrx.ops.seams.metrics import AlertSeen

FIRING: Final = "firing"
RESOLVED: Final = "resolved"
_MAX_ALERTS: Final = 1000
_SETTLE_S: Final = 60


def record_alerts(ledger: Ledger, alerts: Iterable[AlertSeen], *, source: str) -> int:
    """Record each alert whose state changed; gives how many that were."""
    changed = 0
    for seen in alerts:
        state = RESOLVED if seen.state == RESOLVED else FIRING
        if _is_news(ledger, seen, state=state):
            changed += _record(ledger, seen, state=state, source=source)
    return changed


def resolve_missing(ledger: Ledger, active: Iterable[AlertSeen], *, source: str) -> int:
    """Resolve alerts that Alertmanager no longer holds: its last word on them was lost while we were down.

    An alert we heard of moments ago is left alone; a notice may be ahead of the list."""
    held = {seen.fingerprint for seen in active}
    newest = clock.now() - timedelta(seconds=_SETTLE_S)
    stale = [
        row
        for row in list_alert_rows(ledger.store, limit=_MAX_ALERTS)
        if row.state == FIRING and row.fingerprint not in held and row.seen_at < newest
    ]
    return sum(_record(ledger, _from_row(row), state=RESOLVED, source=source) for row in stale)


def read_notification(body: object) -> tuple[AlertSeen, ...]:
    """The alerts in a webhook body of Alertmanager (version 4). Raises Invalid when it is none."""
    alerts = body.get("alerts") if isinstance(body, dict) else None
    if not isinstance(alerts, list) or len(alerts) > _MAX_ALERTS:
        raise _not_a_notification()
    try:
        return tuple(_read(item) for item in alerts)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _not_a_notification() from error


def list_recent(ledger: Ledger, *, limit: int = 50) -> list[AlertRow]:
    """The alerts whose state changed last."""
    return list_alert_rows(ledger.store, limit=limit)


def _is_news(ledger: Ledger, seen: AlertSeen, *, state: str) -> bool:
    # Asked before the write lock: nearly every notice repeats what is known.
    with ledger.store.read() as connection:
        known = find_alert(connection, seen.fingerprint)
    return known is None or known.state != state


def _record(ledger: Ledger, seen: AlertSeen, *, state: str, source: str) -> int:
    body = {"labels": dict(seen.labels), "annotations": dict(seen.annotations)}
    with ledger.store.write() as connection:
        known = find_alert(connection, seen.fingerprint)
        if known is not None and known.state == state:
            return 0
        put_alert(
            connection,
            AlertRow(
                fingerprint=seen.fingerprint,
                name=seen.name,
                severity=seen.severity,
                state=state,
                started_at=seen.started_at,
                seen_at=clock.now(),
                body=body,
            ),
        )
        ledger.append_within(
            connection,
            Kind.ALERT,
            actor=source,
            subject=f"alert:{seen.name}",
            body={
                "fingerprint": seen.fingerprint,
                "state": state,
                "severity": seen.severity,
                "started_at": seen.started_at.isoformat(),
                **body,
            },
        )
    return 1


def _from_row(row: AlertRow) -> AlertSeen:
    return AlertSeen(
        fingerprint=row.fingerprint,
        name=row.name,
        severity=row.severity,
        state=RESOLVED,
        started_at=row.started_at,
        labels=row.body.get("labels", {}),
        annotations=row.body.get("annotations", {}),
    )


# `Any`: one item of a body that is not judged yet; wrong shapes raise and become Invalid above.
def _read(item: Mapping[str, Any]) -> AlertSeen:
    labels = {str(key): str(value) for key, value in item["labels"].items()}
    fingerprint = str(item["fingerprint"])
    if not fingerprint or len(fingerprint) > 64:
        raise ValueError(fingerprint)
    return AlertSeen(
        fingerprint=fingerprint,
        name=labels.get("alertname", "?")[:200],
        severity=labels.get("severity", "none")[:40],
        state=RESOLVED if item.get("status") == RESOLVED else "active",
        started_at=datetime.fromisoformat(str(item["startsAt"])),
        labels=labels,
        annotations={str(key): str(value) for key, value in item.get("annotations", {}).items()},
    )


def _not_a_notification() -> Invalid:
    return Invalid(
        Text(ja="Alertmanager の通知ではありません", en="This is no notification of Alertmanager"),
        code="alert.bad_notification",
    )
