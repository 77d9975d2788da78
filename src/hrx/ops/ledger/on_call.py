"""Overrides and leave: the rows, each with an entry in the chain. Schedules themselves are content."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from hrx.kit import clock
from hrx.kit.errors import Conflict, Invalid, NotFound, Text
from hrx.ops.ledger.entries import Kind, Ledger
from hrx.ops.ledger.respond_tables import on_call_change
from hrx.ops.ledger.tables import to_moment
from hrx.ops.schedules.rotation import ChangeKind, OnCallChange


def add_change(
    ledger: Ledger,
    *,
    kind: ChangeKind,
    person: str,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    by: str,
    rotation: str | None = None,
) -> OnCallChange:
    """Record an override or leave. Raises Invalid when it ends before it starts, or an override has no
    rotation."""
    if starts_at >= ends_at:
        raise Invalid(
            Text(ja="終わりが始まりより前です", en="It ends before it starts"), code="on_call.wrong_period"
        )
    if (rotation is None) == (kind is ChangeKind.OVERRIDE):
        raise Invalid(
            Text(ja="交代には当番表が必要です", en="An override needs a rotation, leave has none"),
            code="on_call.no_rotation",
        )
    with ledger.store.write() as connection:
        values = {
            "kind": kind.value,
            "rotation": rotation,
            "person": person,
            "starts_at": to_moment(starts_at),
            "ends_at": to_moment(ends_at),
            "reason": reason,
            "made_by": by,
            "made_at": to_moment(clock.now()),
        }
        done = connection.execute(insert(on_call_change).values(values))
        key = done.inserted_primary_key
        assert key is not None  # noqa: S101  # an INSERT of one row always has one
        number = int(key[0])
        ledger.append_within(
            connection,
            Kind.ON_CALL_CHANGED,
            actor=by,
            subject=f"on-call:{rotation or person}",
            body={"change": number, **values},
        )
        found = find_change(connection, number)
    assert found is not None  # noqa: S101  # just written, in the same transaction
    return found


def cancel_change(ledger: Ledger, number: int, *, by: str) -> OnCallChange:
    """Take a change back from now on. Raises NotFound, or Conflict when it was cancelled already."""
    with ledger.store.write() as connection:
        found = find_change(connection, number)
        if found is None:
            raise NotFound(
                Text(ja=f"変更 {number} はありません", en=f"There is no change {number}"),
                hint=Text(ja="`hrx oncall changes` で一覧できます。", en="`hrx oncall changes` lists them."),
                code="on_call.change_not_found",
            )
        statement = (
            update(on_call_change)
            .where(on_call_change.c.id == number, on_call_change.c.cancelled_at.is_(None))
            .values(cancelled_at=to_moment(clock.now()))
        )
        if connection.execute(statement).rowcount != 1:
            raise Conflict(
                Text(ja="その変更は取り消し済みです", en="This change was cancelled already"),
                code="on_call.already_cancelled",
            )
        ledger.append_within(
            connection,
            Kind.ON_CALL_CHANGED,
            actor=by,
            subject=f"on-call:{found.rotation or found.person}",
            body={"change": number, "cancelled": True},
        )
    return found


def list_changes(
    connection: Connection, *, ending_after: datetime, starting_before: datetime | None = None
) -> list[OnCallChange]:
    """Changes in force that touch a period, by number."""
    statement = (
        select(on_call_change)
        .where(on_call_change.c.cancelled_at.is_(None))
        .where(on_call_change.c.ends_at > to_moment(ending_after))
        .order_by(on_call_change.c.id)
    )
    if starting_before is not None:
        statement = statement.where(on_call_change.c.starts_at < to_moment(starting_before))
    return [_to_change(row) for row in connection.execute(statement)]


def find_change(connection: Connection, number: int) -> OnCallChange | None:
    row = connection.execute(select(on_call_change).where(on_call_change.c.id == number)).one_or_none()
    return _to_change(row) if row else None


def _to_change(row: Row[Any]) -> OnCallChange:
    return OnCallChange(
        id=row.id,
        kind=ChangeKind(row.kind),
        rotation=row.rotation,
        person=row.person,
        starts_at=datetime.fromisoformat(row.starts_at),
        ends_at=datetime.fromisoformat(row.ends_at),
        reason=row.reason,
        made_by=row.made_by,
        made_at=datetime.fromisoformat(row.made_at),
    )
