"""The alert rules: what the founding document asks, when each fires, and that nothing generated is stale."""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hrx.ops.observe.rules.expressions import expression_of
from hrx.ops.observe.rules.figures import list_outdated, read_simulated
from hrx.ops.observe.rules.promtool import Promtool
from hrx.ops.observe.rules.promtool_tests import promtool_document
from hrx.ops.observe.rules.writing import render_monitoring
from hrx.ops.runbook.reading import ContentWrong
from hrx.ops.runbook.watch.content import Watch, load_watch
from hrx.ops.runbook.watch.rules import AlertRule, AlertSeverity, get_rule
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R4.3-1")
MONITORING = ROOT / "monitoring"


@pytest.mark.parametrize(
    ("line", "name", "limit", "seconds", "severity", "place", "pages"),
    [
        (1, "ApiErrorRateHigh", "> 0.05", 300, "critical", "#hrx-alerts-critical", True),
        (2, "ApiLatencyHigh", "> 0.05", 300, "warning", "#hrx-alerts-warning", False),
        (3, "DatabaseCpuHigh", "> 0.8", 600, "warning", "#hrx-alerts-warning", False),
        (4, "AuthFailureSpike", "> 10", 60, "critical", "#hrx-security-alerts", True),
        (5, "InferenceErrorRateHigh", "> 0.1", 300, "warning", "#hrx-alerts-warning", False),
        (6, "DiskSpaceLow", "< 0.1", 30, "critical", "#hrx-alerts-critical", True),
        (7, "CertificateExpiring", "< 7", 10, "warning", "#hrx-alerts-warning", False),
    ],
)
def test_the_seven_alerts_are_as_the_founding_document_gives_them(
    watch: Watch, line: int, name: str, limit: str, seconds: int, severity: str, place: str, pages: bool
) -> None:
    rule = get_rule(watch.rules, name)
    assert rule.seed == line
    assert limit in expression_of(rule)
    # The duration is counted once: by `for`, or by the window where there is no `for`.
    assert (rule.for_s or rule.window_s) == seconds
    assert (rule.severity, rule.place, rule.pagerduty) == (severity, place, pages)


def test_every_share_is_guarded_and_nobody_typed_the_guard(watch: Watch) -> None:
    shares = [rule for rule in watch.rules if rule.ratio is not None or rule.burn is not None]
    assert len(shares) > 10
    for rule in shares:
        assert re.search(r"\nand .+ >= \d+$", expression_of(rule)), rule.name
        assert "> 0)" in expression_of(rule), f"{rule.name} divides by zero in a quiet night"
    for path in (ROOT / "runbook" / "watch" / "alerts").glob("*.yaml"):
        assert ">=" not in path.read_text(), path.name


def test_every_rule_names_its_sop_its_condition_and_speaks_both_languages(watch: Watch) -> None:
    for rule in watch.rules:
        assert re.fullmatch(r"\d\.\d(\.\d)?", rule.sop)
        for text in (rule.title, rule.why, rule.summary):
            assert re.search(r"[ぁ-んァ-ン一-龥]", text.ja), rule.name
            assert not re.search(r"[ぁ-んァ-ン一-龥]", text.en), rule.name
        if rule.severity is not AlertSeverity.NONE:
            assert rule.pagerduty or rule.severity is AlertSeverity.WARNING
            assert rule.sev


def test_what_is_written_is_what_the_content_says(watch: Watch) -> None:
    made = render_monitoring(watch)
    for name, text in made.items():
        assert (MONITORING / name).read_text() == text, f"{name}: run `hrx rules write`"
    written = {
        f"{folder}/{path.name}" for folder in ("rules", "tests") for path in (MONITORING / folder).iterdir()
    }
    assert written <= set(made)


def test_every_rule_keeps_its_promise_in_simulation(watch: Watch) -> None:
    known = read_simulated(MONITORING)
    assert not list_outdated(watch.rules, watch.slos, known=known), "run `hrx rules simulate`"
    late = [rule.name for rule in watch.rules if known[rule.name].total_s > rule.budget_s]
    assert not late


def test_a_promise_that_is_not_kept_is_noticed(watch: Watch) -> None:
    known = read_simulated(MONITORING)
    # A `for` of five minutes behind a window of five more: the error that 4.3 invites.
    assert known["ApiErrorRateHigh"].fires_s == 355
    assert known["ApiErrorRateHigh"].total_s < 370 < 555


def test_promtool_accepts_every_rule_and_its_own_cases(watch: Watch, promtool: Promtool) -> None:
    files = sorted(str(path) for path in (MONITORING / "rules").glob("*.yml"))
    verdict = promtool.run("check", "rules", *files, cwd=MONITORING)
    assert verdict.passed, verdict.said

    def judge(rule: AlertRule) -> str:
        tests = promtool_document([rule], rule_file="rules.yml")
        found = promtool.test([rule], slos=watch.slos, tests=tests)
        return "" if found.passed else found.said

    with ThreadPoolExecutor(max_workers=2) as workers:
        failed = {
            rule.name: said for rule, said in zip(watch.rules, workers.map(judge, watch.rules), strict=True)
        }
    assert {name: said for name, said in failed.items() if said} == {}


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("alerts/api.yaml", "name: ApiErrorRateHigh", "name: ApiOutage", "name the rule ApiOutage twice"),
        ("alerts/api.yaml", "      at_least: 5\n", "", "at_least must be a number"),
        ("alerts/api.yaml", "window: 10s", "window: soon", "must be a duration"),
        ("alerts/api.yaml", "above: 0.5\n", "above: 0.5\n    below: 0.1\n", "needs one number"),
        ("alerts/api.yaml", '"#hrx-alerts-critical"', '"#nowhere"', "which routes.yaml does not have"),
        (
            "alerts/cache.yaml",
            "value: 'max(redis_up)'",
            "valeu: 'max(redis_up)'",
            "either `ratio` or `value`",
        ),
        ("alerts/cache.yaml", "condition: part-down:redis", "condition: Redis is down", "must be `noun`"),
        ("alerts/cache.yaml", "severity: warning", "severity: bad", "must be one of critical"),
        ("slos.yaml", "objective: 0.95", "objective: 95", "a share between 0 and 1"),
        ("slos.yaml", "id: api-latency", "id: api-availability", "names an SLO twice"),
        ("routes.yaml", "group_interval: 5s", "group_interval: 5", "must be a duration"),
        ("dashboards/golden-signals.yaml", "unit: ratio", "unit: percent", "must be one of"),
    ],
)
def test_wrong_content_is_named_with_its_place(
    tmp_path: Path, name: str, old: str, new: str, said: str
) -> None:
    shutil.copytree(ROOT / "runbook" / "watch", tmp_path / "watch")
    path = tmp_path / "watch" / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ContentWrong) as refused:
        load_watch(tmp_path)
    assert said in refused.value.message.en
