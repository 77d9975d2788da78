"""The console's own figures for Prometheus: what the watcher saw, and the ledger's state (hrx_ops_*)."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from hrx.kit.catalogue import (
    LEDGER_ENTRIES,
    LEDGER_IS_VALID,
    LOOKED_AT,
    PART_LOOK,
    PART_MEMORY,
    PART_STATUS,
)
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
        status, latency, memory = PART_STATUS.family(), PART_LOOK.family(), PART_MEMORY.family()
        for view in snapshot.views:
            for value in Status:
                status.add_metric((view.info.name, value.value), float(view.status is value))
            if view.latency_ms is not None:
                latency.add_metric((view.info.name,), view.latency_ms / 1000)
        for name, size_bytes in snapshot.memory_bytes.items():
            memory.add_metric((name,), size_bytes)
        yield from (status, latency, memory)
        if snapshot.at is not None:
            yield LOOKED_AT.family(snapshot.at.timestamp())
        if snapshot.ledger is not None:
            yield LEDGER_IS_VALID.family(float(snapshot.ledger.is_valid))
            yield LEDGER_ENTRIES.family(snapshot.ledger.entries)
