"""Readers and writers on the tables that a migration touches, and who among them had to wait for it.

What they send is what the code before the migration sends: the columns that releases read, by name. A
statement counts as stalled only while the server itself says that the migration stands in its way: a slow
machine is not a lock."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from hrx.ops.release.migrations.picture import Picture, quoted
from hrx.ops.seams.migrating import (
    DatabaseAway,
    LockNotGranted,
    MigratingSession,
    StatementFailed,
    migrating_session,
)

APPLICATION: Final = "hrx-rehearsal"
#: A reader or a writer pauses so long between two statements; the watcher between two looks.
_PAUSE_S: Final = 0.002
_LOOK_S: Final = 0.003
_SAMPLED_KEYS: Final = 200
_BLOCKED_SQL: Final = """
SELECT a.pid
FROM pg_stat_activity AS a
WHERE a.pid = ANY (%(pids)s) AND a.wait_event_type = 'Lock'
  AND %(migration)s = ANY (pg_blocking_pids(a.pid))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OldStatement:
    """What code that runs today sends to a table, told apart as `read`, `insert` or `update`."""

    table: str
    kind: str
    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stalls:
    """The longest times, in milliseconds, that the migration kept a reader or a writer waiting, and where."""

    reads_ms: float
    writes_ms: float
    reads_on: str = ""
    writes_on: str = ""
    statements: int = 0


@dataclass(slots=True)
class _Client:
    """One connection that repeats one statement."""

    statement: OldStatement
    session: MigratingSession
    keys: Sequence[tuple[Any, ...]]
    sent: int = 0
    #: While the server says that it waits for the migration: when that began, and the longest so far.
    waits_since: float | None = None
    worst_ms: float = 0.0


@dataclass(slots=True)
class Traffic:
    """Running traffic; `stalls` tells what it suffered so far."""

    clients: list[_Client] = field(default_factory=list)

    def stalls(self) -> Stalls:
        readers = [c for c in self.clients if c.statement.kind == "read"]
        writers = [c for c in self.clients if c.statement.kind != "read"]
        read = max(readers, key=lambda c: c.worst_ms, default=None)
        written = max(writers, key=lambda c: c.worst_ms, default=None)
        return Stalls(
            reads_ms=read.worst_ms if read else 0.0,
            writes_ms=written.worst_ms if written else 0.0,
            reads_on=read.statement.table if read and read.worst_ms else "",
            writes_on=written.statement.table if written and written.worst_ms else "",
            statements=sum(c.sent for c in self.clients),
        )


def list_old_statements(
    picture: Picture, tables: Sequence[str], *, reads: frozenset[str] | None
) -> list[OldStatement]:
    """The statements of today's code on these relations; `reads` None means that it reads everything."""
    found: list[OldStatement] = []
    for table in tables:
        relation = picture.relations.get(table)
        columns = [
            name
            for name in picture.columns.get(table, {})
            if reads is None or f"{table}.{name}" in reads or f"{table}.*" in reads or table in reads
        ]
        if relation is None or not columns:
            continue
        named = ", ".join(f't."{name}"' for name in columns)
        where = _where(picture, table)
        found.append(
            OldStatement(table=table, kind="read", sql=f"SELECT {named} FROM {quoted(table)} AS t{where}")  # noqa: S608
        )
        if relation.kind in "rp":
            found += _writes(picture, table, columns, where)
    return found


def find_working(session: MigratingSession, statements: Sequence[OldStatement]) -> list[OldStatement]:
    """Those that the database takes now; each is tried and taken back."""
    return [one for one in statements if try_once(session, one) is None]


def try_once(session: MigratingSession, statement: OldStatement) -> str | None:
    """Send a statement once and take it back; None when it was taken, else what the server said."""
    session.rows("BEGIN")
    try:
        session.rows(statement.sql.replace("= %s", "IS NULL"))
    except (StatementFailed, LockNotGranted) as error:
        return error.message.en
    finally:
        session.rows("ROLLBACK")
    return None


@contextmanager
def running_traffic(
    url: str, statements: Sequence[OldStatement], picture: Picture, *, migration_pid: int
) -> Iterator[Traffic]:
    """Every read and update of `statements` again and again, each on its own connection, until the end."""
    traffic = Traffic()
    stopped = threading.Event()
    threads: list[threading.Thread] = []
    try:
        for statement in statements:
            if statement.kind != "insert":
                session = MigratingSession(url, application=APPLICATION, statement_timeout_s=60)
                keys = _sample_keys(session, picture, statement.table)
                client = _Client(statement=statement, session=session, keys=keys)
                traffic.clients.append(client)
                threads.append(threading.Thread(target=_repeat, args=(client, stopped), daemon=True))
        threads.append(
            threading.Thread(target=_watch, args=(url, traffic, migration_pid, stopped), daemon=True)
        )
        for thread in threads:
            thread.start()
        _wait_until_all_sent(traffic)
        yield traffic
    finally:
        stopped.set()
        for thread in threads:
            thread.join(65)
        for client in traffic.clients:
            client.session.close()


def _wait_until_all_sent(traffic: Traffic) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and not all(client.sent for client in traffic.clients):
        time.sleep(_LOOK_S)


def _repeat(client: _Client, stopped: threading.Event) -> None:
    chosen = random.Random(7)  # noqa: S311
    statement = client.statement
    while not stopped.wait(_PAUSE_S):
        sql = statement.sql
        if "%s" in sql:
            key = chosen.choice(client.keys) if client.keys else None
            sql = _with_key(sql, key)
        try:
            client.session.rows(sql)
        except (StatementFailed, LockNotGranted):
            # What is wrong with it afterwards is asked once, at the end; here only waiting counts.
            pass
        except DatabaseAway:
            return
        client.sent += 1


def _watch(url: str, traffic: Traffic, migration_pid: int, stopped: threading.Event) -> None:
    """Ask the server again and again who waits for the migration."""
    by_pid = {client.session.pid: client for client in traffic.clients}
    asked = {"pids": list(by_pid), "migration": migration_pid}
    try:
        with migrating_session(url, application=f"{APPLICATION}-watch", statement_timeout_s=5) as session:
            while not stopped.wait(_LOOK_S):
                waiting = {row[0] for row in session.rows(_BLOCKED_SQL, asked)}
                _note(by_pid, waiting, at=time.monotonic())
    except (StatementFailed, LockNotGranted, DatabaseAway):
        return


def _note(by_pid: dict[int, _Client], waiting: set[int], *, at: float) -> None:
    for pid, client in by_pid.items():
        if pid not in waiting:
            client.waits_since = None
            continue
        if client.waits_since is None:
            client.waits_since = at
        client.worst_ms = max(client.worst_ms, (at - client.waits_since + _LOOK_S) * 1_000)


def _where(picture: Picture, table: str) -> str:
    keys = picture.keys.get(table)
    if not keys:
        return " LIMIT 1" if picture.relations[table].kind != "r" else ""
    return " WHERE " + " AND ".join(f't."{key}" = %s' for key in keys)


def _writes(picture: Picture, table: str, columns: Sequence[str], where: str) -> Iterator[OldStatement]:
    seen = picture.columns[table]
    plain = [name for name in columns if not seen[name].is_generated]
    free = [name for name in plain if name not in picture.keys.get(table, ()) and not seen[name].is_identity]
    named = ", ".join(f'"{name}"' for name in plain)
    # The same row again: every check runs, nothing is added.
    yield OldStatement(
        table=table,
        kind="insert",
        sql=f"INSERT INTO {quoted(table)} ({named}) OVERRIDING SYSTEM VALUE"  # noqa: S608
        f" SELECT {named} FROM {quoted(table)} LIMIT 1 ON CONFLICT DO NOTHING",
    )
    if free and "=" in where:
        yield OldStatement(
            table=table,
            kind="update",
            sql=f'UPDATE {quoted(table)} AS t SET "{free[-1]}" = t."{free[-1]}"{where}',  # noqa: S608
        )


def _sample_keys(session: MigratingSession, picture: Picture, table: str) -> list[tuple[Any, ...]]:
    keys = picture.keys.get(table)
    if not keys:
        return []
    named = ", ".join(f't."{key}"::text' for key in keys)
    return session.rows(f"SELECT {named} FROM {quoted(table)} AS t LIMIT {_SAMPLED_KEYS}")  # noqa: S608


def _with_key(sql: str, key: tuple[Any, ...] | None) -> str:
    """The statement with the key's values as literals: its type is the column's own."""
    for value in key or ():
        literal = "'" + str(value).replace("'", "''") + "'"
        sql = sql.replace("%s", literal, 1)
    return sql.replace("= %s", "IS NULL")
