"""Whether scores lie as they lay before: the figure that the rule of 0.2 is about."""

from __future__ import annotations

import math

import pytest

from hrx.app.models.drift import count_tenths, population_stability

pytestmark = pytest.mark.req("R2-8")


def test_scores_are_counted_by_tenths_and_one_belongs_to_the_last() -> None:
    assert count_tenths([0.0, 0.05, 0.1, 0.95, 1.0]) == (2, 1, 0, 0, 0, 0, 0, 0, 0, 2)
    assert count_tenths([]) == (0,) * 10


def test_the_index_is_what_the_formula_says_and_grows_with_the_change() -> None:
    before = [500, 500, 0, 0, 0, 0, 0, 0, 0, 0]
    assert population_stability(before, before) == 0
    assert population_stability(before, [5000, 5000, *before[2:]]) < 0.01
    half, empty = 500.5 / 1005, 0.5 / 1005
    moved = [500, 0, 500, 0, 0, 0, 0, 0, 0, 0]
    assert population_stability(before, moved) == pytest.approx(2 * (half - empty) * math.log(half / empty))
    little, more = [520, 480, *before[2:]], [700, 300, *before[2:]]
    assert 0 < population_stability(before, little) < 0.1 < population_stability(before, more)
    with pytest.raises(ValueError, match="empty"):
        population_stability(before, [0] * 10)
