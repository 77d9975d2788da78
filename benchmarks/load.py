"""A closed-loop HTTP/1.1 load generator on bare asyncio sockets.

A full client library would spend more CPU per request than the server under test and hide the difference
that is being measured. Responses must carry Content-Length, which both servers compared here send."""

from __future__ import annotations

import asyncio
import statistics
import time
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
    """One URL path on loopback with the headers to send."""

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
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        while (begun := time.perf_counter()) < deadline:
            writer.write(target.request(next(numbers)))
            status = await _read_response(reader)
            latencies_ms.append((time.perf_counter() - begun) * 1000)
            failures += status != 200
        writer.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(client())
    percentiles = statistics.quantiles(latencies_ms, n=100)
    return Load(
        requests=len(latencies_ms),
        failed=failures,
        duration_s=time.perf_counter() - started,
        p50_ms=percentiles[49],
        p99_ms=percentiles[98],
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
