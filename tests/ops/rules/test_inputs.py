"""What rules read: every input exists, under this name, with these labels; no rename goes unseen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hrx.kit.catalogue import CATALOGUE, find_metric
from hrx.ops.observe.rules.inputs import (
    FEEDERS,
    OF_PROMETHEUS,
    OF_TARGETS,
    Input,
    Matcher,
    Need,
    holds,
    inputs_of,
    same_query,
)
from hrx.ops.runbook.parts import load_parts
from hrx.ops.runbook.watch.content import Watch
from hrx.ops.runbook.watch.rules import AlertRule, get_rule
from hrx.ops.targets.machine.blueprint import SCRAPED
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R4.3-1")


def problems_of(one: Input) -> list[str]:
    """Why the catalogue knows nothing that this input could read; empty when it does."""
    if one.metric in OF_PROMETHEUS:
        return [str(matcher) for matcher in one.matchers if matcher.label not in OF_TARGETS]
    known = find_metric(one.metric)
    if known is None:
        return [f"{one.metric} is in no catalogue"]
    found = []
    labels = {label.name: label for label in known.labels}
    for matcher in one.matchers:
        if matcher.label in OF_TARGETS:
            continue
        if matcher.label == "le":
            texts = [f"{bound}" for bound in known.buckets]
            if not any(holds(matcher, text) for text in texts):
                found.append(f"{one.metric} has no bucket {matcher.value}")
        elif matcher.label not in labels:
            found.append(f"{one.metric} has no label {matcher.label}")
        elif (values := labels[matcher.label].values) and not any(holds(matcher, one) for one in values):
            found.append(f"{one.metric}: {matcher.label} is never {matcher.value}")
    if not one.parts:
        found.append(f"no part exports {one.selector}")
    return found


def inputs_by(watch: Watch) -> dict[str, tuple[Input, ...]]:
    return {rule.name: inputs_of(rule, watch.slos) for rule in watch.rules}


def test_everything_a_rule_reads_is_in_the_catalogue_with_its_labels(watch: Watch) -> None:
    found = {
        name: [why for one in inputs for why in problems_of(one)] for name, inputs in inputs_by(watch).items()
    }
    assert {name: why for name, why in found.items() if why} == {}


def test_every_rule_but_the_watchdog_reads_something(watch: Watch) -> None:
    assert [name for name, inputs in inputs_by(watch).items() if not inputs] == ["Watchdog"]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ('max(pg_stat_activity_count{wait_event_type="Lock"})', "has no label wait_event_type"),
        ("max(pg_lock_waits)", "is in no catalogue"),
        ('sum(rate(hrx_auth_attempts_total{outcome="failed"}[1m]))', "outcome is never failed"),
        ('max(hrx_queue_oldest_age_seconds{part="ops"})', "no part exports"),
        ('sum(rate(http_server_request_duration_seconds_bucket{le="3.0"}[1m]))', "has no bucket 3.0"),
    ],
)
def test_a_wrong_name_label_or_value_is_noticed(watch: Watch, value: str, problem: str) -> None:
    rule = replace(get_rule(watch.rules, "QueueStuck"), value=value)
    assert problem in " ".join(why for one in inputs_of(rule, watch.slos) for why in problems_of(one))


def test_recordings_are_followed_to_what_they_are_made_from(watch: Watch) -> None:
    read = {one.metric for one in inputs_of(get_rule(watch.rules, "PortalAvailabilityBurnSlow"), watch.slos)}
    assert read == {"haproxy_backend_http_responses_total"}
    bounds = inputs_of(get_rule(watch.rules, "ApiLatencyBurnFast"), watch.slos)
    assert any(matcher.label == "le" for one in bounds for matcher in one.must)


def test_that_nothing_has_failed_yet_is_no_blindness_but_a_lost_label_is(watch: Watch) -> None:
    errors = by_selector(get_rule(watch.rules, "ApiErrorRateHigh"), watch)[
        'http_server_request_duration_seconds_count{http_response_status_code=~"5..",part=~"api-.+"}'
    ]
    assert errors.need is Need.EVENTS
    assert errors.sight == (
        'http_server_request_duration_seconds_count{part=~"api-.+",http_response_status_code!=""}'
    )
    # Which proxies there are is fixed, whatever has failed: one of another name is one we do not see.
    edge = by_selector(get_rule(watch.rules, "EdgeOutage"), watch)[
        'haproxy_frontend_http_responses_total{code="5xx",proxy="edge"}'
    ]
    assert edge.sight == 'haproxy_frontend_http_responses_total{proxy="edge",code!=""}'


def by_selector(rule: AlertRule, watch: Watch) -> dict[str, Input]:
    return {one.selector: one for one in inputs_of(rule, watch.slos)}


def test_a_rule_about_absence_needs_nothing_to_be_there(watch: Watch) -> None:
    (found,) = inputs_of(get_rule(watch.rules, "ApiTelemetryAbsent"), watch.slos)
    assert found.need is Need.ABSENCE


def test_both_slots_may_feed_a_rule_and_the_part_matcher_chooses(watch: Watch) -> None:
    api = by_selector(get_rule(watch.rules, "PoolExhausted"), watch)["db_client_connection_pending_requests"]
    assert api.parts == ("api-blue", "api-green", "worker")
    worker = inputs_of(get_rule(watch.rules, "WorkerTelemetryAbsent"), watch.slos)
    assert worker[0].parts == ("worker",)


def test_matchers_hold_as_prometheus_reads_them() -> None:
    assert holds(Matcher(label="part", op="=~", value="api-.+"), "api-blue")
    assert not holds(Matcher(label="part", op="=~", value="api"), "api-blue")
    assert not holds(Matcher(label="part", op="!~", value="api-.+"), "api-blue")
    assert holds(Matcher(label="part", op="!=", value="ops"), "api-blue")


def test_two_layouts_of_one_expression_are_the_same_query() -> None:
    assert same_query('sum( a{x="1"} )\n/ b', 'sum(a{x="1"}) / b')
    assert not same_query('sum(a{x="1"}) / b', 'sum(a{x="2"}) / b')


@pytest.mark.req("R4.3-2")
def test_what_prometheus_calls_a_part_is_what_everybody_calls_it() -> None:
    """Two names of one part would make two conditions of one fact (decision 0005)."""
    parts = {part.name for part in load_parts(ROOT / "runbook")}
    assert set(SCRAPED) <= parts
    assert {part for source in FEEDERS.values() for part in source} <= parts
    exporting = {part for metric in CATALOGUE for source in metric.sources for part in FEEDERS[source]}
    assert {part.replace("-green", "-blue") for part in exporting} <= set(SCRAPED)


@pytest.mark.req("R4.3-2")
def test_a_rule_names_parts_and_groups_that_there_are(watch: Watch) -> None:
    parts = load_parts(ROOT / "runbook")
    names = {part.name for part in parts} | {part.service for part in parts}
    for rule in watch.rules:
        assert rule.part is None or "{{" in rule.part or rule.part in names, rule.name
