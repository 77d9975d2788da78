"""Whether scores lie as they lay when a model was trained: the population stability index over tenths."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

TENTHS: Final = 10
#: Added to each tenth, so that an empty one does not weigh without limit.
_SMOOTHING: Final = 0.5


def count_tenths(scores: Iterable[float]) -> tuple[int, ...]:
    """How many of the scores (0–1) lie in each tenth; 1 belongs to the last."""
    counts = [0] * TENTHS
    for score in scores:
        counts[min(int(score * TENTHS), TENTHS - 1)] += 1
    return tuple(counts)


def population_stability(before: Sequence[int], now: Sequence[int]) -> float:
    """0 when both lie alike; above 0.2 it is commonly taken for a change worth a look (0.1 for a small one).

    The sum over tenths of (now - before) × ln(now / before), of shares. Raises ValueError when one is
    empty."""
    if not sum(before) or not sum(now):
        raise ValueError("empty")
    shares = zip(_shares(before), _shares(now), strict=True)
    return math.fsum((new - old) * math.log(new / old) for old, new in shares)


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts) + _SMOOTHING * len(counts)
    return [(one + _SMOOTHING) / total for one in counts]
