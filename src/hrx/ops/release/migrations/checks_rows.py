"""Checks of what a migration does to rows, and of the locks and limits that it sets itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from hrx.ops.release.migrations.known import Table, name_of
from hrx.ops.release.migrations.scene import Problem, Scene, locks_of
from hrx.ops.release.migrations.statements import (
    Node,
    Statement,
    constant_of,
    find_nodes,
    is_constant,
    words_of,
)

#: A longer wait for a lock is felt by everybody who queues behind it (measured: 5.0 s behind a 6 s reader).
LONGEST_LOCK_TIMEOUT_MS: Final = 5_000
#: More rows than this are a backfill, even when each is named.
_MOST_NAMED_ROWS: Final = 1_000
_UNITS_MS: Final = {"": 1, "us": 0.001, "ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_DATA: Final = ("update_stmt", "delete_stmt", "insert_stmt", "merge_stmt")


def check_rows_and_locks(statement: Statement, scene: Scene) -> Iterator[Problem]:
    """Problems of one statement that touches rows, locks or limits."""
    node = statement.node
    match statement.kind:
        case "truncate_stmt":
            for item in node.get("relations", []):
                table = name_of(item.get("range_var", {}))
                if not scene.is_new(table):
                    yield Problem(rule="table-emptied", table=table, statement=statement.text)
        case "lock_stmt" if int(node.get("mode", 8)) >= 5:
            for item in node.get("relations", []):
                table = name_of(item.get("range_var", {}))
                if not scene.is_new(table):
                    yield Problem(rule="lock-table", table=table, statement=statement.text)
        case "cluster_stmt":
            yield Problem(
                rule="table-rewritten", table=name_of(node.get("relation", {})), statement=statement.text
            )
        case "vacuum_stmt" if any(o["def_elem"].get("defname") == "full" for o in node.get("options", [])):
            for item in node.get("rels", [{}]):
                table = name_of(item.get("vacuum_relation", {}).get("relation", {}))
                yield Problem(rule="table-rewritten", table=table, statement=statement.text)
        case "refresh_mat_view_stmt" if not node.get("concurrent"):
            table = name_of(node.get("relation", {}))
            if not scene.is_new(table):
                yield Problem(rule="view-refreshed-at-once", table=table, statement=statement.text)
        case "variable_set_stmt" if node.get("name") == "lock_timeout":
            is_reset = node.get("kind") in ("VAR_SET_DEFAULT", "VAR_RESET")
            if (
                not is_reset
                and not 0 < _milliseconds(node) <= LONGEST_LOCK_TIMEOUT_MS
                and _locks_under(scene)
            ):
                yield Problem(rule="lock-timeout-off", table="", statement=statement.text)
        case _:
            yield from _check_data(statement, scene)
    yield from _check_new_values(statement, scene)


def _check_data(statement: Statement, scene: Scene) -> Iterator[Problem]:
    """Data that the statement, or a WITH in it, writes. The body of a function is not run here."""
    if statement.kind not in (*_DATA, "select_stmt", "create_table_as_stmt"):
        return
    whole = {statement.kind: statement.node}
    bodies = [one for name in _called(whole) for one in scene.schema.bodies.get(name, ())]
    for one in (whole, *({body.kind: body.node} for body in bodies)):
        for kind, node in _written(one):
            rule = _rule_of_data(kind, node, scene)
            if rule and not (statement.is_batched and rule == "backfill-in-transaction"):
                yield Problem(rule=rule, table=name_of(node.get("relation", {})), statement=statement.text)
    if statement.kind == "select_stmt" and scene.held and _takes_time(statement.node, scene):
        yield Problem(rule="change-then-data", table="", statement=statement.text)


def _written(whole: Node) -> Iterator[tuple[str, Node]]:
    """(kind, node) of everything in a statement that writes rows."""
    for kind in _DATA:
        for node in find_nodes(whole, kind):
            yield kind, node


def _called(whole: Node) -> list[str]:
    """The functions that a statement calls, by full name."""
    return [".".join(words_of(call.get("funcname", []))) for call in find_nodes(whole, "func_call")]


def _takes_time(query: Node, scene: Scene) -> bool:
    """Whether a query sleeps, or reads a table of others without naming its rows by a key."""
    if any(name.endswith("pg_sleep") for name in _called(query)):
        return True
    tables = [name_of(found) for found in find_nodes(query, "range_var")]
    known = [name for name in tables if name in scene.schema.tables and not scene.is_new(name)]
    is_short = "limit_count" in query or any(
        _is_narrow(query.get("where_clause", {}), scene.schema.tables.get(name)) for name in known
    )
    return bool(known) and not is_short


def _rule_of_data(kind: str, node: Node, scene: Scene) -> str | None:
    table = name_of(node.get("relation", {}))
    if kind == "insert_stmt":
        # Rows written out are few; rows that a query gives are as many as there are.
        is_many = "values_lists" not in node.get("select_stmt", {}).get("select_stmt", {})
        is_many &= "select_stmt" in node and bool(list(find_nodes(node["select_stmt"], "range_var")))
        return "change-then-data" if is_many and scene.held else None
    is_narrow = kind != "merge_stmt" and _is_narrow(
        node.get("where_clause", {}), scene.schema.tables.get(table), few=_short_queries(node)
    )
    if is_narrow or (scene.is_new(table) and not scene.held):
        return None
    if kind == "delete_stmt" and not scene.is_new(table):
        return "mass-delete"
    return "change-then-data" if scene.held else "backfill-in-transaction"


def _short_queries(node: Node) -> frozenset[str]:
    """Names of the WITH queries of a statement that give no more rows than a batch has."""
    return frozenset(
        str(query.get("ctename"))
        for query in find_nodes(node.get("with_clause", {}), "common_table_expr")
        if _is_short(query.get("ctequery", {}).get("select_stmt", {}))
    )


def _is_short(query: Node) -> bool:
    limit = constant_of(query.get("limit_count", {})) or ""
    return limit.isdigit() and int(limit) <= _MOST_NAMED_ROWS


def _is_narrow(condition: Node, table: Table | None, *, few: frozenset[str] = frozenset()) -> bool:
    """Whether a condition names its rows by a key: `id = 3`, `id IN (…)`, also beside further conditions.

    `few` names short queries that the key may be joined to."""
    both = condition.get("bool_expr", {})
    if both.get("boolop") == "AND_EXPR":
        return any(_is_narrow(part, table, few=few) for part in both.get("args", []))
    keys = table.keys if table and table.keys else {"id"}
    chosen = condition.get("sub_link", {})
    if chosen.get("sub_link_type") == "ANY_SUBLINK":
        query = chosen.get("subselect", {}).get("select_stmt", {})
        return _column_of(chosen.get("testexpr", {}))[1] in keys and _is_short(query)
    test = condition.get("a_expr", {})
    if words_of(test.get("name", [])) != ["="]:
        return False
    left, right = test.get("lexpr", {}), test.get("rexpr", {})
    sides = (_column_of(left), _column_of(right))
    if any(one[0] in few and other[1] in keys for one, other in (sides, sides[::-1])):
        return True
    if sides[0][1] not in keys:
        return False
    if test.get("kind") == "AEXPR_IN":
        items = right.get("list", {}).get("items", [])
        return len(items) <= _MOST_NAMED_ROWS and all(is_constant(item) for item in items)
    return is_constant(right)


def _column_of(node: Node) -> tuple[str, str]:
    """(table or alias, column) of a reference; empty words for anything else."""
    words = words_of(node.get("column_ref", {}).get("fields", []))
    return (words[0] if len(words) > 1 else "", words[-1] if words else "")


def _check_new_values(statement: Statement, scene: Scene) -> Iterator[Problem]:
    """A new enum value that its own transaction already writes."""
    if not scene.added_values or statement.kind == "alter_enum_stmt":
        return
    for constant in find_nodes({statement.kind: statement.node}, "a_const"):
        if constant_of({"a_const": constant}) in scene.added_values:
            yield Problem(rule="enum-used-at-once", table="", statement=statement.text)
            return


def _locks_under(scene: Scene) -> bool:
    """Whether a strong lock is taken below, before the limit is set anew; else nobody waits behind."""
    is_local = bool(scene.statements[scene.index].node.get("is_local"))
    for later in scene.statements[scene.index + 1 :]:
        is_limit = later.kind == "variable_set_stmt" and later.node.get("name") == "lock_timeout"
        if is_limit or (is_local and later.transaction != scene.transaction):
            return False
        if any(not scene.is_new(table) for table, _ in locks_of(later)):
            return True
    return False


def _milliseconds(node: Node) -> float:
    """The value of a SET in milliseconds; 0 when it is off, reset or not to be read."""
    given = [constant_of(item) or "" for item in node.get("args", [])]
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", given[0].strip()) if given else None
    return float(found[1]) * _UNITS_MS.get(found[2], 0) if found else 0.0
