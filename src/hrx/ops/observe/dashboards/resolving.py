"""From a panel's references to what is asked and drawn: PromQL with its window, thresholds of the rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.observe.rules.expressions import value_of
from hrx.ops.runbook.watch.content import Watch
from hrx.ops.runbook.watch.dashboards import Line, LineOf, Panel, Query
from hrx.ops.runbook.watch.durations import to_promql
from hrx.ops.runbook.watch.rules import AlertRule, AlertSeverity, Comparison, get_rule

WINDOW: Final = "{window}"
#: Upper bound of a histogram that a rule counts up to, as its selector says it: `le=~"2(\\.0)?"`, `le="0.5"`.
_BOUND: Final = re.compile(r'le=~?"(\d+(?:\.\d+)?)')
_LABEL: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A line across a panel: where, what it means, and on which side of it things are wrong."""

    value: float
    says: Text
    rule: str | None
    severity: AlertSeverity
    comparison: Comparison

    def is_crossed_by(self, value: float) -> bool:
        """Whether this value is on the wrong side."""
        if self.comparison is Comparison.ABOVE:
            return value > self.value
        if self.comparison is Comparison.BELOW:
            return value < self.value
        return value == self.value


def expression_of_query(query: Query, watch: Watch, *, window: str) -> str:
    """The PromQL of a query; `window` is a duration or a variable of Grafana. A rule keeps its own window."""
    if query.rule is not None:
        return value_of(get_rule(watch.rules, query.rule))
    # Not `format`: PromQL has braces of its own.
    return (query.expr or "").replace(WINDOW, window)


def list_expressions(panel: Panel, watch: Watch, *, window_s: float) -> tuple[str, ...]:
    """What the panel asks, in the order of its queries."""
    window = to_promql(window_s)
    return tuple(expression_of_query(query, watch, window=window) for query in panel.queries)


def list_thresholds(panel: Panel, watch: Watch) -> tuple[Threshold, ...]:
    """The lines across a panel, from the rules and SLOs they refer to."""
    return tuple(_threshold_of(line, watch) for line in panel.lines)


def list_alerts(panel: Panel, watch: Watch) -> tuple[AlertRule, ...]:
    """The alerts that belong to the panel."""
    return tuple(get_rule(watch.rules, name) for name in panel.rules)


def sop_of(panel: Panel, watch: Watch) -> str | None:
    """The section that says what to do: the panel's own, else that of its first alert."""
    return panel.sop or next((rule.sop for rule in list_alerts(panel, watch)), None)


def name_line(legend: str, labels: Mapping[str, str]) -> str:
    """The name of a series: the legend with its labels filled in."""
    named = _LABEL.sub(lambda found: labels.get(found.group(1), ""), legend).strip()
    return named or ", ".join(f"{name}={value}" for name, value in sorted(labels.items())) or "–"


def worst_crossed(value: float | None, thresholds: Sequence[Threshold]) -> AlertSeverity | None:
    """The worst severity whose line the value has crossed; None for none."""
    crossed = {one.severity for one in thresholds if value is not None and one.is_crossed_by(value)}
    for severity in (AlertSeverity.CRITICAL, AlertSeverity.WARNING):
        if severity in crossed:
            return severity
    return None


def _threshold_of(line: Line, watch: Watch) -> Threshold:
    if line.slo is not None:
        slo = next(slo for slo in watch.slos if slo.id == line.slo)
        return Threshold(
            value=slo.budget,
            says=Text(ja=f"SLO: {slo.title.ja}", en=f"SLO: {slo.title.en}"),
            rule=None,
            severity=AlertSeverity.WARNING,
            comparison=Comparison.ABOVE,
        )
    rule = get_rule(watch.rules, line.rule or "")
    return Threshold(
        value=_bound_of(rule) if line.of is LineOf.BOUND else (rule.limit or 0.0),
        says=rule.title,
        rule=rule.name,
        severity=rule.severity,
        comparison=Comparison.ABOVE if line.of is LineOf.BOUND else rule.comparison,
    )


def _bound_of(rule: AlertRule) -> float:
    selector = (rule.ratio.good or rule.ratio.bad or "") if rule.ratio else ""
    found = _BOUND.search(selector)
    if found is None:
        raise ValueError(f"the rule {rule.name} counts up to no bound of a histogram")
    return float(found.group(1))
