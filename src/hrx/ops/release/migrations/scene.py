"""Where a statement stands: the schema before it, the locks its transaction holds, what its revision made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from hrx.ops.release.migrations.known import Schema, dropped_names, name_of
from hrx.ops.release.migrations.statements import Node, Statement, find_nodes

#: A lock that makes readers wait, and one that makes writers wait.
EXCLUSIVE: Final = "AccessExclusiveLock"
WRITERS_WAIT: Final = "ShareRowExclusiveLock"
#: Subcommands of ALTER TABLE that let readers and writers pass (PostgreSQL 18, "ALTER TABLE", Notes).
_LIGHT: Final = frozenset(
    {"AT_ValidateConstraint", "AT_SetStatistics", "AT_SetOptions", "AT_ResetOptions", "AT_SetRelOptions",
     "AT_ResetRelOptions", "AT_ClusterOn", "AT_DropCluster"}
)  # fmt: skip
#: LOCK TABLE by number of the mode (lockdefs.h): from SHARE on, writers wait; ACCESS EXCLUSIVE stops readers.
_SHARE_MODE: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What a check found in one statement; the rule says why."""

    rule: str
    table: str
    statement: str


@dataclass(slots=True, kw_only=True)
class Scene:
    """The place of the statement that is judged.

    `reads` names what releases that run, or may come back, read (`app.t`, `app.t.column`); None: not known.
    `held` are tables with a strong lock in this transaction; `added_values` the enum values it added."""

    schema: Schema
    revision: str
    statements: tuple[Statement, ...]
    reads: frozenset[str] | None
    tenant_schema: str = "app"
    index: int = 0
    transaction: int | None = None
    held: dict[str, str] = field(default_factory=dict)
    added_values: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)

    def is_new(self, table: str) -> bool:
        """Whether this revision made the table: nobody else knows it yet."""
        return table in self.made

    def is_read(self, name: str) -> bool:
        """Whether something may still read it; unknown counts as yes."""
        if self.reads is None:
            return True
        table = name.rpartition(".")[0]
        return (
            name in self.reads
            or f"{table}.*" in self.reads
            or f"{name}.*" in self.reads
            or any(read.startswith(f"{name}.") for read in self.reads)
        )

    def enter(self, statement: Statement, *, index: int) -> None:
        """Step to a statement; locks and new values end with their transaction."""
        self.index = index
        if statement.transaction is None or statement.transaction != self.transaction:
            self.held, self.added_values = {}, set()
        self.transaction = statement.transaction

    def leave(self, statement: Statement) -> None:
        """Take in what the statement made, locked and added."""
        if statement.transaction is not None:
            for table, mode in locks_of(statement):
                if not self.is_new(table) and self.held.get(table) != EXCLUSIVE:
                    self.held[table] = mode
        if statement.kind == "alter_enum_stmt" and "old_val" not in statement.node:
            self.added_values.add(str(statement.node.get("new_val", "")))
        self.schema.apply(statement, revision=self.revision)
        if statement.kind in ("create_stmt", "create_table_as_stmt", "view_stmt"):
            self.made.update(map(name_of, _made_by(statement.node)))


def locks_of(statement: Statement) -> Iterator[tuple[str, str]]:
    """(table, mode) of the strong locks that a statement takes and keeps until commit."""
    node = statement.node
    match statement.kind:
        case "alter_table_stmt":
            yield from _locks_of_alter(name_of(node.get("relation", {})), node)
        case "rename_stmt" | "cluster_stmt" if "relation" in node:
            yield name_of(node["relation"]), EXCLUSIVE
        case "create_policy_stmt" | "alter_policy_stmt":
            yield name_of(node.get("table", {})), EXCLUSIVE
        case "index_stmt" if not node.get("concurrent"):
            yield name_of(node.get("relation", {})), "ShareLock"
        case "create_trig_stmt":
            yield name_of(node.get("relation", {})), WRITERS_WAIT
        case "truncate_stmt":
            for item in node.get("relations", []):
                yield name_of(item.get("range_var", {})), EXCLUSIVE
        case "drop_stmt" if node.get("remove_type") == "OBJECT_TABLE":
            for name in dropped_names(node):
                yield name, EXCLUSIVE
        case "drop_stmt" if node.get("remove_type") in ("OBJECT_POLICY", "OBJECT_TRIGGER", "OBJECT_RULE"):
            for name in dropped_names(node):
                yield name.rpartition(".")[0], EXCLUSIVE
        case "lock_stmt" if int(node.get("mode", 8)) >= _SHARE_MODE:
            mode = EXCLUSIVE if int(node.get("mode", 8)) >= 8 else WRITERS_WAIT
            for item in node.get("relations", []):
                yield name_of(item.get("range_var", {})), mode
        case "create_stmt":
            for constraint in find_nodes(node, "constraint"):
                if "pktable" in constraint:
                    yield name_of(constraint["pktable"]), WRITERS_WAIT
        case _:
            return


def _locks_of_alter(table: str, node: Node) -> Iterator[tuple[str, str]]:
    for command in (item["alter_table_cmd"] for item in node.get("cmds", [])):
        constraint = command.get("def", {}).get("constraint", {})
        if constraint.get("contype") == "CONSTR_FOREIGN":
            yield table, WRITERS_WAIT
            yield name_of(constraint.get("pktable", {})), WRITERS_WAIT
        elif command.get("subtype") not in _LIGHT:
            yield table, EXCLUSIVE


def _made_by(node: Node) -> Iterator[Node]:
    if "into" in node:
        yield node["into"]["rel"]
    elif "view" in node:
        yield node["view"]
    else:
        yield node["relation"]
