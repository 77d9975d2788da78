"""promtool's unit tests from cases: when each alert fires, with every label, and when it does not.

What is asked is the series ALERTS, which carries all labels of a firing alert; its texts are not repeated."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hrx.ops.observe.rules.cases import Case, cases_of
from hrx.ops.observe.rules.rule_files import HEAD, to_yaml
from hrx.ops.runbook.watch.durations import to_promql
from hrx.ops.runbook.watch.rules import AlertRule


def render_test_files(rules: Sequence[AlertRule]) -> dict[str, str]:
    """File name → content of everything under monitoring/tests/."""
    kinds = dict.fromkeys((rule.domain, rule.every_s) for rule in rules)
    return {
        f"{domain}-{every_s}s.yml": HEAD
        + to_yaml(
            promtool_document(
                [rule for rule in rules if (rule.domain, rule.every_s) == (domain, every_s)],
                rule_file=f"../rules/{domain}.yml",
            )
        )
        for domain, every_s in kinds
    }


# `Any`: documents of promtool.
def promtool_document(rules: Sequence[AlertRule], *, rule_file: str) -> dict[str, Any]:
    """One test document for rules that share an interval: promtool knows only one for all."""
    return {
        "rule_files": [rule_file],
        "evaluation_interval": to_promql(rules[0].every_s),
        "tests": [_test_of(rule, case) for rule in rules for case in cases_of(rule)],
    }


def simulation_of(rule: AlertRule, case: Case, *, rule_file: str) -> dict[str, Any]:
    """A document whose failures tell every moment at which the alert fires in this case."""
    start = (case.onset_s or 0) // rule.every_s * rule.every_s
    return {
        "rule_files": [rule_file],
        "evaluation_interval": to_promql(rule.every_s),
        "tests": [
            {
                "name": f"{rule.name}: {case.name}",
                "interval": to_promql(case.every_s),
                "input_series": _inputs(case),
                "alert_rule_test": [
                    {"eval_time": to_promql(at), "alertname": rule.name}
                    for at in range(start, case.length_s, rule.every_s)
                ],
            }
        ],
    }


def expected_labels(rule: AlertRule, makes: Mapping[str, str]) -> dict[str, str]:
    """The labels of the firing alert: those of its series, those of the rule over them, templates filled."""
    filled = {name: _fill(value, makes) for name, value in rule.labels.items()}
    return {**makes, **filled}


def _fill(template: str, makes: Mapping[str, str]) -> str:
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: makes.get(found.group(1), ""), template)


def _test_of(rule: AlertRule, case: Case) -> dict[str, Any]:
    labels = {"alertname": rule.name, "alertstate": "firing", **expected_labels(rule, case.makes)}
    return {
        "name": f"{rule.name}: {case.name}",
        "interval": to_promql(case.every_s),
        "input_series": _inputs(case),
        "promql_expr_test": [
            {
                "expr": f'ALERTS{{alertname="{rule.name}",alertstate="firing"}}',
                "eval_time": to_promql(one.at_s),
                **({"exp_samples": [{"labels": _series("ALERTS", labels), "value": 1}]} if one.fires else {}),
            }
            for one in case.expectations
        ],
    }


def _inputs(case: Case) -> list[dict[str, str]]:
    return [{"series": series, "values": values} for series, values in case.series]


def _series(name: str, labels: Mapping[str, str]) -> str:
    said = ", ".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{name}{{{said}}}"
