"""Names, positions and holes of change records, without a server."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrx.kit.errors import Invalid
from hrx.ops.recovery.wal import (
    SEGMENT_BYTES,
    Fork,
    Segment,
    format_lsn,
    history_timeline,
    list_needed,
    list_runs,
    parse_history,
    parse_lsn,
)

pytestmark = pytest.mark.req("R6.1-1")


@given(st.integers(0, 2**64 - 1))
def test_a_position_is_read_as_it_is_written(position: int) -> None:
    assert parse_lsn(format_lsn(position)) == position


@pytest.mark.parametrize("text", ["", "0", "0/", "x/1", "123456789/0", "0/3000060; DROP"])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_lsn(text)


@given(st.integers(1, 2**32 - 1), st.integers(0, 2**40 - 1))
def test_a_segment_is_read_as_it_is_named(timeline: int, number: int) -> None:
    segment = Segment(timeline, number)
    assert Segment.parse(segment.name) == segment
    assert Segment.at(timeline, segment.start) == segment == Segment.at(timeline, segment.end - 1)
    assert segment.next.start == segment.end


@pytest.mark.parametrize(
    "name",
    [
        "000000010000000000000003.partial",
        "000000010000000000000003.00000028.backup",
        "0000000100000000000001FF",
        "00000002.history",
        "archive_status",
    ],
)
def test_what_is_no_whole_segment_is_passed_over(name: str) -> None:
    assert Segment.parse(name) is None


def test_the_known_name_of_a_known_position() -> None:
    assert Segment.at(1, parse_lsn("1/3000060")).name == "000000010000000100000003"
    assert history_timeline("0000000A.history") == 10


@given(st.sets(st.integers(0, 60), min_size=1))
def test_runs_tell_exactly_what_is_there_and_every_hole(numbers: set[int]) -> None:
    runs = list_runs(Segment(1, number) for number in numbers)
    told = {n for run in runs for n in range(run.first.number, run.last.number + 1)}
    assert told == numbers
    assert all(before.end < after.start for before, after in itertools.pairwise(runs))


def test_replay_over_two_forks_reads_each_segment_from_the_timeline_it_lies_on() -> None:
    forks = parse_history("1\t0/3000060\tno recovery target specified\n2\t0/5800000\tbefore 2026-11-26\n")
    assert forks == (Fork(parent=1, at=0x3000060), Fork(parent=2, at=0x5800000))
    needed = list_needed(forks, 3, start=0x1000028, end=0x6000100)
    assert [(one.timeline, one.number) for one in needed] == [(1, 1), (1, 2), (2, 3), (2, 4), (3, 5), (3, 6)]


def test_a_target_on_the_edge_of_a_segment_needs_no_further_one() -> None:
    assert [one.number for one in list_needed((), 1, start=SEGMENT_BYTES, end=3 * SEGMENT_BYTES)] == [1, 2]
    assert [one.number for one in list_needed((), 1, start=SEGMENT_BYTES, end=SEGMENT_BYTES)] == [1]
