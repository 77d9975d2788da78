"""What a process exports, read as Prometheus reads it, keyed by the name that Prometheus shows."""

from __future__ import annotations

import urllib.request

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families


def fetch_families(place: str) -> dict[str, Family]:
    """The families that `host:port` exports now."""
    with urllib.request.urlopen(f"http://{place}/metrics", timeout=10) as answer:
        return read_families(answer.read().decode())


def read_families(text: str) -> dict[str, Family]:
    """Families by name, also those that have no sample yet."""
    return {_shown_name(family): family for family in text_string_to_metric_families(text)}


def _shown_name(family: Family) -> str:
    """The parser drops the `_total` of counters, and adds one where an exporter never had it."""
    has_total = family.type == "counter" and not family.name.startswith("pg_")
    return f"{family.name}_total" if has_total else family.name
