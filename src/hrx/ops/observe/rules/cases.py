"""Test cases of a rule: those that content states, and those that lie on its boundaries, made from its parts.

A case is what goes in and when the alert fires. Boundary cases are what kills a mutant: just above the limit
and just below it, just enough traffic and not quite enough."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hrx.ops.runbook.watch.burning import burning_share
from hrx.ops.runbook.watch.rules import AlertRule, Burn, Comparison, Example, Piece, Probe

#: How far from a boundary its cases stand: near enough that doubling or halving cannot hide between them.
_NEAR: Final = 0.06
#: Events a second of a boundary case, as a multiple of what the guard asks for.
_PLENTY: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must be seen at one moment."""

    at_s: int
    fires: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Series as promtool writes them, and what must be seen when."""

    name: str
    every_s: int
    series: tuple[tuple[str, str], ...]
    length_s: int
    makes: Mapping[str, str]
    expectations: tuple[Expectation, ...]
    #: The example that the budget of the rule is about has an onset.
    onset_s: int | None = None


def cases_of(rule: AlertRule) -> tuple[Case, ...]:
    """Every case of a rule: its examples first, in the order of content, then the boundaries."""
    return (*(_from_example(rule, example) for example in rule.examples), *_boundaries(rule))


def _from_example(rule: AlertRule, example: Example) -> Case:
    pieces = [*example.counters.values(), *example.gauges.values()]
    length = int(max((sum(piece.seconds for piece in one) for one in pieces), default=10))
    return Case(
        name=example.says.en,
        every_s=example.every_s,
        series=tuple(
            [(name, count_up(one, every_s=example.every_s)) for name, one in example.counters.items()]
            + [(name, hold(one, every_s=example.every_s)) for name, one in example.gauges.items()]
        ),
        length_s=length,
        makes=example.makes,
        expectations=_expect(rule, example, length_s=length),
        onset_s=example.onset_s if example.fires_after_s is not None else None,
    )


def _expect(rule: AlertRule, example: Example, *, length_s: int) -> tuple[Expectation, ...]:
    if example.fires_after_s is None:
        step = max(rule.every_s, length_s // 12 // rule.every_s * rule.every_s)
        return tuple(
            Expectation(at_s=at, fires=False) for at in range(max(step, example.onset_s), length_s, step)
        )
    at = example.onset_s + example.fires_after_s
    before = (Expectation(at_s=at - rule.every_s, fires=False),) if at >= rule.every_s else ()
    return (*before, Expectation(at_s=at, fires=True))


def _boundaries(rule: AlertRule) -> tuple[Case, ...]:
    if rule.burn is not None:
        return _burn_boundaries(rule)
    if rule.probe is None or rule.limit is None:
        return ()
    if rule.ratio is not None:
        return _ratio_boundaries(rule, rule.probe)
    return _value_boundaries(rule, rule.probe)


def _ratio_boundaries(rule: AlertRule, probe: Probe) -> tuple[Case, ...]:
    if rule.ratio is None or rule.limit is None or rule.window_s is None:
        return ()
    enough = rule.ratio.at_least / rule.window_s
    above, below = min(1.0, rule.limit * (1 + _NEAR)), rule.limit * (1 - _NEAR)
    plan = (
        ("a share just above the limit", above, enough * _PLENTY, True),
        ("a share just below the limit", below, enough * _PLENTY, False),
        ("everything fails, with just enough traffic", 1.0, enough * (1 + _NEAR * 2), True),
        ("everything fails, with too little traffic to tell", 1.0, enough * (1 - _NEAR * 2), False),
    )
    every_s = _step(rule)
    length = _settled(rule)
    return tuple(
        Case(
            name=name,
            every_s=every_s,
            series=_mixed(probe, share=share, per_s=per_s, length_s=length, every_s=every_s),
            length_s=length,
            makes=dict(probe.makes),
            expectations=_at_the_end(rule, fires=fires, length_s=length),
        )
        for name, share, per_s, fires in plan
    )


def _value_boundaries(rule: AlertRule, probe: Probe) -> tuple[Case, ...]:
    limit = rule.limit or 0.0
    wrong = 1 - _NEAR if rule.comparison is Comparison.BELOW else 1 + _NEAR
    right = 1 + _NEAR if rule.comparison is Comparison.BELOW else 1 - _NEAR
    every_s, length = _step(rule), _settled(rule)
    return tuple(
        Case(
            name=name,
            every_s=every_s,
            series=_valued(probe, value=limit * factor, length_s=length, every_s=every_s),
            length_s=length,
            makes=dict(probe.makes),
            expectations=_at_the_end(rule, fires=fires, length_s=length),
        )
        for name, factor, fires in (
            ("a value just beyond the limit", wrong, True),
            ("a value just short of the limit", right, False),
        )
    )


def _burn_boundaries(rule: AlertRule) -> tuple[Case, ...]:
    """Of an SLO: shares from the start of the series, so that every window holds the same share."""
    if rule.burn is None or rule.probe is None or rule.limit is None:
        return ()
    probe, every_s = rule.probe, rule.burn.record_every_s
    # Long enough for a dozen recorded rates, in which the guard finds its events or not.
    length, per_s = 12 * every_s, 10.0
    near = (
        ("a budget that burns just above the limit", min(1.0, rule.limit * (1 + _NEAR)), per_s, True),
        ("a budget that burns just below the limit", rule.limit * (1 - _NEAR), per_s, False),
        ("everything fails, with just enough events", 1.0, rule.burn.at_least * 1.2 / length, True),
        ("everything fails, with too few events", 1.0, rule.burn.at_least * 0.8 / length, False),
    )
    made = [
        Case(
            name=name,
            every_s=every_s // 2,
            series=_mixed(probe, share=share, per_s=rate, length_s=length + every_s, every_s=every_s // 2),
            length_s=length + every_s,
            makes={"slo": rule.burn.slo},
            expectations=(Expectation(at_s=length, fires=fires),),
        )
        for name, share, rate, fires in near
    ]
    return (*made, _burn_windows(rule, rule.burn, probe))


def _burn_windows(rule: AlertRule, burn: Burn, probe: Probe) -> Case:
    """After a long window of health: when the long window has had enough, and when the short one lets go."""
    limit, every_s = rule.limit or 0.0, burn.record_every_s
    share = burning_share(limit)
    fires = limit / share * burn.long_s
    burst = _whole(fires * 1.5, every_s) + burn.short_s
    lets_go = burst + (1 - limit / share) * burn.short_s
    slack = 0.1 * burn.short_s + 3 * every_s
    moments = (
        (-every_s, False),
        (fires * 0.9 - slack, False),
        (fires * 1.05 + slack, True),
        # Recorded rates look back: the share falls a little later than the failures end.
        (lets_go, True),
        (lets_go + slack, False),
    )
    length = burn.long_s + burst + burn.short_s * 2
    return Case(
        name="after health it burns, and then it ends",
        every_s=every_s // 2,
        series=_series_of(
            probe,
            pieces=[(burn.long_s, 0.0), (burst, share), (burn.short_s * 2, 0.0)],
            per_s=10.0,
            every_s=every_s // 2,
        ),
        length_s=length,
        makes={"slo": burn.slo},
        expectations=tuple(
            Expectation(at_s=burn.long_s + _whole(at, every_s), fires=is_so) for at, is_so in moments
        ),
        onset_s=burn.long_s,
    )


def _whole(seconds: float, every_s: int) -> int:
    return int(seconds // every_s * every_s)


def _step(rule: AlertRule) -> int:
    return rule.every_s


def _settled(rule: AlertRule) -> int:
    """When everything that can fire has: a full window, the whole `for`, and a little."""
    seconds = 2 * (rule.window_s or 0) + rule.for_s + 8 * rule.every_s
    return seconds + 2 * rule.every_s


def _at_the_end(rule: AlertRule, *, fires: bool, length_s: int) -> tuple[Expectation, ...]:
    at = (length_s - rule.every_s) // rule.every_s * rule.every_s
    if fires:
        return (Expectation(at_s=at, fires=True),)
    return tuple(
        Expectation(at_s=one, fires=False) for one in sorted({at // 2 // rule.every_s * rule.every_s, at})
    )


def _mixed(
    probe: Probe, *, share: float, per_s: float, length_s: int, every_s: int
) -> tuple[tuple[str, str], ...]:
    return _series_of(probe, pieces=[(length_s, share)], per_s=per_s, every_s=every_s)


def _series_of(
    probe: Probe, *, pieces: Sequence[tuple[int, float]], per_s: float, every_s: int
) -> tuple[tuple[str, str], ...]:
    """Counters of bad and good events; a series that counts both (a total) grows by both."""
    made = []
    for series in dict.fromkeys((*probe.bad, *probe.good)):
        counts_bad, counts_good = series in probe.bad, series in probe.good
        grown = tuple(
            Piece(
                seconds=seconds,
                value=per_s * (share * counts_bad + (1 - share) * counts_good),
            )
            for seconds, share in pieces
        )
        made.append((series, count_up(grown, every_s=every_s)))
    return tuple(made)


def _valued(probe: Probe, *, value: float, length_s: int, every_s: int) -> tuple[tuple[str, str], ...]:
    steps = length_s // every_s
    made = [(name, f"{constant:.10g}x{steps}") for name, constant in probe.constants]
    if probe.gauge is not None:
        made.append((probe.gauge, f"{value * probe.scale:.10g}x{steps}"))
    if probe.counter is not None:
        made.append((probe.counter, count_up((Piece(seconds=length_s, value=value),), every_s=every_s)))
    return tuple(made)


def count_up(pieces: Sequence[Piece], *, every_s: int) -> str:
    """A counter that grows by each piece's value a second, in promtool's notation."""
    said, total = [], 0.0
    for piece in pieces:
        steps = max(1, round(piece.seconds / every_s))
        if piece.value is None:
            said.append(f"_x{steps}")
            continue
        growth = piece.value * every_s
        said.append(f"{total + growth:.10g}+{growth:.10g}x{steps - 1}")
        total += growth * steps
    # The first sample of a counter is its starting point, before anything was counted.
    return " ".join(["0", *said])


def hold(pieces: Sequence[Piece], *, every_s: int) -> str:
    """A gauge that has each piece's value, in promtool's notation; `stale` ends a series at once."""
    said = []
    for piece in pieces:
        steps = max(1, round(piece.seconds / every_s))
        if piece.value is None:
            said.append(f"stale _x{steps - 1}")
        else:
            said.append(f"{piece.value:.10g}x{steps - 1}")
    return " ".join(said)


def labels_in(series: str) -> dict[str, str]:
    """The labels of a series as content writes it."""
    return dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', series))
