"""The console's own figures for Prometheus: what the watcher saw, and the ledger's state (hrx_ops_*)."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from hrx.kit.catalogue import (
    CLOCK_BREACHES,
    INCIDENTS_OPEN,
    LEDGER_ENTRIES,
    LEDGER_IS_VALID,
    LOOKED_AT,
    PART_LOOK,
    PART_MEMORY,
    PART_STATUS,
    SIGNALS,
)
from hrx.kit.errors import Unavailable
from hrx.ops.check import Status
from hrx.ops.console.desk import Desk
from hrx.ops.incidents.clocks import ClockName
from hrx.ops.ledger.incidents import count_breaches, list_unresolved
from hrx.ops.ledger.signals import count_signals
from hrx.ops.signal import Severity, SignalSource


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
        yield from self._collect_incidents()
        if snapshot.at is not None:
            yield LOOKED_AT.family(snapshot.at.timestamp())
        if snapshot.ledger is not None:
            yield LEDGER_IS_VALID.family(float(snapshot.ledger.is_valid))
            yield LEDGER_ENTRIES.family(snapshot.ledger.entries)

    def _collect_incidents(self) -> Iterator[Metric]:
        """Counted in the ledger; while it cannot be read these series are absent, which rules notice."""
        open_now, signals, breaches = (
            INCIDENTS_OPEN.family(),
            SIGNALS.counter_family(),
            CLOCK_BREACHES.counter_family(),
        )
        try:
            with self._desk.ledger.store.read() as connection:
                severities = [found.severity for found in list_unresolved(connection)]
            told, broken = count_signals(self._desk.ledger.store), count_breaches(self._desk.ledger.store)
        except Unavailable:
            return
        for severity in Severity:
            open_now.add_metric((str(int(severity)),), severities.count(severity))
        for source in SignalSource:
            signals.add_metric((source.value,), told.get(source, 0))
        for name in ClockName:
            breaches.add_metric((name.value,), broken.get(name.value, 0))
        yield from (open_now, signals, breaches)
