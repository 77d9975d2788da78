"""Which weights of the legs do best on questions whose answers are known. Pure.

What is chosen is judged on questions that it was not chosen by: of many candidates one always looks better
on those it was picked from."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from statistics import fmean, stdev
from typing import Final

from hrx.app.assistant.retrieval.retriever import Weights

#: Of fewer, two questions that change places are a difference of two in a hundred.
LEAST_QUESTIONS: Final = 50
#: What people would not notice is not worth a change: of the mean of 1 / place.
LEAST_GAIN: Final = 0.005
_FOLDS: Final = 5
_SHARES: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
#: With meaning as a third leg: each step would be asked five times over.
_FEW_SHARES: Final = (0.0, 0.2, 0.5, 1.0)


@dataclass(slots=True, kw_only=True)
class Tried:
    """What each candidate reached so far: 1 / place (0: not found) by question, in the order of `ids`."""

    now: Weights
    ids: list[int] = field(default_factory=list)
    reached: dict[Weights, list[float]] = field(default_factory=dict)

    def add(self, question_id: int, reached: Mapping[Weights, float]) -> None:
        self.ids.append(question_id)
        for weights, value in reached.items():
            self.reached.setdefault(weights, []).append(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`mrr`: of questions held out, with weights chosen by the others; `before`: of the same, with those in
    force."""

    weights: Weights
    questions: int
    mrr: float
    before: float


def list_candidates(*, has_dense: bool) -> tuple[Weights, ...]:
    """Each leg alone and mixtures of them: 21 in a language that the index's encoder reads, 6 in others."""
    denses, shares = (_SHARES, _FEW_SHARES) if has_dense else ((0.0,), _SHARES)
    found = {
        Weights(terms=round(rest * (1 - grams), 2), grams=round(rest * grams, 2), dense=dense)
        for dense in denses
        for rest in (1 - dense,)
        for grams in shares
    }
    return tuple(sorted(found, key=lambda one: (one.dense, one.grams)))


def choose(tried: Tried) -> Choice | None:
    """Weights that are better than those in force beyond chance; None where none are.

    Better: by twice the standard error of the paired differences on held-out questions, and by LEAST_GAIN.
    A leg alone is a candidate too, so that no mixture is chosen that is below the best leg."""
    ids, reached, now = tried.ids, tried.reached, tried.now
    if len(ids) < LEAST_QUESTIONS:
        return None
    folds = [zlib.crc32(str(one).encode()) % _FOLDS for one in ids]
    held = [0.0] * len(ids)
    for fold in range(_FOLDS):
        picked = _best(reached, [at for at, one in enumerate(folds) if one != fold], now=now)
        for at, one in enumerate(folds):
            if one == fold:
                held[at] = reached[picked][at]
    gains = [new - old for new, old in zip(held, reached[now], strict=True)]
    gain = fmean(gains)
    best = _best(reached, range(len(ids)), now=now)
    if best == now or gain < LEAST_GAIN or gain < 2 * stdev(gains) / sqrt(len(gains)):
        return None
    return Choice(weights=best, questions=len(ids), mrr=fmean(held), before=fmean(reached[now]))


def is_worth(tried: Tried, *, than: Weights) -> bool:
    """Whether those in force are better than others on questions enough to tell."""
    if len(tried.ids) < LEAST_QUESTIONS:
        return False
    return fmean(tried.reached[tried.now]) > fmean(tried.reached[than])


def _best(reached: Mapping[Weights, Sequence[float]], places: Sequence[int], *, now: Weights) -> Weights:
    """Of equals, those in force."""
    sums = {one: sum(values[at] for at in places) for one, values in reached.items()}
    best = max(sums.values())
    if sums[now] == best:
        return now
    return next(one for one, value in sums.items() if value == best)
