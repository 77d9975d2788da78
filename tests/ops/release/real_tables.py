"""The made-up company on PostgreSQL itself: the same migrations and programs as SQL."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg import sql

from tests.ops.release.world import (
    FRESH,
    AddColumn,
    AddTable,
    AddUnique,
    Code,
    DropColumn,
    DropNotNull,
    DropTable,
    Insert,
    Op,
    Rename,
    Select,
    SetCheck,
    SetNotNull,
    Statement,
    Value,
)

Error = tuple[str, str]


class RealTables:
    """Schema `app` of one database, made anew. `serial` gives values that nobody used before."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._serial = 1_000
        self.run("DROP SCHEMA IF EXISTS app CASCADE")
        self.run("CREATE SCHEMA app")

    def close(self) -> None:
        self._connection.close()

    def run(self, text: str) -> None:
        self._connection.execute(text.encode())

    def up(self, op: Op) -> None:
        for statement in _up(op):
            self.run(statement)

    def down(self, op: Op) -> None:
        """One transaction, as the migrator runs it."""
        with self._connection.transaction():
            for statement in _down(op):
                self.run(statement)

    def list_errors(self, codes: list[Code]) -> Iterator[Error]:
        for code in codes:
            for statement in code.statements:
                try:
                    met = self._work(statement)
                except psycopg.Error:
                    yield code.name, str(statement)
                else:
                    if met:
                        yield code.name, str(statement)

    def _work(self, statement: Statement) -> bool:
        """Do it; gives whether the program met a value that it does not know. Raises psycopg.Error."""
        table = sql.Identifier("app", statement.table)
        if isinstance(statement, Select):
            names = sql.SQL(", ").join(map(sql.Identifier, statement.columns))
            rows = self._connection.execute(sql.SQL("SELECT {} FROM {}").format(names, table)).fetchall()
            known = dict(statement.knows)
            return any(
                (value is None and name in statement.no_null)
                or (value is not None and name in known and value not in known[name])
                for row in rows
                for name, value in zip(statement.columns, row, strict=True)
            )
        if isinstance(statement, Insert):
            names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in statement.values)
            values = sql.SQL(", ").join(self._literal(value) for _, value in statement.values)
            filled = sql.SQL("({}) VALUES ({})").format(names, values)
            what = filled if statement.values else sql.SQL("DEFAULT VALUES")
            self._connection.execute(sql.SQL("INSERT INTO {} {}").format(table, what))
            return False
        self._connection.execute(
            sql.SQL("UPDATE {} SET {} = {} WHERE ctid = (SELECT max(ctid) FROM {})").format(
                table, sql.Identifier(statement.column), self._literal(statement.value), table
            )
        )
        return False

    def _literal(self, value: Value) -> sql.Literal:
        if value == FRESH:
            self._serial += 1
            # Digits fit both kinds of columns.
            return sql.Literal(str(self._serial))
        return sql.Literal(None if value is None else str(value))


def _up(op: Op) -> list[str]:
    match op:
        case AddTable():
            return [_create(op.table, op.cols)]
        case DropTable():
            return [f"DROP TABLE app.{op.table}"]
        case AddColumn():
            return _add(op)
        case DropColumn():
            return [f"ALTER TABLE app.{op.table} DROP COLUMN {op.column}"]
        case Rename():
            return [f"ALTER TABLE app.{op.table} RENAME COLUMN {op.old} TO {op.new}"]
        case SetNotNull():
            fill = f"UPDATE app.{op.table} SET {op.column} = '{op.fill}' WHERE {op.column} IS NULL"
            return [fill, f"ALTER TABLE app.{op.table} ALTER {op.column} SET NOT NULL"]
        case DropNotNull():
            return [f"ALTER TABLE app.{op.table} ALTER {op.column} DROP NOT NULL"]
        case AddUnique():
            return [f"ALTER TABLE app.{op.table} ADD CONSTRAINT {op.column}_u UNIQUE ({op.column})"]
        case SetCheck():
            return _check(op.table, op.column, op.after)


def _down(op: Op) -> list[str]:
    match op:
        case AddTable():
            return [f"DROP TABLE app.{op.table}"]
        case DropTable():
            return [_create(op.table, op.cols)]
        case AddColumn():
            return [f"ALTER TABLE app.{op.table} DROP COLUMN {op.column}"]
        case DropColumn():
            unique = f"ALTER TABLE app.{op.table} ADD CONSTRAINT {op.column}_u UNIQUE ({op.column})"
            return [*_add(op), *([unique] if op.is_unique else [])]
        case Rename():
            return [f"ALTER TABLE app.{op.table} RENAME COLUMN {op.new} TO {op.old}"]
        case SetNotNull():
            return [f"ALTER TABLE app.{op.table} ALTER {op.column} DROP NOT NULL"]
        case DropNotNull():
            return [f"ALTER TABLE app.{op.table} ALTER {op.column} SET NOT NULL"]
        case AddUnique():
            # A column that was renamed meanwhile keeps the name of its constraint.
            return [f"ALTER TABLE app.{op.table} DROP CONSTRAINT {op.column}_u"]
        case SetCheck():
            return _check(op.table, op.column, op.before)


def _add(op: AddColumn | DropColumn) -> list[str]:
    default = "" if op.default is None else f" DEFAULT '{op.default}'"
    required = " NOT NULL" if op.not_null else ""
    add = f"ALTER TABLE app.{op.table} ADD COLUMN {op.column} {op.type}{default}{required}"
    return [add, *(_check(op.table, op.column, op.check) if op.check is not None else [])]


def _check(table: str, column: str, allowed: frozenset[Value] | None) -> list[str]:
    drop = f"ALTER TABLE app.{table} DROP CONSTRAINT IF EXISTS {column}_c"
    if allowed is None:
        return [drop]
    values = ", ".join(f"'{value}'" for value in sorted(map(str, allowed)))
    return [drop, f"ALTER TABLE app.{table} ADD CONSTRAINT {column}_c CHECK ({column} IN ({values}))"]


def _create(table: str, cols: tuple[tuple[str, str, bool, Value], ...]) -> str:
    parts = [
        f"{name} {kind}"
        + ("" if default is None else f" DEFAULT '{default}'")
        + (" NOT NULL" if not_null else "")
        for name, kind, not_null, default in cols
    ]
    return f"CREATE TABLE app.{table} ({', '.join(parts)})"
