"""GET with one deadline for everything: a server that drips a byte a second cannot hold the probe.

The standard library's own client on purpose: the probe has to stay small, and to start when little works."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from hrx.kit import clock

MAX_BODY_BYTES: Final = 512 * 1024
_CHUNK_BYTES: Final = 65536
#: What may go wrong on the way; everything else is a bug.
FETCH_ERRORS: Final = (OSError, http.client.HTTPException, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An answer: `body` is cut at MAX_BODY_BYTES."""

    status: int
    content_type: str
    body: bytes


def fetch(
    url: str,
    *,
    timeout_s: float,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Fetched:
    """What `url` answers, redirects not followed. Raises one of FETCH_ERRORS; TimeoutError when late."""
    deadline = clock.monotonic_s() + timeout_s
    parts = urlsplit(url)
    connection = _connect(parts.scheme, parts.hostname or "", parts.port, timeout_s=timeout_s)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body=body, headers={"User-Agent": "hrx-probe", **(headers or {})})
        _limit(connection, deadline)
        answer = connection.getresponse()
        return Fetched(
            status=answer.status,
            content_type=answer.headers.get("content-type", ""),
            body=_read(connection, answer, deadline=deadline),
        )
    finally:
        connection.close()


def _connect(scheme: str, host: str, port: int | None, *, timeout_s: float) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(
            host, port, timeout=timeout_s, context=ssl.create_default_context()
        )
    return http.client.HTTPConnection(host, port, timeout=timeout_s)


def _read(
    connection: http.client.HTTPConnection, answer: http.client.HTTPResponse, *, deadline: float
) -> bytes:
    taken = bytearray()
    while len(taken) < MAX_BODY_BYTES:
        _limit(connection, deadline)
        chunk = answer.read1(_CHUNK_BYTES)
        if not chunk:
            break
        taken += chunk
    return bytes(taken)


def _limit(connection: http.client.HTTPConnection, deadline: float) -> None:
    left_s = deadline - clock.monotonic_s()
    if left_s <= 0:
        raise TimeoutError("too late")
    # None once the last byte was taken from a connection that the server closes.
    if connection.sock is not None:
        connection.sock.settimeout(left_s)
