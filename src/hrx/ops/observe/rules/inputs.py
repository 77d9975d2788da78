"""What a rule reads: every metric with its matchers, from the syntax tree, recordings followed through.

An input says what must be there for the rule to see. A share of errors must find what it counts errors of;
that nothing has failed yet is no blindness, but a label that is gone is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, Literal

import promql_parser
from promql_parser import Call, Expr, VectorSelector

from hrx.kit.catalogue import find_metric
from hrx.kit.figures import Metric, MetricType, Source
from hrx.ops.observe.rules.expressions import RECORDED_EVERY_S, expression_of, recordings_of
from hrx.ops.runbook.watch.rules import AlertRule
from hrx.ops.runbook.watch.slos import Slo

Operator = Literal["=", "!=", "=~", "!~"]
#: Which parts export what belongs to a source; both slots, for either of them may be live.
FEEDERS: Final[Mapping[Source, tuple[str, ...]]] = {
    Source.API: ("api-blue", "api-green"),
    Source.WORKER: ("worker",),
    Source.WEB: ("web-blue", "web-green"),
    Source.OPS: ("ops",),
    Source.PROBE: ("probe",),
    Source.POSTGRES: ("postgres-exporter",),
    Source.REDIS: ("redis-exporter",),
    Source.EDGE: ("haproxy",),
    Source.BACKUP: ("backup",),
    Source.SCORING: ("scoring",),
}
#: What Prometheus itself makes for each target.
OF_PROMETHEUS: Final = frozenset({"up"})
#: Labels that Prometheus adds to everything it scrapes.
OF_TARGETS: Final = frozenset({"part", "job", "instance"})
#: A bucket's bound: a label of the format.
_BOUND: Final = "le"
_OPERATORS: Final[Mapping[str, Operator]] = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
_RECORDED: Final = "hrx:"


class Need(StrEnum):
    """What an input must give for the rule to see."""

    #: Series now.
    SERIES = "series"
    #: Series as soon as there is something to count; until then somebody must announce the metric.
    EVENTS = "events"
    #: Its absence is what the rule tells.
    ABSENCE = "absence"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Matcher:
    """One condition on a label."""

    label: str
    op: Operator
    value: str

    def __str__(self) -> str:
        return f'{self.label}{self.op}"{_escape(self.value)}"'

    @property
    def may_be_missing(self) -> bool:
        """Whether it also holds of a series without the label, or speaks of one that has it at times."""
        return self.value == "" or self.op in ("!=", "!~")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Input:
    """One thing a rule reads. `must` are the matchers that a series has to fulfil for the rule to see, and
    `labels` those labels that it has to carry; `parts` can export it, in the order of preference."""

    metric: str
    matchers: tuple[Matcher, ...]
    need: Need
    must: tuple[Matcher, ...] = ()
    labels: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    @property
    def selector(self) -> str:
        """As the rule reads it."""
        return _select(self.metric, map(str, self.matchers))

    @property
    def sight(self) -> str:
        """The selector that must give series."""
        carried = (f'{label}!=""' for label in self.labels)
        return _select(self.metric, (*map(str, self.must), *carried))


def inputs_of(rule: AlertRule, slos: Sequence[Slo]) -> tuple[Input, ...]:
    """Everything that the rule reads, each once, by name. An expression without selectors gives nothing."""
    recorded = _recorded(tuple(slos))
    bad = {one.bad for one in slos if rule.burn is not None and one.id == rule.burn.slo}
    bad |= {rule.ratio.bad} if rule.ratio is not None else set()
    errors = {selector for text in bad if text for selector, _ in _read(text)}
    found: dict[tuple[str, tuple[Matcher, ...]], Input] = {}
    for (metric, matchers), is_absence in _follow(expression_of(rule), recorded):
        one = _make(
            metric,
            matchers,
            is_absence=is_absence,
            is_error=(metric, matchers) in errors,
            may_be_empty=rule.empty_when is not None,
        )
        found.setdefault((metric, matchers), one)
    return tuple(sorted(found.values()))


def list_metrics(expression: str) -> tuple[str, ...]:
    """The metrics that an expression selects, once each. Raises ValueError when it is no PromQL."""
    return tuple(dict.fromkeys(metric for (metric, _), _ in _read(expression)))


def same_query(one: str, other: str) -> bool:
    """Whether two expressions mean the same to Prometheus, however they are laid out."""
    return _normal(one) == _normal(other)


Selector = tuple[str, tuple[Matcher, ...]]


def _make(
    metric: str, matchers: tuple[Matcher, ...], *, is_absence: bool, is_error: bool, may_be_empty: bool
) -> Input:
    known = find_metric(metric)
    parts = _feeders(known, matchers)
    if is_absence:
        return Input(metric=metric, matchers=matchers, need=Need.ABSENCE, must=matchers, parts=parts)
    may_wait = may_be_empty or (known is not None and known.type is not MetricType.GAUGE)
    loose = {one.label for one in matchers if _is_loose(one, known, is_error=is_error)}
    return Input(
        metric=metric,
        matchers=matchers,
        need=Need.EVENTS if may_wait else Need.SERIES,
        must=tuple(one for one in matchers if one.label not in loose),
        labels=tuple(
            sorted({one.label for one in matchers if one.label in loose and not one.may_be_missing})
        ),
        parts=parts,
    )


def _is_loose(one: Matcher, known: Metric | None, *, is_error: bool) -> bool:
    """Whether no series need fulfil it yet: it picks out events that may not have happened."""
    if one.label in OF_TARGETS or one.label == _BOUND:
        return False
    if one.may_be_missing:
        return True
    if known is None or known.type is MetricType.GAUGE:
        return False
    values = next((label.values for label in known.labels if label.name == one.label), ())
    # Which proxies and queues there are is fixed; which outcomes have happened is not.
    is_fixed = not values and one.op == "="
    return not is_fixed if is_error else bool(values)


def _feeders(known: Metric | None, matchers: tuple[Matcher, ...]) -> tuple[str, ...]:
    if known is None:
        return ()
    everybody = [part for source in known.sources for part in FEEDERS[source]]
    return tuple(
        part for part in everybody if all(holds(one, part) for one in matchers if one.label == "part")
    )


def holds(matcher: Matcher, value: str) -> bool:
    """Whether a label of this value fulfils the matcher; expressions are anchored as Prometheus does it."""
    if matcher.op in ("=", "!="):
        return (matcher.value == value) is (matcher.op == "=")
    return (_compiled(matcher.value).fullmatch(value) is not None) is (matcher.op == "=~")


@lru_cache(maxsize=256)
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


def _follow(expression: str, recorded: Mapping[Selector, str]) -> Iterator[tuple[Selector, bool]]:
    for (metric, matchers), is_absence in _read(expression):
        if not metric.startswith(_RECORDED):
            yield (metric, matchers), is_absence
            continue
        for (name, labels), behind in recorded.items():
            if name == metric and all(_agrees(one, labels) for one in matchers):
                yield from _follow(behind, recorded)


def _agrees(one: Matcher, labels: tuple[Matcher, ...]) -> bool:
    return any(label.label == one.label and holds(one, label.value) for label in labels)


@lru_cache(maxsize=8)
def _recorded(slos: tuple[Slo, ...]) -> dict[Selector, str]:
    """Recorded series → the expression behind it."""
    return {
        (name, tuple(Matcher(label=label, op="=", value=value) for label, value in labels.items())): behind
        for every_s in RECORDED_EVERY_S
        for name, behind, labels in recordings_of(slos, every_s=every_s)
    }


@lru_cache(maxsize=512)
def _read(expression: str) -> tuple[tuple[Selector, bool], ...]:
    """Every selector of an expression, and whether it stands inside `absent(…)`."""
    found: list[tuple[Selector, bool]] = []
    depth = 0

    def enter(node: Expr) -> None:
        nonlocal depth
        if isinstance(node, Call) and node.func.name in ("absent", "absent_over_time"):
            depth += 1
        if isinstance(node, VectorSelector):
            found.append((_selector(node), depth > 0))

    def leave(node: Expr) -> None:
        nonlocal depth
        if isinstance(node, Call) and node.func.name in ("absent", "absent_over_time"):
            depth -= 1

    promql_parser.walk(promql_parser.parse(expression), enter, leave)
    return tuple(found)


def _selector(node: VectorSelector) -> Selector:
    matchers = [
        Matcher(label=one.name, op=_OPERATORS[str(one.op).rpartition(".")[2]], value=one.value)
        for one in node.matchers.matchers
    ]
    named = [one.value for one in matchers if one.label == "__name__"]
    return node.name or named[0], tuple(sorted(one for one in matchers if one.label != "__name__"))


@lru_cache(maxsize=512)
def _normal(expression: str) -> str:
    return promql_parser.parse(expression).prettify()


def _select(metric: str, conditions: Iterator[str] | Sequence[str] | map[str]) -> str:
    inside = ",".join(conditions)
    return f"{metric}{{{inside}}}" if inside else metric


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
