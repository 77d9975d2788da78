"""Sequential statistics of two versions side by side: they may be looked at after every request.

Evidence is a betting score. Within a batch of requests, given how many each version answered and how many bad
answers there were together, the number on the new version's side is hypergeometric when both are equally bad,
whatever their common ratio is just then: an outage that hits both says nothing. The score multiplies, batch
after batch, how much likelier a worse version makes what was seen (Fisher's noncentral hypergeometric
distribution), averaged over several degrees of "worse". Under "no worse" its expectation never grows, so it
exceeds 1/alpha with probability alpha at most, at any time (Ville's inequality). Bounds are the matching
confidence sequences: a Beta mixture against every ratio (Robbins)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

#: Odds ratios that count as worse, averaged with equal weight.
WORSE: Final = (3.0, 10.0, 30.0, 100.0, 1000.0)
#: The mixture's prior: most ratios of bad answers are small. Any prior gives valid bounds.
_PRIOR: Final = (0.5, 25.0)
_STEPS: Final = 50


def weigh_batch(
    *, new_bad: int, new_all: int, old_bad: int, old_all: int, tolerated_odds: float = 1.0
) -> tuple[float, ...]:
    """Log of how much likelier each degree of WORSE makes this batch than `tolerated_odds` does."""
    bad = new_bad + old_bad
    at_null = _log_mean_power(tolerated_odds, new_all, old_all, bad)
    return tuple(
        new_bad * math.log(worse) + at_null - _log_mean_power(tolerated_odds * worse, new_all, old_all, bad)
        for worse in WORSE
    )


def weigh_alone(
    *, new_bad: int, new_all: int, bound: float, tolerated_odds: float = 1.0
) -> tuple[float, ...]:
    """The same with no old version beside it: against an upper bound of what the old one did before (0–1)."""
    null = _shift_odds(min(max(bound, 1e-6), 0.999), tolerated_odds)
    return tuple(
        new_bad * math.log(worse_ratio / null)
        + (new_all - new_bad) * math.log((1 - worse_ratio) / (1 - null))
        for worse_ratio in (_shift_odds(null, worse) for worse in WORSE)
    )


def total_evidence(logs: Sequence[float]) -> float:
    """The score: the mean over the degrees of worse; 1 is where it starts."""
    highest = max(logs)
    mean = math.fsum(math.exp(log - highest) for log in logs) / len(logs)
    return math.exp(min(700.0, highest + math.log(mean)))


@lru_cache(maxsize=4096)
def upper_bound(bad: int, requests: int, risk: float) -> float:
    """The largest ratio of bad answers still possible; wrong with probability `risk` at most, at any time."""
    if requests == 0:
        return 1.0
    return _bisect(bad, requests, risk, low=bad / requests, high=1.0)


@lru_cache(maxsize=4096)
def lower_bound(bad: int, requests: int, risk: float) -> float:
    """The smallest such ratio."""
    if bad == 0:
        return 0.0
    return _bisect(bad, requests, risk, low=bad / requests, high=0.0)


def _bisect(bad: int, requests: int, risk: float, *, low: float, high: float) -> float:
    """Where the mixture has become 1/risk times likelier than the ratio, between the estimate and the end."""
    a, b = _PRIOR
    mixture = _log_beta(a + bad, b + requests - bad) - _log_beta(a, b)
    limit = mixture + math.log(risk)
    inside, outside = low, high
    for _ in range(_STEPS):
        middle = (inside + outside) / 2
        if _log_likelihood(bad, requests, middle) >= limit:
            inside = middle
        else:
            outside = middle
    return outside


def _log_likelihood(bad: int, requests: int, ratio: float) -> float:
    good = requests - bad
    if (ratio <= 0 and bad) or (ratio >= 1 and good):
        return -math.inf
    return (bad * math.log(ratio) if bad else 0.0) + (good * math.log1p(-ratio) if good else 0.0)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _shift_odds(ratio: float, times: float) -> float:
    odds = ratio / (1 - ratio) * times
    return odds / (1 + odds)


@lru_cache(maxsize=16384)
def _log_mean_power(odds: float, new_all: int, old_all: int, bad: int) -> float:
    """Log of the mean of odds**k, k hypergeometric: bad answers on the new side when both are alike."""
    if odds == 1.0 or bad == 0:
        return 0.0
    logs = [
        _log_choose(new_all, k)
        + _log_choose(old_all, bad - k)
        - _log_choose(new_all + old_all, bad)
        + k * math.log(odds)
        for k in range(max(0, bad - old_all), min(bad, new_all) + 1)
    ]
    highest = max(logs)
    return highest + math.log(math.fsum(math.exp(log - highest) for log in logs))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
