"""The rows behind alerts: the last known state of each, so that one alert is recorded once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, insert, select, update

from hrx.ops.ledger.store import Store
from hrx.ops.ledger.tables import alert


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


def find_alert(connection: Connection, fingerprint: str) -> AlertRow | None:
    row = connection.execute(select(alert).where(alert.c.fingerprint == fingerprint)).one_or_none()
    return _to_alert(row) if row else None


def list_alert_rows(store: Store, *, limit: int = 50) -> list[AlertRow]:
    """The alerts that changed last, newest first."""
    statement = select(alert).order_by(alert.c.seen_at.desc()).limit(limit)
    with store.read() as connection:
        return [_to_alert(row) for row in connection.execute(statement)]


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
