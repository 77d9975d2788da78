"""The plane killed at random moments of escalations: no page is lost, and none doubles without a death."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.crashing import kill_again_and_again

#: The bench does 200; see `python -m benchmarks paging-crash`.
KILLS = 6


@pytest.mark.req("R4.3-2", "R5.4-1")
def test_no_page_is_lost_and_a_way_that_has_a_next_one_sends_none_thrice(tmp_path: Path) -> None:
    outcome = kill_again_and_again(tmp_path, kills=KILLS, seed=20261126)
    assert outcome.lost == []
    assert outcome.incidents == KILLS
    assert outcome.pages - outcome.by_next_way == KILLS * 9, "three steps; one way first, two ways later"
    # The last way has no next: where all of a step's ways lost their senders twice it is tried once more.
    twice = {key for key, count in outcome.deliveries.items() if count > 2}
    assert all(":slack:" in key for key in twice), "one duplicate at most by a way that has a next one"
