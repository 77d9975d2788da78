"""Checks of changes to tables, columns, constraints, indexes and types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hrx.ops.release.migrations.known import (
    STABLE_FUNCTIONS,
    Column,
    constraints_in,
    dropped_names,
    name_of,
    type_of,
)
from hrx.ops.release.migrations.scene import Problem, Scene
from hrx.ops.release.migrations.statements import Node, Statement, find_nodes, words_of

_SERIALS: Final = frozenset({"smallserial", "serial", "bigserial", "serial2", "serial4", "serial8"})
#: Constraint → the rule that it breaks when it is not put off.
_AT_ONCE: Final = {"CONSTR_FOREIGN": "foreign-key-valid-at-once", "CONSTR_CHECK": "check-valid-at-once"}
_REWRITES: Final = frozenset({"AT_SetTableSpace", "AT_SetLogged", "AT_SetUnLogged", "AT_SetAccessMethod"})
_WALLS: Final = frozenset(
    {"AT_DisableRowSecurity", "AT_NoForceRowSecurity", "AT_DisableTrigAll", "AT_DisableTrigUser"}
)
_OBJECTS: Final = frozenset(
    {"OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_TYPE", "OBJECT_SEQUENCE",
     "OBJECT_SCHEMA", "OBJECT_DOMAIN", "OBJECT_EXTENSION"}
)  # fmt: skip


def check_schema_change(statement: Statement, scene: Scene) -> Iterator[Problem]:
    """Problems of one statement that changes the schema."""
    node = statement.node
    match statement.kind:
        case "alter_table_stmt" if node.get("objtype") in ("OBJECT_TABLE", "OBJECT_MATVIEW"):
            table = name_of(node.get("relation", {}))
            if scene.is_new(table):
                return
            for command in (item["alter_table_cmd"] for item in node.get("cmds", [])):
                for rule in _check_command(command, table, scene):
                    yield Problem(rule=rule, table=table, statement=statement.text)
        case "index_stmt":
            yield from _check_index(statement, scene)
        case "reindex_stmt":
            is_concurrent = any(
                option["def_elem"].get("defname") == "concurrently" for option in node.get("params", [])
            )
            yield from _check_concurrency(statement, scene, name_of(node.get("relation", {})), is_concurrent)
        case "drop_stmt":
            yield from _check_drop(statement, scene)
        case "rename_stmt":
            yield from _check_rename(statement, scene)
        case "alter_policy_stmt" if node.get("policy_name") == "tenant_isolation":
            yield Problem(
                rule="protection-removed", table=name_of(node.get("table", {})), statement=statement.text
            )
        case "alter_enum_stmt" if "old_val" in node:
            name = ".".join(words_of(node.get("type_name", [])))
            yield Problem(rule="enum-renamed", table=name, statement=statement.text)
        case _:
            return


def _check_command(command: Node, table: str, scene: Scene) -> Iterator[str]:
    name = str(command.get("name", ""))
    definition = command.get("def", {})
    known = scene.schema.tables.get(table)
    subtype = str(command.get("subtype"))
    match subtype:
        case "AT_AddColumn":
            yield from _check_new_column(definition["column_def"], scene)
        case "AT_SetNotNull":
            column = known.columns.get(name) if known else None
            if not (column and column.is_not_null) and not (known and known.is_proven(name)):
                yield "not-null-unproven"
        case "AT_AlterColumnType":
            yield from _check_type(definition["column_def"], name, table, scene)
        case "AT_DropColumn":
            if scene.schema.views_on(table, name) and command.get("behavior") != "DROP_CASCADE":
                yield "type-under-view"
            if scene.is_read(f"{table}.{name}"):
                yield "column-dropped"
        case "AT_AddConstraint":
            yield from _check_constraint(definition["constraint"])
        case "AT_ValidateConstraint" if table in scene.held:
            yield "validated-in-same-transaction"
        case _ if subtype in _REWRITES:
            yield "table-rewritten"
        case _ if subtype in _WALLS:
            yield "protection-removed"
        case _:
            return


def _check_new_column(definition: Node, scene: Scene) -> Iterator[str]:
    kinds = {str(found.get("contype")): found for found in constraints_in(definition)}
    is_written = type_of(definition.get("type_name", {}))[0] in _SERIALS or "CONSTR_IDENTITY" in kinds
    is_written |= kinds.get("CONSTR_GENERATED", {}).get("generated_kind") == "s"
    default = kinds.get("CONSTR_DEFAULT", {}).get("raw_expr", {})
    if is_written or _is_volatile(default, scene):
        yield "default-volatile"
    elif kinds.keys() & {"CONSTR_NOTNULL", "CONSTR_PRIMARY"} and not default:
        yield "column-without-default"
    if kinds.keys() & {"CONSTR_UNIQUE", "CONSTR_PRIMARY"}:
        yield "unique-without-index"
    # A foreign key on a column without values has nothing to compare; with a default it has every row.
    if "CONSTR_FOREIGN" in kinds and default:
        yield "foreign-key-valid-at-once"
    if "CONSTR_CHECK" in kinds and "CONSTR_GENERATED" not in kinds:
        yield "check-valid-at-once"


def _is_volatile(expression: Node, scene: Scene) -> bool:
    for call in find_nodes(expression, "func_call"):
        words = words_of(call.get("funcname", []))
        known = scene.schema.functions.get(".".join(words))
        is_stable = words[-1] in STABLE_FUNCTIONS if known is None else known != "volatile"
        if not is_stable:
            return True
    return False


def _check_type(definition: Node, column: str, table: str, scene: Scene) -> Iterator[str]:
    if scene.schema.views_on(table, column):
        yield "type-under-view"
        return
    known = scene.schema.tables.get(table)
    old = known.columns.get(column) if known else None
    kind, limits = type_of(definition.get("type_name", {}))
    if old is None or definition.get("raw_default") or not _is_wider(old, kind, limits):
        yield "type-rewrite"


def _is_wider(old: Column, kind: str, limits: tuple[int, ...]) -> bool:
    """Whether the rows may stay as they are and need no look: longer text, more digits before the point."""
    if old.type in ("varchar", "text") and kind in ("varchar", "text"):
        return not limits or (old.type == "varchar" and bool(old.limits) and limits[0] >= old.limits[0])
    if old.type == kind == "numeric":
        if not limits:
            return True
        scales = [(*given, 0)[1] for given in (old.limits, limits) if given]
        return bool(old.limits) and scales[0] == scales[1] and limits[0] >= old.limits[0]
    return (old.type, old.limits) == (kind, limits)


def _check_constraint(constraint: Node) -> Iterator[str]:
    kind = str(constraint.get("contype"))
    is_keyed = kind in ("CONSTR_PRIMARY", "CONSTR_UNIQUE") and not constraint.get("indexname")
    if is_keyed or kind == "CONSTR_EXCLUSION":
        yield "unique-without-index"
    elif not constraint.get("skip_validation"):
        if kind in _AT_ONCE and constraint.get("is_enforced", False):
            yield _AT_ONCE[kind]
        elif kind == "CONSTR_NOTNULL":
            yield "not-null-unproven"


def _check_index(statement: Statement, scene: Scene) -> Iterator[Problem]:
    table = name_of(statement.node.get("relation", {}))
    if not scene.is_new(table):
        yield from _check_concurrency(statement, scene, table, bool(statement.node.get("concurrent")))


def _check_concurrency(
    statement: Statement, scene: Scene, table: str, is_concurrent: bool
) -> Iterator[Problem]:
    if not is_concurrent:
        yield Problem(rule="index-not-concurrent", table=table, statement=statement.text)
    elif scene.transaction is not None:
        yield Problem(rule="concurrent-in-transaction", table=table, statement=statement.text)


def _check_drop(statement: Statement, scene: Scene) -> Iterator[Problem]:
    node = statement.node
    kind = str(node.get("remove_type"))
    for name in dropped_names(node):
        rule = ""
        if kind == "OBJECT_INDEX" and node.get("concurrent") and scene.transaction is not None:
            rule = "concurrent-in-transaction"
        elif kind == "OBJECT_TABLE" and not scene.is_new(name) and scene.is_read(name):
            rule = "table-dropped"
        elif kind == "OBJECT_POLICY" and name.endswith(".tenant_isolation") and not _comes_back(scene, name):
            rule = "protection-removed"
        elif kind in _OBJECTS and not scene.is_new(name) and not _comes_back(scene, name):
            # A function or a view that no release is known to use counts as used.
            rule = "object-dropped"
        if rule:
            yield Problem(rule=rule, table=name, statement=statement.text)


def _comes_back(scene: Scene, name: str) -> bool:
    """Whether the same transaction makes it again further down."""
    for later in scene.statements[scene.index + 1 :]:
        if later.transaction != scene.transaction or later.transaction is None:
            continue
        node = later.node
        made = {
            "view_stmt": lambda n: name_of(n["view"]),
            "create_function_stmt": lambda n: ".".join(words_of(n.get("funcname", []))),
            "create_policy_stmt": lambda n: f"{name_of(n.get('table', {}))}.{n.get('policy_name', '')}",
            "create_table_as_stmt": lambda n: name_of(n["into"]["rel"]),
        }.get(later.kind)
        if made is not None and made(node) == name:
            return True
    return False


def _check_rename(statement: Statement, scene: Scene) -> Iterator[Problem]:
    node = statement.node
    table = name_of(node.get("relation", {}))
    if scene.is_new(table):
        return
    if node.get("rename_type") == "OBJECT_COLUMN" and scene.is_read(f"{table}.{node.get('subname')}"):
        yield Problem(rule="column-renamed", table=table, statement=statement.text)
    elif node.get("rename_type") in ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW"):
        # A view with the old name keeps old code going.
        if scene.is_read(table) and not _comes_back(scene, table):
            yield Problem(rule="table-renamed", table=table, statement=statement.text)
    elif node.get("rename_type") in ("OBJECT_FUNCTION", "OBJECT_TYPE", "OBJECT_SCHEMA", "OBJECT_ATTRIBUTE"):
        name = str(node.get("subname") or table)
        yield Problem(rule="object-dropped", table=name, statement=statement.text)
