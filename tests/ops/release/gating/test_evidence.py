"""Sequential statistics: what they promise, checked against exact enumeration and by chance."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrx.ops.release.gating.evidence import (
    WORSE,
    lower_bound,
    total_evidence,
    upper_bound,
    weigh_alone,
    weigh_batch,
)

pytestmark = pytest.mark.req("R3.1-2")


@given(
    new_all=st.integers(1, 12),
    old_all=st.integers(1, 30),
    data=st.data(),
    tolerated=st.sampled_from([1.0, 2.0]),
    odds=st.floats(0.01, 1.0),
)
@settings(max_examples=60, deadline=None)
def test_no_worse_a_version_gains_no_evidence_on_average(
    new_all: int, old_all: int, data: st.DataObject, tolerated: float, odds: float
) -> None:
    """Exact expectation over every split of the bad answers, for any true odds up to the tolerated ones."""
    bad = data.draw(st.integers(0, new_all + old_all))
    true = tolerated * odds
    weights, scores = [], []
    for k in range(max(0, bad - old_all), min(bad, new_all) + 1):
        weights.append(math.comb(new_all, k) * math.comb(old_all, bad - k) * true**k)
        logs = weigh_batch(
            new_bad=k, new_all=new_all, old_bad=bad - k, old_all=old_all, tolerated_odds=tolerated
        )
        scores.append(total_evidence(logs))
    expected = math.fsum(w * s for w, s in zip(weights, scores, strict=True)) / math.fsum(weights)
    assert expected <= 1 + 1e-9
    assert scores == sorted(scores), "more bad answers of the new version never weigh less"


@given(requests=st.integers(1, 40), bound=st.floats(0.001, 0.5), share=st.floats(0.0, 1.0))
@settings(max_examples=60, deadline=None)
def test_alone_too_there_is_no_gain_up_to_the_bound(requests: int, bound: float, share: float) -> None:
    true = bound * share
    expected = math.fsum(
        math.comb(requests, k)
        * true**k
        * (1 - true) ** (requests - k)
        * total_evidence(weigh_alone(new_bad=k, new_all=requests, bound=bound))
        for k in range(requests + 1)
    )
    assert expected <= 1 + 1e-6


@given(bad=st.integers(0, 200), good=st.integers(0, 2000))
def test_bounds_enclose_the_estimate(bad: int, good: int) -> None:
    if bad + good == 0:
        assert (lower_bound(0, 0, 0.01), upper_bound(0, 0, 0.01)) == (0.0, 1.0)
        return
    ratio = bad / (bad + good)
    assert 0 <= lower_bound(bad, bad + good, 0.01) <= ratio <= upper_bound(bad, bad + good, 0.01) <= 1


@pytest.mark.parametrize("ratio", [0.002, 0.02, 0.2])
def test_looking_after_every_request_a_bound_is_wrong_no_more_often_than_promised(ratio: float) -> None:
    chance, risk, wrong = random.Random(7), 0.05, 0  # noqa: S311
    for _ in range(200):
        bad = 0
        for number in range(1, 301):
            bad += chance.random() < ratio
            if not lower_bound(bad, number, risk) <= ratio <= upper_bound(bad, number, risk):
                wrong += 1
                break
    # Both sides together may fail with 0.1; 200 trials of that stay below 32 in 999 of 1,000 cases.
    assert wrong < 32


def test_all_degrees_of_worse_start_equal() -> None:
    assert total_evidence([0.0] * len(WORSE)) == 1.0
    assert total_evidence(weigh_batch(new_bad=0, new_all=5, old_bad=0, old_all=20)) == 1.0
