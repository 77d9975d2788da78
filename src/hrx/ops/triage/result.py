"""What a triage found, as data: it can be shown, kept in the ledger, and compared with what a drill broke."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from hrx.kit.errors import Text
from hrx.ops.check import Fact

#: A longer excerpt would make the ledger the place where logs are kept.
RAW_MAX_BYTES: Final = 50_000


class Verdict(StrEnum):
    """What the evidence says of a prediction, and of a cause."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    #: Its facts could not be learned. That is no blame, and no acquittal.
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One probe as it was answered. `failure` says why there is no answer."""

    id: str
    check: str
    params: Mapping[str, str]
    title: Text
    facts: Mapping[str, Fact]
    failure: Text | None
    latency_ms: float
    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionSeen:
    """One prediction beside what was seen."""

    says: Text
    evidence: str
    fact: str
    expected: str
    seen: Fact
    is_required: bool
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalMade:
    """A recovery with its parameters filled in; `missing` names facts that were not learned."""

    procedure: str
    title: Text
    params: Mapping[str, str]
    lasting: str
    risk: str
    is_auto: bool
    says: Text
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseSeen:
    """One cause with its verdict. `symptom_of` names the supported cause that explains it away."""

    id: str
    sop: str
    title: Text
    component: str
    verdict: Verdict
    predictions: tuple[PredictionSeen, ...]
    proposals: tuple[ProposalMade, ...]
    advice: Text
    symptom_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriageResult:
    """One triage: what was asked, what was seen, which causes stand, the likeliest first."""

    sop: str
    started_at: datetime
    took_ms: float
    evidence: tuple[Evidence, ...]
    causes: tuple[CauseSeen, ...]

    @property
    def first_cause(self) -> CauseSeen | None:
        """The cause to blame; None means "unknown", which is an answer."""
        first = self.causes[0] if self.causes else None
        return first if first and first.verdict is Verdict.SUPPORTED else None

    @property
    def supported(self) -> tuple[CauseSeen, ...]:
        return tuple(cause for cause in self.causes if cause.verdict is Verdict.SUPPORTED)

    @property
    def blamed(self) -> tuple[CauseSeen, ...]:
        """Supported causes that are nobody's symptom."""
        return tuple(cause for cause in self.supported if cause.symptom_of is None)


def result_to_json(result: TriageResult) -> dict[str, Any]:
    """The result as plain values. `Any`: JSON."""
    return {
        "sop": result.sop,
        "started_at": result.started_at.isoformat(),
        "took_ms": result.took_ms,
        "first_cause": result.first_cause.id if result.first_cause else None,
        "causes": [_cause_to_json(cause) for cause in result.causes],
        "evidence": [evidence_to_json(item) for item in result.evidence],
    }


def _cause_to_json(cause: CauseSeen) -> dict[str, Any]:
    return {
        "id": cause.id,
        "sop": cause.sop,
        "title": text_to_json(cause.title),
        "component": cause.component,
        "verdict": cause.verdict.value,
        "symptom_of": cause.symptom_of,
        "advice": text_to_json(cause.advice),
        "predictions": [
            {
                "says": text_to_json(item.says),
                "evidence": item.evidence,
                "fact": item.fact,
                "expected": item.expected,
                "seen": item.seen,
                "is_required": item.is_required,
                "verdict": item.verdict.value,
            }
            for item in cause.predictions
        ],
        "proposals": [
            {
                "procedure": item.procedure,
                "title": text_to_json(item.title),
                "params": dict(item.params),
                "lasting": item.lasting,
                "risk": item.risk,
                "is_auto": item.is_auto,
                "says": text_to_json(item.says),
                "missing": list(item.missing),
            }
            for item in cause.proposals
        ],
    }


def evidence_to_json(item: Evidence) -> dict[str, Any]:
    """One answer as plain values. `Any`: JSON."""
    return {
        "id": item.id,
        "check": item.check,
        "params": dict(item.params),
        "title": text_to_json(item.title),
        "facts": dict(item.facts),
        "failure": text_to_json(item.failure) if item.failure else None,
        "latency_ms": item.latency_ms,
        "raw": item.raw,
    }


def text_to_json(text: Text) -> dict[str, str]:
    return {"ja": text.ja, "en": text.en}
