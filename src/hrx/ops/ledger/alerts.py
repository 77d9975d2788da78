"""The rows behind alerts: the last known state of each, so that one alert is recorded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, insert, select, update

from hrx.ops.ledger.store import Store
from hrx.ops.ledger.tables import alert

#: Bound parameters of one statement.
_CHUNK: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One alert by fingerprint. `Any`: labels and annotations are Alertmanager's."""

    fingerprint: str
    name: str
    severity: str
    state: str
    started_at: datetime
    seen_at: datetime
    body: dict[str, Any]


def find_alerts(connection: Connection, fingerprints: Sequence[str]) -> dict[str, AlertRow]:
    """The alerts with these fingerprints, as far as they are known."""
    found: dict[str, AlertRow] = {}
    for start in range(0, len(fingerprints), _CHUNK):
        chunk = fingerprints[start : start + _CHUNK]
        for row in connection.execute(select(alert).where(alert.c.fingerprint.in_(chunk))):
            found[row.fingerprint] = _to_alert(row)
    return found


def list_alert_rows(store: Store, *, limit: int = 50) -> list[AlertRow]:
    """The alerts that changed last, newest first."""
    statement = select(alert).order_by(alert.c.seen_at.desc()).limit(limit)
    with store.read() as connection:
        return [_to_alert(row) for row in connection.execute(statement)]


def list_alerts_in(store: Store, *, state: str) -> list[AlertRow]:
    """Every alert whose last known state is this one."""
    with store.read() as connection:
        return [_to_alert(row) for row in connection.execute(select(alert).where(alert.c.state == state))]


def put_alert(connection: Connection, row: AlertRow) -> None:
    """Write the row, replacing what was known of this fingerprint."""
    values = {
        "fingerprint": row.fingerprint,
        "name": row.name,
        "severity": row.severity,
        "state": row.state,
        "started_at": row.started_at.isoformat(),
        "seen_at": row.seen_at.isoformat(),
        "body": orjson.dumps(row.body).decode(),
    }
    done = connection.execute(update(alert).where(alert.c.fingerprint == row.fingerprint).values(values))
    if done.rowcount == 0:
        connection.execute(insert(alert).values(values))


def _to_alert(row: Row[Any]) -> AlertRow:
    return AlertRow(
        fingerprint=row.fingerprint,
        name=row.name,
        severity=row.severity,
        state=row.state,
        started_at=datetime.fromisoformat(row.started_at),
        seen_at=datetime.fromisoformat(row.seen_at),
        body=orjson.loads(row.body),
    )
