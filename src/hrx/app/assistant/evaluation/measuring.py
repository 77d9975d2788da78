"""Figures of a run, out of what came and what came before. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from hrx.app.assistant.conversations.models import Mode
from hrx.app.assistant.evaluation.models import (
    HIT_WITHIN,
    Before,
    EvaluationFigure,
    Measure,
    Outcome,
)
from hrx.kit.errors import LANGUAGES


def measure(outcomes: Iterable[Outcome], *, before: Mapping[int, Before]) -> tuple[EvaluationFigure, ...]:
    """By language; what could not be asked does not count. `before` by question.

    A loss is told over the questions that were asked both times: neither a new question nor one that is gone
    moves it."""
    asked = [one for one in outcomes if one.mode != "failed"]
    figures = []
    for language in LANGUAGES:
        spoken = [one for one in asked if one.language == language]
        for kind in Measure:
            figure = _measure(kind, spoken, before)
            if figure is not None:
                figures.append(figure)
    return tuple(figures)


def value_of(kind: Measure, outcome: Outcome) -> float | None:
    """What one question counts, from 0 to 1; None where it does not."""
    if kind is Measure.SUPPORTED:
        return outcome.supported / outcome.sentences if outcome.sentences else None
    if kind is Measure.NOT_FOUND:
        return float(outcome.mode == Mode.NOT_FOUND) if outcome.expects == "not_found" else None
    if outcome.expects != "found":
        return None
    if outcome.place is None:
        return 0.0
    if kind is Measure.HIT:
        return float(outcome.place <= HIT_WITHIN)
    return 1 / outcome.place if kind is Measure.MRR else float(outcome.place == 1)


def _measure(
    kind: Measure, outcomes: Sequence[Outcome], before: Mapping[int, Before]
) -> EvaluationFigure | None:
    values = [(one, value) for one in outcomes if (value := value_of(kind, one)) is not None]
    if not values:
        return None
    counted, mean = len(values), fmean(value for _, value in values)
    if kind is Measure.SUPPORTED:
        # A share of sentences: a long answer has more of them.
        counted = sum(one.sentences for one, _ in values)
        mean = sum(one.supported for one, _ in values) / counted
    pairs = []
    for one, value in values:
        then = before[one.question_id].values.get(kind) if one.question_id in before else None
        if then is not None:
            pairs.append(then - value)
    return EvaluationFigure(
        language=values[0][0].language,
        measure=kind,
        counted=counted,
        value=mean,
        compared=len(pairs),
        lost=fmean(pairs) if pairs else None,
    )
