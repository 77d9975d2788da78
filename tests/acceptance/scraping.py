"""What Prometheus gets from the parts of a running stack, held against the catalogue."""

from __future__ import annotations

import json
import re
import urllib.request
from collections import defaultdict
from typing import Final

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families

from hrx.kit.figures import Metric, Source
from tests.conftest import Stack

SCRAPED_AS: Final = {
    Source.API: "api-blue",
    Source.WORKER: "worker",
    Source.WEB: "web-blue",
    Source.OPS: "ops",
    Source.EDGE: "haproxy",
    Source.PROBE: "probe",
    Source.BACKUP: "backup",
    Source.SCORING: "scoring",
    Source.POSTGRES: "postgres-exporter",
    Source.REDIS: "redis-exporter",
}
#: What the format itself adds to the labels of a histogram.
OF_THE_FORMAT: Final = {"le"}
_TYPE: Final = re.compile(r"^# TYPE (\S+)", re.MULTILINE)

Exported = dict[str, Family]


def scrape(stack: Stack, source: Source) -> Exported:
    """By name as shown, from the address that Prometheus itself was given."""
    targets = json.loads((stack.var / "prometheus" / "targets" / f"{SCRAPED_AS[source]}.json").read_text())
    with urllib.request.urlopen(f"http://{targets[0]['targets'][0]}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    shown = set(_TYPE.findall(text))
    # The parser drops the `_total` of counters; not everybody's counters have one.
    return {
        family.name if family.name in shown else f"{family.name}_total": family
        for family in text_string_to_metric_families(text)
    }


def check(metric: Metric, family: Family) -> None:
    """Type, names of labels, and that every value seen is one that the page allows."""
    assert family.type == metric.type.value, metric.name
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for sample in family.samples:
        found = sample.labels.keys() - OF_THE_FORMAT
        assert found >= set(metric.label_names), sample
        assert metric.may_have_more_labels or found == set(metric.label_names), sample
        for name, value in sample.labels.items():
            seen[name].add(value)
    for label in metric.labels:
        assert len(seen[label.name]) <= label.at_most, (metric.name, label.name)
        if label.values:
            assert seen[label.name] <= set(label.values), (metric.name, label.name)


def list_series(exported: Exported, *, prefixes: tuple[str, ...]) -> set[tuple[str, str]]:
    """Every series of the figures that begin so; buckets are all there from a histogram's first value."""
    return {
        (sample.name, json.dumps(sample.labels, sort_keys=True))
        for name, family in exported.items()
        if name.startswith(prefixes)
        for sample in family.samples
    }


def value_of(exported: Exported, name: str, **labels: str) -> float:
    """The sum of a sample's series that have these labels; 0 when there is none."""
    return sum(
        sample.value
        for family in exported.values()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )
