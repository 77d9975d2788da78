"""Asking the part that scores: many questions at once over one connection, each with a time limit.

Scoring changes nothing, so that a question whose connection broke is asked again, of the process that comes
after, as long as there is time. When nobody answers, the feature that asked says so; nobody scores in its
stead, for two places that score would be two answers."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from prometheus_client import Histogram

from hrx.app.models.serving.frames import Frame, FrameBroken, encode, read_frame
from hrx.kit import clock
from hrx.kit.errors import HrxError, Refused, Text, Unavailable

#: Rows of one frame: a long list of people must not keep short ones waiting.
_CHUNK_ROWS: Final = 256
#: A list whose parts were scored by two versions is scored anew.
_TRIES: Final = 3
_ASKS_AGAIN_AFTER_S: Final = 0.05
_PING_S: Final = 0.5
_FAILS_UNTIL_REST: Final = 3
_RESTS_S: Final = 5.0
#: The code of "no version is in the shadow".
NO_SHADOW: Final = "model.no_shadow"


class ScoringAway(Unavailable):
    """The part that scores does not answer. Everything else works; what was asked can be asked again."""

    code = "model.scoring_away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """`rows`: scores by `labels` (0–1), in the order of what was asked, all by one version. `sha256`: of the
    model's file; None from a part that scores of an earlier release, which does not tell it."""

    version: str
    sha256: str | None
    features: str
    labels: tuple[str, ...]
    rows: list[list[float]]


class Rest:
    """Lets the other side rest after three failures in a row; then one question tries it."""

    def __init__(self) -> None:
        self._failures = 0
        self._until_s = 0.0

    def require(self) -> None:
        """Raises ScoringAway while it rests."""
        if clock.monotonic_s() < self._until_s:
            raise away()

    def note(self, *, has_answered: bool) -> None:
        self._failures = 0 if has_answered else self._failures + 1
        if self._failures >= _FAILS_UNTIL_REST:
            self._until_s = clock.monotonic_s() + _RESTS_S
            # One more failure is enough after the rest.
            self._failures = _FAILS_UNTIL_REST - 1


class ScoringClient:
    """One per process and event loop. `socket` None: scoring is not set up here."""

    def __init__(self, socket: Path | None, *, timeout_s: float, duration: Histogram | None = None) -> None:
        self._socket = socket
        self._timeout_s = timeout_s
        self._duration = duration
        self._rest = Rest()
        self._opening = asyncio.Lock()
        self._connection: _Connection | None = None

    async def score(
        self, rows: Sequence[Sequence[float]], *, model: str, features: str, is_shadow: bool = False
    ) -> Scores:
        """Scores of every row, all by the same version. No rows are no question: raises ValueError.

        `is_shadow`: of the version in the shadow, which nobody is shown. Raises ScoringAway, Unavailable with
        the part's own reason (busy, late, no version live), Refused when no version takes these features or
        none is in the shadow."""
        given = np.asarray(rows, dtype=np.float32)
        if given.ndim != 2 or not len(given):
            raise ValueError("rows")
        started_s = clock.monotonic_s()
        outcome = "failed"
        try:
            head = {"model": model, "features": features, "within_ms": self._timeout_s * 1_000}
            found = await self._score_all(given, head=head | ({"shadow": True} if is_shadow else {}))
            outcome = "ok"
            return found
        finally:
            if self._duration is not None:
                self._duration.labels(model, outcome).observe(clock.monotonic_s() - started_s)

    async def ping_ms(self) -> float | None:
        """How long the part takes to say that it is there; None when scoring is not set up here.

        Asked once, so that readiness is not kept waiting. Raises ScoringAway."""
        if self._socket is None:
            return None
        started_s = clock.monotonic_s()
        try:
            async with asyncio.timeout(_PING_S):
                connection = await self._connect(self._socket)
                await connection.ask({"ping": True})
        except (TimeoutError, OSError, EOFError, FrameBroken) as error:
            raise away() from error
        return (clock.monotonic_s() - started_s) * 1_000

    async def close(self) -> None:
        """Let the connection go. Safe to repeat; a question that comes later opens another."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def list_references(self, model: str) -> dict[str, tuple[int, ...]]:
        """How the scores of the live version and of the one in the shadow lay when they were trained: tenths,
        by version. Raises as `score` does."""
        told = (await self._ask({"model": model, "about": True}, None)).head.get("references", {})
        return {str(version): tuple(map(int, counts)) for version, counts in told.items()}

    async def _score_all(self, given: Any, *, head: dict[str, Any]) -> Scores:
        chunks = [given[at : at + _CHUNK_ROWS] for at in range(0, len(given), _CHUNK_ROWS)]
        for _ in range(_TRIES):
            answers = [await self._ask(head, one) for one in chunks]
            heads = [one.head for one in answers]
            if any(one.get("shadow", False) != head.get("shadow", False) for one in heads):
                # A part that scores of an earlier release knows of no shadow and answers with what is live.
                raise _no_shadow()
            if len({head["version"] for head in heads}) == 1:
                return Scores(
                    version=heads[0]["version"],
                    sha256=heads[0].get("sha256"),
                    features=heads[0]["features"],
                    labels=tuple(heads[0]["labels"]),
                    rows=np.concatenate([one.rows for one in answers]).tolist(),
                )
        raise away()

    async def _ask(self, head: dict[str, Any], rows: Any) -> Frame:
        if self._socket is None:
            raise _not_set_up()
        self._rest.require()
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._ask_until_answered(self._socket, head, rows)
        except TimeoutError as error:
            self._rest.note(has_answered=False)
            raise away() from error
        self._rest.note(has_answered=True)
        told = answer.head.get("error")
        if told is not None:
            raise _told(told)
        return answer

    async def _ask_until_answered(self, socket: Path, head: dict[str, Any], rows: Any) -> Frame:
        while True:
            try:
                connection = await self._connect(socket)
                return await connection.ask(head, rows)
            # Nobody there, or gone before it answered: the process after it is asked.
            except (OSError, EOFError, FrameBroken):
                await asyncio.sleep(_ASKS_AGAIN_AFTER_S)

    async def _connect(self, socket: Path) -> _Connection:
        async with self._opening:
            if self._connection is None or self._connection.is_over:
                self._connection = _Connection(*await asyncio.open_unix_connection(socket))
            return self._connection


class _Connection:
    """Questions by number, and a task that hands out the answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Frame]] = {}
        self._reading = asyncio.create_task(self._read(reader))

    @property
    def is_over(self) -> bool:
        return self._reading.done()

    async def ask(self, head: dict[str, Any], rows: Any = None) -> Frame:
        """Raises OSError, EOFError or FrameBroken when the connection ends first."""
        number = next(self._numbers)
        if self.is_over:
            raise ConnectionResetError
        answered: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._asked[number] = answered
        try:
            self._writer.write(encode({**head, "id": number}, rows))
            await self._writer.drain()
            return await answered
        finally:
            self._asked.pop(number, None)

    async def close(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        ending: Exception = ConnectionResetError()
        try:
            while (frame := await read_frame(reader)) is not None:
                answered = self._asked.get(int(frame.head.get("id") or 0))
                if answered is not None and not answered.done():
                    answered.set_result(frame)
        except (OSError, EOFError, FrameBroken) as error:
            ending = error
        finally:
            for one in self._asked.values():
                if not one.done():
                    one.set_exception(ending)
            with suppress(OSError):
                self._writer.close()


def away() -> ScoringAway:
    """What people are told when the part that scores is not there."""
    return ScoringAway(
        Text(
            ja="採点の部品が答えません。ほかの機能は使えます",
            en="The part that scores does not answer; everything else works",
        ),
        hint=Text(
            ja="数分後にもう一度お試しください。続くときは管理者に「scoring が停止」と伝えてください。",
            en="Try again in a few minutes; if it goes on, tell your administrator that scoring is down.",
        ),
    )


def _not_set_up() -> ScoringAway:
    return ScoringAway(
        Text(
            ja="この環境では、採点の部品が設定されていません",
            en="Scoring is not set up in this environment",
        ),
        hint=Text(
            ja="管理者に HRX_SCORING_SOCKET の設定を依頼してください。",
            en="Ask your administrator to set HRX_SCORING_SOCKET.",
        ),
        code="model.scoring_not_set_up",
    )


def _no_shadow() -> Refused:
    return Refused(
        Text(ja="採点の部品は影の版を知りません", en="The part that scores knows of no shadow"),
        code=NO_SHADOW,
    )


def _told(document: dict[str, Any]) -> HrxError:
    message = Text(ja=str(document.get("ja")), en=str(document.get("en")))
    kind = Refused if document.get("is_refused") else Unavailable
    return kind(message, code=str(document.get("code")))
