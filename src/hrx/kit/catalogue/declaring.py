"""How a metric is declared: one function for each type, and the labels and buckets that several share.

Rules of naming: an OpenTelemetry name where one exists, in the spelling that its Prometheus exporter gives;
else `hrx_…`. The unit stands in the name (`_seconds`, `_bytes`, `_ratio`, `_usd`), never as OTel's unit `1`
or a currency, which exporters spell differently. Moments are exported, not ages: an age goes on looking
young when its exporter hangs. No label holds a person, an address, a tenant's words or a raw path."""

from __future__ import annotations

from typing import Final

from hrx.kit.errors import Text
from hrx.kit.figures import Label, Metric, MetricType, Source, bounded, chosen

Sources = tuple[Source, ...]
Labels = tuple[Label, ...]

#: Processes of ours written in Python.
PYTHON: Final[Sources] = (Source.API, Source.WORKER, Source.OPS, Source.PROBE, Source.SCORING)
#: Advisory bounds of OTel's http.server.request.duration, with two more below for a local product and one at
#: 2 s, where the runbook draws its line: without it a p95 of 2 s lies anywhere between 1 and 2.5.
HTTP_BUCKETS_S: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip
#: Advisory bounds of OTel's db.client.operation.duration, with one more between 10 and 50 ms.
DATABASE_BUCKETS_S: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
JOB_BUCKETS_S: Final = (0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0, 600.0)
#: Advisory bounds of OTel's gen_ai.client.operation.duration: doubling from 10 ms to 82 s.
AI_BUCKETS_S: Final = tuple(round(0.01 * 2**step, 2) for step in range(14))
PART: Final = bounded("part", "parts in runbook/parts.yaml", at_most=32)


def counter(
    name: str, *sources: Source, unit: str, ja: str, en: str, labels: Labels = (), is_open: bool = False
) -> Metric:
    """A figure that only grows."""
    return Metric(
        name=name,
        type=MetricType.COUNTER,
        unit=unit,
        says=Text(ja=ja, en=en),
        sources=sources,
        labels=labels,
        may_have_more_labels=is_open,
    )


def gauge(
    name: str, *sources: Source, unit: str, ja: str, en: str, labels: Labels = (), is_open: bool = False
) -> Metric:
    """A figure that goes up and down. `is_open`: somebody else's, who adds labels that we do not use."""
    return Metric(
        name=name,
        type=MetricType.GAUGE,
        unit=unit,
        says=Text(ja=ja, en=en),
        sources=sources,
        labels=labels,
        may_have_more_labels=is_open,
    )


def histogram(
    name: str,
    *sources: Source,
    unit: str,
    ja: str,
    en: str,
    buckets: tuple[float, ...],
    labels: Labels = (),
) -> Metric:
    """A figure whose spread matters."""
    return Metric(
        name=name,
        type=MetricType.HISTOGRAM,
        unit=unit,
        says=Text(ja=ja, en=en),
        sources=sources,
        labels=labels,
        buckets=buckets,
    )


__all__ = [
    "AI_BUCKETS_S",
    "DATABASE_BUCKETS_S",
    "HTTP_BUCKETS_S",
    "JOB_BUCKETS_S",
    "PART",
    "PYTHON",
    "bounded",
    "chosen",
    "counter",
    "gauge",
    "histogram",
]
