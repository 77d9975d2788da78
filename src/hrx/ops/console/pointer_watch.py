"""Models and indexes for the pages: a store or a database that hangs holds up no page.

At most one look of each kind is under way, however many people have the page open."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from hrx.kit import clock
from hrx.kit.errors import HrxError, Text, Unavailable
from hrx.ops.console.pointer_views import IndexView, ModelView, list_indexes, list_models
from hrx.ops.run.plane import Plane

#: What was found is shown again for so long, and for longer only while a new look takes its time.
_FRESH_S: Final = 10.0
_SHOWN_S: Final = 90.0
WITHIN_S: Final = 4.0
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked(Generic[Found]):
    """What was found, and when; `problem` when it cannot be told."""

    found: Found | None = None
    problem: HrxError | None = None
    at: datetime


class PointerWatch:
    """One for the life of the console."""

    def __init__(self, plane: Plane) -> None:
        self._models: Final = _Look(lambda: list_models(plane))
        self._indexes: Final = _Look(lambda: list_indexes(plane))

    def look(
        self, *, within_s: float = WITHIN_S
    ) -> tuple[Looked[tuple[ModelView, ...]], Looked[tuple[IndexView, ...]]]:
        """Both, within that time: what does not answer is a problem, not an exception."""
        until_s = clock.monotonic_s() + within_s
        models, indexes = self._models.begin(), self._indexes.begin()
        return self._models.wait(models, until_s=until_s), self._indexes.wait(indexes, until_s=until_s)


class _Look(Generic[Found]):
    """Asks in a thread of its own, which ends when its own time-outs say so."""

    def __init__(self, ask: Callable[[], Found]) -> None:
        self._ask: Final = ask
        self._turn: Final = threading.Lock()
        self._under_way: Future[Looked[Found]] | None = None
        self._last: Looked[Found] | None = None
        self._last_s = 0.0

    def begin(self) -> Future[Looked[Found]]:
        with self._turn:
            if self._last is not None and clock.monotonic_s() - self._last_s < _FRESH_S:
                done: Future[Looked[Found]] = Future()
                done.set_result(self._last)
                return done
            if self._under_way is None:
                self._under_way = Future()
                threading.Thread(target=self._run, args=(self._under_way,), daemon=True).start()
            return self._under_way

    def wait(self, begun: Future[Looked[Found]], *, until_s: float) -> Looked[Found]:
        try:
            return begun.result(timeout=max(0.0, until_s - clock.monotonic_s()))
        except TimeoutError:
            with self._turn:
                if self._last is not None and clock.monotonic_s() - self._last_s < _SHOWN_S:
                    return self._last
            return Looked(problem=_no_answer(), at=clock.now())

    def _run(self, begun: Future[Looked[Found]]) -> None:
        looked: Looked[Found] = Looked(problem=_no_answer(), at=clock.now())
        try:
            looked = Looked(found=self._ask(), at=clock.now())
        except HrxError as error:
            looked = Looked(problem=error, at=clock.now())
        finally:
            with self._turn:
                self._under_way, self._last, self._last_s = None, looked, clock.monotonic_s()
            begun.set_result(looked)


def _no_answer() -> Unavailable:
    return Unavailable(
        Text(ja="時間内に応答がありませんでした", en="There was no answer in time"),
        hint=Text(
            ja="詳しくは `hrx release models list` と `hrx release indexes list`。",
            en="See `hrx release models list` and `hrx release indexes list`.",
        ),
        code="release.pointers_silent",
    )
