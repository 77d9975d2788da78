"""Detection times by simulation: the first second at which a rule's own example fires, and what comes after.

The figures are kept in a generated file with the digest of the rules they belong to; pages read that file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hrx.kit.errors import Refused, Text
from hrx.ops.observe.rules.cases import Case, cases_of
from hrx.ops.observe.rules.inputs import inputs_of
from hrx.ops.observe.rules.promtool import Promtool, moments_in
from hrx.ops.observe.rules.promtool_tests import simulation_of
from hrx.ops.observe.rules.rule_files import groups_of, to_yaml
from hrx.ops.runbook.watch.rules import AlertRule
from hrx.ops.runbook.watch.slos import Slo
from hrx.ops.targets.machine.prometheus import SCRAPE_INTERVALS_S

#: monitoring/prometheus.yml scrapes so often: a fault may begin just after a scrape.
_SCRAPE_S: Final = 2.0
#: From Prometheus through Alertmanager to the plane's door, group_wait being 0; measured 0.1 s.
SEND_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """How long until the plane is told: `fires_s` from onset to firing, the rest for what surrounds it."""

    rule: str
    digest: str
    example: str
    fires_s: int
    scrape_s: float
    evaluate_s: float
    send_s: float

    @property
    def total_s(self) -> float:
        return self.fires_s + self.scrape_s + self.evaluate_s + self.send_s


def digest_of(rule: AlertRule, slos: Sequence[Slo]) -> str:
    """Changes when the rule, one of its examples or how often it is fed does."""
    said = to_yaml(groups_of([rule], slos=slos)) + repr(cases_of(rule))
    said += "" if (scrape_s := scrape_of(rule, slos)) == _SCRAPE_S else repr(scrape_s)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def simulate(rule: AlertRule, slos: Sequence[Slo], *, promtool: Promtool) -> Simulated:
    """Run the rule's first firing example. Raises Refused when it never fires."""
    case = budget_case(rule)
    document = simulation_of(rule, case, rule_file="rules.yml")
    verdict = promtool.test([rule], slos=slos, tests=document)
    moments = moments_in(verdict.said, rule.name)
    if not moments:
        raise Refused(
            Text(
                ja=f"{rule.name} は自分の例「{case.name}」で鳴りません: {verdict.said[-300:]}",
                en=f"{rule.name} never fires in its own example “{case.name}”: {verdict.said[-300:]}",
            ),
            code="rules.never_fires",
        )
    return Simulated(
        rule=rule.name,
        digest=digest_of(rule, slos),
        example=case.name,
        fires_s=min(moments) - (case.onset_s or 0),
        scrape_s=scrape_of(rule, slos),
        evaluate_s=float(rule.every_s),
        send_s=SEND_S,
    )


def scrape_of(rule: AlertRule, slos: Sequence[Slo]) -> float:
    """Seconds between two scrapes of whoever feeds the rule, the slowest of them."""
    parts = {part for one in inputs_of(rule, slos) for part in one.parts}
    return max([_SCRAPE_S, *(float(SCRAPE_INTERVALS_S[one]) for one in parts if one in SCRAPE_INTERVALS_S)])


def budget_case(rule: AlertRule) -> Case:
    """The case that the budget speaks of: the first with an onset that fires."""
    for case in cases_of(rule):
        if case.onset_s is not None and any(one.fires for one in case.expectations):
            return case
    return next(case for case in cases_of(rule) if any(one.fires for one in case.expectations))
