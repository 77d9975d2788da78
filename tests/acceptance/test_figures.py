"""docs/metrics.md against what running processes really export: names, types, labels and their bounds."""

from __future__ import annotations

import json
import urllib.request
from collections import defaultdict

import pytest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families

from hrx.kit.catalogue import list_metrics_of
from hrx.kit.figures import Metric, Source
from tests.acceptance.operating import eventually, status_of
from tests.conftest import Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(300),
    pytest.mark.req("R4.1-1"),
]
SCRAPED_AS = {
    Source.API: "api-blue",
    Source.WORKER: "worker",
    Source.OPS: "ops",
    Source.EDGE: "edge",
    Source.PROBE: "probe",
}
#: What the format itself adds to the labels of a histogram.
OF_THE_FORMAT = {"le"}


def scrape(stack: Stack, source: Source) -> dict[str, Family]:
    """What Prometheus gets from a part, at the address that Prometheus itself was given."""
    targets = json.loads((stack.var / "prometheus" / "targets" / f"{SCRAPED_AS[source]}.json").read_text())
    with urllib.request.urlopen(f"http://{targets[0]['targets'][0]}/metrics", timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return {_shown_name(family): family for family in families}


def _shown_name(family: Family) -> str:
    """The parser drops the `_total` of counters."""
    return f"{family.name}_total" if family.type == "counter" else family.name


def use_the_product(stack: Stack) -> None:
    """So that figures with labels have something to count: a wrong sign-in, an unknown path, a page."""
    for path in ("/livez", "/api/v1/session", "/api/v1/nothing/here", "/version"):
        status_of(f"{stack.portal_url}{path}")
    status_of(f"{stack.console_url}/livez")


@pytest.mark.parametrize("source", [Source.API, Source.WORKER, Source.OPS, Source.PROBE])
def test_a_process_exports_exactly_what_the_page_lists(stack: Stack, source: Source) -> None:
    use_the_product(stack)
    declared = {metric.name: metric for metric in list_metrics_of(source)}
    # The watcher has verified the ledger and measured memory some seconds after its start.
    eventually(lambda: declared.keys() <= scrape(stack, source).keys(), within_s=30, what=f"{source} figures")
    exported = scrape(stack, source)
    assert exported.keys() == declared.keys()
    for name, metric in declared.items():
        check(metric, exported[name])


def test_what_we_rely_on_of_the_edge_is_really_there(stack: Stack) -> None:
    use_the_product(stack)
    exported = scrape(stack, Source.EDGE)
    for metric in list_metrics_of(Source.EDGE):
        check(metric, exported[metric.name])


def check(metric: Metric, family: Family) -> None:
    """Type, names of labels, and that every value seen is one that the page allows."""
    assert family.type == metric.type.value, metric.name
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for sample in family.samples:
        assert sample.labels.keys() - OF_THE_FORMAT == set(metric.label_names), sample
        for name, value in sample.labels.items():
            seen[name].add(value)
    for label in metric.labels:
        assert len(seen[label.name]) <= label.at_most, (metric.name, label.name)
        if label.values:
            assert seen[label.name] <= set(label.values), (metric.name, label.name)
