"""Filling rows in batches: resumable, throttled, and gone from nobody's way after each batch.

Where it stands is a row in the database, written in the same transaction as the batch it tells of: whatever
kills the process, what is done is done once, and the next start goes on behind it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from hrx.kit import clock
from hrx.kit.errors import Invalid, Refused, Text, Unavailable
from hrx.ops.seams.migrating import LockNotGranted, MigratingSession, migrating_session

#: Of the owner's own schema: the application neither reads nor writes it.
_STATE_SQL: Final = """
CREATE TABLE IF NOT EXISTS public.schema_backfill (
  name text PRIMARY KEY,
  last_key bigint,
  rows_seen bigint NOT NULL DEFAULT 0,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz
)
"""
_NAME: Final = re.compile(r"[a-z0-9_.-]{1,80}\Z")
_IDENTIFIER: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z")


class BackfillInvalid(Invalid):
    """The backfill's name, table or key is none."""

    code = "release.backfill_invalid"


class BackfillBlind(Refused):
    """Row-level security hides rows from this role: it would finish and leave them out."""

    code = "release.backfill_blind"


class BackfillStuck(Unavailable):
    """A batch could not get its locks, however often it was tried."""

    code = "release.backfill_stuck"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """What is filled. `key` is a bigint that names a row and never changes.

    `set_clause` is SQL of an UPDATE's SET, `where` (optional) leaves out rows that need nothing; both may
    name the table as `t`: they come from our own code, never from input."""

    name: str
    table: str
    set_clause: str
    key: str = "id"
    where: str = "true"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast it may go: rows in a batch, the share of time in which it works, and when it gives up.

    1,000 rows keep a batch near ten milliseconds on the machine of docs/measurements.md; half of the time at
    rest leaves the disk and the replicas to the others."""

    batch_rows: int = 1_000
    working_ratio: float = 0.5
    lock_timeout_ms: int = 200
    tries: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillState:
    """Where a backfill stands. `last_key` is the last row that was looked at; None before the first."""

    name: str
    last_key: int | None
    rows_seen: int
    is_finished: bool


def run_backfill(
    url: str,
    backfill: Backfill,
    *,
    pace: Pace | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
    tell: Callable[[BackfillState], None] = lambda _: None,
) -> BackfillState:
    """Fill until nothing is left or `is_stopped` says so; goes on where an earlier run stood.

    A finished backfill does nothing. Rows added behind its back must already be written right by the code:
    that release comes first. Raises BackfillInvalid, BackfillBlind, BackfillStuck; StatementFailed and
    DatabaseAway of the session."""
    _require_valid(backfill)
    limits = pace or Pace()
    with migrating_session(
        url, application="hrx-backfill", lock_timeout_ms=limits.lock_timeout_ms, statement_timeout_s=60
    ) as session:
        _require_sight(session, backfill)
        _begin_state(session, backfill.name)
        state = _read_state(session, backfill.name)
        while not state.is_finished and not is_stopped():
            started = clock.monotonic_s()
            state = _fill_batch(session, backfill, limits)
            tell(state)
            worked_s = clock.monotonic_s() - started
            if not state.is_finished and limits.working_ratio < 1:
                time.sleep(worked_s * (1 / limits.working_ratio - 1))
        return state


def list_backfills(url: str) -> list[BackfillState]:
    """Every backfill that was ever begun in this database, by name. Raises DatabaseAway."""
    with migrating_session(url, application="hrx-backfill", statement_timeout_s=10) as session:
        if session.rows("SELECT to_regclass('public.schema_backfill') IS NULL") == [(True,)]:
            return []
        found = session.rows(
            "SELECT name, last_key, rows_seen, finished_at IS NOT NULL FROM public.schema_backfill ORDER BY 1"
        )
        return [_state(row) for row in found]


def _begin_state(session: MigratingSession, name: str) -> None:
    """The table of states and this backfill's row in it, once, however many begin at the same moment.

    CREATE TABLE IF NOT EXISTS of two sessions at once fails in one of them, so that they take turns."""
    session.rows("BEGIN")
    session.rows("SET LOCAL lock_timeout = '30s'")
    session.rows("SELECT pg_advisory_xact_lock(hashtextextended('public.schema_backfill', 0))")
    session.rows(_STATE_SQL)
    session.rows(
        "INSERT INTO public.schema_backfill (name) VALUES (%(name)s) ON CONFLICT DO NOTHING", {"name": name}
    )
    session.rows("COMMIT")


def _fill_batch(session: MigratingSession, backfill: Backfill, limits: Pace) -> BackfillState:
    """One batch, tried again while somebody else holds one of its rows."""
    for tried in range(1, limits.tries + 1):
        session.rows("BEGIN")
        try:
            state = _step(session, backfill, batch_rows=limits.batch_rows)
            session.rows("COMMIT")
        except LockNotGranted:
            session.rows("ROLLBACK")
            time.sleep(min(5.0, 0.05 * 2.0 ** min(tried, 10)))
            continue
        return state
    raise BackfillStuck(
        Text(
            ja=f"埋め込み {backfill.name} の行のロックを取れません",
            en=f"Backfill {backfill.name} cannot get the locks of its rows",
        ),
        hint=Text(
            ja="長いトランザクションを終わらせてから、同じ命令で続きから進めます。",
            en="End the long transaction, then give the same command: it goes on from there.",
        ),
    )


def _step(session: MigratingSession, backfill: Backfill, *, batch_rows: int) -> BackfillState:
    """Inside a transaction: lock the state, fill the next rows by key, note how far that was."""
    [(last_key, is_finished)] = session.rows(
        "SELECT last_key, finished_at IS NOT NULL FROM public.schema_backfill"
        " WHERE name = %(name)s FOR UPDATE",
        {"name": backfill.name},
    )
    if is_finished:
        return _read_state(session, backfill.name)
    table, key = _quoted(backfill.table), f'"{backfill.key}"'
    values: dict[str, Any] = {"name": backfill.name, "after": last_key, "rows": batch_rows}
    # The key's own index gives the next rows; a first batch starts at its beginning.
    after = "" if last_key is None else f"WHERE t.{key} > %(after)s"
    [(upto, seen)] = session.rows(
        f"SELECT max(b.k), count(*) FROM (SELECT t.{key} AS k FROM {table} AS t {after}"  # noqa: S608
        f" ORDER BY t.{key} LIMIT %(rows)s) AS b",
        values,
    )
    if seen:
        since = "" if last_key is None else f"t.{key} > %(after)s AND "
        # Our own code wrote both clauses; percent signs in them are the driver's.
        sets, where = backfill.set_clause.replace("%", "%%"), backfill.where.replace("%", "%%")
        session.rows(
            f"UPDATE {table} AS t SET {sets} WHERE {since}t.{key} <= %(upto)s AND ({where})",  # noqa: S608
            {**values, "upto": upto},
        )
    session.rows(
        "UPDATE public.schema_backfill SET last_key = coalesce(%(upto)s, last_key),"
        " rows_seen = rows_seen + %(seen)s, updated_at = clock_timestamp(),"
        " finished_at = CASE WHEN %(seen)s < %(rows)s THEN clock_timestamp() END WHERE name = %(name)s",
        {**values, "upto": upto, "seen": seen},
    )
    return _read_state(session, backfill.name)


def _read_state(session: MigratingSession, name: str) -> BackfillState:
    [row] = session.rows(
        "SELECT name, last_key, rows_seen, finished_at IS NOT NULL FROM public.schema_backfill"
        " WHERE name = %(name)s",
        {"name": name},
    )
    return _state(row)


# `Any`: a row of the driver.
def _state(row: tuple[Any, ...]) -> BackfillState:
    return BackfillState(name=row[0], last_key=row[1], rows_seen=row[2], is_finished=row[3])


def _quoted(table: str) -> str:
    return ".".join(f'"{part}"' for part in table.split("."))


def _require_sight(session: MigratingSession, backfill: Backfill) -> None:
    [(is_hidden,)] = session.rows("SELECT row_security_active(%(table)s)", {"table": _quoted(backfill.table)})
    if is_hidden:
        raise BackfillBlind(
            Text(
                ja=f"この接続の役割には {backfill.table} の行が見えません(行レベルのセキュリティ)",
                en=f"Row-level security hides rows of {backfill.table} from this role",
            ),
            hint=Text(
                ja="行レベルのセキュリティを越える役割(hrx_admin)の URL を使います。",
                en="Use the URL of a role that passes row-level security: hrx_admin.",
            ),
        )


def _require_valid(backfill: Backfill) -> None:
    parts = [*backfill.table.split("."), backfill.key]
    is_named = _NAME.match(backfill.name) is not None
    if not is_named or len(parts) != 3 or not all(_IDENTIFIER.match(part) for part in parts):
        raise BackfillInvalid(
            Text(
                ja=f"埋め込み {backfill.name} の名前・表・キーを読めません: {backfill.table} {backfill.key}",
                en=f"Backfill {backfill.name}: no such name, table or key: {backfill.table} {backfill.key}",
            ),
            hint=Text(ja="表は schema.table と書きます。", en="A table is written schema.table."),
        )
