"""What drills say together: figures over several runs, and what awaits a part that does not stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.drills.experiments import load_experiments
from hrx.ops.drills.journal import Outcome
from hrx.ops.drills.report import newest_runs, summarise, tell, to_markdown
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R5.2-2")


def outcome(drill: str, *, page_s: float | None, ago: int = 0, blamed: tuple[str, ...] = ()) -> Outcome:
    return Outcome(
        run_id=f"{drill}-{ago}",
        drill=drill,
        at=clock.now() - timedelta(hours=ago),
        fault="part.stop",
        sop="5.2.2",
        alert="PartDown",
        condition="part-down:api-blue",
        detect_s=2.0,
        page_s=page_s,
        cause_s=3.0,
        recover_s=8.0,
        first_cause="api-stopped",
        expected_cause=("api-stopped",),
        evidence_complete=True,
        repaired_by="restart-part",
        is_outage=True,
        page_within_s=10.0,
        incident_id=1,
        evidence_seq=40 - ago,
        wrongly_blamed=blamed,
    )


def english(text: Text) -> str:
    return text.en


def test_a_line_tells_the_median_the_worst_and_how_often_it_was_seen() -> None:
    experiments = load_experiments(ROOT / "drills")
    found = [
        outcome("api-stopped", page_s=2.4),
        outcome("api-stopped", page_s=None, ago=1),
        outcome("api-stopped", page_s=4.0, ago=2, blamed=("api-hung",)),
        outcome("api-stopped", page_s=99.0, ago=3),
        outcome("gone-drill", page_s=1.0),
    ]
    by_drill = newest_runs(experiments, found, runs=3)
    lines = {line.drill: line for line in tell(experiments, by_drill)}
    summary = summarise([one for runs in by_drill.values() for one in runs])
    page = to_markdown(list(lines.values()), summary, say=english)
    row = next(line for line in page.splitlines() if "| api-stopped |" in line)
    assert "3.2 … 4.0 s (2/3) (≤ 10)" in row
    assert "| 3/3 | 1/3 (api-hung) | #40 |" in row
    assert "gone-drill" not in page
    assert "3 runs, 3 noticed, paged in the promised time 2 / 3" in page


def test_what_awaits_a_part_is_said_and_not_counted() -> None:
    experiments = load_experiments(ROOT / "drills")
    lines = tell(experiments, {})
    waiting = [line for line in lines if line.waits_for is not None]
    assert {line.sop for line in waiting} == {"5.2.4"}
    page = to_markdown(waiting, summarise([]), say=english)
    reasons = {english(line.waits_for) for line in waiting if line.waits_for is not None}
    assert sum(page.count(reason) for reason in reasons) == len(waiting)
    assert "0 runs, 0 noticed" in page


def test_a_wrong_blame_counts_although_the_right_cause_was_found_too() -> None:
    both = outcome("api-stopped", page_s=2.0, blamed=("api-hung",))
    assert both.is_right
    assert both.wrong_blame
    assert not replace(both, wrongly_blamed=()).wrong_blame
