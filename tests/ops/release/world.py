"""A small company on abstract tables, for judging roll-back plans by doing them: rows, programs, migrations.

Nothing here knows the planner's rules. A program either runs or raises `Broken`; a migration changes rows as
PostgreSQL would, or raises `Broken`."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Value = int | str | None


class Broken(Exception):
    """A statement or a migration failed, or a program met a value that it does not know."""


@dataclass(slots=True)
class Col:
    type: str = "text"
    not_null: bool = False
    default: Value = None


@dataclass(slots=True)
class Table:
    cols: dict[str, Col]
    rows: list[dict[str, Value]] = field(default_factory=list)
    uniques: set[str] = field(default_factory=set)
    checks: dict[str, frozenset[Value]] = field(default_factory=dict)


@dataclass(slots=True)
class Tables:
    """The database. `serial` gives every program values that nobody used before."""

    tables: dict[str, Table] = field(default_factory=dict)
    serial: int = 0
    #: Columns whose values a migration destroyed.
    gone: set[str] = field(default_factory=set)

    def copy(self) -> Tables:
        return Tables(
            tables={
                name: Table(
                    cols={one: copy.copy(col) for one, col in table.cols.items()},
                    rows=[dict(row) for row in table.rows],
                    uniques=set(table.uniques),
                    checks=dict(table.checks),
                )
                for name, table in self.tables.items()
            },
            serial=self.serial,
            gone=set(self.gone),
        )

    def table(self, name: str) -> Table:
        if name not in self.tables:
            raise Broken(f"no table {name}")
        return self.tables[name]

    def col(self, table: str, name: str) -> Col:
        found = self.table(table).cols.get(name)
        if found is None:
            raise Broken(f"no column {table}.{name}")
        return found

    def accept(self, table: str, row: Mapping[str, Value], *, but: int | None = None) -> None:
        """Raises Broken when the schema refuses this row."""
        home = self.table(table)
        for name, col in home.cols.items():
            value = row[name]
            if value is None:
                if col.not_null:
                    raise Broken(f"{table}.{name} is null")
                continue
            if col.type == "int" and not isinstance(value, int):
                raise Broken(f"{table}.{name} is no int")
            if name in home.checks and value not in home.checks[name]:
                raise Broken(f"{table}.{name} = {value!r} breaks its check")
            if name in home.uniques and any(
                other[name] == value for number, other in enumerate(home.rows) if number != but
            ):
                raise Broken(f"{table}.{name} is not unique")

    def accept_all(self, table: str) -> None:
        for number, row in enumerate(self.table(table).rows):
            self.accept(table, row, but=number)


FRESH = "<fresh>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """`values` by column; FRESH becomes a value that nobody used before."""

    table: str
    values: tuple[tuple[str, Value], ...]

    def run(self, db: Tables) -> None:
        home, row = db.table(self.table), {}
        given = dict(self.values)
        for name in given:
            db.col(self.table, name)
        for name, col in home.cols.items():
            value = given.get(name, col.default)
            if value == FRESH:
                db.serial += 1
                value = db.serial if col.type == "int" else f"v{db.serial}"
            row[name] = value
        db.accept(self.table, row)
        home.rows.append(row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Every row gets this value; one that is FRESH goes into the last row only."""

    table: str
    column: str
    value: Value

    def run(self, db: Tables) -> None:
        col = db.col(self.table, self.column)
        rows = db.table(self.table).rows
        for number in range(len(rows) - 1, max(-1, len(rows) - 2), -1):
            value = self.value
            if value == FRESH:
                db.serial += 1
                value = db.serial if col.type == "int" else f"v{db.serial}"
            changed = {**rows[number], self.column: value}
            db.accept(self.table, changed, but=number)
            rows[number] = changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """Reads whole columns. `knows`: by column, the only values that the program can handle; `no_null`:
    columns in which it has never met a NULL."""

    table: str
    columns: tuple[str, ...]
    knows: tuple[tuple[str, frozenset[Value]], ...] = ()
    no_null: frozenset[str] = frozenset()

    def run(self, db: Tables) -> None:
        for name in self.columns:
            db.col(self.table, name)
        known = dict(self.knows)
        for row in db.table(self.table).rows:
            for name in self.columns:
                value = row[name]
                if value is None and name in self.no_null:
                    raise Broken(f"met NULL in {self.table}.{name}")
                if value is not None and name in known and value not in known[name]:
                    raise Broken(f"met {value!r} in {self.table}.{name}")


Statement = Insert | Update | Select


# ── migrations ───────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True, kw_only=True)
class AddTable:
    table: str
    cols: tuple[tuple[str, str, bool, Value], ...]

    def up(self, db: Tables) -> None:
        db.tables[self.table] = Table(
            cols={name: Col(kind, not_null, default) for name, kind, not_null, default in self.cols}
        )

    def down(self, db: Tables) -> None:
        del db.tables[self.table]


@dataclass(frozen=True, slots=True, kw_only=True)
class DropTable:
    table: str
    cols: tuple[tuple[str, str, bool, Value], ...]

    def up(self, db: Tables) -> None:
        for name in list(db.table(self.table).cols):
            _drop(db, self.table, name)
        del db.tables[self.table]

    def down(self, db: Tables) -> None:
        AddTable(table=self.table, cols=self.cols).up(db)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddColumn:
    table: str
    column: str
    type: str = "text"
    not_null: bool = False
    default: Value = None
    check: frozenset[Value] | None = None

    def up(self, db: Tables) -> None:
        home = db.table(self.table)
        home.cols[self.column] = Col(self.type, self.not_null, self.default)
        for row in home.rows:
            row[self.column] = self.default
        if self.check is not None:
            home.checks[self.column] = self.check
        db.accept_all(self.table)

    def down(self, db: Tables) -> None:
        _drop(db, self.table, self.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class DropColumn:
    """Its way down brings the column back as it was, empty."""

    table: str
    column: str
    type: str = "text"
    not_null: bool = False
    default: Value = None
    check: frozenset[Value] | None = None
    is_unique: bool = False

    def up(self, db: Tables) -> None:
        _drop(db, self.table, self.column)

    def down(self, db: Tables) -> None:
        AddColumn(
            table=self.table,
            column=self.column,
            type=self.type,
            not_null=self.not_null,
            default=self.default,
            check=self.check,
        ).up(db)
        if self.is_unique:
            AddUnique(table=self.table, column=self.column).up(db)


def _drop(db: Tables, table: str, column: str) -> None:
    home = db.table(table)
    del home.cols[column]
    home.checks.pop(column, None)
    home.uniques.discard(column)
    if any(row[column] is not None for row in home.rows):
        db.gone.add(f"app.{table}.{column}")
    for row in home.rows:
        del row[column]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    table: str
    old: str
    new: str

    def up(self, db: Tables) -> None:
        _rename(db, self.table, self.old, self.new)

    def down(self, db: Tables) -> None:
        _rename(db, self.table, self.new, self.old)


def _rename(db: Tables, table: str, old: str, new: str) -> None:
    home = db.table(table)
    home.cols = {new if name == old else name: col for name, col in home.cols.items()}
    home.rows = [{new if name == old else name: value for name, value in row.items()} for row in home.rows]
    if old in home.checks:
        home.checks[new] = home.checks.pop(old)
    if old in home.uniques:
        home.uniques.remove(old)
        home.uniques.add(new)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetNotNull:
    """`fill` stands for the backfill that came before it."""

    table: str
    column: str
    fill: Value = None

    def up(self, db: Tables) -> None:
        for row in db.table(self.table).rows:
            if row[self.column] is None:
                row[self.column] = self.fill
        db.col(self.table, self.column).not_null = True
        db.accept_all(self.table)

    def down(self, db: Tables) -> None:
        db.col(self.table, self.column).not_null = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DropNotNull:
    table: str
    column: str

    def up(self, db: Tables) -> None:
        db.col(self.table, self.column).not_null = False

    def down(self, db: Tables) -> None:
        db.col(self.table, self.column).not_null = True
        db.accept_all(self.table)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddUnique:
    table: str
    column: str

    def up(self, db: Tables) -> None:
        db.table(self.table).uniques.add(self.column)
        db.accept_all(self.table)

    def down(self, db: Tables) -> None:
        db.table(self.table).uniques.discard(self.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCheck:
    """Another list of allowed values; None for any."""

    table: str
    column: str
    before: frozenset[Value] | None
    after: frozenset[Value] | None

    def up(self, db: Tables) -> None:
        _set_check(db, self.table, self.column, self.after)

    def down(self, db: Tables) -> None:
        _set_check(db, self.table, self.column, self.before)


def _set_check(db: Tables, table: str, column: str, allowed: frozenset[Value] | None) -> None:
    home = db.table(table)
    home.checks.pop(column, None)
    if allowed is not None:
        home.checks[column] = allowed
    db.accept_all(table)


Op = AddTable | DropTable | AddColumn | DropColumn | Rename | SetNotNull | DropNotNull | AddUnique | SetCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What a release does, for real: `statements` of the API and its worker, `calls` of the pages (operation,
    what they send, what they want of the answer), and which versions of the others it can work with."""

    name: str
    revision: int
    statements: tuple[Statement, ...]
    calls: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = ()
    serves: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    #: By component, the versions that this release's component (key) can work with: ("api", "index").
    copes: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Site:
    """Everything that runs: who serves, which pages are given out, which versions are pointed to."""

    db: Tables
    revision: int
    pages: Code
    apis: list[Code]
    pointers: dict[str, str]
    is_closed: bool = False
    in_pairs: bool = False

    def list_errors(self) -> Iterator[tuple[str, str]]:
        """Everything that goes wrong while each part works once, the rows they write included."""
        if self.is_closed:
            return
        for api in self.apis:
            for statement in api.statements:
                try:
                    statement.run(self.db)
                except Broken:
                    # What fails already may fail for another reason later: that breaks nothing more.
                    yield f"api {api.name}", str(statement)
            for (user, used), fine in api.copes.items():
                if user == "api" and self.pointers[used] not in fine:
                    yield f"api {api.name}", f"{used} {self.pointers[used]}"
        for pages, api in self._list_meetings():
            for error in meet(pages, api):
                yield f"web {pages.name}", error

    def _list_meetings(self) -> list[tuple[Code, Code]]:
        if self.in_pairs:
            return [(one, one) for one in self.apis]
        return [(self.pages, one) for one in self.apis]


def meet(pages: Code, api: Code) -> Iterator[str]:
    """What pages miss in an API."""
    offered = {name: (asks, answers) for name, asks, answers in api.serves}
    for name, sends, wants in pages.calls:
        if name not in offered:
            yield f"no {name}"
            continue
        asks, answers = offered[name]
        if not asks <= sends:
            yield f"{name} asks for {sorted(asks - sends)}"
        if not wants <= answers:
            yield f"{name} does not answer {sorted(wants - answers)}"
