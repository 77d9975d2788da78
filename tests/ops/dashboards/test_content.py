"""The dashboards as content: every figure exists, every line is a rule's, both languages, something to do."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from hrx.kit.catalogue import find_metric
from hrx.ops.observe.dashboards.resolving import list_expressions, list_thresholds, name_line, sop_of
from hrx.ops.observe.rules.expressions import expression_of, recordings_of
from hrx.ops.observe.rules.inputs import list_metrics
from hrx.ops.runbook.reading import ContentWrong
from hrx.ops.runbook.watch.content import Watch, load_watch
from hrx.ops.runbook.watch.dashboards import get_dashboard, get_panel
from hrx.ops.runbook.watch.rules import AlertSeverity, get_rule
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R4.2-1")
#: Made by Prometheus itself for every target and every rule.
OF_PROMETHEUS = {"up", "scrape_duration_seconds", "ALERTS"}


def test_every_figure_of_every_panel_exists(watch: Watch) -> None:
    recorded = {name for every_s in (15, 60) for name, _, _ in recordings_of(watch.slos, every_s=every_s)}
    asked = 0
    for dashboard in watch.dashboards:
        for panel in dashboard.panels:
            for expression in list_expressions(panel, watch, window_s=60):
                names = list_metrics(expression)
                assert names, f"{dashboard.id}/{panel.id} reads nothing"
                for name in names:
                    asked += 1
                    known = find_metric(name) is not None or name in OF_PROMETHEUS | recorded
                    assert known, f"{dashboard.id}/{panel.id} reads {name}, which nobody exports"
    assert asked > 100


def test_the_list_of_dashboards_covers_every_part(watch: Watch) -> None:
    ids = [dashboard.id for dashboard in watch.dashboards]
    assert ids == [
        "golden-signals",
        "portal",
        "api-routes",
        "worker",
        "database",
        "cache",
        "edge",
        "models",
        "security",
        "operations",
        "machine",
    ]


def test_every_panel_says_what_it_tells_and_what_to_do_in_both_languages(watch: Watch) -> None:
    sops = {path.name.removesuffix(".yaml") for path in (ROOT / "runbook" / "sops").glob("*.yaml")}
    for dashboard in watch.dashboards:
        for panel in dashboard.panels:
            for text in (dashboard.title, dashboard.says, panel.says):
                assert re.search(r"[ぁ-んァ-ン一-龥]", text.ja), panel.id
                assert not re.search(r"[ぁ-んァ-ン一-龥]", text.en), panel.id
            assert panel.title.ja
            assert len(panel.says.en) > 15
            sop = sop_of(panel, watch)
            assert sop, f"{dashboard.id}/{panel.id} says neither alert nor SOP"
            if sop.startswith("5.2."):
                assert sop in sops


def test_no_threshold_is_typed_into_a_dashboard() -> None:
    for path in (ROOT / "runbook" / "watch" / "dashboards").glob("*.yaml"):
        for panel in yaml.safe_load(path.read_text())["panels"]:
            for line in panel.get("lines", []):
                assert set(line) <= {"rule", "slo", "of"}, f"{path.name}: {line}"


def test_a_line_is_the_very_threshold_of_its_rule(watch: Watch, tmp_path: Path) -> None:
    panel = get_panel(get_dashboard(watch.dashboards, "golden-signals"), "errors")
    lines = list_thresholds(panel, watch)
    assert [line.value for line in lines] == [0.05, 0.5]
    for line in lines:
        assert line.rule is not None
        assert f"> {line.value:g}" in expression_of(get_rule(watch.rules, line.rule))
    # The plotted value is the rule's own, to the character.
    (asked,) = list_expressions(panel, watch, window_s=3600)
    assert expression_of(get_rule(watch.rules, "ApiErrorRateHigh")).startswith(asked)

    changed = tmp_path / "runbook"
    shutil.copytree(ROOT / "runbook", changed)
    rules = changed / "watch" / "alerts" / "api.yaml"
    rules.write_text(rules.read_text().replace("above: 0.05", "above: 0.07"))
    moved = load_watch(changed)
    panel = get_panel(get_dashboard(moved.dashboards, "golden-signals"), "errors")
    assert list_thresholds(panel, moved)[0].value == 0.07


def test_the_line_across_p95_is_the_bound_that_the_rule_counts_up_to(watch: Watch) -> None:
    latency = get_panel(get_dashboard(watch.dashboards, "golden-signals"), "latency")
    (line,) = list_thresholds(latency, watch)
    assert line.value == 2.0
    assert line.is_crossed_by(2.4)
    assert not line.is_crossed_by(1.9)
    assert line.severity is AlertSeverity.WARNING


def test_an_slo_is_drawn_as_the_share_of_errors_it_allows(watch: Watch) -> None:
    budget = get_panel(get_dashboard(watch.dashboards, "golden-signals"), "budget")
    assert [line.value for line in list_thresholds(budget, watch)] == [0.001]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("rule: QueueStuck, legend", "rule: QueueStcuk, legend", "unknown rule QueueStcuk"),
        ("- {rule: QueueStuck}", "- {above: 300}", "taken from where they are set"),
        ("kind: bar", "kind: pie", "must be one of"),
        ("- {rule: QueueStuck}", "- {slo: nothing}", "unknown SLO nothing"),
    ],
)
def test_a_wrong_dashboard_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    changed = tmp_path / "runbook"
    shutil.copytree(ROOT / "runbook", changed)
    path = changed / "watch" / "dashboards" / "worker.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ContentWrong, match=complaint):
        load_watch(changed)


def test_a_series_is_named_by_its_legend(watch: Watch) -> None:
    assert name_line("{{part}} {{code}}", {"part": "api-blue", "code": "200"}) == "api-blue 200"
    assert name_line("{{gone}}", {"part": "x"}) == "part=x"
    assert name_line("p95", {}) == "p95"


def test_names_are_read_from_the_syntax_and_not_from_the_text() -> None:
    assert list_metrics('sum(rate(a_total{b="c_total"}[5m])) / (max(d) > 0)') == ("a_total", "d")
    assert list_metrics("1 - max_over_time(e[1h:5m])") == ("e",)
    with pytest.raises(ValueError, match=r"."):
        list_metrics("sum(")
