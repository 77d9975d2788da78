"""Reading what parts wrote: JSON log lines of the last minutes, pages of figures, kinds of failure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from prometheus_client.parser import text_string_to_metric_families

from hrx.kit.secrets import mask_text
from hrx.ops.seams.looking import LookFailed
from hrx.ops.triage.eyes import Eyes

#: Questions about health say nothing about people's requests.
HEALTH_ROUTES: Final = frozenset({"/livez", "/readyz", "/version", "/metrics", "/web/livez", "/web/readyz"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One figure of a page."""

    name: str
    labels: Mapping[str, str]
    value: float


def read_lines(eyes: Eyes, part: str, *, size_bytes: int = 1_000_000) -> Iterator[Mapping[str, Any]]:
    """The JSON lines that a part wrote within the window. `Any`: each event has its own fields."""
    since = eyes.at.timestamp() - eyes.window_s
    for line in eyes.tail(part, size_bytes=size_bytes).splitlines():
        if not line.startswith("{"):
            continue
        try:
            found = orjson.loads(line)
            at = datetime.fromisoformat(str(found["at"])).timestamp()
        except (ValueError, KeyError, TypeError):
            # Half a line at the start of the excerpt, or a program's own words.
            continue
        if at >= since:
            yield found


def read_requests(eyes: Eyes, part: str) -> list[Mapping[str, Any]]:
    """People's requests within the window, as the part's own access lines tell them."""
    return [
        line
        for line in read_lines(eyes, part)
        if line.get("event") == "request" and line.get("route", line.get("path")) not in HEALTH_ROUTES
    ]


def read_samples(eyes: Eyes, part: str) -> list[Sample]:
    """The figures of a part's own page. Raises LookFailed when it has none that answers."""
    url = eyes.metrics_url_of(part)
    if url is None:
        return []
    page = eyes.plane.http.get_page(url)
    return [
        Sample(name=sample.name, labels=sample.labels, value=float(sample.value))
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
    ]


def total(samples: Iterable[Sample], name: str, **labels: str) -> float | None:
    """The sum of the series of this name with these labels; None when there is none."""
    found = [
        sample.value
        for sample in samples
        if sample.name == name and all(sample.labels.get(key) == value for key, value in labels.items())
    ]
    return sum(found) if found else None


def percentile(values: Iterable[float], share: float) -> float | None:
    """The value below which that share of the values lies; None of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


def failure_kind(error: LookFailed) -> str:
    """`timed_out`, `refused`, `no_host` or `failed`, of a look over the network."""
    said = error.why.en.lower()
    if "within" in said or "timed out" in said:
        return "timed_out"
    if "refused" in said:
        return "refused"
    if any(mark in said for mark in ("name or service", "name resolution", "nodename", "no address")):
        return "no_host"
    return "certificate" if "certificate" in said else "failed"


def excerpt(lines: Iterable[Mapping[str, Any]], *, at_most: int = 40) -> str:
    """Lines for the record, secrets masked and people's addresses left out."""
    kept = []
    for line in list(lines)[-at_most:]:
        shown = {key: value for key, value in line.items() if key not in ("address", "user_id", "exception")}
        kept.append(mask_text(orjson.dumps(shown, default=str).decode()))
    return "\n".join(kept)
