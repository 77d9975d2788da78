"""Alert rules as declared in `runbook/watch/alerts/*.yaml`: what is compared with what, and what follows.

A rule is written in parts rather than as one expression, because its guard against low traffic, its boundary
tests and its mutants are made from the same parts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hrx.kit.errors import NotFound, Text


class AlertSeverity(StrEnum):
    """The word of the founding document; NONE is the dead man's switch, which is told to nobody."""

    CRITICAL = "critical"
    WARNING = "warning"
    NONE = "none"


class Comparison(StrEnum):
    """When a value is wrong. PRESENT: any value at all is (an `absent(…)`)."""

    ABOVE = "above"
    BELOW = "below"
    EQUALS = "equals"
    PRESENT = "present"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A share of events: `bad` of `total`, or what is not `good` of `total`; each a selector of a counter.

    `at_least` is how many events the window must hold before the share means anything: the guard."""

    bad: str | None
    good: str | None
    total: str
    by: tuple[str, ...]
    at_least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """A budget that is spent `factor` times too fast, seen over a long window and still over a short one.

    Windows read event rates that are recorded every `record_every_s`: long ones need no finer grain."""

    slo: str
    objective: float
    factor: float
    long_s: int
    short_s: int
    record_every_s: int
    at_least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One stretch of a series in an example: a gauge's value or a counter's growth a second; None is gone."""

    seconds: float
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What happens and whether the alert fires. `fires_after_s` counts from `onset_s`; None: never
    from there on.

    `makes` is the labels of the series that fires, where the rule takes labels from its input."""

    says: Text
    every_s: int
    counters: dict[str, tuple[Piece, ...]]
    gauges: dict[str, tuple[Piece, ...]]
    onset_s: int
    fires_after_s: int | None
    makes: dict[str, str]
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Series from which boundary cases are made. Of a ratio: `bad` and `good` add up to `total`, where
    `total` is empty when the two are counted into it. Of a value: `at` times `scale` is the value."""

    bad: tuple[str, ...] = ()
    good: tuple[str, ...] = ()
    gauge: str | None = None
    counter: str | None = None
    scale: float = 1.0
    constants: tuple[tuple[str, float], ...] = ()
    makes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One rule. Exactly one of `ratio`, `value` and `burn` is set.

    `budget_s` is promised from the first wrong sample to the moment the operations plane is told;
    `why` says why window and `for` are what they are; `fed_by` names the issue that brings its inputs,
    `empty_when` why there may be nothing to measure though everything works;
    `seed` is its line in 4.3 of the founding document."""

    name: str
    domain: str
    title: Text
    why: Text
    summary: Text
    ratio: Ratio | None
    value: str | None
    burn: Burn | None
    comparison: Comparison
    limit: float | None
    window_s: int | None
    for_s: int
    every_s: int
    severity: AlertSeverity
    sev: int | None
    sop: str
    part: str | None
    group: str | None
    condition: str
    place: str | None
    pagerduty: bool
    budget_s: float
    seed: int | None
    fed_by: Text | None
    empty_when: Text | None
    examples: tuple[Example, ...]
    probe: Probe | None

    @property
    def labels(self) -> dict[str, str]:
        """The labels that the rule adds to what it finds."""
        given = {
            "severity": self.severity.value,
            "sev": str(self.sev) if self.sev else None,
            "sop": self.sop,
            "domain": self.domain,
            "part": self.part,
            "group": self.group,
            "condition": self.condition,
            "place": self.place,
        }
        return {name: value for name, value in given.items() if value is not None}


def get_rule(rules: tuple[AlertRule, ...], name: str) -> AlertRule:
    """The rule of this name. Raises NotFound."""
    for rule in rules:
        if rule.name == name:
            return rule
    raise NotFound(
        Text(ja=f"アラート規則 {name} はありません", en=f"There is no alert rule {name}"),
        hint=Text(ja="`hrx rules list` で一覧できます。", en="`hrx rules list` shows them."),
        code="rule.not_found",
    )
