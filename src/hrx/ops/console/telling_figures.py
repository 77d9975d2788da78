"""Messages to people and signs of life, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from hrx.kit import clock
from hrx.kit.catalogue import DELIVERIES, DELIVERY_LATENCY, DETECTIONS, HEARTBEAT
from hrx.kit.errors import Unavailable
from hrx.ops.check import Status
from hrx.ops.console.desk import Desk
from hrx.ops.ledger.notifications import NotificationState, list_settled
from hrx.ops.tick import Ticker

_CHANNELS: Final = frozenset({"slack", "email", "pagerduty", "webhook"})
_OUTCOMES: Final = {NotificationState.DELIVERED: "delivered", NotificationState.FAILED: "failed"}


class TellingFigures(Collector):
    """Deliveries are those of the ledger since this console started, taken up when Prometheus asks."""

    def __init__(self, desk: Desk, ticker: Ticker) -> None:
        self._desk = desk
        self._ticker = ticker
        private = CollectorRegistry()
        self._deliveries = DELIVERIES.counter(private)
        self._latency = DELIVERY_LATENCY.histogram(private)
        self._private = private
        self._until = clock.now()
        self._chain_at: datetime | None = None
        self._probe_at: datetime | None = None

    def describe(self) -> list[Metric]:
        """Nothing: the names are known without collecting."""
        return []

    def collect(self) -> Iterator[Metric]:
        self._take_up()
        yield from self._private.collect()
        yield self._list_heartbeats()
        # Detections are announced; the first rule that detects something counts them.
        yield DETECTIONS.counter_family()

    def _take_up(self) -> None:
        try:
            settled = list_settled(self._desk.ledger.store, since=self._until)
        except Unavailable:
            return
        for one in settled:
            if one.settled_at is None or one.state not in _OUTCOMES:
                continue
            channel = one.channel if one.channel in _CHANNELS else "other"
            self._deliveries.labels(channel, _OUTCOMES[one.state]).inc()
            if one.state is NotificationState.DELIVERED:
                self._latency.labels(channel).observe((one.settled_at - one.created_at).total_seconds())
            self._until = max(self._until, one.settled_at)

    def _list_heartbeats(self) -> Metric:
        snapshot = self._desk.snapshot
        if snapshot.is_chain_alive:
            self._chain_at = snapshot.at
        probe = snapshot.find_view("probe")
        if probe is not None and probe.status in (Status.OK, Status.DEGRADED):
            self._probe_at = probe.observed_at
        family = HEARTBEAT.family()
        for source, at in (
            ("watcher", snapshot.at),
            ("ticker", self._ticker.ticked_at),
            ("alert-chain", self._chain_at),
            ("probe", self._probe_at),
            ("rules", self._desk.rules.board.at),
            ("watchdog", self._desk.rules.ear.heard_at),
        ):
            if at is not None:
                family.add_metric((source,), at.timestamp())
        return family
