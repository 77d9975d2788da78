"""Changes reach open browsers at once: PostgreSQL's NOTIFY in, one queue for each browser out.

A notification is part of the transaction that made the change, so it is never sent for what was rolled back
and never before others can read it. One connection of each process listens; when it is lost, open streams are
told to start over, because nobody knows what was missed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import orjson
import psycopg
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.platform.tenancy import SessionId, TenantId
from hrx.kit.catalogue import LIVE_CONNECTIONS, LIVE_EVENTS, LIVE_RECONNECTS
from hrx.kit.errors import Text, Unavailable

_logger = logging.getLogger("hrx.live")
CHANNEL: Final = "hrx_events"
#: A browser that reads slower than this many events is told to start over instead of filling memory.
QUEUE_SIZE: Final = 100
#: How often a silent listener asks the server whether the connection still lives.
PROBE_S: Final = 10.0


class EventKind(StrEnum):
    """What browsers hear about. RESET means: reload what you show, something may have been missed."""

    PEOPLE_CHANGED = "people.changed"
    ORG_CHANGED = "org.changed"
    IMPORT_PROGRESS = "import.progress"
    DOCUMENT_PROGRESS = "document.progress"
    CHANGE_ORDER_CHANGED = "change_order.changed"
    SESSION_REVOKED = "session.revoked"
    RESET = "reset"


#: These change what cached views show, so they also raise the tenant's data version.
_CHANGING_DATA: Final = frozenset(
    {EventKind.PEOPLE_CHANGED, EventKind.ORG_CHANGED, EventKind.CHANGE_ORDER_CHANGED}
)

_PUBLISH = text("SELECT app.publish_event(:kind, :ref_id, :changes_data)")


async def publish(session: AsyncSession, *, kind: EventKind, ref_id: int | None = None) -> None:
    """Tell the tenant's browsers, when and only when this transaction commits; one round trip.

    Call it last in an action: it locks the tenant's version row until the commit."""
    await session.execute(
        _PUBLISH, {"kind": kind.value, "ref_id": ref_id, "changes_data": kind in _CHANGING_DATA}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event as a browser gets it; `at` is RFC 3339 in UTC."""

    kind: EventKind
    ref_id: int | None
    at: str | None


@dataclass(slots=True, eq=False, kw_only=True)
class Subscription:
    """One open browser stream."""

    tenant_id: TenantId
    session_id: SessionId | None
    queue: asyncio.Queue[Event] = field(default_factory=lambda: asyncio.Queue(QUEUE_SIZE))
    #: Set when the stream must end: its session was revoked, or events may have been missed.
    is_over: bool = False

    def offer(self, event: Event) -> None:
        if self.is_over:
            return
        if self.queue.qsize() >= QUEUE_SIZE - 1:
            event = Event(kind=EventKind.RESET, ref_id=None, at=None)
            self.is_over = True
        self.queue.put_nowait(event)


class TooManyStreams(Unavailable):
    code = "events.too_many"


class LiveHub:
    """Listens once, serves many. `run` is a task of the process's lifespan."""

    def __init__(self, database_url: str, *, max_connections: int, registry: CollectorRegistry) -> None:
        self._url = database_url
        self._max = max_connections
        self._subscriptions: set[Subscription] = set()
        self.is_listening = asyncio.Event()
        self._open = LIVE_CONNECTIONS.gauge(registry)
        self._seen = LIVE_EVENTS.counter(registry)
        self._losses = LIVE_RECONNECTS.counter(registry)

    @asynccontextmanager
    async def subscribe(
        self, *, tenant_id: TenantId, session_id: SessionId | None
    ) -> AsyncIterator[Subscription]:
        """A stream of one tenant's events while the block runs. Raises TooManyStreams."""
        if len(self._subscriptions) >= self._max:
            raise TooManyStreams(
                Text(ja="ライブ更新の接続数が上限に達しています。", en="Too many live streams are open.")
            )
        subscription = Subscription(tenant_id=tenant_id, session_id=session_id)
        self._subscriptions.add(subscription)
        self._open.inc()
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
            self._open.dec()

    async def run(self) -> None:
        """Listen until cancelled; reconnect with a growing pause, at most 2 s."""
        pause_s = 0.1
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError) as error:
                _logger.warning(
                    "Listening connection lost", extra={"fields": {"error": type(error).__name__}}
                )
            if self.is_listening.is_set():
                pause_s = 0.1
                self._losses.inc()
            self.is_listening.clear()
            self._start_over()
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 2.0)

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=3, application_name="hrx-live"
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self.is_listening.set()
            while True:
                async for notice in connection.notifies(timeout=PROBE_S):
                    self._dispatch(notice.payload)
                await asyncio.wait_for(connection.execute("SELECT 1"), timeout=3)

    def _dispatch(self, payload: str) -> None:
        message = orjson.loads(payload)
        event = Event(kind=EventKind(message["kind"]), ref_id=message["id"], at=message["at"])
        self._seen.labels(event.kind.value).inc()
        for subscription in [s for s in self._subscriptions if s.tenant_id == message["tenant"]]:
            if event.kind is not EventKind.SESSION_REVOKED:
                subscription.offer(event)
            elif subscription.session_id == event.ref_id:
                subscription.offer(event)
                subscription.is_over = True

    def _start_over(self) -> None:
        for subscription in self._subscriptions:
            subscription.offer(Event(kind=EventKind.RESET, ref_id=None, at=None))
            subscription.is_over = True
