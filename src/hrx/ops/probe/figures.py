"""The probe's figures, and its own small door: /metrics, /readyz, /livez, /version."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import orjson
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

import hrx
from hrx.kit.catalogue import PROBE_DURATION, PROBE_SUCCESS, PROBE_TLS
from hrx.kit.metrics import new_registry
from hrx.ops.probe.looking import Seen

#: Gives the newest look at every target.
Newest = Callable[[], tuple[Seen, ...]]
#: Gives the names of targets whose look is late: we hang there.
Late = Callable[[], tuple[str, ...]]


class ProbeFigures(Collector):
    """Made from the newest looks at each scrape."""

    def __init__(self, newest: Newest) -> None:
        self._newest = newest

    def describe(self) -> list[Metric]:
        """Nothing: the names are known without collecting."""
        return []

    def collect(self) -> Iterator[Metric]:
        success, duration, not_after = (
            PROBE_SUCCESS.family(),
            PROBE_DURATION.family(),
            PROBE_TLS.family(),
        )
        for seen in self._newest():
            success.add_metric((seen.target,), float(seen.is_well))
            duration.add_metric((seen.target,), seen.duration_s)
            if seen.not_after is not None:
                not_after.add_metric((seen.target,), seen.not_after.timestamp())
        yield from (success, duration, not_after)


def make_registry(newest: Newest) -> CollectorRegistry:
    registry = new_registry()
    registry.register(ProbeFigures(newest))
    return registry


class Door:
    """The HTTP server on a thread of its own."""

    def __init__(self, *, port: int, registry: CollectorRegistry, late: Late, commit: str) -> None:
        handler = _handler(registry, late, commit)
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
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


_JSON: Final = "application/json"


def _handler(registry: CollectorRegistry, late: Late, commit: str) -> type[BaseHTTPRequestHandler]:
    def answer(path: str) -> tuple[int, str, bytes]:
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest(registry)
        if path == "/livez":
            return 200, _JSON, orjson.dumps({"status": "alive"})
        if path == "/readyz":
            names = late()
            status = "degraded" if names else "ready"
            return 200, _JSON, orjson.dumps({"status": status, "degraded": list(names), "checks": []})
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
