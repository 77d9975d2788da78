"""The socket: frames in, frames out, many requests of one connection at once.

It is a Unix socket that only this user may open: who may read the product's settings may ask."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from hrx.app.models.serving.batching import Batcher, ScoringBusy, ScoringLate
from hrx.app.models.serving.figures import ScoringFigures
from hrx.app.models.serving.frames import Frame, FrameBroken, encode, read_frame
from hrx.kit.errors import HrxError, Invalid, Refused, Text, Unavailable

_logger = logging.getLogger("hrx.scoring")
_LONGEST_S: Final = 60.0
#: Of one connection, read but not answered: a client that never reads cannot fill our memory.
_OPEN_AT_MOST: Final = 1_024
_WRITES_WITHIN_S: Final = 10.0


class Answering:
    """Every connection of the socket."""

    def __init__(self, batchers: Mapping[str, Batcher], *, figures: ScoringFigures) -> None:
        self._batchers = batchers
        self._figures = figures
        self._connections: set[asyncio.Task[None]] = set()
        self._open = 0
        self._all_answered = asyncio.Event()
        self._all_answered.set()
        self._is_stopping = False

    async def listen(self, path: Path) -> asyncio.Server:
        """Take connections. Raises OSError; a socket that a process before us left is taken over."""
        remove_socket(path)
        before = os.umask(0o177)
        try:
            return await asyncio.start_unix_server(self._take, path)
        finally:
            os.umask(before)

    async def finish(self, *, within_s: float) -> None:
        """Answer what was let in, then close every connection.

        What comes meanwhile is not looked at: its connection ends without an answer, so that whoever asked
        asks the process after us."""
        self._is_stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._all_answered.wait()
        for one in self._connections:
            one.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        may_open = asyncio.Semaphore(_OPEN_AT_MOST)
        asking: set[asyncio.Task[None]] = set()
        try:
            while (frame := await read_frame(reader)) is not None:
                if self._is_stopping:
                    continue
                await may_open.acquire()
                self._open += 1
                self._all_answered.clear()
                one = asyncio.create_task(self._reply(frame, writer))
                asking.add(one)

                def over(done: asyncio.Task[None]) -> None:
                    asking.discard(done)
                    may_open.release()
                    self._open -= 1
                    if not self._open:
                        self._all_answered.set()

                one.add_done_callback(over)
        except (FrameBroken, asyncio.IncompleteReadError, OSError) as error:
            _logger.warning("Connection closed", extra={"fields": {"error": type(error).__name__}})
        finally:
            for one in asking:
                one.cancel()
            writer.close()

    async def _reply(self, frame: Frame, writer: asyncio.StreamWriter) -> None:
        head, answer = await self._answer(frame)
        try:
            async with asyncio.timeout(_WRITES_WITHIN_S):
                writer.write(encode(head, answer))
                await writer.drain()
        except (OSError, TimeoutError):
            # It went away, or never reads: nobody is there to be told.
            writer.transport.abort()

    # `Any`: rows of numbers.
    async def _answer(self, frame: Frame) -> tuple[dict[str, Any], Any]:
        asked = frame.head
        known = {"id": asked.get("id")}
        if asked.get("ping"):
            return known, None
        try:
            batcher = self._batchers.get(str(asked.get("model")))
            if batcher is None:
                raise _nobody(str(asked.get("model")))
            if asked.get("about"):
                return {**known, "references": batcher.list_references()}, None
            within_s = min(float(asked.get("within_ms", 1_000)) / 1_000, _LONGEST_S)
            is_shadow = asked.get("shadow") is True
            loaded, found = await batcher.score(
                frame.rows, features=str(asked.get("features")), within_s=within_s, is_shadow=is_shadow
            )
        except HrxError as error:
            self._figures.requests.labels(_outcome(error)).inc()
            return {**known, "error": _error_document(error)}, None
        except (TypeError, ValueError) as error:
            self._figures.requests.labels("refused").inc()
            wrong = Text(ja="読めない依頼です", en="This cannot be read")
            return {**known, "error": _error_document(Invalid(wrong, code=type(error).__name__))}, None
        self._figures.requests.labels("ok").inc()
        version = loaded.version
        return {
            **known,
            "version": version.version,
            "sha256": version.sha256,
            "shadow": is_shadow,
            "features": version.features,
            "labels": list(version.labels),
        }, found


def remove_socket(path: Path) -> None:
    """So that nobody new finds us, or ours is the only one. Safe to repeat."""
    path.unlink(missing_ok=True)


def _outcome(error: HrxError) -> str:
    if isinstance(error, ScoringBusy):
        return "busy"
    if isinstance(error, ScoringLate):
        return "late"
    return "refused" if isinstance(error, Invalid | Refused) else "failed"


def _error_document(error: HrxError) -> dict[str, Any]:
    return {
        "code": error.stable_code,
        "ja": error.message.ja,
        "en": error.message.en,
        "is_refused": isinstance(error, Invalid | Refused),
    }


def _nobody(model: str) -> Unavailable:
    return Unavailable(
        Text(ja=f"モデル {model[:40]} は扱っていません", en=f"Model {model[:40]} is not served here"),
        code="model.none_serves",
    )
