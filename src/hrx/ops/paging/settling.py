"""What becomes of a message after a try: delivered, tried again, sent by the next way, or given up."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Final

from hrx.kit import clock
from hrx.ops.channels.channel import DeliveryFailed, Receipt
from hrx.ops.channels.opening import list_configured
from hrx.ops.ledger.entries import Kind
from hrx.ops.ledger.incidents import IncidentState, find_incident
from hrx.ops.ledger.notifications import (
    Attempt,
    Notification,
    NotificationState,
    count_attempts,
    enqueue,
    is_delivered_by_another_way,
    settle,
)
from hrx.ops.ledger.store import Connection
from hrx.ops.ledger.timers import hasten_timer
from hrx.ops.paging.people import Recipient, usable_reaches
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.contacts import Reach

#: After so many tries a page takes the next way as well as going on trying this one.
TRIES_BEFORE_NEXT_WAY: Final = 3
#: After so many deaths of senders in the middle of one message, another way is safer than the same again.
_DEATHS_BEFORE_NEXT_WAY: Final = 2
DIED_TWICE_BUT_REACHED: Final = "its sender died twice; another way had reached them"
_BACK_OFF_S: Final = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
#: A message that a channel refused this often has been given every chance (about a day).
_TRIES_MAX: Final = 1500
_JITTER: Final = 0.25


def settle_delivered(
    connection: Connection, messages: list[Notification], *, receipt: Receipt, attempt: Attempt
) -> None:
    """The first carried them all."""
    first, *others = messages
    told = {"says": receipt.says, "ref": receipt.ref, "facts": dict(receipt.facts)}
    settle(connection, first.id, state=NotificationState.DELIVERED, attempt=attempt, receipt=told)
    for one in others:
        settle(
            connection,
            one.id,
            state=NotificationState.BUNDLED,
            attempt=None,
            receipt={"carrier": first.id},
        )


def settle_failed(
    plane: Plane,
    connection: Connection,
    messages: list[Notification],
    *,
    recipient: Recipient | None,
    error: DeliveryFailed,
    attempt: Attempt,
) -> None:
    """Each goes on by itself: later again, or by the recipient's next way."""
    for one in messages:
        tries = one.tries + 1
        is_over = error.is_permanent or tries >= _TRIES_MAX
        if is_over or tries == TRIES_BEFORE_NEXT_WAY:
            has_next = _take_next_way(plane, connection, one, recipient)
            # A page goes on trying both ways; anything else is told once.
            if is_over or (has_next and not one.is_page):
                settle(connection, one.id, state=NotificationState.FAILED, attempt=attempt)
                if not has_next:
                    _record_lost_way(plane, connection, one, says=attempt.says)
                continue
        next_at = clock.now() + timedelta(seconds=back_off_s(tries, retry_after_s=error.retry_after_s))
        settle(connection, one.id, state=NotificationState.QUEUED, attempt=attempt, next_at=next_at)


def settle_after_death(
    plane: Plane, connection: Connection, one: Notification, *, recipient: Recipient | None
) -> None:
    """What becomes of a message whose sender died while it was at it, so that nobody knows whether it left.

    After the first death it is sent again at once. After the second it goes by the next way instead: whoever
    reads it has had it twice at most, and a message that kills its sender does not do so for ever. Whom the
    same step reached by another way needs no third. Where there is no other way it is tried again, later each
    time: twice too often is better than never."""
    deaths = _count_deaths(connection, one)
    if deaths < _DEATHS_BEFORE_NEXT_WAY:
        settle(connection, one.id, state=NotificationState.QUEUED, attempt=None)
        return
    if is_spared(connection, one):
        return
    if _take_next_way(plane, connection, one, recipient):
        attempt = Attempt(at=clock.now(), outcome="failed", latency_ms=0, says="its sender died twice")
        settle(connection, one.id, state=NotificationState.FAILED, attempt=attempt)
        return
    next_at = clock.now() + timedelta(seconds=back_off_s(deaths, retry_after_s=None))
    settle(connection, one.id, state=NotificationState.QUEUED, attempt=None, next_at=next_at)


def is_spared(connection: Connection, one: Notification) -> bool:
    """Whether a page whose senders died twice is not sent a third time, for another of the same step has
    reached the person; it is settled then. Asked again before each further try: by then it may have."""
    if one.tries < _DEATHS_BEFORE_NEXT_WAY or _count_deaths(connection, one) < _DEATHS_BEFORE_NEXT_WAY:
        return False
    if not is_delivered_by_another_way(connection, one):
        return False
    attempt = Attempt(at=clock.now(), outcome="failed", latency_ms=0, says=DIED_TWICE_BUT_REACHED)
    settle(connection, one.id, state=NotificationState.FAILED, attempt=attempt)
    return True


def _count_deaths(connection: Connection, one: Notification) -> int:
    """Times that a sender took the message and nobody knows how that ended."""
    return one.tries - count_attempts(connection, one.id)


def back_off_s(tries: int, *, retry_after_s: float | None) -> float:
    """Seconds until the next try: what the other side asked for, else longer each time, never in step."""
    base = _BACK_OFF_S[min(tries, len(_BACK_OFF_S)) - 1]
    wait = max(base, retry_after_s or 0.0)
    # Not cryptography: spreading only.
    return wait * (1 + random.random() * _JITTER)  # noqa: S311


def next_reach(plane_reaches: tuple[Reach, ...], *, after: str) -> Reach | None:
    """The way after this one in the recipient's order."""
    kinds = [reach.kind.value for reach in plane_reaches]
    at = kinds.index(after) + 1 if after in kinds else 0
    return plane_reaches[at] if at < len(plane_reaches) else None


def _take_next_way(
    plane: Plane, connection: Connection, one: Notification, recipient: Recipient | None
) -> bool:
    if recipient is None:
        return False
    ways = usable_reaches(recipient.reaches, list_configured(plane.settings))
    reach = next_reach(ways, after=one.channel)
    if reach is None:
        return False
    enqueue(
        connection,
        dedup_key=f"{one.dedup_key}>{reach.kind}"[:200],
        recipient=one.recipient,
        channel=reach.kind.value,
        purpose=one.purpose,
        message=one.message,
        incident_id=one.incident_id,
    )
    return True


def _record_lost_way(plane: Plane, connection: Connection, one: Notification, *, says: str) -> None:
    """A message that no way takes is on record; a page goes on to the next step at once."""
    plane.ledger.append_within(
        connection,
        Kind.NOTIFICATION,
        actor="paging",
        subject=f"incident:{one.incident_id}" if one.incident_id else f"contact:{one.recipient}",
        body={
            "outcome": "undeliverable",
            "recipient": one.recipient,
            "channel": one.channel,
            "purpose": one.purpose,
            "says": says,
        },
    )
    if one.is_page and one.incident_id is not None:
        _hasten(connection, one.incident_id)


def _hasten(connection: Connection, incident_id: int) -> None:
    """Somebody who cannot be reached is nobody: the next step need not wait for them."""
    incident = find_incident(connection, incident_id)
    if incident is not None and incident.state is IncidentState.OPEN:
        hasten_timer(connection, kind="paging.escalate", subject=incident.subject, due_at=clock.now())
