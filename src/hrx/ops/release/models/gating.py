"""Whether a version may be pointed at: each rule with what was seen. Pure; what was tried is given."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hrx.kit.errors import Refused, Text
from hrx.kit.models.records import GateCheck, ModelVersion
from hrx.ops.release.models.policies import ModelPolicy


class GateRefused(Refused):
    """The gate said no; `checks` has every rule with what was seen."""

    code = "model.gate_refused"

    def __init__(self, version: str, checks: tuple[GateCheck, ...]) -> None:
        failed = [one for one in checks if not one.has_held]
        listed = "; ".join(f"{one.name}: {one.detail}" for one in failed)
        super().__init__(
            Text(
                ja=f"{version} には切り替えません({listed})",
                en=f"{version} is not switched to ({listed})",
            ),
            hint=Text(
                ja="今の版がそのまま使われます。条件は runbook/models.yaml にあります。",
                en="The present version goes on serving. The rules are in runbook/models.yaml.",
            ),
        )
        self.checks = checks


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a file was found to be made of and to answer. `answers` are of all golden rows at once, `alone` of
    each by itself; `error`: why it could not be tried."""

    operators: tuple[str, ...] = ()
    has_external_data: bool = False
    answers: Sequence[Sequence[float]] = ()
    alone: Sequence[Sequence[float]] = ()
    error: str | None = None


def judge(version: ModelVersion, trial: Trial, policy: ModelPolicy) -> tuple[GateCheck, ...]:
    """Every rule of the gate. The digest and the signature were looked at by whoever read the file."""
    return (
        GateCheck(name="signature", has_held=True, detail=version.sha256[:12]),
        _judge_size(version, policy),
        _judge_operators(trial, policy),
        _judge_golden(version, trial, policy),
        *_judge_metrics(version, policy),
    )


def require_passed(version: str, checks: tuple[GateCheck, ...]) -> None:
    """Raises GateRefused with every rule that did not hold."""
    if not all(one.has_held for one in checks):
        raise GateRefused(version, checks)


def _judge_size(version: ModelVersion, policy: ModelPolicy) -> GateCheck:
    detail = f"{version.size_bytes} <= {policy.largest_bytes} B"
    return GateCheck(name="size", has_held=version.size_bytes <= policy.largest_bytes, detail=detail)


def _judge_operators(trial: Trial, policy: ModelPolicy) -> GateCheck:
    if trial.error is not None:
        return GateCheck(name="operators", has_held=False, detail=trial.error)
    if trial.has_external_data:
        return GateCheck(name="operators", has_held=False, detail="weights in another file")
    foreign = sorted(set(trial.operators) - policy.operators)
    return GateCheck(
        name="operators",
        has_held=bool(trial.operators) and not foreign,
        detail=", ".join(foreign) if foreign else f"{len(trial.operators)} known",
    )


def _judge_golden(version: ModelVersion, trial: Trial, policy: ModelPolicy) -> GateCheck:
    rows = version.golden
    if len(rows) < policy.golden_rows:
        return GateCheck(name="golden", has_held=False, detail=f"{len(rows)} rows < {policy.golden_rows}")
    if not len(rows) == len(trial.answers) == len(trial.alone):
        return GateCheck(
            name="golden", has_held=False, detail=f"{len(trial.answers)} of {len(rows)} answered"
        )
    wanted = [one.answer for one in rows]
    worst = max(_distance(wanted, trial.answers), _distance(wanted, trial.alone))
    return GateCheck(
        name="golden",
        has_held=worst <= policy.tolerance,
        detail=f"{len(rows)} rows, worst {worst:.2g} <= {policy.tolerance:g}",
    )


def _distance(wanted: Sequence[Sequence[float]], found: Sequence[Sequence[float]]) -> float:
    """The largest difference of one number; infinite where something is not a number or missing."""
    worst = 0.0
    for one, other in zip(wanted, found, strict=True):
        if len(one) != len(other):
            return math.inf
        for a, b in zip(one, other, strict=True):
            away = abs(a - b)
            worst = math.inf if math.isnan(away) else max(worst, away)
    return worst


def _judge_metrics(version: ModelVersion, policy: ModelPolicy) -> Iterator[GateCheck]:
    for name, floor in sorted(policy.floors.items()):
        found = version.metrics.get(name)
        yield _judge_metric(name, found, found is not None and found >= floor, f">= {floor:g}")
    for name, ceiling in sorted(policy.ceilings.items()):
        found = version.metrics.get(name)
        kind = "fairness " if name in policy.fairness else ""
        yield _judge_metric(kind + name, found, found is not None and found <= ceiling, f"<= {ceiling:g}")


def _judge_metric(name: str, found: float | None, has_held: bool, rule: str) -> GateCheck:
    # NaN compares as false, so that it never passes.
    said = "not told" if found is None else f"{found:.4g}"
    return GateCheck(name=name, has_held=has_held, detail=f"{said} {rule}")
