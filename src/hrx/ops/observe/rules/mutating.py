"""Mutants of the rules: what somebody might get wrong, made on purpose, to see that the tests notice.

A mutant that survives is a boundary that no case stands at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from hrx.kit.errors import Refused, Text
from hrx.ops.observe.rules.expressions import expression_of
from hrx.ops.observe.rules.promtool import Promtool, Verdict
from hrx.ops.observe.rules.promtool_tests import promtool_document
from hrx.ops.runbook.watch.rules import AlertRule, AlertSeverity, Comparison
from hrx.ops.runbook.watch.slos import Slo

_FLIPPED: Final = {Comparison.ABOVE: Comparison.BELOW, Comparison.BELOW: Comparison.ABOVE}
_OTHER_SEVERITY: Final = {
    AlertSeverity.CRITICAL: AlertSeverity.WARNING,
    AlertSeverity.WARNING: AlertSeverity.CRITICAL,
    AlertSeverity.NONE: AlertSeverity.WARNING,
}
#: One class of answers instead of another: the slip that turns errors into mistakes of the caller.
_OTHER_CLASS: Final = (('"5.."', '"4.."'), ('"5xx"', '"4xx"'), ('"failure"', '"success"'))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One rule with one thing wrong."""

    of: AlertRule
    change: str
    rule: AlertRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Whether the tests noticed a mutant."""

    mutant: Mutant
    killed: bool


def mutants_of(rule: AlertRule) -> tuple[Mutant, ...]:
    """Every mutant of a rule; those that say the same as the rule are left out."""
    made = (Mutant(of=rule, change=change, rule=wrong) for make in _OPERATORS for change, wrong in make(rule))
    return tuple(one for one in made if _says_otherwise(one))


def judge_mutants(
    rules: Sequence[AlertRule], slos: Sequence[Slo], *, promtool: Promtool, workers: int = 2
) -> list[Outcome]:
    """Run each mutant against the tests of its original.

    Raises Refused when an original does not pass its own tests: everything would then look killed."""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for rule, verdict in zip(
            rules, pool.map(lambda one: _test(one, one, slos, promtool), rules), strict=True
        ):
            _require_sound(rule, verdict)
        mutants = [mutant for rule in rules for mutant in mutants_of(rule)]
        verdicts = pool.map(lambda one: _test(one.rule, one.of, slos, promtool), mutants)
        return [
            Outcome(mutant=mutant, killed=not verdict.passed)
            for mutant, verdict in zip(mutants, verdicts, strict=True)
        ]


def _test(rule: AlertRule, tested_as: AlertRule, slos: Sequence[Slo], promtool: Promtool) -> Verdict:
    return promtool.test([rule], slos=slos, tests=promtool_document([tested_as], rule_file="rules.yml"))


def _require_sound(rule: AlertRule, verdict: Verdict) -> None:
    if not verdict.passed:
        raise Refused(
            Text(
                ja=f"変異させる前の {rule.name} が試験に通りません",
                en=f"{rule.name} fails its tests before it is mutated",
            ),
            hint=Text(ja="`hrx rules check` を実行してください。", en="Run `hrx rules check`."),
            code="rules.baseline_fails",
        )


def _says_otherwise(mutant: Mutant) -> bool:
    before, after = mutant.of, mutant.rule
    return (expression_of(before), before.for_s, before.labels) != (
        expression_of(after),
        after.for_s,
        after.labels,
    )


Made = Iterator[tuple[str, AlertRule]]


def _change_limit(rule: AlertRule) -> Made:
    if rule.limit is not None:
        for factor in (2.0, 0.5):
            # Nothing doubled is nothing still.
            moved = rule.limit * factor if rule.limit else factor
            yield f"limit × {factor:g}", replace(rule, limit=moved)


def _flip(rule: AlertRule) -> Made:
    if rule.comparison in _FLIPPED:
        yield "comparison flipped", replace(rule, comparison=_FLIPPED[rule.comparison])
    if rule.comparison is Comparison.EQUALS:
        yield "comparison flipped", replace(rule, comparison=Comparison.ABOVE)


def _change_for(rule: AlertRule) -> Made:
    if rule.for_s:
        yield "for × 2", replace(rule, for_s=rule.for_s * 2)
        yield "for dropped", replace(rule, for_s=0)


def _change_window(rule: AlertRule) -> Made:
    if rule.window_s:
        for factor in (2.0, 0.5):
            yield f"window × {factor:g}", replace(rule, window_s=int(rule.window_s * factor))
    if rule.burn is not None:
        for factor in (2.0, 0.5):
            long_s, short_s = (int(one * factor) for one in (rule.burn.long_s, rule.burn.short_s))
            yield f"long window × {factor:g}", replace(rule, burn=replace(rule.burn, long_s=long_s))
            yield f"short window × {factor:g}", replace(rule, burn=replace(rule.burn, short_s=short_s))


def _change_severity(rule: AlertRule) -> Made:
    yield "severity changed", replace(rule, severity=_OTHER_SEVERITY[rule.severity])
    if rule.sev is not None:
        yield "sev changed", replace(rule, sev=rule.sev % 4 + 1)


def _drop_guard(rule: AlertRule) -> Made:
    if rule.ratio is not None:
        yield "guard dropped", replace(rule, ratio=replace(rule.ratio, at_least=0))
        yield "guard × 2", replace(rule, ratio=replace(rule.ratio, at_least=rule.ratio.at_least * 2))
    if rule.burn is not None:
        yield "guard dropped", replace(rule, burn=replace(rule.burn, at_least=0))
        yield "guard × 2", replace(rule, burn=replace(rule.burn, at_least=rule.burn.at_least * 2))


def _change_class(rule: AlertRule) -> Made:
    for one, other in _OTHER_CLASS:
        if rule.ratio is not None and rule.ratio.bad is not None:
            swapped = rule.ratio.bad.replace(one, other)
            yield f"{one} → {other}", replace(rule, ratio=replace(rule.ratio, bad=swapped))
        if rule.value is not None:
            yield f"{one} → {other}", replace(rule, value=rule.value.replace(one, other))


_OPERATORS: Final[tuple[Callable[[AlertRule], Made], ...]] = (
    _change_limit,
    _flip,
    _change_for,
    _change_window,
    _change_severity,
    _drop_guard,
    _change_class,
)
