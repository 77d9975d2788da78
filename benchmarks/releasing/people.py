"""Clients that count what they lose, on bare sockets: kept and fresh connections, slow uploads, live streams.

Like a browser, a client whose kept connection was closed while nothing was under way asks once more on a new
one; whatever fails then, or is cut short, is lost."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from benchmarks.releasing.server import LAST_EVENT

_WITHIN_S: Final = 15.0
_BODY: Final = b"x" * 64
_PIECES: Final = 4


class _NotAnswered(Exception):
    """No byte of an answer came."""


@dataclass(kw_only=True)
class Seen:
    """What people saw: answers by (kind, slot), what was lost by kind, and times of quick requests."""

    answered: Counter[tuple[str, str]] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    #: (moment it ended, milliseconds) of quick requests.
    quick: list[tuple[float, float]] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return self.answered.total() + self.lost.total()

    def between(self, begin_s: float, end_s: float) -> list[float]:
        return [ms for at, ms in self.quick if begin_s <= at < end_s]


@dataclass(kw_only=True)
class _Line:
    """A connection that may be kept."""

    port: int
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None

    async def ask(
        self, request: bytes, *, later: tuple[bytes, ...] = (), pause_s: float = 0
    ) -> tuple[int, str, bytes]:
        """Status, slot and body. Raises OSError, IncompleteReadError, _NotAnswered."""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.reader, self.writer
        assert reader is not None
        writer.write(request)
        for piece in later:
            await asyncio.sleep(pause_s)
            writer.write(piece)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            raise (_NotAnswered() if not error.partial else error) from error
        headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        body = await _read_body(reader, headers)
        if headers.get(b"connection") == b"close":
            self.close()
        return int(head[9:12]), headers.get(b"x-slot", b"").decode(), body

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


async def _read_body(reader: asyncio.StreamReader, headers: dict[bytes, bytes]) -> bytes:
    if b"content-length" in headers:
        return await reader.readexactly(int(headers[b"content-length"]))
    body = b""
    while True:
        size = int((await reader.readuntil(b"\r\n")).strip(), 16)
        body += (await reader.readexactly(size + 2))[:-2]
        if not size:
            return body


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: edge\r\n\r\n".encode()


_POST: Final = (
    f"POST /api/v1/imports HTTP/1.1\r\nHost: edge\r\nContent-Length: {len(_BODY) * _PIECES}\r\n\r\n".encode()
)


class People:
    """A mixture of clients of one port, until they are told to stop."""

    def __init__(self, port: int) -> None:
        self.seen = Seen()
        self._port = port
        self._is_over = False

    def stop(self) -> None:
        self._is_over = True

    async def mixed(self, *, kept: int, fresh: int, posts: int, streams: int, pause_s: float) -> None:
        """Each client asks, reads, waits `pause_s`, and asks again."""
        async with asyncio.TaskGroup() as group:
            for number in range(kept):
                group.create_task(
                    self._repeat("kept", self._quick, number * pause_s / kept, pause_s, keeps=True)
                )
            for number in range(fresh):
                group.create_task(
                    self._repeat("fresh", self._quick, number * pause_s / fresh, pause_s, keeps=False)
                )
            for number in range(posts):
                group.create_task(
                    self._repeat("post", self._post, number / 10, pause_s, keeps=bool(number % 2))
                )
            for number in range(streams):
                group.create_task(self._repeat("stream", self._stream, number / 5, pause_s, keeps=False))

    async def paced(self, per_s: float) -> None:
        """So many quick requests a second, half of them on kept connections, however long they take."""
        lines = [_Line(port=self._port) for _ in range(16)]
        free: list[_Line] = list(lines)
        at = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            number = 0
            while not self._is_over:
                number += 1
                at += 1 / per_s
                await asyncio.sleep(max(0.0, at - asyncio.get_running_loop().time()))
                is_kept = bool(number % 2) and bool(free)
                line = free.pop() if is_kept else _Line(port=self._port)
                group.create_task(self._one_paced(line, free if is_kept else None))
        for line in lines:
            line.close()

    async def _one_paced(self, line: _Line, free: list[_Line] | None) -> None:
        await self._count("kept" if free is not None else "fresh", self._quick, line)
        if free is None:
            line.close()
        else:
            free.append(line)

    async def _repeat(
        self,
        kind: str,
        how: Callable[[_Line], Awaitable[tuple[int, str]]],
        after_s: float,
        pause_s: float,
        *,
        keeps: bool,
    ) -> None:
        await asyncio.sleep(after_s)
        line = _Line(port=self._port)
        while not self._is_over:
            await self._count(kind, how, line)
            if not keeps:
                line.close()
            await asyncio.sleep(pause_s)
        line.close()

    async def _count(
        self, kind: str, how: Callable[[_Line], Awaitable[tuple[int, str]]], line: _Line
    ) -> None:
        begun, was_kept = time.perf_counter(), line.writer is not None
        try:
            async with asyncio.timeout(_WITHIN_S):
                try:
                    status, slot = await how(line)
                except (_NotAnswered, ConnectionError):
                    line.close()
                    if not was_kept:
                        raise
                    status, slot = await how(line)
        except (OSError, asyncio.IncompleteReadError, _NotAnswered, TimeoutError):
            line.close()
            self.seen.lost[kind] += 1
            return
        if status >= 500:
            self.seen.lost[kind] += 1
            return
        self.seen.answered[kind, slot] += 1
        if kind in ("kept", "fresh"):
            now = time.perf_counter()
            self.seen.quick.append((now, (now - begun) * 1000))

    async def _quick(self, line: _Line) -> tuple[int, str]:
        status, slot, _ = await line.ask(_get("/api/v1/me"))
        return status, slot

    async def _post(self, line: _Line) -> tuple[int, str]:
        status, slot, _ = await line.ask(_POST, later=(_BODY,) * _PIECES, pause_s=0.05)
        return status, slot

    async def _stream(self, line: _Line) -> tuple[int, str]:
        status, slot, body = await line.ask(_get("/api/v1/events"))
        if not body.endswith(LAST_EVENT):
            raise _NotAnswered
        return status, slot


async def while_people(people: People, crowd: Awaitable[None], work: Callable[[], None]) -> None:
    """Run `work` in a thread while the crowd asks; the crowd is told to stop when it ends."""
    asking = asyncio.ensure_future(crowd)
    try:
        await asyncio.to_thread(work)
    finally:
        people.stop()
        with suppress(asyncio.CancelledError):
            await asking
