"""The plane killed at random moments of escalations: no page is lost, and none doubles without a death."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.crashing import kill_again_and_again

#: The bench does 200; see `python -m benchmarks paging-crash`.
KILLS = 6


@pytest.mark.req("R4.3-2", "R5.4-1")
def test_no_page_is_lost_and_none_is_sent_more_often_than_its_senders_died(tmp_path: Path) -> None:
    outcome = kill_again_and_again(tmp_path, kills=KILLS, seed=20261126)
    assert outcome.lost == []
    assert outcome.incidents == KILLS
    assert outcome.pages == KILLS * 6, "three steps, two rounds"
    # A page is sent again only when the process that had it died before it could write the receipt.
    too_often = {key: count for key, count in outcome.deliveries.items() if count > outcome.tries[key]}
    assert too_often == {}
    assert outcome.duplicates <= 4 * KILLS, "at most what four hands held at each death"
