"""Many requests, one run of the model: what waits together is scored together.

A run takes what is there when it begins; while it runs, the next batch gathers. Only when nothing runs does a
request wait for company, `wait_s` at most. What would not be answered in time is not begun, and beyond
`queue_rows` nobody is let in: a clear no at once is worth more than an answer that comes too late."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnxruntime

from hrx.app.models.drift import count_tenths
from hrx.app.models.scoring import Loaded, Scorer
from hrx.app.models.serving.figures import ScoringFigures
from hrx.kit import clock
from hrx.kit.errors import HrxError, Invalid, Text, Unavailable

LARGEST_REQUEST_ROWS: Final = 1_024


class ScoringBusy(Unavailable):
    """More rows wait than may; nothing of this request was begun."""

    code = "model.busy"


class ScoringLate(Unavailable):
    """The asker's time was over before its turn came, or a run was stopped for taking too long."""

    code = "model.late"


class RowsInvalid(Invalid):
    """There are no rows, or too many, or one of the numbers is none."""

    code = "model.rows_invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`wait_s`: how long a lone request waits for company. `run_timeout_s`: of one run of the model.

    `batch_rows` of one run at most; `queue_rows` of all that wait."""

    batch_rows: int = 256
    wait_s: float = 0.001
    queue_rows: int = 8_192
    run_timeout_s: float = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    features: str
    rows: Any
    deadline_s: float
    done: asyncio.Future[tuple[Loaded, Any]]
    is_shadow: bool

    @property
    def kind(self) -> tuple[str, int, bool]:
        """What has to be the same in one batch: the features, how many of them, and who is to answer."""
        return self.features, self.rows.shape[1], self.is_shadow


class Batcher:
    """The queue of one model. `run` works it off until cancelled."""

    def __init__(self, scorer: Scorer, *, limits: Limits, figures: ScoringFigures) -> None:
        self._scorer = scorer
        self._limits = limits
        self._figures = figures
        self._waiting: deque[_Waiting] = deque()
        self._waiting_rows = 0
        self._changed = asyncio.Event()
        # One thread: a run uses a core, and the next batch gathers meanwhile.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="scoring")

    async def score(
        self, rows: Any, *, features: str, within_s: float, is_shadow: bool = False
    ) -> tuple[Loaded, Any]:
        """The version that answers, and its scores for every row (float32, n × labels).

        `rows`: float32, n × columns. `is_shadow`: the version in the shadow is asked. Raises RowsInvalid,
        ScoringBusy, ScoringLate, NoModelServes, FeaturesDiffer, ColumnsDiffer, NoShadow."""
        _require_rows(rows)
        # What nobody could answer does not wait; who answers is chosen when the run begins.
        self._choose((features, rows.shape[1], is_shadow))
        if self._waiting_rows + len(rows) > self._limits.queue_rows:
            raise ScoringBusy(
                Text(
                    ja=f"採点が混み合っています({self._waiting_rows} 行が待っています)",
                    en=f"Scoring is busy ({self._waiting_rows} rows wait)",
                ),
                hint=Text(ja="少し待って、もう一度。", en="Wait a little, then again."),
            )
        done: asyncio.Future[tuple[Loaded, Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(features, rows, clock.monotonic_s() + within_s, done, is_shadow))
        self._note(len(rows))
        self._changed.set()
        return await done

    async def run(self) -> None:
        """Work off what waits until cancelled; then whoever still waits is told so."""
        try:
            while True:
                await self._gather()
                batch = self._take()
                if batch:
                    await self._answer(batch)
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)
            for one in self._waiting:
                if not one.done.done():
                    one.done.set_exception(_stopping())
            self._waiting.clear()

    async def _gather(self) -> None:
        while not self._waiting:
            self._changed.clear()
            await self._changed.wait()
        if self._limits.wait_s and self._waiting_rows < self._limits.batch_rows:
            await asyncio.sleep(self._limits.wait_s)

    def _take(self) -> list[_Waiting]:
        """The next requests that one version answers, as many as fit into a batch."""
        taken: list[_Waiting] = []
        rows = 0
        while self._waiting:
            one = self._waiting[0]
            if taken and (one.kind != taken[0].kind or rows + len(one.rows) > self._limits.batch_rows):
                break
            self._waiting.popleft()
            self._note(-len(one.rows))
            if one.done.done():
                continue
            if clock.monotonic_s() >= one.deadline_s:
                one.done.set_exception(_late())
                continue
            taken.append(one)
            rows += len(one.rows)
        return taken

    async def _answer(self, batch: list[_Waiting]) -> None:
        try:
            # Chosen now, for all of them: a switch in the meantime is the next batch's affair. One that came
            # while they waited may count other features; then they are refused, never scored with it.
            loaded = self._choose(batch[0].kind)
            rows = batch[0].rows if len(batch) == 1 else np.concatenate([one.rows for one in batch])
            found = await self._score(loaded, rows)
        # Whatever the library raises: those who wait must be told, and the queue goes on.
        except Exception as error:  # noqa: BLE001
            await self._answer_alone(batch, error)
            return
        at = 0
        for one in batch:
            answer = found[at : at + len(one.rows)]
            at += len(one.rows)
            if not one.done.done():
                one.done.set_result((loaded, answer))

    def _choose(self, kind: tuple[str, int, bool]) -> Loaded:
        features, columns, is_shadow = kind
        choose = self._scorer.choose_shadow if is_shadow else self._scorer.choose
        return choose(features, columns=columns)

    async def _answer_alone(self, batch: list[_Waiting], error: Exception) -> None:
        """One request must not take the others of its batch down with it."""
        if len(batch) > 1 and not isinstance(error, HrxError):
            for one in batch:
                await self._answer([one])
            return
        for one in batch:
            if not one.done.done():
                one.done.set_exception(error if isinstance(error, HrxError) else _failed(error))

    async def _score(self, loaded: Loaded, rows: Any) -> Any:
        """One run, or several by the same version where a single request is larger than a batch."""
        most = self._limits.batch_rows
        parts = [await self._run(loaded, rows[at : at + most]) for at in range(0, len(rows), most)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    async def _run(self, loaded: Loaded, rows: Any) -> Any:
        """One run, stopped by the library itself when it takes too long."""
        options = onnxruntime.RunOptions()
        loop = asyncio.get_running_loop()
        stopping = loop.call_later(self._limits.run_timeout_s, setattr, options, "terminate", True)
        self._figures.batch_rows.observe(len(rows))
        started_s = clock.monotonic_s()
        try:
            return await loop.run_in_executor(self._thread, loaded.score, rows, options)
        except Exception as error:
            if options.terminate:
                raise _late() from error
            raise
        finally:
            stopping.cancel()
            self._figures.run_s.labels(self._scorer.model).observe(clock.monotonic_s() - started_s)

    def list_references(self) -> dict[str, tuple[int, ...]]:
        """How the scores of each version that stands ready lay when it was trained: tenths of the answers of
        its golden rows, which its trainer took from texts that it had not learned from."""
        stands = self._scorer.standing
        return {
            one.version.version: count_tenths(score for row in one.version.golden for score in row.answer)
            for one in (stands.live, stands.shadow)
            if one is not None
        }

    def _note(self, rows: int) -> None:
        self._waiting_rows += rows
        self._figures.waiting_rows.labels(self._scorer.model).set(self._waiting_rows)


def _require_rows(rows: Any) -> None:
    is_well = (
        rows is not None
        and 0 < len(rows) <= LARGEST_REQUEST_ROWS
        and rows.shape[1] > 0
        and bool(np.isfinite(rows).all())
    )
    if not is_well:
        raise RowsInvalid(
            Text(
                ja=f"数値は 1〜{LARGEST_REQUEST_ROWS} 行の有限の値です",
                en=f"The numbers must be 1 to {LARGEST_REQUEST_ROWS} rows of finite values",
            )
        )


def _late() -> ScoringLate:
    return ScoringLate(
        Text(ja="時間内に採点できませんでした", en="It could not be scored in time"),
        hint=Text(ja="少し待って、もう一度。", en="Wait a little, then again."),
    )


def _stopping() -> ScoringLate:
    return ScoringLate(Text(ja="採点の部品が止まるところです", en="The part that scores is being stopped"))


def _failed(error: Exception) -> Unavailable:
    return Unavailable(
        Text(
            ja=f"モデルが答えられませんでした({type(error).__name__})",
            en=f"The model could not answer ({type(error).__name__})",
        ),
        code="model.failed",
    )
