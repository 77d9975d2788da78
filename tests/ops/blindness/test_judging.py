"""When a rule is blind, and when it only waits: every reason, from what Prometheus said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hrx.ops.observe.blindness.judging import Looked, RuleState, Sight, Why, judge_sight
from hrx.ops.observe.rules.expressions import expression_of
from hrx.ops.observe.rules.inputs import Input, Need, inputs_of
from hrx.ops.runbook.watch.content import Watch, load_watch
from hrx.ops.runbook.watch.rules import get_rule
from hrx.ops.seams.metrics import LoadedRule
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R4.3-1")
NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
WATCH = load_watch(ROOT / "runbook")


def loaded(watch: Watch) -> dict[str, LoadedRule]:
    return {
        rule.name: LoadedRule(
            name=rule.name,
            query=expression_of(rule).replace("\n", "  "),
            state="inactive",
            health="ok",
            error="",
            evaluated_at=NOW - timedelta(seconds=1),
            every_s=2.0,
        )
        for rule in watch.rules
    }


def inputs(name: str) -> tuple[Input, ...]:
    return inputs_of(get_rule(WATCH.rules, name), WATCH.slos)


def all_well(name: str) -> Looked:
    """Every part answers and gives everything that the rule reads."""
    parts = {part for one in inputs(name) for part in one.parts if not part.endswith("-green")}
    return Looked(
        at=NOW,
        answered=True,
        loaded=loaded(WATCH),
        up=dict.fromkeys(parts, True),
        age_s=dict.fromkeys(parts, 1.0),
        series={one: frozenset({one.parts[0]}) for one in inputs(name) if one.parts},
    )


def judge(name: str, looked: Looked) -> Sight:
    return judge_sight(get_rule(WATCH.rules, name), inputs(name), looked)


def why(found: Sight) -> list[str]:
    return [reason.key for reason in found.reasons]


def without(looked: Looked, *gone: Input) -> Looked:
    return replace(looked, series={one: by for one, by in looked.series.items() if one not in gone})


FED = [rule for rule in WATCH.rules if rule.fed_by is None and inputs(rule.name)]


@pytest.mark.parametrize("rule", [rule.name for rule in FED])
def test_a_rule_whose_inputs_are_all_there_sees(rule: str) -> None:
    looked = all_well(rule)
    if rule == "PartDown":
        looked = replace(looked, series={one: frozenset({"ops"}) for one in inputs(rule)})
    found = judge(rule, looked)
    assert (found.state, found.reasons, found.is_blind) == (RuleState.OK, (), False)


@pytest.mark.parametrize(
    "rule",
    [rule.name for rule in FED if any(one.need is not Need.ABSENCE for one in inputs(rule.name))],
)
def test_every_rule_goes_blind_when_nobody_gives_one_of_its_inputs(rule: str) -> None:
    for lost in inputs(rule):
        found = judge(rule, without(all_well(rule), lost))
        assert found.state is RuleState.BLIND, lost.selector
        assert [reason.why for reason in found.reasons] == [Why.MISSING], lost.selector
        assert why(found) == [f"rules-blind:{lost.metric}"]


def test_a_silent_prometheus_blinds_all_with_one_cause() -> None:
    looked = Looked(at=NOW, answered=False)
    assert {tuple(why(judge(rule.name, looked))) for rule in WATCH.rules} == {
        ("rules-blind:prometheus-silent",)
    }


def test_a_part_that_is_down_is_named_and_not_each_of_its_metrics() -> None:
    looked = replace(all_well("ConnectionsNearLimit"), series={}, up={"postgres-exporter": False})
    found = judge("ConnectionsNearLimit", looked)
    assert found.state is RuleState.BLIND
    assert why(found) == ["rules-blind:postgres-exporter"]
    assert found.reasons[0].part == "postgres-exporter"


def test_a_part_that_prometheus_does_not_ask_is_told_so() -> None:
    found = judge("DatabaseDown", replace(all_well("DatabaseDown"), series={}, up={"ops": True}))
    assert [reason.why for reason in found.reasons] == [Why.NOT_ASKED]


def test_the_other_slot_is_as_good() -> None:
    looked = all_well("ApiOutage")
    green = replace(
        looked,
        up={"api-blue": False, "api-green": True},
        series=dict.fromkeys(looked.series, frozenset({"api-green"})),
    )
    assert judge("ApiOutage", green).state is RuleState.OK


def test_nothing_counted_yet_is_no_blindness_while_somebody_announces_it() -> None:
    looked = replace(
        all_well("AuthFailureSpike"), series={}, announced={"hrx_auth_attempts": frozenset({"api-blue"})}
    )
    assert judge("AuthFailureSpike", looked).state is RuleState.OK
    # A metric of that name from somebody else is not ours.
    elsewhere = replace(looked, announced={"hrx_auth_attempts": frozenset({"ops"})})
    assert judge("AuthFailureSpike", elsewhere).state is RuleState.BLIND


def test_a_metric_that_lost_its_label_is_not_taken_for_one_without_events() -> None:
    looked = replace(
        all_well("AuthFailureSpike"),
        series={},
        bare={"hrx_auth_attempts_total": frozenset({"api-blue"})},
        announced={"hrx_auth_attempts": frozenset({"api-blue"})},
    )
    found = judge("AuthFailureSpike", looked)
    assert [reason.why for reason in found.reasons] == [Why.RELABELLED]


def test_a_gauge_that_is_announced_without_a_value_blinds() -> None:
    looked = replace(
        all_well("DatabaseCpuHigh"), series={}, announced={"hrx_db_cpu_utilization_ratio": frozenset({"ops"})}
    )
    assert judge("DatabaseCpuHigh", looked).state is RuleState.BLIND


def test_a_gauge_that_may_be_empty_by_declaration_does_not() -> None:
    name = "hrx_probe_tls_not_after_timestamp_seconds"
    looked = replace(all_well("CertificateExpiring"), series={}, announced={name: frozenset({"probe"})})
    assert judge("CertificateExpiring", looked).state is RuleState.OK


def test_old_samples_are_told_as_stale() -> None:
    looked = replace(all_well("DatabaseDown"), age_s={"postgres-exporter": 45.0})
    assert [reason.why for reason in judge("DatabaseDown", looked).reasons] == [Why.STALE]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"health": "err", "error": "many-to-many"}, Why.FAILS),
        ({"evaluated_at": NOW - timedelta(seconds=40)}, Why.NOT_EVALUATED),
        ({"evaluated_at": datetime(1, 1, 1, tzinfo=UTC)}, Why.NOT_EVALUATED),
        ({"query": "vector(2)"}, Why.OTHER_VERSION),
        (None, Why.NOT_LOADED),
    ],
)
def test_a_rule_that_is_not_evaluated_as_declared_is_blind(
    change: dict[str, object] | None, reason: Why
) -> None:
    rules = loaded(WATCH)
    if change is None:
        del rules["PartDown"]
    else:
        rules["PartDown"] = replace(rules["PartDown"], **change)  # type: ignore[arg-type]
    found = judge("PartDown", replace(all_well("PartDown"), loaded=rules))
    assert [one.why for one in found.reasons] == [reason]
    assert found.is_blind


def test_a_prometheus_that_has_just_started_has_not_evaluated_everything_yet() -> None:
    rules = loaded(WATCH)
    rules["PartDown"] = replace(rules["PartDown"], evaluated_at=datetime(1, 1, 1, tzinfo=UTC))
    looked = replace(all_well("PartDown"), loaded=rules, started_at=NOW - timedelta(seconds=9))
    assert Why.NOT_EVALUATED not in {one.why for one in judge("PartDown", looked).reasons}


def test_what_is_not_built_yet_is_not_fed_and_not_blind() -> None:
    for rule in WATCH.rules:
        if rule.fed_by is not None:
            found = judge(rule.name, replace(all_well(rule.name), series={}))
            assert (found.state, found.is_blind) == (RuleState.NOT_FED, False), rule.name


def test_a_rule_goes_on_firing_and_says_that_it_cannot_see_any_more() -> None:
    rules = loaded(WATCH)
    rules["DatabaseDown"] = replace(rules["DatabaseDown"], state="firing")
    looked = replace(all_well("DatabaseDown"), loaded=rules, series={}, up={"postgres-exporter": False})
    found = judge("DatabaseDown", looked)
    assert (found.state, found.is_blind) == (RuleState.FIRING, True)


def test_the_watchdog_that_fires_is_well() -> None:
    rules = loaded(WATCH)
    rules["Watchdog"] = replace(rules["Watchdog"], state="firing")
    assert judge("Watchdog", replace(all_well("Watchdog"), loaded=rules)).state is RuleState.OK
