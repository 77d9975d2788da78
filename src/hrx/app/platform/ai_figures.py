"""What calls to models are measured by, announced before the first model is called.

Rules and dashboards can name these series from now on; the assistant and the evaluation jobs fill them."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from prometheus_client import CollectorRegistry

from hrx.kit import clock
from hrx.kit.catalogue import (
    ANSWER_FALLBACKS,
    ANSWER_FEEDBACK,
    ANSWER_SENTENCES,
    ANSWERS,
    FIRST_CITATION,
    GEN_AI_BREAKER,
    GEN_AI_BUDGET_LEFT,
    GEN_AI_COST,
    GEN_AI_DURATION,
    GEN_AI_ESTIMATED,
    GEN_AI_FALLBACKS,
    GEN_AI_FIRST_CHUNK,
    GEN_AI_REFUSED,
    GEN_AI_TOKENS,
    MODEL_ACCURACY,
    MODEL_DRIFT,
    MODEL_DURATION,
    RAG_RELEVANCE,
    RAG_RETRIEVALS,
)

_ASKED_WITHIN_S: Final = 3_600.0


class AiFigures:
    """The figures of a process that calls language models and searches documents."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.duration = GEN_AI_DURATION.histogram(registry)
        self.first_chunk = GEN_AI_FIRST_CHUNK.histogram(registry)
        self.tokens = GEN_AI_TOKENS.histogram(registry)
        self.cost = GEN_AI_COST.counter(registry)
        self.estimated = GEN_AI_ESTIMATED.counter(registry)
        self.fallbacks = GEN_AI_FALLBACKS.counter(registry)
        self.breaker = GEN_AI_BREAKER.gauge(registry)
        self.refused = GEN_AI_REFUSED.counter(registry)
        for reason in ("budget", "pace"):
            self.refused.labels(reason)
        self._budgets: OrderedDict[int, tuple[float, float]] = OrderedDict()
        GEN_AI_BUDGET_LEFT.gauge(registry).set_function(self._least_budget)
        self.inference = MODEL_DURATION.histogram(registry)
        self.retrievals = RAG_RETRIEVALS.counter(registry)
        self.relevance = RAG_RELEVANCE.histogram(registry)
        for outcome in ("hit", "empty", "failed"):
            self.retrievals.labels(outcome)

    def note_budget(self, tenant_id: int, left_ratio: float | None) -> None:
        """What a tenant's tightest budget has left; None where it has none."""
        if left_ratio is None:
            return
        self._budgets[tenant_id] = (left_ratio, clock.monotonic_s())
        self._budgets.move_to_end(tenant_id)

    def _least_budget(self) -> float:
        """1 where nobody with a budget asked."""
        since_s = clock.monotonic_s() - _ASKED_WITHIN_S
        while self._budgets and next(iter(self._budgets.values()))[1] < since_s:
            self._budgets.popitem(last=False)
        return min((left for left, _ in self._budgets.values()), default=1.0)


class EvaluationFigures:
    """How good our own models were when they were last evaluated; of the process that evaluates."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.accuracy = MODEL_ACCURACY.gauge(registry)
        self.drift = MODEL_DRIFT.gauge(registry)


class AssistantFigures:
    """How questions are answered, and what people think of it; of the API."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.answers = ANSWERS.counter(registry)
        self.fallbacks = ANSWER_FALLBACKS.counter(registry)
        self.first_citation = FIRST_CITATION.histogram(registry)
        self.sentences = ANSWER_SENTENCES.counter(registry)
        self.feedback = ANSWER_FEEDBACK.counter(registry)
        for mode in ("model", "quotes", "people", "not_found"):
            self.answers.labels(mode)
        for support in ("supported", "unsupported"):
            self.sentences.labels(support)
        for verdict in ("up", "down"):
            self.feedback.labels(verdict)
