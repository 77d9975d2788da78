"""What a metric is: a name, a type, a unit, words, who exports it, and labels whose values are bounded.

Every label says which values it can have or how many at most: a label that a caller can fill grows series
until Prometheus falls over."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

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
    WEB = "web"
    OPS = "ops"
    PROBE = "probe"
    POSTGRES = "postgres"
    REDIS = "redis"
    EDGE = "edge"
    BACKUP = "backup"
    SCORING = "scoring"


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
        return " ".join(value or '""' for value in self.values) or f"{self.of} (≤ {self.at_most})"


def chosen(name: str, *values: str) -> Label:
    """A label with exactly these values."""
    return Label(name=name, values=values, at_most=len(values))


def bounded(name: str, of: str, *, at_most: int) -> Label:
    """A label whose values are of one kind and at most so many."""
    return Label(name=name, of=of, at_most=at_most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure. `name` is as Prometheus shows it, for counters of ours with `_total`.

    `may_have_more_labels`: another's program exports it, with labels besides those that we rely on."""

    name: str
    type: MetricType
    unit: str
    says: Text
    sources: tuple[Source, ...]
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
    may_have_more_labels: bool = False

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
        """For collectors, which make their figures at each scrape; without samples it is only announced."""
        if value is not None:
            return GaugeMetricFamily(self.name, self.says.en, value=value)
        return GaugeMetricFamily(self.name, self.says.en, labels=self.label_names)

    def counter_family(self) -> CounterMetricFamily:
        """The same for what only grows and is counted elsewhere."""
        return CounterMetricFamily(self.name, self.says.en, labels=self.label_names)

    def histogram_family(self) -> HistogramMetricFamily:
        """The same for what is sorted into buckets elsewhere."""
        return HistogramMetricFamily(self.name, self.says.en, labels=self.label_names)
