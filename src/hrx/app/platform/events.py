"""GET /events: the live stream of one signed-in browser (server-sent events)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import orjson
from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from hrx.app.platform.edge import Parts, parts_of
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
    async with parts.database.open() as session:
        principal = await parts.authenticator.begin(session, request)
    return StreamingResponse(
        _events(parts, principal=principal, is_resumed="last-event-id" in request.headers),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def _events(parts: Parts, *, principal: Principal, is_resumed: bool) -> AsyncIterator[bytes]:
    async with parts.live.subscribe(
        tenant_id=principal.tenant_id, session_id=principal.session_id
    ) as subscription:
        yield b"retry: 1000\n\n"
        if is_resumed:
            yield _format(Event(kind=EventKind.RESET, ref_id=None, at=None), number=0)
        number = 0
        ends_at_s = clock.monotonic_s() + LIFE_S
        while clock.monotonic_s() < ends_at_s:
            event = await _next(subscription, timeout_s=parts.settings.events_heartbeat_s)
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
