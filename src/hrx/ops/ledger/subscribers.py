"""Rows of those who want the status page's news by mail. Addresses come and go sealed."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from hrx.kit import clock
from hrx.ops.ledger.respond_tables import subscriber
from hrx.ops.ledger.tables import to_moment


class SubscriberState(StrEnum):
    """PENDING: has not opened the link yet. BOUNCED: their mail server will not take it."""

    PENDING = "pending"
    ACTIVE = "active"
    BOUNCED = "bounced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """One reader. `address` is sealed; `digest` finds it again."""

    id: int
    state: SubscriberState
    digest: str
    address: bytes
    language: str
    made_at: datetime


def add_subscriber(connection: Connection, *, digest: str, address: bytes, language: str) -> int:
    """A new pending row; gives its number."""
    done = connection.execute(
        insert(subscriber).values(
            state=SubscriberState.PENDING.value,
            digest=digest,
            address=b64encode(address).decode(),
            language=language,
            made_at=to_moment(clock.now()),
        )
    )
    key = done.inserted_primary_key
    assert key is not None  # noqa: S101  # an INSERT of one row always has one
    return int(key[0])


def find_subscriber(
    connection: Connection, *, number: int | None = None, digest: str | None = None
) -> Subscriber | None:
    """By number or by digest."""
    mine = subscriber.c.id == number if number is not None else subscriber.c.digest == digest
    row = connection.execute(select(subscriber).where(mine)).one_or_none()
    return _to_subscriber(row) if row else None


def list_active(connection: Connection, *, after: int, limit: int) -> list[Subscriber]:
    """Confirmed readers by number, from the one after `after` on."""
    statement = (
        select(subscriber)
        .where(subscriber.c.state == SubscriberState.ACTIVE.value, subscriber.c.id > after)
        .order_by(subscriber.c.id)
        .limit(limit)
    )
    return [_to_subscriber(row) for row in connection.execute(statement)]


def set_subscriber_state(connection: Connection, number: int, state: SubscriberState) -> None:
    values: dict[str, object] = {"state": state.value}
    if state is SubscriberState.ACTIVE:
        values["confirmed_at"] = to_moment(clock.now())
    connection.execute(update(subscriber).where(subscriber.c.id == number).values(values))


def renew_pending(connection: Connection, number: int) -> None:
    """Count a pending reader's day anew."""
    connection.execute(
        update(subscriber).where(subscriber.c.id == number).values(made_at=to_moment(clock.now()))
    )


def delete_subscribers(connection: Connection, numbers: Sequence[int]) -> int:
    """Forget readers wholly; gives how many there were."""
    return connection.execute(delete(subscriber).where(subscriber.c.id.in_(list(numbers)))).rowcount


def list_forgotten(connection: Connection, *, before: datetime, limit: int) -> list[int]:
    """Numbers of those who never opened their link."""
    statement = (
        select(subscriber.c.id)
        .where(subscriber.c.state == SubscriberState.PENDING.value)
        .where(subscriber.c.made_at < to_moment(before))
        .limit(limit)
    )
    return [int(one) for one in connection.execute(statement).scalars()]


def count_subscribers(connection: Connection) -> dict[str, int]:
    """How many readers there are in each state."""
    statement = select(subscriber.c.state, func.count()).group_by(subscriber.c.state)
    return {str(state): int(count) for state, count in connection.execute(statement)}


def _to_subscriber(row: Row[Any]) -> Subscriber:
    return Subscriber(
        id=row.id,
        state=SubscriberState(row.state),
        digest=row.digest,
        address=b64decode(row.address),
        language=row.language,
        made_at=datetime.fromisoformat(row.made_at),
    )
