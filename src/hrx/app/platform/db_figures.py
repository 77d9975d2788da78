"""What a process says of its database: how long statements take, how they fail, whether connections suffice.

Statements are timed where they are sent: those of SQLAlchemy by its events, those that talk to the driver by
`timed`. The pool is asked when Prometheus asks."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable
from functools import lru_cache
from typing import Any, Final, TypeVar

import psycopg
from prometheus_client import CollectorRegistry, Histogram
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from hrx.kit.catalogue import DB_CONNECTIONS, DB_CONNECTIONS_MAX, DB_DURATION, DB_PENDING, DB_WAIT

_T = TypeVar("_T")
_SYSTEM: Final = "postgresql"
_OPERATIONS: Final = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "BEGIN", "COMMIT"})
_FIRST_WORD: Final = re.compile(r"(?:\s|/\*.*?\*/|--[^\n]*\n)*([A-Za-z]+)", re.S)
#: Classes and codes of PostgreSQL's errors that mean something to operators; the rest is `other`.
_ERRORS: Final = {
    "57014": "timeout",
    "55P03": "lock",
    "40P01": "lock",
    "40001": "lock",
    "57P01": "connection",
    "57P02": "connection",
    "57P03": "connection",
    "53300": "connection",
}
_STARTED: Final = "hrx_started_s"


class DatabaseFigures:
    """The figures of one engine."""

    def __init__(self, registry: CollectorRegistry, *, pool_size: int) -> None:
        self.pending = 0
        self.wait = DB_WAIT.histogram(registry)
        self._duration = DB_DURATION.histogram(registry)
        self._connections = DB_CONNECTIONS.gauge(registry)
        # Looking up a labelled child takes longer than observing; the combinations are few.
        self._children: dict[tuple[str, str], Histogram] = {}
        DB_CONNECTIONS_MAX.gauge(registry).set(pool_size)
        DB_PENDING.gauge(registry).set_function(lambda: self.pending)

    def watch(self, engine: AsyncEngine) -> None:
        """Ask the pool of this engine, and time what SQLAlchemy sends through it."""
        pool = engine.sync_engine.pool
        if isinstance(pool, QueuePool):
            self._connections.labels("idle").set_function(pool.checkedin)
            self._connections.labels("used").set_function(pool.checkedout)
        event.listen(engine.sync_engine, "before_cursor_execute", _note_start)
        event.listen(engine.sync_engine, "after_cursor_execute", self._note_end)
        event.listen(engine.sync_engine, "handle_error", self._note_failure)

    def observe(self, operation: str, duration_s: float, *, error_type: str = "") -> None:
        """One statement that ended."""
        child = self._children.get((operation, error_type))
        if child is None:
            child = self._duration.labels(_SYSTEM, operation, error_type)
            self._children[operation, error_type] = child
        child.observe(duration_s)

    def _note_end(
        self, _connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool
    ) -> None:
        """SQLAlchemy's event. `Any`: its arguments have no public types."""
        started_s = context.__dict__.get(_STARTED) if context is not None else None
        if started_s is not None:
            self.observe(operation_of(statement), time.perf_counter() - started_s)

    def _note_failure(self, failure: ExceptionContext) -> None:
        context, cause = failure.execution_context, failure.original_exception
        started_s = context.__dict__.get(_STARTED) if context is not None else None
        if started_s is not None and isinstance(cause, psycopg.Error):
            self.observe(
                operation_of(failure.statement or ""),
                time.perf_counter() - started_s,
                error_type=error_type_of(cause),
            )


async def timed(figures: DatabaseFigures | None, operation: str, work: Awaitable[_T]) -> _T:
    """What `work` gives, with its duration recorded; failures of the driver are recorded and raised."""
    if figures is None:
        return await work
    started_s = time.perf_counter()
    try:
        result = await work
    except psycopg.Error as error:
        figures.observe(operation, time.perf_counter() - started_s, error_type=error_type_of(error))
        raise
    figures.observe(operation, time.perf_counter() - started_s)
    return result


@lru_cache(maxsize=1_024)
def operation_of(statement: str) -> str:
    """The first word of a statement when it is a known one: SQL is text, and text is no label."""
    found = _FIRST_WORD.match(statement)
    word = found.group(1).upper() if found else ""
    return word if word in _OPERATIONS else "OTHER"


def error_type_of(error: psycopg.Error) -> str:
    """The kind of failure, one of a closed list."""
    state = error.sqlstate
    if state is None or state.startswith("08"):
        return "connection"
    if state.startswith("23"):
        return "constraint"
    return _ERRORS.get(state, "other")


def _note_start(
    _connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool
) -> None:
    """SQLAlchemy's event. `Any`: its arguments have no public types."""
    if context is not None:
        context.__dict__[_STARTED] = time.perf_counter()
