"""Whether rows written on the new schema live through the way down and up again.

Every new column is filled in some rows and every new table gets one, then each column of each table is
reduced to one number that does not depend on order. Where no row could be written, nothing is proven, and
that is said instead of passed over."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hrx.ops.release.migrations.picture import ColumnSeen, Picture, quoted
from hrx.ops.seams.migrating import LockNotGranted, MigratingSession, StatementFailed

_FILLED_ROWS: Final = 20
#: A value of each type, as SQL; the longest name that fits wins.
_VALUES: Final = {
    "boolean": "true",
    "smallint": "7",
    "integer": "7",
    "bigint": "7",
    "numeric": "7",
    "real": "7",
    "double precision": "7",
    "text": "'hrx'",
    "character varying": "'h'",
    "character": "'h'",
    "date": "DATE '2026-11-27'",
    "timestamp": "TIMESTAMP '2026-11-27 12:00'",
    "time": "TIME '12:00'",
    "interval": "INTERVAL '7 min'",
    "uuid": "'00000000-0000-4000-8000-000000000007'",
    "jsonb": "'{\"hrx\": 7}'",
    "json": "'{\"hrx\": 7}'",
    # As long as the digests that checks ask for.
    "bytea": "decode(repeat('07', 32), 'hex')",
    "daterange": "'[2026-11-01,2026-12-01)'",
    "tstzrange": "'[2026-11-01,2026-12-01)'",
    "inet": "'192.0.2.7'",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """One number for the rows of a table and one for each column; equal rows give equal numbers."""

    rows: int
    columns: Mapping[str, str]


def write_on_new_schema(session: MigratingSession, before: Picture, after: Picture) -> tuple[str, ...]:
    """Fill what is new, as new code would; gives what could not be filled (`app.t` or `app.t.column`)."""
    made = [table for table in after.tables if table not in before.relations]
    unproven = _insert_rows(session, after, made)
    for table in after.tables:
        if table not in before.relations:
            continue
        for name, column in after.columns.get(table, {}).items():
            if name in before.columns.get(table, {}) or column.is_generated:
                continue
            sql = _fill(after, table, name, column)
            if sql is None or not _try(session, sql):
                unproven.append(f"{table}.{name}")
    return tuple(unproven)


def _insert_rows(session: MigratingSession, after: Picture, tables: Sequence[str]) -> list[str]:
    """One row into each table, again while one more succeeds: some point at others. Gives what is left."""
    left = list(tables)
    while left:
        still = [
            table
            for table in left
            if not _try(session, _insert(after, table))
            and not _try(session, _insert(after, table, is_short=True))
        ]
        if len(still) == len(left):
            break
        left = still
    return left


def digest_tables(session: MigratingSession, picture: Picture, tables: Sequence[str]) -> dict[str, Digest]:
    """The digest of each table, column by column, each value bound to its row's key."""
    found: dict[str, Digest] = {}
    for table in tables:
        names = list(picture.columns.get(table, {}))
        key = " || '/' || ".join(f't."{name}"::text' for name in picture.keys.get(table, ())) or "''"
        values = (f"""coalesce(t."{name}"::text, '∅') || '/' || {key}""" for name in names)
        sums = ", ".join(f"coalesce(sum(hashtextextended({value}, 7)::numeric), 0)" for value in values)
        [row] = session.rows(f"SELECT count(*), {sums or '0'} FROM {quoted(table)} AS t")  # noqa: S608
        found[table] = Digest(rows=int(row[0]), columns=dict(zip(names, map(str, row[1:]), strict=False)))
    return found


def compare_digests(written: Mapping[str, Digest], survived: Mapping[str, Digest]) -> tuple[str, ...]:
    """What was there and is not any more: a table whose rows went, or a column whose values did."""
    lost: list[str] = []
    for table, digest in written.items():
        now = survived.get(table)
        if now is None or now.rows != digest.rows:
            if digest.rows:
                lost.append(table)
            continue
        lost += [
            f"{table}.{name}" for name, value in digest.columns.items() if now.columns.get(name) != value
        ]
    return tuple(lost)


def _fill(picture: Picture, table: str, name: str, column: ColumnSeen) -> str | None:
    keys = picture.keys.get(table)
    value = _value_of(column, picture)
    if not keys or value is None:
        return None
    named = ", ".join(f'"{key}"' for key in keys)
    return (
        f'UPDATE {quoted(table)} SET "{name}" = {value} WHERE ({named}) IN'  # noqa: S608
        f" (SELECT {named} FROM {quoted(table)} LIMIT {_FILLED_ROWS})"
    )


def _insert(picture: Picture, table: str, *, is_short: bool = False) -> str | None:
    """One row: what has a default keeps it, a reference points at any row there is, the rest is made up.

    `is_short` leaves out what may be empty: fewer checks to satisfy, less to lose."""
    names: list[str] = []
    values: list[str] = []
    for name, column in picture.columns.get(table, {}).items():
        if column.is_generated or column.is_identity or (column.default and name != "tenant_id"):
            continue
        if is_short and not column.is_not_null:
            continue
        target = _referenced(picture, table, name)
        value = f'(SELECT r."{target[1]}" FROM {quoted(target[0])} AS r LIMIT 1)' if target else None  # noqa: S608
        value = value or _allowed(picture, table, name) or _value_of(column, picture)
        value = "'h@minato-seiki.example'" if "email" in name and not target else value
        if value is None:
            return None
        names.append(f'"{name}"')
        values.append(value)
    if not names:
        return f"INSERT INTO {quoted(table)} DEFAULT VALUES"
    return f"INSERT INTO {quoted(table)} ({', '.join(names)}) VALUES ({', '.join(values)})"  # noqa: S608


def _referenced(picture: Picture, table: str, column: str) -> tuple[str, str] | None:
    """(table, column) that a foreign key of `column` points at, read from the constraint's own text."""
    head = f"constraint {table} "
    for line in picture.lines:
        if not line.startswith(head) or "FOREIGN KEY (" not in line:
            continue
        own = line.split("FOREIGN KEY (", 1)[1].split(")", 1)[0].split(", ")
        target, _, rest = line.split("REFERENCES ", 1)[1].partition("(")
        theirs = rest.split(")", 1)[0].split(", ")
        if column in own:
            target = target.replace('"', "")
            return target if "." in target else f"public.{target}", theirs[own.index(column)].strip('"')
    return None


def _allowed(picture: Picture, table: str, column: str) -> str | None:
    """The first value of a check that lists them: `CHECK ((role = ANY (ARRAY['owner'::text, …])))`."""
    pattern = re.compile(rf"\b{re.escape(column)} = ANY \(ARRAY\[('(?:[^']|'')*')")
    found = (
        pattern.search(line) for line in sorted(picture.lines) if line.startswith(f"constraint {table} ")
    )
    return next((match[1] for match in found if match), None)


def _value_of(column: ColumnSeen, picture: Picture) -> str | None:
    if column.type.endswith("[]"):
        return "'{}'"
    fitting = [
        name for name in _VALUES if column.type == name or column.type.startswith((f"{name}(", f"{name} "))
    ]
    if fitting:
        return _VALUES[max(fitting, key=len)]
    labels = sorted(value for value in picture.values if value.startswith(f"{column.type} "))
    return labels[0].removeprefix(f"{column.type} ") if labels else None


def _try(session: MigratingSession, sql: str | None) -> bool:
    if sql is None:
        return False
    try:
        session.rows(sql)
    except (StatementFailed, LockNotGranted):
        return False
    return True
