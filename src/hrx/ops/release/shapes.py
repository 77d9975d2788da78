"""The database as code meets it (`SchemaShape`), and what code does with it (`SchemaUse`).

Names are `schema.table` and `schema.table.column`; functions are named with their argument types. Neither
knows how the shape came about: two ways to the same tables are the same shape."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hrx.ops.plan import canonical_json


class RuleKind(StrEnum):
    """What may refuse a write, hide a row or change it on the way."""

    CHECK = "check"
    UNIQUE = "unique"
    REFERENCE = "reference"
    TRIGGER = "trigger"
    POLICY = "policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnShape:
    """One column. `default` is its expression as PostgreSQL prints it; None means there is none."""

    type: str
    not_null: bool = False
    default: str | None = None
    is_generated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleShape:
    """A constraint, trigger or policy of a table. `columns` are full names; empty means any of the table."""

    kind: RuleKind
    table: str
    columns: frozenset[str]
    definition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaShape:
    """Columns, rules and functions by name; a function's value is what it gives back.

    Tables without a column do not occur."""

    columns: Mapping[str, ColumnShape]
    rules: Mapping[str, RuleShape] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)

    @property
    def tables(self) -> frozenset[str]:
        return frozenset(table_of(name) for name in self.columns)

    @property
    def fingerprint(self) -> str:
        """The same for the same shape, however it was reached; 64 hex digits."""
        return hashlib.sha256(canonical_json(shape_to_json(self))).hexdigest()

    def list_columns(self, table: str) -> list[str]:
        return sorted(name for name in self.columns if table_of(name) == table)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaUse:
    """What code was seen to do. `inserts`: by table, the columns that every INSERT gives a value.

    `deletes` and `tables` (used at all, be it only counted) are tables, `calls` functions. What was never
    seen is not here: see `recording`."""

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    inserts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    deletes: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()

    @property
    def columns(self) -> frozenset[str]:
        return self.reads | self.writes


def table_of(column: str) -> str:
    """`app.person` of `app.person.id`."""
    return column.rpartition(".")[0]


def use_everything(shape: SchemaShape) -> SchemaUse:
    """The safe side for code that nobody watched: it reads and writes all there was, and gives an INSERT
    nothing but what it must."""
    names = frozenset(shape.columns)
    must = {name for name, column in shape.columns.items() if column.not_null and column.default is None} - {
        name for name, column in shape.columns.items() if column.is_generated
    }
    return SchemaUse(
        reads=names,
        writes=frozenset(name for name, column in shape.columns.items() if not column.is_generated),
        inserts={table: frozenset(n for n in must if table_of(n) == table) for table in shape.tables},
        deletes=shape.tables,
        tables=shape.tables,
        calls=frozenset(shape.functions),
    )


def shape_to_json(shape: SchemaShape) -> dict[str, object]:
    return {
        "columns": {
            name: {
                "type": one.type,
                "not_null": one.not_null,
                "default": one.default,
                "is_generated": one.is_generated,
            }
            for name, one in sorted(shape.columns.items())
        },
        "rules": {
            name: {
                "kind": one.kind.value,
                "table": one.table,
                "columns": sorted(one.columns),
                "definition": one.definition,
            }
            for name, one in sorted(shape.rules.items())
        },
        "functions": dict(sorted(shape.functions.items())),
    }


def shape_from_json(values: Mapping[str, Any]) -> SchemaShape:
    """What `shape_to_json` wrote. `Any`: it comes back from stored JSON. Raises KeyError, TypeError or
    ValueError when it is none."""
    return SchemaShape(
        columns={name: ColumnShape(**one) for name, one in values["columns"].items()},
        rules={
            name: RuleShape(
                kind=RuleKind(one["kind"]),
                table=one["table"],
                columns=frozenset(one["columns"]),
                definition=one["definition"],
            )
            for name, one in values["rules"].items()
        },
        functions=dict(values["functions"]),
    )


def use_to_json(use: SchemaUse) -> dict[str, object]:
    return {
        "reads": sorted(use.reads),
        "writes": sorted(use.writes),
        "inserts": {table: sorted(given) for table, given in sorted(use.inserts.items())},
        "deletes": sorted(use.deletes),
        "tables": sorted(use.tables),
        "calls": sorted(use.calls),
    }


def use_from_json(values: Mapping[str, Any]) -> SchemaUse:
    """What `use_to_json` wrote. `Any`: as above."""
    return SchemaUse(
        reads=frozenset(values["reads"]),
        writes=frozenset(values["writes"]),
        inserts={table: frozenset(given) for table, given in values["inserts"].items()},
        deletes=frozenset(values["deletes"]),
        tables=frozenset(values["tables"]),
        calls=frozenset(values["calls"]),
    )
