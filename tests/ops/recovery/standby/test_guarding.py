"""When the standby takes over by itself: after silence without a break, of a pair that was whole before."""

from __future__ import annotations

import pytest

from hrx.ops.recovery.standby.guarding import Guard, Sight

pytestmark = pytest.mark.req("R6.3-2")


def well(at: float, *, follows: bool = True) -> Sight:
    return Sight(at=at, primary_answers=True, standby_follows=follows, is_on_purpose=False)


def silent(at: float, *, since: float | None = None, follows: bool = True, on_purpose: bool = False) -> Sight:
    return Sight(
        at=at, silent_since=since, primary_answers=False, standby_follows=follows, is_on_purpose=on_purpose
    )


def run(*sights: Sight) -> list[bool]:
    guard = Guard(after_s=3.0)
    return [guard.is_due(one) for one in sights]


def test_it_is_due_once_after_three_seconds_of_silence() -> None:
    assert run(well(0), silent(1), silent(3.9), silent(4), silent(5), silent(60)) == [
        False,
        False,
        False,
        True,
        False,
        False,
    ]


def test_a_question_that_hung_counts_from_its_beginning() -> None:
    assert run(well(0), silent(3.6, since=0.5)) == [False, True]
    assert run(well(0), silent(3.4, since=0.5)) == [False, False]


def test_an_answer_in_between_begins_anew() -> None:
    assert run(well(0), silent(1), silent(3), well(3.5), silent(4), silent(6.9), silent(7))[-2:] == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    "sights",
    [
        pytest.param((silent(0), silent(10)), id="never seen whole"),
        pytest.param((well(0, follows=False), silent(1), silent(10)), id="the standby never followed"),
        pytest.param(
            (well(0), silent(1, on_purpose=True), silent(9, on_purpose=True)), id="stopped on purpose"
        ),
        pytest.param((well(0), silent(1, follows=False), silent(9, follows=False)), id="no standby answers"),
        pytest.param((well(0), silent(1), silent(3, on_purpose=True), silent(5)), id="a start in between"),
    ],
)
def test_it_is_not_due(sights: tuple[Sight, ...]) -> None:
    assert not any(run(*sights))


def test_after_a_take_over_only_a_pair_seen_whole_arms_it_again() -> None:
    guard = Guard(after_s=3.0)
    assert [guard.is_due(one) for one in (well(0), silent(1), silent(4))][-1]
    assert not any(guard.is_due(one) for one in (well(5, follows=False), silent(6), silent(20)))
    assert [guard.is_due(one) for one in (well(21), silent(22), silent(25))] == [False, False, True]
