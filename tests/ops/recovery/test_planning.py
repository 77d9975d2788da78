"""Which backup and records a restore uses where a proof failed or a clock was wrong: from facts alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hrx.ops.recovery.planning import Stock, Target, list_arrivals, list_line, plan_restore
from hrx.ops.recovery.wal import SEGMENT_BYTES, Fork
from tests.ops.recovery.test_standing import NOW, backup, kept

pytestmark = pytest.mark.req("R6.2-1")
HOUR = timedelta(hours=1)


def stock(*distrusted: str, first: int = 0) -> Stock:
    """Full backups a and c, an increment b upon a and d upon c; a segment an hour."""
    return Stock(
        backups=(
            backup("a", at=NOW - 30 * HOUR, segment=6),
            backup("b", at=NOW - 20 * HOUR, segment=16, parent="a"),
            backup("c", at=NOW - 10 * HOUR, segment=26),
            backup("d", at=NOW - 5 * HOUR, segment=31, parent="c"),
        ),
        segments=tuple(kept(*range(first, 36))),
        histories={},
        distrusted=frozenset(distrusted),
    )


def chain(found: Stock) -> list[str]:
    return [one.id for one in plan_restore(found, target=Target()).chain]


def test_a_backup_that_failed_its_proof_serves_only_where_nothing_else_does() -> None:
    assert chain(stock()) == ["c", "d"]
    assert chain(stock("d")) == ["c"]
    assert chain(stock("c")) == ["a", "b"]
    assert chain(stock("a", "c")) == ["c", "d"]
    # What the sound one would need is gone: better this one than none.
    assert chain(stock("c", first=20)) == ["c", "d"]


def test_arrivals_by_a_clock_that_was_ahead_do_not_cut_a_restore_short() -> None:
    found = stock()
    target = Target(time=NOW - 7 * HOUR + timedelta(minutes=5))
    right = plan_restore(found, target=target)
    assert right.segments[-1].segment.number == 30
    jumped = tuple(
        replace(one, received_at=one.received_at + 6 * HOUR) if one.segment.number in (27, 28) else one
        for one in found.segments
    )
    plan = plan_restore(replace(found, segments=jumped), target=target)
    assert plan.segments == tuple(one for one in jumped if 26 <= one.segment.number <= 30)
    assert list_arrivals(jumped) == sorted(list_arrivals(jumped))


def test_of_a_history_that_was_left_only_what_was_lived_belongs_to_the_line() -> None:
    """Timeline 2 left 1 in segment 4, which it begins with a copy of; 1 went on to segment 6 for nobody."""
    forks = (Fork(parent=1, at=4 * SEGMENT_BYTES + 100),)
    found = replace(stock(), segments=(*kept(2, 3, 4, 5, 6), *kept(4, 5, timeline=2)), histories={2: forks})
    assert [(one.segment.timeline, one.segment.number) for one in list_line(found)] == [
        (1, 2),
        (1, 3),
        (2, 4),
        (2, 5),
    ]
