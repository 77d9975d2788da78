"""The probe's figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from hrx.kit.catalogue import PROBE_DURATION, PROBE_SUCCESS, PROBE_TLS
from hrx.kit.metrics import new_registry
from hrx.ops.probe.looking import Seen

#: Gives the newest look at every target.
Newest = Callable[[], tuple[Seen, ...]]


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
