"""Asking Prometheus many things at once and waiting only so long: what is late is said, not waited for.

An answer that comes after its page has been sent is kept, so that the page finds it when it asks again.
While Prometheus gives no answer at all, nobody waits for it more than once in some seconds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from math import isfinite
from threading import Lock
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.observe.dashboards.spans import Grid
from hrx.ops.seams.http import AnsweredWrongly, HttpSeam
from hrx.ops.seams.looking import LookFailed
from hrx.ops.seams.metrics import query, query_range

#: Longer than Prometheus itself may take for a query, so that its own word arrives.
TIMEOUT_S: Final = 4.0
_WORKERS: Final = 8
_KEPT: Final = 512
_KEPT_S: Final = 30.0
#: After an attempt that got no answer, others fail at once for so long.
_SILENCE_S: Final = 3.0


class AnswerState(StrEnum):
    """How asking went. REFUSED: Prometheus answers, but not this; SILENT: it does not answer at all."""

    ANSWERED = "answered"
    PENDING = "pending"
    REFUSED = "refused"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """PromQL over the moments of a grid; without one, its value of now."""

    expr: str
    grid: Grid | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series: a value for each moment of the grid, None where there is none."""

    labels: Mapping[str, str]
    values: tuple[float | None, ...]

    @property
    def last(self) -> float | None:
        """The newest value. Of the last two moments: the very last may be ahead of its sample."""
        return next((value for value in reversed(self.values[-2:]) if value is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a question; `says` why there is nothing."""

    state: AnswerState
    series: tuple[Series, ...] = ()
    says: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    future: Future[Answer]
    since_s: float


class Asker:
    """One for a process; thread-safe. Close it at the end."""

    def __init__(self, prometheus_url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self._url = prometheus_url
        self._http = HttpSeam(timeout_s=timeout_s)
        self._pool = ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="dashboards")
        self._lock = Lock()
        self._kept: OrderedDict[Question, _Kept] = OrderedDict()
        self._silent_until_s = 0.0
        self._why_silent = Text(ja="応答がありません", en="No answer")

    def ask(self, questions: Sequence[Question], *, within_s: float) -> list[Answer]:
        """The answers in the order of the questions; PENDING for those that took longer than `within_s`."""
        with self._lock:
            futures = [self._find_or_start(question) for question in questions]
        wait(futures, timeout=within_s)
        return [
            future.result() if future.done() and not future.cancelled() else Answer(state=AnswerState.PENDING)
            for future in futures
        ]

    def close(self) -> None:
        """Stop asking; what is under way is left to its time-out."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._http.close()

    def _find_or_start(self, question: Question) -> Future[Answer]:
        now_s = clock.monotonic_s()
        while self._kept and (
            len(self._kept) > _KEPT or now_s - next(iter(self._kept.values())).since_s > _KEPT_S
        ):
            self._kept.popitem(last=False)
        known = self._kept.get(question)
        if known is not None and self._is_fresh(known, question, now_s):
            return known.future
        if now_s < self._silent_until_s:
            ready: Future[Answer] = Future()
            ready.set_result(Answer(state=AnswerState.SILENT, says=self._why_silent))
            return ready
        future = self._pool.submit(self._ask_one, question)
        self._kept.pop(question, None)
        self._kept[question] = _Kept(future=future, since_s=now_s)
        return future

    def _is_fresh(self, known: _Kept, question: Question, now_s: float) -> bool:
        if not known.future.done():
            return True
        if known.future.result().state is not AnswerState.ANSWERED:
            return False
        # A grid names its moments; "now" is another one every time.
        return question.grid is not None or now_s - known.since_s < _SILENCE_S

    def _ask_one(self, question: Question) -> Answer:
        try:
            series = self._fetch(question)
        except AnsweredWrongly as error:
            return Answer(state=AnswerState.REFUSED, says=error.why)
        except LookFailed as error:
            self._why_silent = error.why
            self._silent_until_s = clock.monotonic_s() + _SILENCE_S
            return Answer(state=AnswerState.SILENT, says=error.why)
        self._silent_until_s = 0.0
        return Answer(state=AnswerState.ANSWERED, series=series)

    def _fetch(self, question: Question) -> tuple[Series, ...]:
        if question.grid is None:
            samples = query(self._http, self._url, question.expr)
            return tuple(Series(labels=sample.labels, values=(sample.value,)) for sample in samples)
        grid = question.grid
        found = query_range(
            self._http,
            self._url,
            question.expr,
            start=datetime.fromtimestamp(grid.start_s, tz=UTC),
            end=datetime.fromtimestamp(grid.end_s, tz=UTC),
            step_s=grid.step_s,
        )
        return tuple(Series(labels=one.labels, values=_on_grid(one.points, grid)) for one in found)


def _on_grid(points: Sequence[tuple[datetime, float]], grid: Grid) -> tuple[float | None, ...]:
    """One value for each moment of the grid; None where there is none, or no number."""
    known = {round(at.timestamp()): value for at, value in points if isfinite(value)}
    return tuple(known.get(grid.start_s + at * grid.step_s) for at in range(grid.size))
