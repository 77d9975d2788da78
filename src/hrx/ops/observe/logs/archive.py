"""The archive in DuckDB: what a row is, and reading the newest that match."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any, Final

import duckdb
import orjson

from hrx.ops.observe.logs.files import ArchivedFile
from hrx.ops.observe.logs.records import Level, LogRecord
from hrx.ops.observe.logs.scanning import too_long
from hrx.ops.observe.logs.searching import LogQuery

#: Name and type of every column. Typed ones of access lines stand beside `fields`, for questions in SQL.
COLUMNS: Final = {
    # `at` is a word of the engine's own SQL.
    "time": "TIMESTAMP",
    "level": "TINYINT",
    "part": "VARCHAR",
    "service": "VARCHAR",
    "event": "VARCHAR",
    "correlation_id": "VARCHAR",
    "trace_id": "VARCHAR",
    "method": "VARCHAR",
    "route": "VARCHAR",
    "status": "SMALLINT",
    "duration_ms": "DOUBLE",
    "fields": "VARCHAR",
    "position": "BIGINT",
    "is_dated": "BOOLEAN",
}
#: Two cores are the smallest machine; a search must leave one for what people wait for meanwhile.
THREADS: Final = 2
MEMORY: Final = "256MB"


@contextmanager
def opened_engine(*, memory: str = MEMORY, temp: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine with nothing in it and no way to the network: it installs and loads nothing by itself."""
    engine = duckdb.connect(
        ":memory:",
        config={
            "threads": THREADS,
            "memory_limit": memory,
            "temp_directory": str(temp) if temp is not None else "",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
        },
    )
    try:
        yield engine
    finally:
        engine.close()


@contextmanager
def interrupted_after(engine: duckdb.DuckDBPyConnection, *, timeout_s: float) -> Iterator[None]:
    """Raises Unavailable (`logs.too_long`) when what is inside runs past the limit."""
    timer = threading.Timer(timeout_s, engine.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except duckdb.InterruptException as error:
        raise too_long() from error
    finally:
        timer.cancel()


def read_archived(
    files: Sequence[ArchivedFile], query: LogQuery, limit: int, timeout_s: float
) -> Iterator[LogRecord]:
    """The newest `limit` matching records of these files. Shape: `searching.ReadArchive`."""
    where, values = _where(query)
    names = [str(one.path) for one in files]
    columns = ", ".join(_READ)
    # Names of columns are ours, values are bound.
    lines = f"SELECT {columns} FROM read_parquet(?, hive_partitioning = false) WHERE {where}"  # noqa: S608
    given = [names, *values]
    if query.correlation_id is not None:
        # Two questions rather than an OR: files answer an equality from their filters without being read.
        other = f"{lines} AND trace_id = ? AND correlation_id IS DISTINCT FROM ?"
        lines = f"{lines} AND correlation_id = ? UNION ALL {other}"
        given = [*given, query.correlation_id, *given, query.correlation_id, query.correlation_id]
    sql = f"{lines} ORDER BY time DESC, position DESC LIMIT {int(limit)}"
    with opened_engine() as engine, interrupted_after(engine, timeout_s=timeout_s):
        rows = engine.execute(sql, given).fetchall()
    return iter([_record(row) for row in rows])


_READ: Final = (
    "time",
    "level",
    "part",
    "service",
    "event",
    "correlation_id",
    "trace_id",
    "fields",
    "position",
    "is_dated",
)


# `Any`: a row of the engine, in the order of `_READ`.
def _record(row: tuple[Any, ...]) -> LogRecord:
    at, level, part, service, event, correlation_id, trace_id, fields, position, is_dated = row
    return LogRecord(
        at=at.replace(tzinfo=UTC),
        level=Level(level),
        part=part,
        service=service,
        event=event,
        correlation_id=correlation_id,
        trace_id=trace_id,
        fields=orjson.loads(fields) if fields else {},
        offset=position,
        is_dated=is_dated,
    )


# `Any`: bound values.
def _where(query: LogQuery) -> tuple[str, list[Any]]:
    """The conditions of `LogQuery.matches` for the engine, but the correlation id's."""
    said: list[str] = ["TRUE"]
    values: list[Any] = []
    if query.since is not None:
        said.append("time >= ?")
        values.append(query.since.astimezone(UTC).replace(tzinfo=None))
    if query.end is not None:
        said.append("time < ?")
        values.append(query.end.astimezone(UTC).replace(tzinfo=None))
    if query.level is not None:
        said.append("level >= ?")
        values.append(int(query.level))
    if query.parts:
        said.append("(part IN (SELECT unnest(?)) OR service IN (SELECT unnest(?)))")
        values += [list(query.parts), list(query.parts)]
    if query.text is not None:
        low = query.text.lower()
        said.append("(contains(lower(event), ?) OR contains(lower(fields), ?) OR correlation_id = ?)")
        values += [low, low, low]
    return " AND ".join(said), values
