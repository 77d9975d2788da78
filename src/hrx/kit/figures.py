"""What a metric is: a name, a type, a unit, words, who exports it, and labels whose values are bounded.

Every label says which values it can have or how many at most: a label that a caller can fill grows series
until Prometheus falls over."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily

from hrx.kit.errors import Text


class MetricType(StrEnum):
    """How a figure behaves: only grows, goes up and down, or counts into buckets."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Source(StrEnum):
    """Who exports a figure."""

    API = "api"
    WORKER = "worker"
    OPS = "ops"
    EDGE = "edge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One label: the values it can have when they are few, else what they are, and how many at most."""

    name: str
    values: tuple[str, ...] = ()
    of: str = ""
    at_most: int

    @property
    def range(self) -> str:
        """What to print of it."""
        return " ".join(self.values) or f"{self.of} (≤ {self.at_most})"


def chosen(name: str, *values: str) -> Label:
    """A label with exactly these values."""
    return Label(name=name, values=values, at_most=len(values))


def bounded(name: str, of: str, *, at_most: int) -> Label:
    """A label whose values are of one kind and at most so many."""
    return Label(name=name, of=of, at_most=at_most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure. `name` is as Prometheus shows it, for counters with `_total`."""

    name: str
    type: MetricType
    unit: str
    says: Text
    sources: tuple[Source, ...]
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)

    def counter(self, registry: CollectorRegistry) -> Counter:
        return Counter(self.name, self.says.en, self.label_names, registry=registry)

    def gauge(self, registry: CollectorRegistry) -> Gauge:
        return Gauge(self.name, self.says.en, self.label_names, registry=registry)

    def histogram(self, registry: CollectorRegistry) -> Histogram:
        return Histogram(self.name, self.says.en, self.label_names, buckets=self.buckets, registry=registry)

    def family(self, value: float | None = None) -> GaugeMetricFamily:
        """For collectors, which make their figures at each scrape."""
        if value is not None:
            return GaugeMetricFamily(self.name, self.says.en, value=value)
        return GaugeMetricFamily(self.name, self.says.en, labels=self.label_names)
