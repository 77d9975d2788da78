"""Metrics of one process under OpenTelemetry's semantic names, on one port, pulled by Prometheus.

A port for each process, because exporters shared by several processes undercount (measured: 130 of 240)."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics, start_http_server
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from hrx.kit.catalogue import HTTP_ACTIVE, HTTP_DURATION

Stop = Callable[[], None]


def new_registry() -> CollectorRegistry:
    """A registry with the facts about this process: CPU, memory, open files, garbage collection."""
    # A second series for each child, saying only when it was made, is worth nobody's memory.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class HttpServerMetrics:
    """What each HTTP server of the product records; every label has few values, chosen by us."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._duration = HTTP_DURATION.histogram(registry)
        self.active = HTTP_ACTIVE.gauge(registry)
        # Looking up a labelled child takes longer than observing; the combinations are few.
        self._children: dict[tuple[str, str, int], Histogram] = {}

    def observe(self, *, method: str, route: str, status: int, duration_s: float) -> None:
        key = (method, route, status)
        child = self._children.get(key)
        if child is None:
            child = self._duration.labels(method, route, str(status))
            self._children[key] = child
        child.observe(duration_s)


def serve(registry: CollectorRegistry, *, port: int, address: str = "127.0.0.1") -> Stop:
    """Answer Prometheus on a thread of its own; gives the function that stops it. Port 0 serves nothing."""
    if port == 0:
        return lambda: None
    server, thread = start_http_server(port, addr=address, registry=registry)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)

    return stop
