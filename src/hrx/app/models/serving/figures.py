"""What the part that scores tells of itself."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from hrx.app.models.scoring import Standing
from hrx.kit.catalogue import (
    SCORING_BATCH_ROWS,
    SCORING_PROBLEMS,
    SCORING_REQUESTS,
    SCORING_RUN,
    SCORING_SWITCHES,
    SCORING_WAITING,
)
from hrx.kit.models.records import Alias


class ScoringFigures:
    """The figures of one process, announced before the first request."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = SCORING_REQUESTS.counter(registry)
        for outcome in ("ok", "busy", "late", "refused", "failed"):
            self.requests.labels(outcome)
        self.batch_rows = SCORING_BATCH_ROWS.histogram(registry)
        self.run_s = SCORING_RUN.histogram(registry)
        self.waiting_rows = SCORING_WAITING.gauge(registry)
        self.switches = SCORING_SWITCHES.counter(registry)
        self._problems = SCORING_PROBLEMS.gauge(registry)

    def announce(self, model: str) -> None:
        self.waiting_rows.labels(model).set(0)
        self.switches.labels(model)
        for alias in Alias:
            self._problems.labels(model, alias.value).set(0)

    def note_standing(self, model: str, standing: Standing) -> None:
        for alias in Alias:
            self._problems.labels(model, alias.value).set(alias in standing.problems)
