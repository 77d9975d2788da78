"""What a reader of an answer hears, as server-sent events.

meta, then citations before any model is asked, deltas while one writes, the checked sentences that replace
them, usage, done. `interrupted`: what was shown since meta is void (citations stay)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import Final

import orjson
from sqlalchemy.exc import DBAPIError

from hrx.app.assistant.conversations.models import Citation, Said
from hrx.app.platform import problems
from hrx.app.platform.db import DriverError
from hrx.kit.errors import HrxError, Language

_logger = logging.getLogger("hrx.assistant")
#: Proxies close what is silent for longer than they care for.
_STILL_HERE_S: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event; `data` is JSON in shape."""

    name: str
    data: dict[str, object]

    def encode(self) -> bytes:
        return b"event: %s\ndata: %s\n\n" % (self.name.encode(), orjson.dumps(self.data))


def of_citation(citation: Citation) -> Event:
    return Event(name="citation", data=asdict(citation))


def of_sentence(said: Said) -> Event:
    return Event(
        name="sentence",
        data={"text": said.text, "citations": list(said.citations), "is_supported": said.is_supported},
    )


async def encode_all(events: AsyncGenerator[Event], *, language: Language) -> AsyncIterator[bytes]:
    """The bytes of a stream, with a word now and then while a model thinks; closes its source.

    Its status was sent long ago: what fails from here on is told as the event `problem`."""
    try:
        async with aclosing(_encode(events)) as lines:
            async for line in lines:
                yield line
    except HrxError as error:
        yield _problem(problems.problem_of(error), language)
    except Exception as error:
        explained = (
            problems.explain_database_error(error) if isinstance(error, DBAPIError | DriverError) else None
        )
        if explained is None:
            _logger.exception("An answer broke off")
        yield _problem(problems.problem_of(explained) if explained else problems.BUG, language)


def _problem(problem: problems.Problem, language: Language) -> bytes:
    said = bytes(problems.render(problem, language=language).body)
    return b"event: problem\ndata: " + said + b"\n\n"


async def _encode(events: AsyncGenerator[Event]) -> AsyncGenerator[bytes]:
    waiting: asyncio.Task[Event] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait([waiting], timeout=_STILL_HERE_S)
            if not done:
                yield b": still here\n\n"
                continue
            try:
                event = waiting.result()
            except StopAsyncIteration:
                return
            waiting = None
            yield event.encode()
    finally:
        if waiting is not None:
            waiting.cancel()
            await asyncio.wait([waiting])
        await events.aclose()
