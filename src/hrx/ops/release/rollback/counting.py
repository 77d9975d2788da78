"""What a way down would lose, and what stands in its way, counted on the living rows in that moment.

A count by a role that row-level security hides rows from would be a lie, so the session is asked first. What
cannot be counted (a table that came back empty, a rule over a reference) is left out, which counts as
unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from hrx.kit.errors import Text, Unavailable
from hrx.ops.release.shapes import RuleKind, RuleShape, SchemaShape, table_of

_SEES_ALL: Final = (
    "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user AND "
    "current_setting('row_security') IS NOT NULL"
)
_CHECK: Final = re.compile(r"CHECK \((?P<condition>.*)\)(?: NOT VALID)?", re.DOTALL)
_UNIQUE: Final = re.compile(r"(?:UNIQUE|PRIMARY KEY) \((?P<columns>[\w\", ]+)\)")


class RowsHidden(Unavailable):
    """Whoever counts does not see every row."""

    code = "release.rows_hidden"


class Counter(Protocol):
    """A session in the database that sees every row."""

    # The driver's rows: what comes back is a number.
    def rows(
        self, statement: str, parameters: Mapping[str, object] | None = None
    ) -> list[tuple[object, ...]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """`rows`: by column, values that it holds; `breaking`: by rule (or column), rows that break it."""

    rows: Mapping[str, int] = field(default_factory=dict)
    breaking: Mapping[str, int] = field(default_factory=dict)


def count_rows(session: Counter, present: SchemaShape, older: Sequence[SchemaShape]) -> RowCounts:
    """For a way from `present` down to any of `older`. Costs one pass over each table that differs.

    Raises RowsHidden, and what the session raises."""
    columns = sorted({name for shape in older for name in _list_going(present, shape)})
    rows = count_values(session, columns)
    breaking: dict[str, int] = {}
    for shape in older:
        for name, condition in _list_demands(present, shape):
            breaking[name] = max(breaking.get(name, 0), _count(session, condition))
    return RowCounts(rows=rows, breaking=breaking)


def count_values(session: Counter, columns: Sequence[str]) -> dict[str, int]:
    """How many values each of these columns holds. Raises RowsHidden, and what the session raises."""
    _require_sight(session)
    return {name: _count_column(session, name) for name in columns}


def _require_sight(session: Counter) -> None:
    found = session.rows(_SEES_ALL)
    if not found or not found[0][0]:
        raise RowsHidden(
            Text(
                ja="数える役割に見えない行があるため、失われる値を数えられません",
                en="The role that counts does not see every row, so nothing can be said of what is lost",
            )
        )


def _list_going(present: SchemaShape, older: SchemaShape) -> Iterable[str]:
    """Columns that go or are converted on the way to `older`."""
    for name, column in present.columns.items():
        other = older.columns.get(name)
        if other is None or other.type != column.type:
            yield name


def _count_column(session: Counter, column: str) -> int:
    table, name = _quote(table_of(column)), _quote(column.rpartition(".")[2])
    return _count(session, f"FROM {table} WHERE {name} IS NOT NULL")


def _list_demands(present: SchemaShape, older: SchemaShape) -> Iterable[tuple[str, str]]:
    """What `older` demands of rows and `present` does not: its name, and which rows break it."""
    for name, column in older.columns.items():
        now = present.columns.get(name)
        if now is not None and column.not_null and not now.not_null:
            table = _quote(table_of(name))
            yield name, f"FROM {table} WHERE {_quote(name.rpartition('.')[2])} IS NULL"
    for name, rule in older.rules.items():
        if present.rules.get(name) != rule and rule.columns and rule.columns <= present.columns.keys():
            condition = _condition_of(rule)
            if condition is not None:
                yield name, condition


def _condition_of(rule: RuleShape) -> str | None:
    table = _quote(rule.table)
    if rule.kind is RuleKind.CHECK:
        found = _CHECK.fullmatch(rule.definition)
        return f"FROM {table} WHERE NOT ({found['condition']})" if found else None
    if rule.kind is RuleKind.UNIQUE:
        found = _UNIQUE.fullmatch(rule.definition)
        if found is None:
            return None
        names = found["columns"]
        filled = " AND ".join(f"{name.strip()} IS NOT NULL" for name in names.split(","))
        # Names out of PostgreSQL's own catalogue, quoted by it.
        groups = f"SELECT 1 FROM {table} WHERE {filled} GROUP BY {names} HAVING count(*) > 1"  # noqa: S608
        return f"FROM ({groups}) AS twice"
    return None


def _count(session: Counter, rest: str) -> int:
    [(count, *_)] = session.rows(f"SELECT count(*) {rest}")
    return int(str(count))


def _quote(name: str) -> str:
    return ".".join('"{}"'.format(part.replace('"', '""')) for part in name.split("."))
