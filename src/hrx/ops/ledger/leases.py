"""The rows behind locks: who holds what until when. The rules are in `ops.lock`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from hrx.ops.ledger.store import Store
from hrx.ops.ledger.tables import lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One held lock. `version` grows with every holder, so that a former holder can be told apart;
    `process` is host:pid:start of the process that took it."""

    name: str
    owner: str
    reason: str
    process: str
    version: int
    acquired_at: datetime
    expires_at: datetime


def find_lease(connection: Connection, name: str) -> Lease | None:
    """The row of this name, expired or not; None when nobody ever held it."""
    row = connection.execute(select(lease).where(lease.c.name == name)).one_or_none()
    return _to_lease(row) if row else None


def list_leases(store: Store) -> list[Lease]:
    """Every row, expired ones too, by name."""
    with store.read() as connection:
        return [_to_lease(row) for row in connection.execute(select(lease).order_by(lease.c.name))]


def put_lease(connection: Connection, held: Lease) -> None:
    """Write the row, replacing the former holder's."""
    values = _to_values(held)
    done = connection.execute(update(lease).where(lease.c.name == held.name).values(values))
    if done.rowcount == 0:
        connection.execute(insert(lease).values(values))


def extend_lease(connection: Connection, held: Lease, *, expires_at: datetime) -> bool:
    """Move the expiry when the row is still this holder's; says whether it was."""
    done = connection.execute(
        update(lease)
        .where(lease.c.name == held.name, lease.c.version == held.version)
        .values(expires_at=expires_at.isoformat())
    )
    return done.rowcount == 1


def expire_lease(connection: Connection, held: Lease, *, at: datetime) -> bool:
    """End the lock when it is still this holder's. The row stays: it remembers the version."""
    return extend_lease(connection, held, expires_at=at)


def _to_values(held: Lease) -> dict[str, object]:
    return {
        "name": held.name,
        "owner": held.owner,
        "reason": held.reason,
        "process": held.process,
        "version": held.version,
        "acquired_at": held.acquired_at.isoformat(),
        "expires_at": held.expires_at.isoformat(),
    }


def _to_lease(row: Row[Any]) -> Lease:
    return Lease(
        name=row.name,
        owner=row.owner,
        reason=row.reason,
        process=row.process,
        version=row.version,
        acquired_at=datetime.fromisoformat(row.acquired_at),
        expires_at=datetime.fromisoformat(row.expires_at),
    )
