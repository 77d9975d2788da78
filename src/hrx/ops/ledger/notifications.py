"""The outbox: messages to people, written in the transaction that wants them sent, settled by receipts.

A message is leased before it is sent. A sender that dies in between leaves a lease that runs out; the message
is then sent again: at most twice by one way (see `paging.settling`), never not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, and_, case, func, insert, or_, select, update

from hrx.kit import clock
from hrx.ops.ledger.respond_tables import attempt_to_notify, notification
from hrx.ops.ledger.store import Store, mark_due
from hrx.ops.ledger.tables import to_moment
from hrx.ops.signal import Severity

PAGE: Final = "page"
CALL: Final = "call"
#: Purposes of messages that ask somebody to take an incident: a person, a place.
CALLS: Final = (PAGE, CALL)


class NotificationState(StrEnum):
    """Where one message stands. BUNDLED: its content went out inside another message."""

    QUEUED = "queued"
    DELIVERED = "delivered"
    FAILED = "failed"
    BUNDLED = "bundled"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message to one recipient through one channel. `message` is what the channel renders.

    `purpose` is `page` (a person is called), `call` (a place is), `notice`, `update`, `reminder` …"""

    id: int
    dedup_key: str
    recipient: str
    channel: str
    purpose: str
    state: NotificationState
    created_at: datetime
    next_at: datetime
    incident_id: int | None = None
    tries: int = 0
    settled_at: datetime | None = None
    # `Any`: JSON.
    message: Mapping[str, Any] = field(default_factory=dict)
    receipt: Mapping[str, Any] = field(default_factory=dict)

    @property
    def severity(self) -> int | None:
        found = self.message.get("severity")
        return found if isinstance(found, int) else None

    @property
    def is_page(self) -> bool:
        return self.purpose == PAGE

    @property
    def is_call(self) -> bool:
        """Whether it asks somebody to take an incident that cannot wait."""
        return self.purpose in CALLS and self.severity in (Severity.CRITICAL, Severity.MAJOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One delivery to a recipient through a channel; of one or of many messages."""

    at: datetime
    has_calls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try to deliver a message, and what the other side said."""

    at: datetime
    outcome: str
    latency_ms: int
    says: str


def enqueue(
    connection: Connection,
    *,
    dedup_key: str,
    recipient: str,
    channel: str,
    purpose: str,
    message: Mapping[str, object],
    incident_id: int | None = None,
    at: datetime | None = None,
) -> int | None:
    """Have a message sent (not before `at`); gives its number, or None when this one was enqueued already."""
    if is_enqueued(connection, dedup_key):
        return None
    now = clock.now()
    if at is None or at <= now:
        mark_due(connection)
    done = connection.execute(
        insert(notification).values(
            dedup_key=dedup_key,
            incident_id=incident_id,
            recipient=recipient,
            channel=channel,
            purpose=purpose,
            message=orjson.dumps(message).decode(),
            state=NotificationState.QUEUED.value,
            tries=0,
            next_at=to_moment(at or now),
            created_at=to_moment(now),
            receipt="{}",
        )
    )
    key = done.inserted_primary_key
    return int(key[0]) if key is not None else None


def is_enqueued(connection: Connection, dedup_key: str) -> bool:
    """Whether a message of this key was written before, whatever became of it."""
    found = connection.execute(select(notification.c.id).where(notification.c.dedup_key == dedup_key))
    return found.one_or_none() is not None


def list_sendable(connection: Connection, *, limit: int = 500) -> list[Notification]:
    """Queued messages whose moment has come and that nobody is at: calls, then the oldest first, so that no
    number of others (mail to every reader) stands before a call."""
    now = to_moment(clock.now())
    statement = (
        select(notification)
        .where(notification.c.state == NotificationState.QUEUED.value, notification.c.next_at <= now)
        .where(or_(notification.c.leased_until.is_(None), notification.c.leased_until <= now))
        .order_by(
            case((notification.c.purpose.in_(CALLS), 0), else_=1), notification.c.next_at, notification.c.id
        )
        .limit(limit)
    )
    return [_to_notification(row) for row in connection.execute(statement)]


def lease(connection: Connection, ids: Sequence[int], *, by: str, for_s: float) -> None:
    """Take messages for `for_s` seconds; a try is counted for each."""
    connection.execute(
        update(notification)
        .where(notification.c.id.in_(ids))
        .values(
            leased_until=to_moment(clock.now() + timedelta(seconds=for_s)),
            leased_by=by,
            tries=notification.c.tries + 1,
        )
    )


def list_lease_holders(connection: Connection) -> list[str]:
    """The processes that are at a message now, or were when they died."""
    statement = (
        select(notification.c.leased_by)
        .where(notification.c.state == NotificationState.QUEUED.value)
        .where(notification.c.leased_by.is_not(None))
        .distinct()
    )
    return [str(name) for name in connection.execute(statement).scalars()]


def list_leased(connection: Connection, *, of: str) -> list[Notification]:
    """The messages that a process is at, or was at when it died."""
    statement = (
        select(notification)
        .where(notification.c.leased_by == of, notification.c.state == NotificationState.QUEUED.value)
        .order_by(notification.c.id)
    )
    return [_to_notification(row) for row in connection.execute(statement)]


def is_delivered_by_another_way(connection: Connection, one: Notification) -> bool:
    """Whether another page of the same step reached the same person: by another channel, or sent on by one
    (see `escalation` for the parts of a page's key)."""
    step, *rest = one.dedup_key.partition(">")[0].rsplit(":", 2)
    if len(rest) != 2 or not one.is_page:
        return False
    statement = (
        select(notification.c.id)
        .where(notification.c.incident_id == one.incident_id, notification.c.recipient == one.recipient)
        .where(notification.c.id != one.id)
        .where(notification.c.dedup_key.startswith(f"{step}:", autoescape=True))
        .where(notification.c.state.in_([NotificationState.DELIVERED.value, NotificationState.BUNDLED.value]))
        .limit(1)
    )
    return connection.execute(statement).one_or_none() is not None


def count_attempts(connection: Connection, notification_id: int) -> int:
    """Tries of which we know how they ended; a message was leased more often when its senders died."""
    mine = attempt_to_notify.c.notification_id == notification_id
    found = connection.execute(select(func.count()).select_from(attempt_to_notify).where(mine))
    return int(found.scalar_one())


def postpone(connection: Connection, ids: Sequence[int], *, until: datetime) -> None:
    """Have messages wait; no try is counted."""
    connection.execute(
        update(notification).where(notification.c.id.in_(ids)).values(next_at=to_moment(until))
    )


def list_deliveries_since(
    connection: Connection, *, recipient: str, channel: str, since: datetime
) -> list[Sent]:
    """What reached this recipient through this channel lately, oldest first."""
    statement = (
        select(notification)
        .where(notification.c.state == NotificationState.DELIVERED.value)
        .where(notification.c.recipient == recipient, notification.c.channel == channel)
        .where(notification.c.settled_at >= to_moment(since))
        .order_by(notification.c.settled_at)
    )
    found = [_to_notification(row) for row in connection.execute(statement)]
    return [Sent(at=one.settled_at, has_calls=one.is_call) for one in found if one.settled_at is not None]


def find_thread_ref(connection: Connection, *, incident_id: int, recipient: str, channel: str) -> str | None:
    """The channel's own id of the first message about this incident there, from its receipt."""
    statement = (
        select(notification.c.receipt)
        .where(notification.c.incident_id == incident_id, notification.c.recipient == recipient)
        .where(notification.c.channel == channel)
        .where(notification.c.state == NotificationState.DELIVERED.value)
        .order_by(notification.c.settled_at, notification.c.id)
        .limit(1)
    )
    found = connection.execute(statement).scalar_one_or_none()
    ref = orjson.loads(found).get("ref") if found else None
    return str(ref) if ref else None


def list_told(connection: Connection, *, incident_id: int) -> list[tuple[str, str]]:
    """Recipient and channel of every message about an incident that was sent, or will be whoever has it: a
    page that still waits is not sent once somebody has."""
    statement = (
        select(notification.c.recipient, notification.c.channel)
        .where(notification.c.incident_id == incident_id)
        .where(
            or_(
                notification.c.state == NotificationState.DELIVERED.value,
                and_(notification.c.state == NotificationState.QUEUED.value, notification.c.purpose != PAGE),
            )
        )
        .distinct()
    )
    return [(row.recipient, row.channel) for row in connection.execute(statement)]


def find_notification(connection: Connection, notification_id: int) -> Notification | None:
    row = connection.execute(select(notification).where(notification.c.id == notification_id)).one_or_none()
    return _to_notification(row) if row else None


def settle(
    connection: Connection,
    notification_id: int,
    *,
    state: NotificationState,
    attempt: Attempt | None,
    receipt: Mapping[str, object] | None = None,
    next_at: datetime | None = None,
) -> None:
    """Record one try and where the message stands after it; QUEUED with `next_at` is a retry."""
    is_over = state is not NotificationState.QUEUED
    values: dict[str, Any] = {
        "state": state.value,
        "leased_until": None,
        "leased_by": None,
        "settled_at": to_moment(clock.now()) if is_over else None,
    }
    if receipt is not None:
        values["receipt"] = orjson.dumps(receipt).decode()
    if next_at is not None:
        values["next_at"] = to_moment(next_at)
    connection.execute(update(notification).where(notification.c.id == notification_id).values(values))
    if attempt is not None:
        connection.execute(
            insert(attempt_to_notify).values(
                notification_id=notification_id,
                at=to_moment(attempt.at),
                outcome=attempt.outcome,
                latency_ms=attempt.latency_ms,
                says=attempt.says,
            )
        )


def list_notifications(
    store: Store, *, incident_id: int | None = None, limit: int = 100
) -> list[Notification]:
    """The newest messages (of one incident)."""
    statement = select(notification).order_by(notification.c.id.desc()).limit(limit)
    if incident_id is not None:
        statement = statement.where(notification.c.incident_id == incident_id)
    with store.read() as connection:
        return [_to_notification(row) for row in connection.execute(statement)]


def list_settled(store: Store, *, since: datetime) -> list[Notification]:
    """The messages that were settled after a moment, oldest first."""
    statement = (
        select(notification)
        .where(notification.c.settled_at > to_moment(since))
        .order_by(notification.c.settled_at, notification.c.id)
    )
    with store.read() as connection:
        return [_to_notification(row) for row in connection.execute(statement)]


def list_attempts(store: Store, notification_id: int) -> list[Attempt]:
    """Every try to deliver one message, oldest first."""
    statement = (
        select(attempt_to_notify)
        .where(attempt_to_notify.c.notification_id == notification_id)
        .order_by(attempt_to_notify.c.id)
    )
    with store.read() as connection:
        return [
            Attempt(
                at=datetime.fromisoformat(row.at),
                outcome=row.outcome,
                latency_ms=row.latency_ms,
                says=row.says,
            )
            for row in connection.execute(statement)
        ]


def _to_notification(row: Row[Any]) -> Notification:
    return Notification(
        id=row.id,
        dedup_key=row.dedup_key,
        incident_id=row.incident_id,
        recipient=row.recipient,
        channel=row.channel,
        purpose=row.purpose,
        state=NotificationState(row.state),
        tries=row.tries,
        created_at=datetime.fromisoformat(row.created_at),
        next_at=datetime.fromisoformat(row.next_at),
        settled_at=datetime.fromisoformat(row.settled_at) if row.settled_at else None,
        message=orjson.loads(row.message),
        receipt=orjson.loads(row.receipt),
    )
