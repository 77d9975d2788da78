"""The edge as this machine starts it, small servers to stand behind it, and a way to ask it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from hrx.ops.targets.machine.haproxy import Edge
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.ports import Ports
from hrx.ops.targets.machine.toolchain import Toolchain


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


class Echo(BaseHTTPRequestHandler):
    """Says which server it is and what reached it; /stream sends two events a second apart."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.endswith("/livez"):
            time.sleep(cast("Server", self.server).late_s)
        if self.path == "/api/v1/events":
            self._stream()
            return
        length = int(self.headers.get("Content-Length", 0))
        self.rfile.read(length)
        seen = {
            "server": cast("ThreadingHTTPServer", self.server).server_name,
            "path": self.path,
            "headers": dict(self.headers.items()),
        }
        body = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for _ in range(2):
            self.wfile.write(b"data: now\n\n")
            self.wfile.flush()
            time.sleep(1)

    def log_message(self, format: str, *args: object) -> None:
        return


class Server(ThreadingHTTPServer):
    """`late_s`: how long it takes to answer the edge's check."""

    late_s = 0.0


@contextmanager
def serving(name: str, port: int, *, late_s: float = 0.0) -> Iterator[None]:
    server = Server(("127.0.0.1", port), Echo)
    server.late_s = late_s
    server.server_name = name
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def make_edge(layout: Layout, ports: Ports, tools: Toolchain) -> Edge:
    return Edge(
        tool=tools.found["haproxy"],
        source=layout.root / "deploy" / "edge",
        folder=layout.run / "edge",
        socket_path=layout.haproxy_socket,
        public=layout.status_public,
        ports=ports,
        bind="127.0.0.1",
        user=layout.user,
    )


def ask(
    ports: Ports, path: str, *, method: str = "GET", headers: dict[str, str] | None = None, body: bytes = b""
) -> Reply:
    with closing(http.client.HTTPConnection("127.0.0.1", ports.edge, timeout=10)) as connection:
        connection.request(method, path, body=body or None, headers=headers or {})
        reply = connection.getresponse()
        found = {name.lower(): value for name, value in reply.getheaders()}
        return Reply(status=reply.status, headers=found, body=reply.read())


def wait_for(ports: Ports, path: str, status: int) -> Reply:
    deadline = time.monotonic() + 15
    while True:
        try:
            reply = ask(ports, path)
            if reply.status == status:
                return reply
        except OSError:
            pass
        assert time.monotonic() < deadline, f"{path} never became {status}"
        time.sleep(0.05)
