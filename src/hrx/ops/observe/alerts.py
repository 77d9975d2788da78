"""Alerts on record: one entry when an alert begins and one when it ends, however often we are told."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from hrx.kit import clock
from hrx.kit.errors import Invalid, Text
from hrx.ops.ledger.alerts import AlertRow, find_alerts, list_alert_rows, list_alerts_in, put_alert
from hrx.ops.ledger.entries import Kind, Ledger
from hrx.ops.ledger.store import Connection
from hrx.ops.seams.metrics import AlertSeen
from hrx.ops.signal import Severity, Signal, SignalSource, SignalState

FIRING: Final = "firing"
RESOLVED: Final = "resolved"
_MAX_ALERTS: Final = 1000
_SETTLE_S: Final = 60
#: More changes than this at once are a storm: one entry in the ledger instead of thousands.
_STORM_ALERTS: Final = 50
#: The severity of the dead man's switch in monitoring/rules: told to nobody, missed when absent.
NO_SEVERITY: Final = "none"
#: What Alertmanager keeps from people: silenced, inhibited, not looked at yet.
_MUTE: Final = ("suppressed", "unprocessed")


def record_alerts(ledger: Ledger, alerts: Iterable[AlertSeen], *, source: str) -> int:
    """Record each alert whose state changed, all in one transaction; gives how many that were."""
    seen = {one.fingerprint: one for one in alerts}
    # Asked before the write lock: nearly every notice repeats what is known.
    with ledger.store.read() as connection:
        known = find_alerts(connection, list(seen))
    news = [one for one in seen.values() if _is_news(one, known)]
    if not news:
        return 0
    with ledger.store.write() as connection:
        known = find_alerts(connection, [one.fingerprint for one in news])
        news = [one for one in news if _is_news(one, known)]
        for one in news:
            put_alert(connection, _to_row(one))
        _append(ledger, connection, news, source=source)
    return len(news)


def list_missing(ledger: Ledger, active: Iterable[AlertSeen]) -> tuple[AlertSeen, ...]:
    """Alerts that Alertmanager no longer holds, as resolved: its last word was lost while we were down.

    An alert we heard of moments ago is left alone; a notice may be ahead of the list."""
    held = {seen.fingerprint for seen in active}
    newest = clock.now() - timedelta(seconds=_SETTLE_S)
    return tuple(
        _from_row(row)
        for row in list_alerts_in(ledger.store, state=FIRING)
        if row.fingerprint not in held and row.seen_at < newest
    )


def to_signals(alerts: Iterable[AlertSeen]) -> list[Signal]:
    """Alerts as signals. Silenced ones and the dead man's switch say nothing about the system."""
    return [_to_signal(seen) for seen in alerts if seen.severity != NO_SEVERITY and seen.state not in _MUTE]


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


def _is_news(seen: AlertSeen, known: Mapping[str, AlertRow]) -> bool:
    row = known.get(seen.fingerprint)
    return row is None or row.state != _state_of(seen)


def _state_of(seen: AlertSeen) -> str:
    return RESOLVED if seen.state == RESOLVED else FIRING


def _to_row(seen: AlertSeen) -> AlertRow:
    return AlertRow(
        fingerprint=seen.fingerprint,
        name=seen.name,
        severity=seen.severity,
        state=_state_of(seen),
        started_at=seen.started_at,
        seen_at=clock.now(),
        body={"labels": dict(seen.labels), "annotations": dict(seen.annotations)},
    )


def _append(ledger: Ledger, connection: Connection, news: Sequence[AlertSeen], *, source: str) -> None:
    """One entry for each alert; in a storm one for all, the rows have each."""
    if len(news) > _STORM_ALERTS:
        states = Counter(_state_of(seen) for seen in news)
        body = {"storm": len(news), "state": states.most_common(1)[0][0], "states": dict(states)}
        names = Counter(seen.name for seen in news)
        body["names"] = dict(names.most_common(10))
        ledger.append_within(connection, Kind.ALERT, actor=source, subject="alert:storm", body=body)
        return
    for seen in news:
        ledger.append_within(
            connection,
            Kind.ALERT,
            actor=source,
            subject=f"alert:{seen.name}",
            body={
                "fingerprint": seen.fingerprint,
                "state": _state_of(seen),
                "severity": seen.severity,
                "started_at": seen.started_at.isoformat(),
                "labels": dict(seen.labels),
                "annotations": dict(seen.annotations),
            },
        )


def _to_signal(seen: AlertSeen) -> Signal:
    labels = seen.labels
    rest = {name: value for name, value in labels.items() if name not in ("condition", "alertname")}
    digest = hashlib.sha256(repr(sorted(rest.items())).encode()).hexdigest()[:16]
    summary = seen.annotations.get("summary") or seen.annotations.get("description") or seen.name
    return Signal(
        source=SignalSource.ALERTMANAGER,
        key=labels.get("condition") or f"{seen.name}:{digest}",
        name=seen.name,
        state=SignalState.RESOLVED if seen.state == RESOLVED else SignalState.FIRING,
        started_at=seen.started_at,
        summary=Text(
            ja=seen.annotations.get("summary_ja", summary), en=seen.annotations.get("summary_en", summary)
        ),
        part=labels.get("part") or labels.get("group"),
        severity=_severity_of(labels),
        sop=labels.get("sop"),
        labels={**labels, "fingerprint": seen.fingerprint},
        is_security=labels.get("domain") == "security",
    )


def _severity_of(labels: Mapping[str, str]) -> Severity | None:
    """`sev` says it; else a critical alert is the worst, and any other a minor one."""
    if labels.get("sev") in ("1", "2", "3", "4"):
        return Severity(int(labels["sev"]))
    return {"critical": Severity.CRITICAL, "warning": Severity.MINOR, "info": Severity.TRIVIAL}.get(
        labels.get("severity", "")
    )


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
