"""From one SLO line to its burn-rate rules: windows and factors as the SRE workbook gives them for 30 days.

14.4 × spends 2 % of a month's budget in an hour, 6 × spends 5 % in six hours, 3 × spends 10 % in a day.
The short window, a twelfth of the long one, lets the alert end when the burning ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.runbook.watch.rules import (
    AlertRule,
    AlertSeverity,
    Burn,
    Comparison,
    Probe,
)
from hrx.ops.runbook.watch.slos import Slo

_AT_LEAST: Final = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Speed:
    suffix: str
    factor: float
    long_s: int
    short_s: int
    every_s: int
    severity: AlertSeverity
    sev: int
    place: str
    pagerduty: bool
    says: Text


_SPEEDS: Final = (
    _Speed(
        suffix="BurnFast",
        factor=14.4,
        long_s=3600,
        short_s=300,
        every_s=15,
        severity=AlertSeverity.CRITICAL,
        sev=2,
        place="#hrx-alerts-critical",
        pagerduty=True,
        says=Text(ja="1 時間で 1 か月分の 2 % を使う速さ", en="2 % of a month's budget in an hour"),
    ),
    _Speed(
        suffix="BurnSlow",
        factor=6.0,
        long_s=21600,
        short_s=1800,
        every_s=60,
        severity=AlertSeverity.CRITICAL,
        sev=2,
        place="#hrx-alerts-critical",
        pagerduty=True,
        says=Text(ja="6 時間で 1 か月分の 5 % を使う速さ", en="5 % of a month's budget in six hours"),
    ),
    _Speed(
        suffix="BurnTrickle",
        factor=3.0,
        long_s=86400,
        short_s=7200,
        every_s=60,
        severity=AlertSeverity.WARNING,
        sev=3,
        place="#hrx-alerts-warning",
        pagerduty=False,
        says=Text(ja="1 日で 1 か月分の 10 % を使う速さ", en="10 % of a month's budget in a day"),
    ),
)


def make_burn_rules(slos: tuple[Slo, ...]) -> tuple[AlertRule, ...]:
    """Three rules for each SLO."""
    return tuple(_make(slo, speed) for slo in slos for speed in _SPEEDS)


def burning_share(limit: float) -> float:
    """The share of failures that budgets and tests speak of: well above the limit, and at most everything."""
    return min(1.0, limit * 5.2)


def _promise(limit: float, *, long_s: int) -> float:
    """Seconds in which a long window, full of health, has had enough of such a share; a tenth more, and what
    recorded rates look back."""
    return float(round(limit / burning_share(limit) * long_s * 1.1 + 240))


def _make(slo: Slo, speed: _Speed) -> AlertRule:
    limit = round(speed.factor * slo.budget, 6)
    return AlertRule(
        name=f"{slo.name}{speed.suffix}",
        domain="slo",
        title=Text(ja=f"{slo.title.ja}: {speed.says.ja}", en=f"{slo.title.en}: {speed.says.en}"),
        why=Text(
            ja="長い窓が「無視できない量か」を、短い窓が「今も続いているか」を見る。"
            "窓そのものが時間なので for は置かない。",
            en="The long window asks whether it matters, the short one whether it still goes on. "
            "The windows are the duration, so there is no `for`.",
        ),
        summary=Text(
            ja=f"{slo.title.ja}の誤り予算を {speed.factor:g} 倍を超える速さで使っています({speed.says.ja})。",
            en=f"The error budget of {_lower(slo.title.en)} burns more than {speed.factor:g} times too fast "
            f"({speed.says.en}).",
        ),
        ratio=None,
        value=None,
        burn=Burn(
            slo=slo.id,
            objective=slo.objective,
            factor=speed.factor,
            long_s=speed.long_s,
            short_s=speed.short_s,
            record_every_s=speed.every_s,
            at_least=_AT_LEAST,
        ),
        comparison=Comparison.ABOVE,
        limit=limit,
        window_s=None,
        for_s=0,
        every_s=speed.every_s,
        severity=speed.severity,
        sev=speed.sev,
        sop=slo.sop,
        part=None,
        group=slo.group,
        condition=f"burn:{slo.id}",
        place=speed.place,
        pagerduty=speed.pagerduty,
        budget_s=_promise(limit, long_s=speed.long_s),
        seed=None,
        fed_by=None,
        empty_when=None,
        examples=(),
        probe=Probe(bad=slo.probe_bad, good=slo.probe_good),
    )


def _lower(title: str) -> str:
    return title if title[:2].isupper() else title[0].lower() + title[1:]
