"""Judging causes by evidence: pure, so that the same evidence gives the same answer, on any night.

A cause is blamed only when every prediction that it requires was really seen. One that was seen to be false
refutes it. A fact that nobody could learn leaves it undecided: neither blame nor acquittal. Among supported
causes the deeper one comes first: a dead database explains an API that is not ready, not the reverse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from typing import Final

from hrx.ops.check import Fact
from hrx.ops.runbook.graph import Graph
from hrx.ops.runbook.sops import Cause, Comparison, Prediction, Sop
from hrx.ops.triage.proposing import Proposer
from hrx.ops.triage.result import CauseSeen, Evidence, PredictionSeen, Verdict

_ORDER: Final = {Verdict.SUPPORTED: 0, Verdict.UNDECIDED: 1, Verdict.REFUTED: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """A cause with what orders it."""

    cause: Cause
    seen: CauseSeen


def judge(
    sops: Iterable[Sop],
    *,
    evidence: Mapping[str, Evidence],
    graph: Graph,
    proposer: Proposer,
    told: Set[str] | None = None,
) -> tuple[CauseSeen, ...]:
    """Every cause of these SOPs with its verdict, the one to blame first.

    `evidence` is keyed `sop/probe`. `told` are the conditions that it is about; None when nobody knows, and
    then every cause is thought of."""
    judged = [
        _judge_cause(sop, cause, evidence=evidence, proposer=proposer)
        for sop in sops
        for cause in sop.causes
        if _is_thought_of(cause, told)
    ]
    standing = [item for item in judged if item.seen.verdict is Verdict.SUPPORTED]
    explained = {
        item.cause.id: _explained_by(item, standing, graph=graph)
        for item in judged
        if item.seen.verdict is Verdict.SUPPORTED
    }
    marked = [
        replace(item, seen=replace(item.seen, symptom_of=explained.get(item.cause.id))) for item in judged
    ]
    ordered = sorted(marked, key=lambda item: _key(item, graph=graph))
    return tuple(item.seen for item in ordered)


def _is_thought_of(cause: Cause, told: Set[str] | None) -> bool:
    return not cause.about or told is None or any(key.partition(":")[0] in cause.about for key in told)


def _key(item: _Judged, *, graph: Graph) -> tuple[int, bool, int, int, float, str]:
    seen = item.seen
    return (
        _ORDER[seen.verdict],
        seen.symptom_of is not None,
        item.cause.rank,
        -_carries(item.cause.component, graph=graph),
        -_share_seen(seen),
        item.cause.id,
    )


def _carries(component: str, *, graph: Graph) -> int:
    """How many services cannot work without this one: what carries more is more likely the root."""
    services = set(graph.services.values())
    return sum(graph.depends(service, component, optional=False) for service in services)


def _share_seen(seen: CauseSeen) -> float:
    good = sum(item.verdict is Verdict.SUPPORTED for item in seen.predictions)
    return good / len(seen.predictions)


def _explained_by(item: _Judged, standing: list[_Judged], *, graph: Graph) -> str | None:
    """The supported cause that makes this one its symptom: named by the SOP, or deeper in the graph."""
    mine = _all_explained(item.cause, standing)
    for other in standing:
        if other.cause.id == item.cause.id or other.cause.id in mine:
            continue
        # Only what is needed explains: a cache that is merely used explains no failing answers.
        is_below = item.cause.is_often_symptom and graph.depends(
            item.cause.component, other.cause.component, optional=False
        )
        if item.cause.id in other.cause.explains or is_below:
            return other.cause.id
    return None


def _all_explained(cause: Cause, standing: list[_Judged]) -> set[str]:
    by_id = {item.cause.id: item.cause for item in standing}
    found: set[str] = set()
    waiting = [cause.id]
    while waiting:
        current = by_id.get(waiting.pop())
        for name in current.explains if current else ():
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def _judge_cause(sop: Sop, cause: Cause, *, evidence: Mapping[str, Evidence], proposer: Proposer) -> _Judged:
    predictions = tuple(_judge_prediction(sop, item, evidence=evidence) for item in cause.predictions)
    verdict = _verdict(predictions)
    proposals = proposer.propose(sop, cause, evidence=evidence) if verdict is Verdict.SUPPORTED else ()
    return _Judged(
        cause=cause,
        seen=CauseSeen(
            id=cause.id,
            sop=sop.id,
            title=cause.title,
            component=cause.component,
            verdict=verdict,
            predictions=predictions,
            proposals=proposals,
            advice=cause.advice,
        ),
    )


def _verdict(predictions: tuple[PredictionSeen, ...]) -> Verdict:
    required = [item.verdict for item in predictions if item.is_required]
    if Verdict.REFUTED in required:
        return Verdict.REFUTED
    return Verdict.UNDECIDED if Verdict.UNDECIDED in required else Verdict.SUPPORTED


def _judge_prediction(
    sop: Sop, prediction: Prediction, *, evidence: Mapping[str, Evidence]
) -> PredictionSeen:
    found = evidence[f"{sop.id}/{prediction.probe}"]
    seen = found.facts.get(prediction.fact)
    return PredictionSeen(
        says=prediction.says,
        evidence=found.id,
        fact=prediction.fact,
        expected=describe(prediction),
        seen=seen,
        is_required=prediction.is_required,
        verdict=compare(prediction, seen),
    )


def compare(prediction: Prediction, seen: Fact) -> Verdict:
    """Whether the fact is as predicted; UNDECIDED when it is not known."""
    if seen is None:
        return Verdict.UNDECIDED
    value = prediction.value
    match prediction.comparison:
        case Comparison.EQUALS:
            holds = seen == value
        case Comparison.NOT:
            holds = seen != value
        case Comparison.ANY_OF:
            holds = isinstance(value, tuple) and seen in value
        case Comparison.ABOVE | Comparison.BELOW:
            if not isinstance(seen, int | float) or not isinstance(value, int | float):
                return Verdict.UNDECIDED
            holds = seen > value if prediction.comparison is Comparison.ABOVE else seen < value
    return Verdict.SUPPORTED if holds else Verdict.REFUTED


def describe(prediction: Prediction) -> str:
    """What is expected, in signs that need no language."""
    sign = {"equals": "=", "not": "≠", "any_of": "∈", "above": ">", "below": "<"}[prediction.comparison]
    value = prediction.value
    words = " | ".join(_say(item) for item in value) if isinstance(value, tuple) else _say(value)
    return f"{sign} {words}"


def _say(value: Fact) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
