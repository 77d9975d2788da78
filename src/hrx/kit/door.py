"""The small door of a part that is no web server: /metrics, /readyz, /livez, /version."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import orjson
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

import hrx

#: Gives what does not work now, in words for an operator; nothing when all is well.
Degraded = Callable[[], Sequence[str]]
_JSON: Final = "application/json"


class PartDoor:
    """The HTTP server on a thread of its own, on loopback unless told otherwise.

    Raises OSError when the port is taken."""

    def __init__(
        self,
        *,
        port: int,
        registry: CollectorRegistry,
        degraded: Degraded,
        commit: str,
        bind: str = "127.0.0.1",
    ) -> None:
        self._server = ThreadingHTTPServer((bind, port), _handler(registry, degraded, commit))
        self._thread = threading.Thread(target=self._server.serve_forever, name="door", daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def open(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def _handler(registry: CollectorRegistry, degraded: Degraded, commit: str) -> type[BaseHTTPRequestHandler]:
    def answer(path: str) -> tuple[int, str, bytes]:
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest(registry)
        if path == "/livez":
            return 200, _JSON, orjson.dumps({"status": "alive"})
        if path == "/readyz":
            lost = list(degraded())
            status = "degraded" if lost else "ready"
            return 200, _JSON, orjson.dumps({"status": status, "degraded": lost, "checks": []})
        if path == "/version":
            return 200, _JSON, orjson.dumps({"version": hrx.__version__, "commit": commit, "slot": None})
        return 404, _JSON, b"{}"

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            code, content_type, body = answer(self.path.partition("?")[0])
            self.send_response(code)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: scrapes and looks would fill the log."""

    return Handler
