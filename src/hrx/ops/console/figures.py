"""The console's own figures for Prometheus: what the watcher saw, and the ledger's state (hrx_ops_*)."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hrx.ops.check import Status
from hrx.ops.console.desk import Desk


class PlaneFigures(Collector):
    """Read from the last snapshot at each scrape; scraping looks at nothing and costs microseconds."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def describe(self) -> list[Metric]:
        """Nothing: the names are known without collecting."""
        return []

    def collect(self) -> Iterator[Metric]:
        snapshot = self._desk.snapshot
        status = GaugeMetricFamily(
            "hrx_ops_part_status", "1 for the present status of each part.", labels=("part", "status")
        )
        latency = GaugeMetricFamily(
            "hrx_ops_part_look_seconds", "Duration of the last look at a part.", labels=("part",)
        )
        memory = GaugeMetricFamily(
            "hrx_ops_part_memory_bytes", "Proportional memory of a part's processes.", labels=("part",)
        )
        for view in snapshot.views:
            for value in Status:
                status.add_metric((view.info.name, value.value), float(view.status is value))
            if view.latency_ms is not None:
                latency.add_metric((view.info.name,), view.latency_ms / 1000)
        for name, size_bytes in snapshot.memory_bytes.items():
            memory.add_metric((name,), size_bytes)
        yield from (status, latency, memory)
        if snapshot.at is not None:
            yield _gauge(
                "hrx_ops_look_timestamp_seconds", "When the watcher last looked.", snapshot.at.timestamp()
            )
        if snapshot.ledger is not None:
            yield _gauge(
                "hrx_ops_ledger_is_valid", "1 when the chain verified.", float(snapshot.ledger.is_valid)
            )
            yield _gauge(
                "hrx_ops_ledger_entries", "Entries when the chain was verified.", snapshot.ledger.entries
            )


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
