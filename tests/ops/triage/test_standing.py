"""What no series tells is asked again and again, told once when it is so at two looks, and once when over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from hrx.kit.errors import Text
from hrx.ops.run.plane import Plane
from hrx.ops.seams.looking import LookFailed
from hrx.ops.signal import Signal, SignalState
from hrx.ops.triage import standing
from hrx.ops.triage.looking import CheckSpec, Seen
from hrx.ops.triage.registry import CHECKS
from hrx.ops.triage.standing import QUESTIONS, StandingQuestions
from tests.ops.incidents.conftest import quiet

__all__ = ["quiet"]
pytestmark = pytest.mark.req("R5.2-1")


def test_it_is_told_once_at_the_second_look_and_once_when_it_is_over(
    quiet: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    skews: list[float | None] = [0.2, 0.1, 3600.0, None, 3599.0, 3600.0, 0.1, 0.2]

    def look(*_: object) -> Seen:
        return Seen(facts={"worst_skew_s": skews.pop(0)})

    def fake(check_id: str) -> CheckSpec:
        return replace(CHECKS[check_id], look=look)

    monkeypatch.setattr(standing, "get_check", fake)
    told: list[SignalState] = []

    def tell(signals: Sequence[Signal]) -> None:
        told.extend(one.state for one in signals)

    asking = StandingQuestions(quiet, tell=tell, questions=QUESTIONS[:1])
    counts = []
    while skews:
        asking.ask_once()
        counts.append(len(told))
    asking.close()
    assert counts == [0, 1, 1, 1, 2, 2, 2, 3]
    assert told == [SignalState.RESOLVED, SignalState.FIRING, SignalState.RESOLVED]


def test_every_question_asks_for_a_fact_that_its_check_gives() -> None:
    for one in QUESTIONS:
        spec = CHECKS[one.check]
        assert one.fact in spec.facts, one.key
        assert set(one.params) == set(spec.params), one.key


@pytest.mark.parametrize(
    "wrong", [LookFailed(Text(ja="応答がない", en="no answer")), ZeroDivisionError("a bug in the look")]
)
def test_one_that_gets_no_answer_holds_up_none_of_the_others(
    quiet: Plane, monkeypatch: pytest.MonkeyPatch, wrong: Exception
) -> None:
    asked: list[str] = []

    def fake(check_id: str) -> CheckSpec:
        def look(*_: object) -> Seen:
            asked.append(check_id)
            raise wrong

        return replace(CHECKS[check_id], look=look)

    monkeypatch.setattr(standing, "get_check", fake)
    asking = StandingQuestions(quiet, tell=lambda _signals: None)
    asking.ask_once()
    asking.close()
    assert asked == [one.check for one in QUESTIONS]
    assert len(asked) > 1
