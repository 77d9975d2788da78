"""What is known of a schema from the revisions before: enough to tell a safe change from a dangerous one.

Whether a column is proven not to be empty, whether a view stands on it, whether a function is stable: the
same statement is harmless or not by these. What no revision says is unknown, and that counts as dangerous."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hrx.ops.release.migrations.statements import (
    Node,
    Statement,
    constant_of,
    find_nodes,
    read_body,
    words_of,
)

#: Functions of the server whose value is one for the whole statement: a default by them is kept in the
#: catalogue. Source: their volatility in pg_proc of PostgreSQL 18.
STABLE_FUNCTIONS: Final = frozenset(
    {"now", "transaction_timestamp", "statement_timestamp", "current_setting", "lower", "upper", "length",
     "md5", "to_char", "jsonb_build_object", "json_build_object", "jsonb_build_array", "array_fill", "repeat",
     "concat", "make_date", "make_interval", "date_trunc", "to_date", "to_timestamp", "daterange",
     "tstzrange", "int4range", "int8range", "numrange"}
)  # fmt: skip
#: Types by the name under which they are compared.
_ALIASES: Final = {"character varying": "varchar", "bpchar": "char"}


@dataclass(slots=True, kw_only=True)
class Column:
    """A column; `limits` are the numbers in brackets behind its type."""

    type: str
    limits: tuple[int, ...] = ()
    is_not_null: bool = False


@dataclass(slots=True, kw_only=True)
class Constraint:
    """A constraint; `proves` names the columns that it proves not to be empty."""

    kind: str
    is_valid: bool
    proves: frozenset[str] = frozenset()


@dataclass(slots=True, kw_only=True)
class Table:
    """A table and what its rows are known to keep. `keys` are the columns that name a row."""

    columns: dict[str, Column] = field(default_factory=dict)
    constraints: dict[str, Constraint] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    made_in: str = ""

    def is_proven(self, column: str) -> bool:
        """Whether a valid constraint proves that the column is never empty."""
        return any(c.is_valid and column in c.proves for c in self.constraints.values())


@dataclass(slots=True, kw_only=True)
class Schema:
    """Tables, views and functions by full name. `views` names what each stands on: (table, column)."""

    tables: dict[str, Table] = field(default_factory=dict)
    views: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    indexes: dict[str, str] = field(default_factory=dict)
    bodies: dict[str, tuple[Statement, ...]] = field(default_factory=dict)

    def apply(self, statement: Statement, *, revision: str) -> None:
        """Take a statement's changes into account; one that changes nothing known is passed over."""
        node = statement.node
        match statement.kind:
            case "create_stmt":
                self.tables.setdefault(name_of(node["relation"]), _table_of(node, revision))
            case "alter_table_stmt":
                self._alter(name_of(node.get("relation", {})), node)
            case "view_stmt":
                self.views[name_of(node["view"])] = used_columns(node.get("query", {}))
            case "create_table_as_stmt" if "into" in node:
                name = name_of(node["into"]["rel"])
                self.views[name] = used_columns(node.get("query", {}))
                self.tables.setdefault(name, Table(made_in=revision))
            case "create_function_stmt":
                name = ".".join(words_of(node.get("funcname", [])))
                self.functions[name] = _volatility(node)
                self.bodies[name] = read_body(node)
            case "index_stmt":
                self.indexes[str(node.get("idxname", ""))] = name_of(node.get("relation", {}))
            case "drop_stmt":
                self._drop(node)
            case "rename_stmt":
                self._rename(node)
            case _:
                pass

    def views_on(self, table: str, column: str) -> list[str]:
        """Views that stand on a column of a table."""
        return sorted(
            view for view, used in self.views.items() if (table, column) in used or (table, "*") in used
        )

    def _alter(self, name: str, node: Node) -> None:
        table = self.tables.setdefault(name, Table())
        for command in (item["alter_table_cmd"] for item in node.get("cmds", [])):
            _alter_table(table, command)

    def _drop(self, node: Node) -> None:
        for name in dropped_names(node):
            self.tables.pop(name, None)
            self.views.pop(name, None)

    def _rename(self, node: Node) -> None:
        old = name_of(node.get("relation", {}))
        new = str(node.get("newname", ""))
        if node.get("rename_type") == "OBJECT_TABLE" and old in self.tables:
            self.tables[f"{old.partition('.')[0]}.{new}"] = self.tables.pop(old)
        elif node.get("rename_type") == "OBJECT_COLUMN" and old in self.tables:
            columns = self.tables[old].columns
            if node.get("subname") in columns:
                columns[new] = columns.pop(str(node["subname"]))


def name_of(relation: Node) -> str:
    """`schema.table` of a reference to a table; without a schema it is of `public`."""
    return f"{relation.get('schemaname') or 'public'}.{relation.get('relname', '')}"


def dropped_names(node: Node) -> list[str]:
    """Full names of what a DROP names."""
    found: list[str] = []
    for item in node.get("objects", []):
        words = words_of(item.get("list", {}).get("items", [])) or words_of([item])
        words = words or words_of(item.get("object_with_args", {}).get("objname", []))
        words = words or words_of(item.get("type_name", {}).get("names", []))
        if words:
            is_short = len(words) == 1 and node.get("remove_type") != "OBJECT_SCHEMA"
            found.append(".".join(["public", *words] if is_short else words))
    return found


def type_of(node: Node) -> tuple[str, tuple[int, ...]]:
    """(name, limits) of a type: `varchar(20)` gives ("varchar", (20,)); arrays end in `[]`."""
    words = words_of(node.get("names", []))
    name = ".".join(word for word in words if word != "pg_catalog")
    given = (constant_of(item) or "" for item in node.get("typmods", []))
    limits = tuple(int(value) for value in given if value.isdigit())
    return _ALIASES.get(name, name) + ("[]" if node.get("array_bounds") else ""), limits


def used_columns(query: Node) -> frozenset[tuple[str, str]]:
    """(table, column) that a query names; a column without a table counts for each table of the query."""
    tables: dict[str, str] = {}
    for relation in find_nodes(query, "range_var"):
        alias = relation.get("alias", {}).get("aliasname") or relation.get("relname", "")
        tables[alias] = name_of(relation)
    found: set[tuple[str, str]] = set()
    for reference in find_nodes(query, "column_ref"):
        fields = reference.get("fields", [])
        column = "*" if "a_star" in fields[-1] else (words_of(fields) or ["*"])[-1]
        owner = words_of(fields)[0] if len(fields) > 1 else None
        for alias, table in tables.items():
            if owner is None or owner == alias:
                found.add((table, column))
    return frozenset(found)


def constraints_in(node: Node) -> Iterator[Node]:
    """The constraints of a column or table definition."""
    for item in node.get("constraints", []):
        if "constraint" in item:
            yield item["constraint"]


def proven_columns(constraint: Node) -> frozenset[str]:
    """Columns that a constraint proves to be filled: NOT NULL, or CHECK (column IS NOT NULL [AND …])."""
    if constraint.get("contype") == "CONSTR_NOTNULL":
        return frozenset(words_of(constraint.get("keys", [])))
    if constraint.get("contype") == "CONSTR_CHECK":
        return frozenset(_filled_by(constraint.get("raw_expr", {})))
    return frozenset()


def _filled_by(expression: Node) -> Iterator[str]:
    test = expression.get("null_test")
    if test and test.get("nulltesttype") == "IS_NOT_NULL" and "column_ref" in test.get("arg", {}):
        yield words_of(test["arg"]["column_ref"].get("fields", []))[-1]
    both = expression.get("bool_expr", {})
    if both.get("boolop") == "AND_EXPR":
        for part in both.get("args", []):
            yield from _filled_by(part)


def _table_of(node: Node, revision: str) -> Table:
    table = Table(made_in=revision)
    for item in node.get("table_elts", []):
        if "column_def" in item:
            _add_column(table, item["column_def"])
        elif "constraint" in item:
            _add_constraint(table, item["constraint"], is_new=True)
    return table


def _add_column(table: Table, definition: Node) -> None:
    name = str(definition.get("colname", ""))
    kind, limits = type_of(definition.get("type_name", {}))
    kinds = {str(constraint.get("contype")) for constraint in constraints_in(definition)}
    table.columns[name] = Column(
        type=kind, limits=limits, is_not_null=bool(kinds & {"CONSTR_NOTNULL", "CONSTR_PRIMARY"})
    )
    if kinds & {"CONSTR_PRIMARY", "CONSTR_UNIQUE"}:
        table.keys.add(name)
    for constraint in constraints_in(definition):
        if constraint.get("contype") == "CONSTR_CHECK":
            _add_constraint(table, constraint, is_new=True)


def _add_constraint(table: Table, constraint: Node, *, is_new: bool) -> None:
    kind = str(constraint.get("contype", ""))
    name = str(constraint.get("conname") or f"{kind}_{len(table.constraints)}")
    table.constraints[name] = Constraint(
        kind=kind,
        is_valid=is_new or not constraint.get("skip_validation"),
        proves=proven_columns(constraint),
    )
    if kind in ("CONSTR_PRIMARY", "CONSTR_UNIQUE"):
        keys = words_of(constraint.get("keys", []))
        # tenant_id is in nearly every key and names no row by itself.
        table.keys.update(key for key in keys if key != "tenant_id")


def _alter_table(table: Table, command: Node) -> None:
    name, definition = str(command.get("name", "")), command.get("def", {})
    column = table.columns.get(name)
    match command.get("subtype"):
        case "AT_AddColumn":
            _add_column(table, definition["column_def"])
        case "AT_DropColumn":
            table.columns.pop(name, None)
        case "AT_AlterColumnType":
            kind, limits = type_of(definition["column_def"].get("type_name", {}))
            table.columns[name] = Column(
                type=kind, limits=limits, is_not_null=bool(column and column.is_not_null)
            )
        case "AT_SetNotNull" if column:
            column.is_not_null = True
        case "AT_DropNotNull" if column:
            column.is_not_null = False
        case "AT_AddConstraint":
            _add_constraint(table, definition["constraint"], is_new=False)
        case "AT_ValidateConstraint" if name in table.constraints:
            table.constraints[name].is_valid = True
        case "AT_DropConstraint":
            table.constraints.pop(name, None)
        case _:
            pass


def _volatility(node: Node) -> str:
    options: Sequence[Mapping[str, Node]] = node.get("options", [])
    for option in (item["def_elem"] for item in options if "def_elem" in item):
        if option.get("defname") == "volatility":
            return str(option["arg"]["string"].get("sval", "volatile"))
    return "volatile"
