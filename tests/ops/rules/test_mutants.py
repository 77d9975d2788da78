"""The tests of the rules are themselves tested: every rule made wrong on purpose must be noticed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hrx.kit.errors import Refused
from hrx.ops.observe.rules.mutating import judge_mutants, mutants_of
from hrx.ops.observe.rules.promtool import Promtool
from hrx.ops.runbook.watch.content import Watch
from hrx.ops.runbook.watch.rules import get_rule

pytestmark = pytest.mark.req("R4.3-1")
#: One of each form; `hrx rules mutate` takes them all.
FAST = (
    "ApiOutage",
    "ApiErrorRateHigh",
    "AuthFailureSpike",
    "DiskSpaceLow",
    "PartDown",
    "ApiAvailabilityBurnFast",
)


def test_every_mutant_of_one_rule_of_each_form_is_killed(watch: Watch, promtool: Promtool) -> None:
    rules = [get_rule(watch.rules, name) for name in FAST]
    outcomes = judge_mutants(rules, watch.slos, promtool=promtool)
    assert len(outcomes) > 40
    assert [(one.mutant.of.name, one.mutant.change) for one in outcomes if not one.killed] == []


def test_the_mistakes_that_people_make_are_among_the_mutants(watch: Watch) -> None:
    changes = {one.change for one in mutants_of(get_rule(watch.rules, "ApiErrorRateHigh"))}
    assert {"limit × 2", "limit × 0.5", "comparison flipped", "for × 2", "severity changed"} <= changes
    assert {"guard dropped", "window × 2", '"5.." → "4.."'} <= changes


def test_a_rule_that_fails_its_own_tests_is_no_ground_for_a_score(watch: Watch, promtool: Promtool) -> None:
    rule = get_rule(watch.rules, "PartDown")
    broken = replace(rule, examples=(replace(rule.examples[0], fires_after_s=60), *rule.examples[1:]))
    with pytest.raises(Refused, match="fails its tests before it is mutated"):
        judge_mutants([broken], watch.slos, promtool=promtool)
