"""Asking Prometheus: all at once, never waited for too long, and what came late is not lost."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from hrx.ops.observe.dashboards.asking import AnswerState, Asker, Question
from hrx.ops.observe.dashboards.spans import SPANS, Grid, Span, get_span, make_grid
from hrx.ops.runbook.watch.dashboards import PanelKind
from tests.conftest import free_port
from tests.ops.dashboards.fake_prometheus import FakePrometheus

pytestmark = pytest.mark.req("R4.2-1")
GRID = Grid(start_s=1_000_000, end_s=1_000_100, step_s=20)


def test_values_come_in_the_grids_order_and_gaps_stay_gaps(asker: Asker, prometheus: FakePrometheus) -> None:
    prometheus.answers["up"] = [({"part": "api"}, lambda at: None if at == 1_000_040 else float(at % 1000))]
    (answer,) = asker.ask([Question(expr="up", grid=GRID)], within_s=5)
    assert answer.state is AnswerState.ANSWERED
    assert answer.series[0].values == (0.0, 20.0, None, 60.0, 80.0, 100.0)
    assert answer.series[0].labels == {"part": "api"}


def test_what_is_no_number_is_a_gap(asker: Asker, prometheus: FakePrometheus) -> None:
    prometheus.answers["x"] = [({}, lambda at: float("nan") if at < 1_000_050 else float("inf"))]
    (answer,) = asker.ask([Question(expr="x", grid=GRID)], within_s=5)
    assert set(answer.series[0].values) == {None}


def test_one_late_answer_holds_up_nobody_and_is_there_later(asker: Asker, prometheus: FakePrometheus) -> None:
    prometheus.answers |= {"slow": [({}, lambda at: 1.0)], "quick": [({}, lambda at: 2.0)]}
    prometheus.held = "slow"
    prometheus.hold.clear()
    questions = [Question(expr="slow", grid=GRID), Question(expr="quick", grid=GRID)]
    began = time.monotonic()
    late, quick = asker.ask(questions, within_s=0.4)
    assert time.monotonic() - began < 1.0
    assert late.state is AnswerState.PENDING
    assert quick.series[0].last == 2.0
    prometheus.hold.set()
    (now,) = asker.ask(questions[:1], within_s=5)
    assert now.state is AnswerState.ANSWERED
    assert [asked["query"] for asked in prometheus.asked].count("slow") == 1


def test_the_same_question_is_asked_once_for_all_readers(asker: Asker, prometheus: FakePrometheus) -> None:
    for _ in range(5):
        asker.ask([Question(expr="shared", grid=GRID)], within_s=5)
    assert len(prometheus.asked) == 1


def test_a_refusal_is_told_apart_from_silence(asker: Asker, prometheus: FakePrometheus) -> None:
    prometheus.refuse = "bad("
    refused, empty = asker.ask(
        [Question(expr="bad(", grid=GRID), Question(expr="good", grid=GRID)], within_s=5
    )
    assert refused.state is AnswerState.REFUSED
    assert (empty.state, empty.series) == (AnswerState.ANSWERED, ())


def test_a_silent_prometheus_is_not_waited_for_twice() -> None:
    asker = Asker(f"http://127.0.0.1:{free_port()}")
    try:
        (first,) = asker.ask([Question(expr="a", grid=GRID)], within_s=5)
        began = time.monotonic()
        answers = asker.ask([Question(expr=f"b{at}", grid=GRID) for at in range(50)], within_s=5)
        assert time.monotonic() - began < 0.3
    finally:
        asker.close()
    assert first.state is AnswerState.SILENT
    assert {answer.state for answer in answers} == {AnswerState.SILENT}
    assert first.says is not None
    assert first.says.en == "Connection refused"


@pytest.mark.parametrize("span", SPANS, ids=lambda span: span.key)
@pytest.mark.parametrize("kind", PanelKind)
def test_points_are_bounded_and_nothing_falls_between_them(span: Span, kind: PanelKind) -> None:
    grid = make_grid(span, kind, end=datetime(2026, 11, 26, 3, 4, 5, tzinfo=UTC))
    assert 15 <= grid.size <= 200
    assert grid.end_s % grid.step_s == 0
    assert grid.window_s >= grid.step_s
    if kind is PanelKind.BAR:
        assert grid.window_s == grid.step_s, "a bar would count what its neighbour counted"
    assert get_span(span.key) is span
