"""No unsafe plan is ever called safe, and few safe ones are refused: every answer is tried (R3.7-1).

Eight releases on as many schemas, each release live on its own schema and on every newer one, back to every
older release, with and without leave to lose values and to stop; `python -m benchmarks rollback_plans` does
many more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrx.ops.release.shapes import SchemaUse
from tests.ops.release.making import make_company
from tests.ops.release.matrix import Tally, graph_of, try_company

pytestmark = pytest.mark.req("R3.7-1")
#: Of safe roll-backs, how many may be refused (issue 5; operations anchors, section 7).
_REFUSED_AT_MOST = 0.05


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, 3, 5])
def test_no_unsafe_plan_is_called_safe_and_few_safe_ones_are_refused(seed: int) -> None:
    tally = Tally()
    company = make_company(seed)
    assert len(company.codes) == 8
    try_company(company, tally)
    assert tally.wrong == []
    assert tally.asked > 150
    assert 0 < tally.planned < tally.asked, "a matrix without both kinds of answers shows nothing"
    assert tally.refused_ratio <= _REFUSED_AT_MOST


@pytest.mark.timeout(300)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(min_value=100, max_value=2**32), is_watched=st.booleans(), with_proofs=st.booleans())
def test_no_unsafe_plan_is_called_safe_whatever_was_recorded(
    seed: int, is_watched: bool, with_proofs: bool
) -> None:
    tally = Tally()
    company = make_company(seed, releases=5)
    try_company(company, tally, is_watched=is_watched, with_proofs=with_proofs)
    assert tally.wrong == []


@pytest.mark.timeout(300)
def test_the_oracle_finds_a_planner_that_is_told_too_little() -> None:
    """Releases that claim to use nothing at all: plans are made that break, and the trial shows it."""
    tally = Tally()
    company = make_company(1)
    honest = graph_of(company)
    told = {name: replace(one, use=SchemaUse()) for name, one in honest.releases.items()}
    try_company(company, tally, graph=replace(honest, releases=told, proofs={}))
    assert len(tally.wrong) > 10
