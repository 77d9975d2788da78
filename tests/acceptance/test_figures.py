"""docs/metrics.md against what running processes really export: names, types, labels and their bounds."""

from __future__ import annotations

import http.client
import json
import random
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from hrx.kit.catalogue import list_metrics_of
from hrx.kit.figures import Source
from tests.acceptance.operating import eventually, status_of
from tests.acceptance.scraping import check, list_series, scrape
from tests.conftest import Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(300),
    pytest.mark.req("R4.1-1"),
]
OURS = (Source.API, Source.WORKER, Source.WEB, Source.OPS, Source.PROBE)
OTHERS = (Source.EDGE, Source.POSTGRES, Source.REDIS)
#: Figures whose labels come, one way or another, from what somebody sends.
FROM_OUTSIDE = ("http_", "hrx_web_", "hrx_blocked_", "haproxy_")


def use_the_product(stack: Stack) -> None:
    """So that figures with labels have something to count: a wrong sign-in, an unknown path, a page."""
    for path in ("/livez", "/api/v1/session", "/api/v1/nothing/here", "/version", "/sign-in", "/web/livez"):
        status_of(f"{stack.portal_url}{path}")
    status_of(f"{stack.console_url}/livez")


@pytest.mark.parametrize("source", OURS)
def test_a_process_exports_exactly_what_the_page_lists(stack: Stack, source: Source) -> None:
    use_the_product(stack)
    declared = {metric.name: metric for metric in list_metrics_of(source)}
    # The watcher has verified the ledger and measured memory some seconds after its start.
    eventually(lambda: declared.keys() <= scrape(stack, source).keys(), within_s=30, what=f"{source} figures")
    exported = scrape(stack, source)
    assert exported.keys() == declared.keys()
    for name, metric in declared.items():
        check(metric, exported[name])


@pytest.mark.parametrize("source", OURS)
def test_every_bound_of_a_histogram_is_the_pages(stack: Stack, source: Source) -> None:
    use_the_product(stack)
    exported = scrape(stack, source)
    for metric in list_metrics_of(source):
        bounds = {
            float(sample.labels["le"]) for sample in exported[metric.name].samples if "le" in sample.labels
        }
        if bounds:
            assert bounds == {*metric.buckets, float("inf")}, metric.name


@pytest.mark.parametrize("source", OTHERS)
def test_what_we_rely_on_of_other_programs_is_really_there(stack: Stack, source: Source) -> None:
    use_the_product(stack)
    declared = {metric.name: metric for metric in list_metrics_of(source)}
    eventually(lambda: declared.keys() <= scrape(stack, source).keys(), within_s=30, what=f"{source} figures")
    exported = scrape(stack, source)
    for name, metric in declared.items():
        assert exported[name].samples, name
        check(metric, exported[name])


def test_whatever_is_sent_to_the_edge_adds_no_series(stack: Stack) -> None:
    chance = random.Random(7)  # noqa: S311
    asked = (Source.API, Source.WEB, Source.EDGE)
    attack(stack, chance)
    once = {source: list_series(scrape(stack, source), prefixes=FROM_OUTSIDE) for source in asked}
    attack(stack, chance)
    for source in asked:
        exported = scrape(stack, source)
        assert list_series(exported, prefixes=FROM_OUTSIDE) - once[source] == set(), source
        for metric in list_metrics_of(source):
            check(metric, exported[metric.name])
    assert once[Source.API]
    assert once[Source.WEB]


def attack(stack: Stack, chance: random.Random) -> None:
    """Random paths, hosts, agents, methods and reports, as a scanner sends them."""
    for _ in range(12):
        word = f"{chance.getrandbits(48):x}"
        headers = {"User-Agent": f"scan/{word}", "Host": f"{word}.example", "X-Forwarded-For": "198.51.100.9"}
        for path in (f"/{word}", f"/people/{word}?q={word}", f"/api/v1/people/{word}", f"/api/{word}/{word}"):
            for method in ("GET", "POST", f"M{word.upper()}"):
                send(stack, method, path, headers=headers)
        events = [
            {"kind": "view", "route": f"/people/{word}"},
            {"kind": "error", "route": word, "error_type": f"Error{word}", "message": word},
            {"kind": "vital", "route": "/people", "name": "LCP", "value": chance.random() * 9000},
        ]
        report = json.dumps({"device": chance.choice(["desktop", "mobile"]), "events": events})
        as_json = {"Content-Type": "application/json"}
        assert send(stack, "POST", "/api/v1/telemetry/web", headers=as_json, body=report) == 204


def send(stack: Stack, method: str, path: str, *, headers: dict[str, str], body: str | None = None) -> int:
    """One request on a connection of its own; 0 when the edge hung up."""
    parts = urlsplit(stack.portal_url)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)) as connection:
        try:
            connection.request(method, path, body=body, headers=headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
