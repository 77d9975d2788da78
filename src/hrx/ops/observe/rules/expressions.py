"""The PromQL of a rule, made from its parts. Guards are added here and nowhere typed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hrx.ops.runbook.watch.durations import to_promql
from hrx.ops.runbook.watch.rules import AlertRule, Burn, Comparison, Ratio
from hrx.ops.runbook.watch.slos import Slo

#: Event rates of an SLO, recorded so that windows of days read minutes instead of every sample.
ALL_EVENTS: Final = "hrx:slo_events:rate"
BAD_EVENTS: Final = "hrx:slo_bad_events:rate"
#: How far a recorded rate looks back, by how often it is recorded.
_RATE_WINDOWS: Final = {15: "1m", 60: "2m"}
RECORDED_EVERY_S: Final = tuple(_RATE_WINDOWS)
_SIGNS: Final = {Comparison.ABOVE: ">", Comparison.BELOW: "<", Comparison.EQUALS: "=="}


def expression_of(rule: AlertRule) -> str:
    """The whole expression of an alert: the comparison, and the guard where a share is compared."""
    if rule.burn is not None:
        return _burning(rule.burn, limit=_number(rule.limit), sign=_SIGNS[rule.comparison])
    compared = value_of(rule)
    if rule.comparison is not Comparison.PRESENT:
        compared = f"{compared} {_SIGNS[rule.comparison]} {_number(rule.limit)}"
    guard = guard_of(rule)
    return f"{compared}\nand {guard}" if guard else compared


def value_of(rule: AlertRule) -> str:
    """What is compared, without the comparison: what a page plots beside the limit."""
    window = to_promql(rule.window_s) if rule.window_s else ""
    if rule.ratio is not None:
        return _share(rule.ratio, window)
    if rule.burn is not None:
        return _burned(rule.burn, rule.burn.long_s)
    # Not `format`: PromQL has braces of its own.
    return (rule.value or "").replace("{window}", window)


def guard_of(rule: AlertRule) -> str | None:
    """The condition that there is enough traffic for a share to mean something."""
    if rule.ratio is None or rule.ratio.at_least <= 0:
        return None
    window = to_promql(rule.window_s or 0)
    total = _sum(f"increase({rule.ratio.total}[{window}])", rule.ratio.by)
    return f"{total} >= {_number(rule.ratio.at_least)}"


def recordings_of(slos: Sequence[Slo], *, every_s: int) -> list[tuple[str, str, dict[str, str]]]:
    """Name, expression and labels of every series that is recorded so often."""
    found: list[tuple[str, str, dict[str, str]]] = []
    window = _RATE_WINDOWS[every_s]
    for slo in slos:
        total = f"sum(rate({slo.total}[{window}]))"
        # Without an error there is no series of errors: none is zero, as long as anything is counted at all.
        bad = (
            f"(sum(rate({slo.bad}[{window}])) or vector(0))"
            if slo.bad
            else f"clamp_min({total} - sum(rate({slo.good}[{window}])), 0)"
        )
        labels = {"slo": slo.id}
        found += [
            (f"{ALL_EVENTS}{window}", total, labels),
            (f"{BAD_EVENTS}{window}", f"{bad} and {total} >= 0", labels),
        ]
    return found


def _share(ratio: Ratio, window: str) -> str:
    total = f"({_sum(f'rate({ratio.total}[{window}])', ratio.by)} > 0)"
    if ratio.bad is not None:
        return f"{_sum(f'rate({ratio.bad}[{window}])', ratio.by)}\n/ {total}"
    return f"1 - {_sum(f'rate({ratio.good}[{window}])', ratio.by)}\n/ {total}"


def _sum(inner: str, by: Sequence[str]) -> str:
    return f"sum by ({', '.join(by)}) ({inner})" if by else f"sum({inner})"


def _burning(burn: Burn, *, limit: str, sign: str) -> str:
    lines = [f"{_burned(burn, seconds)} {sign} {limit}" for seconds in (burn.long_s, burn.short_s)]
    if burn.at_least > 0:
        counted = f"sum_over_time({_recorded(ALL_EVENTS, burn)}[{to_promql(burn.long_s)}])"
        lines.append(f"{counted} * {burn.record_every_s} >= {_number(burn.at_least)}")
    return "\nand ".join(lines)


def _burned(burn: Burn, seconds: int) -> str:
    window = to_promql(seconds)
    bad = f"avg_over_time({_recorded(BAD_EVENTS, burn)}[{window}])"
    return f"{bad} / (avg_over_time({_recorded(ALL_EVENTS, burn)}[{window}]) > 0)"


def _recorded(name: str, burn: Burn) -> str:
    return f'{name}{_RATE_WINDOWS[burn.record_every_s]}{{slo="{burn.slo}"}}'


def _number(value: float | None) -> str:
    return f"{value or 0:.10g}"
