"""A closed-loop HTTP/1.1 load generator on bare asyncio sockets.

A full client library would spend more CPU per request than the server under test and hide the difference
that is being measured. Responses must carry Content-Length, which both servers compared here send."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one run of load saw. Times in milliseconds."""

    requests: int
    failed: int
    duration_s: float
    p50_ms: float
    p99_ms: float

    @property
    def requests_per_s(self) -> float:
        return self.requests / self.duration_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """URL paths of one server on loopback, asked in turn, with the headers to send."""

    port: int
    paths: tuple[str, ...]
    headers: tuple[tuple[str, str], ...] = ()

    def request(self, number: int) -> bytes:
        lines = [f"GET {self.paths[number % len(self.paths)]} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def measure(target: Target, *, connections: int, duration_s: float) -> Load:
    """Drive `connections` keep-alive connections for `duration_s` seconds, one request in flight on each."""
    latencies_ms: list[float] = []
    failures = 0
    numbers = iter(range(10**9))
    started = time.perf_counter()
    deadline = started + duration_s

    async def client() -> None:
        nonlocal failures
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port, limit=16 * 1024 * 1024)
        while (begun := time.perf_counter()) < deadline:
            writer.write(target.request(next(numbers)))
            status = await _read_response(reader)
            latencies_ms.append((time.perf_counter() - begun) * 1000)
            failures += status != 200
        writer.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(client())
    return summarise(latencies_ms, failed=failures, duration_s=time.perf_counter() - started)


async def measure_one_by_one(target: Target, *, requests: int, before: Callable[[], Awaitable[None]]) -> Load:
    """Ask `requests` times on one connection; `before` each, something happens that is not measured."""
    latencies_ms: list[float] = []
    failures = 0
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port, limit=16 * 1024 * 1024)
    for number in range(requests):
        await before()
        begun = time.perf_counter()
        writer.write(target.request(number))
        failures += await _read_response(reader) != 200
        latencies_ms.append((time.perf_counter() - begun) * 1000)
    writer.close()
    return summarise(latencies_ms, failed=failures, duration_s=sum(latencies_ms) / 1000)


def summarise(latencies_ms: list[float], *, failed: int, duration_s: float) -> Load:
    """Requests, percentiles and time of one run; percentiles are interpolated between requests."""
    cuts = statistics.quantiles(latencies_ms, n=100, method="inclusive")
    return Load(
        requests=len(latencies_ms),
        failed=failed,
        duration_s=duration_s,
        p50_ms=cuts[49],
        p99_ms=cuts[98],
    )


async def _read_response(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    lowered = head.lower()
    at = lowered.find(b"content-length:")
    if at < 0:
        raise RuntimeError("the response carries no Content-Length; this client reads nothing else")
    length = int(lowered[at + 15 : lowered.index(b"\r\n", at)])
    if length:
        await reader.readexactly(length)
    return status
