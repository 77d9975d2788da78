"""GET /events: the live stream of one signed-in browser (server-sent events)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import orjson
from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from hrx.app.platform.edge import Parts, parts_of, signed_in
from hrx.app.platform.live import Event, EventKind, Subscription
from hrx.app.platform.tenancy import Principal
from hrx.kit import clock

router = APIRouter(tags=["events"])
#: A stream ends after this long and the browser opens a new one, which is signed in afresh: an account that
#: was disabled, or whose session expired, does not go on listening.
LIFE_S: Final = 900.0


@router.get(
    "/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}}
)
async def stream_events(request: Request) -> StreamingResponse:
    """Changes of the tenant's data as they are committed. `reset` means: reload, something may be missed."""
    parts = parts_of(request)
    # A transaction of its own, closed before the stream begins: a stream must not hold a connection.
    async with signed_in(request) as session:
        principal: Principal = session.info["principal"]
    return EventStream(parts, principal=principal, is_resumed="last-event-id" in request.headers)


class EventStream(StreamingResponse):
    """One browser's stream; it takes its place before the answer begins, so that a full house is told so."""

    def __init__(self, parts: Parts, *, principal: Principal, is_resumed: bool) -> None:
        super().__init__(
            (),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )
        self._parts = parts
        self._principal = principal
        self._is_resumed = is_resumed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._parts.live.subscribe(
            tenant_id=self._principal.tenant_id, session_id=self._principal.session_id
        ) as subscription:
            self.body_iterator = self._events(subscription)
            await super().__call__(scope, receive, send)

    async def _events(self, subscription: Subscription) -> AsyncIterator[bytes]:
        yield b"retry: 1000\n\n"
        if self._is_resumed:
            yield _format(Event(kind=EventKind.RESET, ref_id=None, at=None), number=0)
        number = 0
        heartbeat_s = self._parts.settings.events_heartbeat_s
        ends_at_s = clock.monotonic_s() + LIFE_S
        while clock.monotonic_s() < ends_at_s:
            event = await _next(subscription, timeout_s=heartbeat_s)
            if event is None:
                if subscription.is_over:
                    return
                yield b": still here\n\n"
                continue
            number += 1
            yield _format(event, number=number)
            if subscription.is_over and subscription.queue.empty():
                return


async def _next(subscription: Subscription, *, timeout_s: float) -> Event | None:
    try:
        return await asyncio.wait_for(subscription.queue.get(), timeout_s)
    except TimeoutError:
        return None


def _format(event: Event, *, number: int) -> bytes:
    data = orjson.dumps({"kind": event.kind.value, "id": event.ref_id, "at": event.at})
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, event.kind.value.encode(), data)
