"""What calls to models are measured by, announced before the first model is called.

Rules and dashboards can name these series from now on; the assistant and the evaluation jobs fill them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.kit import clock
from hrx.kit.catalogue import (
    ANSWER_FALLBACKS,
    ANSWER_FEEDBACK,
    ANSWER_SENTENCES,
    ANSWERS,
    EVALUATION_COUNTED,
    EVALUATION_LOST,
    EVALUATION_OLDEST,
    EVALUATION_VALUE,
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


#: Questions that must have been asked before, too, for a loss to be told: of fewer, one alone would look like
#: a fall of more than five in a hundred.
LEAST_COMPARED: Final = 20
_TOLD: Final = text(
    "SELECT commit, language, measure, counted, value, lost FROM app.tell_evaluations(:least)"
)
_OLDEST: Final = text("SELECT extract(epoch FROM app.oldest_evaluation())::float8")


class EvaluationFigures:
    """How good the answers on customers' questions were when last evaluated. Read from the tables again and
    again, so that they outlive the process that evaluated."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._value = EVALUATION_VALUE.gauge(registry)
        self._counted = EVALUATION_COUNTED.gauge(registry)
        self._lost = EVALUATION_LOST.gauge(registry)
        self._oldest = EVALUATION_OLDEST.gauge(registry)
        # Nothing to evaluate is nothing overdue.
        self._oldest.set_function(lambda: clock.now().timestamp())

    async def read(self, session: AsyncSession) -> None:
        """What the last runs of all customers say together; of no customer by name."""
        rows = (await session.execute(_TOLD, {"least": LEAST_COMPARED})).all()
        oldest_s = await session.scalar(_OLDEST)
        for gauge in (self._value, self._counted, self._lost):
            gauge.clear()
        for row in rows:
            labels = (row.measure, row.language, row.commit[:12])
            self._value.labels(*labels).set(row.value)
            self._counted.labels(*labels).set(row.counted)
            if row.lost is not None:
                self._lost.labels(*labels).set(row.lost)
        if oldest_s is None:
            self._oldest.set_function(lambda: clock.now().timestamp())
        else:
            self._oldest.set_function(lambda: oldest_s)


class ModelFigures:
    """How our own models do on what customers have; of the worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._accuracy = MODEL_ACCURACY.gauge(registry)
        self._drift = MODEL_DRIFT.gauge(registry)

    def note(self, model: str, *, drift: Mapping[str, float], accuracy: Mapping[str, float]) -> None:
        """Of the versions that stand ready; what is said of others is taken back."""
        for gauge, values in ((self._drift, drift), (self._accuracy, accuracy)):
            gauge.clear()
            for version, value in values.items():
                gauge.labels(model, version).set(value)


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
