"""A small world for the probe to look at, and one look at it."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from hrx.kit.errors import Text
from hrx.ops.probe.looking import Outsider, Seen
from hrx.ops.probe.targets import ProbeTarget, TargetKind

AT = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)


@dataclass
class World:
    """A server that answers what it was told, and remembers what it was sent."""

    answers: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    posted: list[dict[str, Any]] = field(default_factory=list)
    post_status: int = 200
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving_world(world: World, *, context: ssl.SSLContext | None = None) -> Iterator[World]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(*world.answers.get(self.path, (404, "text/plain", b"")))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            world.posted.append({**json.loads(body), "authorization": self.headers.get("Authorization")})
            self._answer(world.post_status, "application/json", b"{}")

        def _answer(self, code: int, content_type: str, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    world.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield world
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def target(kind: TargetKind, address: str, *, name: str = "it") -> ProbeTarget:
    return ProbeTarget(name=name, kind=kind, address=address, title=Text(ja="それ", en="it"), sop="5.2.1")


def look(one: ProbeTarget, *, timeout_s: float = 1.0) -> Seen:
    return Outsider(timeout_s=timeout_s).look(one)
