"""Timers that cannot be lost: rows with a moment when they are due, kept with everything else that happened.

A timer outlives every crash; one that came due while nobody ran is due still. Setting the same timer again
(kind, subject, name) replaces it, so that a step may be run twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, and_, insert, or_, select, update

from hrx.kit import clock
from hrx.ops.ledger.respond_tables import timer
from hrx.ops.ledger.store import Store, mark_due
from hrx.ops.ledger.tables import to_moment

PENDING: Final = "pending"
DONE: Final = "done"
CANCELLED: Final = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """Something to be done at `due_at`. `Any`: the payload is JSON whose shape belongs to the kind."""

    id: int
    kind: str
    subject: str
    name: str
    due_at: datetime
    tries: int
    payload: Mapping[str, Any]


def set_timer(
    connection: Connection,
    *,
    kind: str,
    subject: str,
    due_at: datetime,
    name: str = "",
    payload: Mapping[str, object] | None = None,
) -> None:
    """Have something done at `due_at`; replaces a timer of the same kind, subject and name, done or not."""
    values = {
        "due_at": to_moment(due_at),
        "state": PENDING,
        "leased_until": None,
        "tries": 0,
        "payload": orjson.dumps(payload or {}).decode(),
        "done_at": None,
    }
    mine = and_(timer.c.kind == kind, timer.c.subject == subject, timer.c.name == name)
    if connection.execute(update(timer).where(mine).values(values)).rowcount == 0:
        connection.execute(insert(timer).values(kind=kind, subject=subject, name=name, **values))
    if due_at <= clock.now():
        mark_due(connection)


def hasten_timer(
    connection: Connection, *, kind: str, subject: str, due_at: datetime, name: str = ""
) -> bool:
    """Bring a pending timer forward, its payload kept; False when none is pending."""
    mine = and_(timer.c.kind == kind, timer.c.subject == subject, timer.c.name == name)
    done = connection.execute(
        update(timer).where(mine, timer.c.state == PENDING).values(due_at=to_moment(due_at))
    )
    if due_at <= clock.now():
        mark_due(connection)
    return done.rowcount > 0


def cancel_timers(connection: Connection, *, subject: str, kind: str | None = None) -> int:
    """Cancel what is still pending about a subject; gives how many that were."""
    mine = and_(timer.c.subject == subject, timer.c.state == PENDING)
    if kind is not None:
        mine = and_(mine, timer.c.kind == kind)
    return connection.execute(update(timer).where(mine).values(state=CANCELLED)).rowcount


def list_due(connection: Connection, *, kinds: tuple[str, ...], limit: int = 100) -> list[Timer]:
    """Pending timers whose moment has come and that nobody is at, the longest overdue first."""
    now = to_moment(clock.now())
    statement = (
        select(timer)
        .where(timer.c.state == PENDING, timer.c.due_at <= now, timer.c.kind.in_(kinds))
        .where(or_(timer.c.leased_until.is_(None), timer.c.leased_until <= now))
        .order_by(timer.c.due_at, timer.c.id)
        .limit(limit)
    )
    return [_to_timer(row) for row in connection.execute(statement)]


def finish_timer(connection: Connection, found: Timer) -> None:
    """Mark it done, unless it was set anew for another moment since it was read."""
    connection.execute(
        update(timer)
        .where(timer.c.id == found.id, timer.c.due_at == to_moment(found.due_at))
        .where(timer.c.state == PENDING)
        .values(state=DONE, done_at=to_moment(clock.now()))
    )


def lease_timer(connection: Connection, found: Timer, *, for_s: float) -> bool:
    """Take it for work outside the transaction; False when somebody else was quicker.

    A lease that runs out makes the timer due again: the work may then be done twice, never not at all."""
    now = clock.now()
    done = connection.execute(
        update(timer)
        .where(timer.c.id == found.id, timer.c.state == PENDING, timer.c.tries == found.tries)
        .values(leased_until=to_moment(now + timedelta(seconds=for_s)), tries=found.tries + 1)
    )
    return done.rowcount == 1


def find_timer(connection: Connection, *, kind: str, subject: str, name: str = "") -> Timer | None:
    """The pending timer of this kind, subject and name."""
    mine = and_(timer.c.kind == kind, timer.c.subject == subject, timer.c.name == name)
    row = connection.execute(select(timer).where(mine, timer.c.state == PENDING)).one_or_none()
    return _to_timer(row) if row else None


def list_timers(store: Store, *, subject: str) -> list[Timer]:
    """What is still to come about a subject, soonest first."""
    statement = (
        select(timer).where(timer.c.subject == subject, timer.c.state == PENDING).order_by(timer.c.due_at)
    )
    with store.read() as connection:
        return [_to_timer(row) for row in connection.execute(statement)]


def _to_timer(row: Row[Any]) -> Timer:
    return Timer(
        id=row.id,
        kind=row.kind,
        subject=row.subject,
        name=row.name,
        due_at=datetime.fromisoformat(row.due_at),
        tries=row.tries,
        payload=orjson.loads(row.payload),
    )
