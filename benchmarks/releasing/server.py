"""A small ASGI server with the ways in which an API is used: quick answers, slow uploads, live streams.

Run as a process of its own, under uvicorn as the product is; `HRX_BENCH_BAD` is the ratio of 500s."""

from __future__ import annotations

import argparse
import asyncio
import os
import random
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
STREAM_EVENTS, STREAM_EVERY_S = 4, 0.4
LAST_EVENT = b"event: end\ndata: bye\n\n"


class App:
    """`name` is told in every answer. `takes_s` to make a quick answer."""

    def __init__(self, *, name: str, bad: float, takes_s: float = 0.002) -> None:
        self._name, self._bad, self._takes_s = name.encode(), bad, takes_s

    async def __call__(self, scope: MutableMapping[str, Any], receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        if path.endswith("z"):
            await self._answer(send, 200)
        elif path == "/api/v1/events":
            await self._stream(send)
        else:
            while (await receive()).get("more_body"):
                pass
            await asyncio.sleep(self._takes_s)
            is_bad = random.random() < self._bad  # noqa: S311
            await self._answer(send, 500 if is_bad else 200)

    async def _answer(self, send: _Send, status: int) -> None:
        headers = [(b"content-length", str(len(self._name)).encode()), (b"x-slot", self._name)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": self._name})

    async def _stream(self, send: _Send) -> None:
        headers = [(b"content-type", b"text/event-stream"), (b"x-slot", self._name)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(STREAM_EVENTS):
            await send({"type": "http.response.body", "body": b"data: now\n\n", "more_body": True})
            await asyncio.sleep(STREAM_EVERY_S)
        await send({"type": "http.response.body", "body": LAST_EVENT})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", default="one")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fd", type=int, default=None, help="a listening socket that was inherited")
    given = parser.parse_args()
    app = App(name=given.name, bad=float(os.environ.get("HRX_BENCH_BAD", "0")))
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=given.port,
        fd=given.fd,
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    main()
