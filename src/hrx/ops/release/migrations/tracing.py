"""A revision's SQL really executed, transaction by transaction, with the locks that each held at its end.

The locks are asked from the migrating session itself just before it commits: exact, not sampled. The same
session says how many rows it read and wrote, which a small copy shows as surely as a big one: on a table of
real size, that is the time during which everybody waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hrx.kit import clock
from hrx.ops.release.migrations.running import Patience
from hrx.ops.release.migrations.statements import split_script
from hrx.ops.seams.migrating import LockNotGranted, MigratingSession, StatementFailed

#: Modes under which writers wait; under the last, readers too.
STRONG: Final = ("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
_LOCKS_SQL: Final = """
SELECT n.nspname || '.' || c.relname, l.mode
FROM pg_locks AS l
JOIN pg_class AS c ON c.oid = l.relation
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND c.relkind IN ('r', 'p', 'm', 'v')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%'
"""
_WORK_SQL: Final = """
SELECT schemaname || '.' || relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0),
       n_tup_ins, n_tup_upd, n_tup_del
FROM pg_stat_xact_user_tables
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Rows of one table that a transaction read and wrote."""

    read: int
    inserted: int
    updated: int
    deleted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionTrace:
    """One transaction (or one statement outside of any). `locks` has the strongest mode of each table.

    `held_ms` is how long the first strong lock was held; `lock_timeout_ms` the limit at the end, or 0."""

    statements: int
    took_ms: float
    held_ms: float
    locks: Mapping[str, str]
    work: Mapping[str, Work]
    lock_timeout_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """What executing a script showed. `failure` is what the server said when it refused."""

    transactions: tuple[TransactionTrace, ...]
    tries: int
    failure: str = ""
    is_lock_denied: bool = False


@dataclass(slots=True)
class _Unit:
    """Statements that succeed or fail together; one without BEGIN stands alone."""

    texts: list[str] = field(default_factory=list)
    is_transaction: bool = False


def perform(
    session: MigratingSession,
    script: str,
    *,
    patience: Patience,
    between: Callable[[], None] = lambda: None,
) -> Performance:
    """Execute a script; a transaction that gets no lock is tried again as a whole.

    `between` is called after each failed try. Nothing is raised for what the server refuses: it is told."""
    traces: list[TransactionTrace] = []
    tries = 1
    # What helpers of a parallel plan read is not counted in this session, nor what an index alone answers.
    for plan in ("max_parallel_workers_per_gather", "max_parallel_maintenance_workers"):
        session.rows(f"SET {plan} = 0")
    session.rows("SET enable_indexonlyscan = off")
    for unit in _units(script):
        for tried in range(1, patience.tries + 1):
            tries = max(tries, tried)
            try:
                trace = _perform_unit(session, unit)
            except StatementFailed as error:
                _roll_back(session)
                return Performance(transactions=tuple(traces), tries=tries, failure=error.message.en)
            except LockNotGranted as error:
                _roll_back(session)
                if tried == patience.tries:
                    return Performance(
                        transactions=tuple(traces), tries=tries, failure=error.message.en, is_lock_denied=True
                    )
                between()
                time.sleep(patience.wait_s(tried))
            else:
                if unit.texts:
                    traces.append(trace)
                break
    return Performance(transactions=tuple(traces), tries=tries)


def _units(script: str) -> list[_Unit]:
    units: list[_Unit] = []
    current: _Unit | None = None
    for text, kind, node in split_script(script):
        if kind == "transaction_stmt":
            is_begin = node.get("kind") in ("TRANS_STMT_BEGIN", "TRANS_STMT_START")
            if current is not None:
                units.append(current)
            current = _Unit(is_transaction=True) if is_begin else None
        elif current is None:
            units.append(_Unit(texts=[text]))
        else:
            current.texts.append(text)
    return [*units, current] if current is not None else units


def _perform_unit(session: MigratingSession, unit: _Unit) -> TransactionTrace:
    started = clock.monotonic_s()
    locks: dict[str, str] = {}
    work: dict[str, Work] = {}
    strong_since: float | None = None
    limit_ms = 0
    if unit.is_transaction:
        # What earlier transactions counted is handed in now; afterwards the view has only this one's.
        session.rows("SELECT pg_stat_force_next_flush()")
        session.rows("BEGIN")
    for text in unit.texts:
        before = clock.monotonic_s()
        session.rows(text)
        if unit.is_transaction:
            locks |= _strongest(session.rows(_LOCKS_SQL), locks)
            if strong_since is None and any(mode in STRONG for mode in locks.values()):
                strong_since = before
    if unit.is_transaction:
        work = {
            row[0]: Work(read=row[1], inserted=row[2], updated=row[3], deleted=row[4])
            for row in session.rows(_WORK_SQL)
        }
        limit_ms = _limit(session)
        session.rows("COMMIT")
    ended = clock.monotonic_s()
    return TransactionTrace(
        statements=len(unit.texts),
        took_ms=(ended - started) * 1_000,
        held_ms=0.0 if strong_since is None else (ended - strong_since) * 1_000,
        locks=locks,
        work=work,
        lock_timeout_ms=limit_ms,
    )


def _limit(session: MigratingSession) -> int:
    """The session's lock_timeout in milliseconds; 0 is none."""
    [(value,)] = session.rows("SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout'")
    return int(value)


# `Any`: rows of the driver.
def _strongest(rows: list[tuple[Any, ...]], known: Mapping[str, str]) -> dict[str, str]:
    found = dict(known)
    for table, mode in rows:
        if _strength(mode) >= _strength(found.get(table, "")):
            found[table] = mode
    return found


def _strength(mode: str) -> int:
    return STRONG.index(mode) if mode in STRONG else -1


def _roll_back(session: MigratingSession) -> None:
    session.rows("ROLLBACK")
