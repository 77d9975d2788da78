"""What calls to models are measured by, announced before the first model is called.

Rules and dashboards can name these series from now on; the assistant and the evaluation jobs fill them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from hrx.kit.catalogue import (
    GEN_AI_COST,
    GEN_AI_DURATION,
    GEN_AI_FIRST_CHUNK,
    GEN_AI_TOKENS,
    MODEL_ACCURACY,
    MODEL_DRIFT,
    MODEL_DURATION,
    RAG_RELEVANCE,
    RAG_RETRIEVALS,
)


class AiFigures:
    """The figures of a process that calls language models and searches documents."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.duration = GEN_AI_DURATION.histogram(registry)
        self.first_chunk = GEN_AI_FIRST_CHUNK.histogram(registry)
        self.tokens = GEN_AI_TOKENS.histogram(registry)
        self.cost = GEN_AI_COST.counter(registry)
        self.inference = MODEL_DURATION.histogram(registry)
        self.retrievals = RAG_RETRIEVALS.counter(registry)
        self.relevance = RAG_RELEVANCE.histogram(registry)
        for outcome in ("hit", "empty", "failed"):
            self.retrievals.labels(outcome)


class EvaluationFigures:
    """How good our own models were when they were last evaluated; of the process that evaluates."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.accuracy = MODEL_ACCURACY.gauge(registry)
        self.drift = MODEL_DRIFT.gauge(registry)
