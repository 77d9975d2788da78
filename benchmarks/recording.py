"""What the product really sends to PostgreSQL while it answers a request, in order, with its parameters.

Listens at the driver (psycopg), below SQLAlchemy and below the product's own short cuts, so that nothing the
product sends can be missed and nothing it does not send can be added."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final
from unittest import mock

import orjson
import psycopg

COMMIT: Final = "COMMIT"
#: Whose block the current task belongs to.
_LISTENER: ContextVar[object] = ContextVar("recording", default=None)
#: Values JSON does not know, by their tag.
_TAGGED: Final = {"$bytes": bytes.fromhex, "$moment": datetime.datetime.fromisoformat}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement as the driver got it. `binds_on_client`: parameters were put into the text by it."""

    sql: str
    parameters: Mapping[str, Any] | None = None
    binds_on_client: bool = False


@contextmanager
def recording() -> Iterator[list[Statement]]:
    """Everything that is sent through psycopg's async cursors on behalf of what is asked inside the block.

    Tasks that ran before (the live listener opening its connection again) are not heard: they do not have the
    block's context."""
    heard: list[Statement] = []
    listener = _LISTENER.set(heard)
    execute, commit = psycopg.AsyncCursor.execute, psycopg.AsyncConnection.commit

    async def listening_execute(cursor: Any, query: Any, params: Any = None, **options: Any) -> Any:
        if not isinstance(query, bytes | str):
            raise TypeError("only statements in plain text can be replayed")
        sql = query.decode() if isinstance(query, bytes) else query
        on_client = isinstance(cursor, psycopg.AsyncClientCursor)
        if _LISTENER.get() is heard:
            heard.append(Statement(sql=sql, parameters=params, binds_on_client=on_client))
        return await execute(cursor, query, params, **options)

    async def listening_commit(connection: Any) -> None:
        if _LISTENER.get() is heard:
            heard.append(Statement(sql=COMMIT))
        await commit(connection)

    with (
        mock.patch.object(psycopg.AsyncCursor, "execute", listening_execute),
        mock.patch.object(psycopg.AsyncConnection, "commit", listening_commit),
    ):
        try:
            yield heard
        finally:
            _LISTENER.reset(listener)


def pack(recorded: Mapping[str, list[Statement]]) -> bytes:
    """Statements by path, as a file for the floor."""
    return orjson.dumps(
        {
            path: [[item.sql, _packed(item.parameters), item.binds_on_client] for item in statements]
            for path, statements in recorded.items()
        }
    )


def unpack(content: bytes) -> dict[str, list[Statement]]:
    """The other way round."""
    return {
        path: [
            Statement(sql=sql, parameters=_unpacked(parameters), binds_on_client=on_client)
            for sql, parameters, on_client in statements
        ]
        for path, statements in orjson.loads(content).items()
    }


def _packed(value: Any) -> Any:
    match value:
        case bytes():
            return {"$bytes": value.hex()}
        case datetime.datetime():
            return {"$moment": value.isoformat()}
        case Mapping():
            return {key: _packed(item) for key, item in value.items()}
        case list() | tuple():
            return [_packed(item) for item in value]
        case None | bool() | int() | float() | str():
            return value
    raise TypeError(f"a parameter of type {type(value).__name__} cannot be replayed")


def _unpacked(value: Any) -> Any:
    match value:
        case dict():
            for tag, read in _TAGGED.items():
                if tag in value:
                    return read(value[tag])
            return {key: _unpacked(item) for key, item in value.items()}
        case list():
            return [_unpacked(item) for item in value]
    return value
