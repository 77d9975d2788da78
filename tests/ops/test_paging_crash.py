"""The plane killed at random moments of escalations: no page is lost, and none doubles without a death."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.crashing import kill_again_and_again

#: The bench does 200; see `python -m benchmarks paging-crash`.
KILLS = 6


@pytest.mark.req("R4.3-2", "R5.4-1")
def test_no_page_is_lost_and_none_is_sent_more_than_twice(tmp_path: Path) -> None:
    outcome = kill_again_and_again(tmp_path, kills=KILLS, seed=20261126)
    assert outcome.lost == []
    assert outcome.incidents == KILLS
    assert outcome.pages - outcome.by_next_way == KILLS * 9, "three steps; one way first, two ways later"
    assert outcome.most <= 2, "one duplicate at most, however often its senders died"
