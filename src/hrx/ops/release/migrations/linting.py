"""The lint of migrations: each statement that a revision really emits, held against every rule.

It follows the schema from the first revision on, because whether a statement is dangerous depends on what
stood before. Accepted findings stay in the result: what was taken upon oneself is shown, not hidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.ops.release.migrations.checks_rows import check_rows_and_locks
from hrx.ops.release.migrations.checks_schema import check_schema_change
from hrx.ops.release.migrations.known import Schema, name_of
from hrx.ops.release.migrations.revisions import Revision, read_revisions
from hrx.ops.release.migrations.rules import RULES, Rule
from hrx.ops.release.migrations.scene import Problem, Scene, locks_of
from hrx.ops.release.migrations.statements import (
    Node,
    Statement,
    constant_of,
    find_nodes,
    read_statements,
    words_of,
)

#: Shorter than this is no reason.
SHORTEST_REASON: Final = 10
#: Begins the name of what a rehearsal saw, in an accept line; the rehearsal holds these to what it sees.
SEEN: Final = "seen-"
_LONGEST_SHOWN: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding. `accepted_because` is the author's reason; None while nobody gave one."""

    rule: Rule
    revision: str
    table: str
    statement: str
    accepted_because: str | None = None

    @property
    def is_open(self) -> bool:
        return self.accepted_because is None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionLint:
    """What was found in one revision. `destroys` names what its way up drops or empties."""

    revision: Revision
    findings: tuple[Finding, ...]
    destroys: tuple[str, ...]

    @property
    def is_destructive(self) -> bool:
        return bool(self.destroys)


@dataclass(frozen=True, slots=True, kw_only=True)
class LintReport:
    """The findings of a chain of revisions, oldest first."""

    revisions: tuple[RevisionLint, ...]

    @property
    def open_findings(self) -> tuple[Finding, ...]:
        return tuple(found for one in self.revisions for found in one.findings if found.is_open)

    @property
    def accepted_findings(self) -> tuple[Finding, ...]:
        return tuple(found for one in self.revisions for found in one.findings if not found.is_open)

    def of(self, revision: str) -> RevisionLint | None:
        """The result of one revision; None when it is not in the chain."""
        return next((one for one in self.revisions if one.revision.id == revision), None)


def lint_folder(folder: Path, *, reads: frozenset[str] | None = None) -> LintReport:
    """Read a folder of revisions and hold each against the rules.

    `reads` names the tables and columns (`app.t`, `app.t.column`, `app.t.*`) that releases which run, or may
    come back, read; None when nobody knows, and then every drop is a finding. Raises RevisionsUnreadable."""
    has_limit = "lock_timeout" in (folder / "env.py").read_text() if (folder / "env.py").exists() else False
    return lint_revisions(read_revisions(folder), reads=reads, has_lock_timeout=has_limit)


def lint_revisions(
    revisions: Sequence[Revision],
    *,
    reads: frozenset[str] | None = None,
    has_lock_timeout: bool = True,
    schema: Schema | None = None,
) -> LintReport:
    """The findings of a chain that starts from an empty schema, or from `schema`."""
    known = schema or Schema()
    return LintReport(
        revisions=tuple(
            _lint_revision(one, known, reads=reads, has_lock_timeout=has_lock_timeout) for one in revisions
        )
    )


def read_schema(script: str) -> Schema:
    """The schema that a script makes, to lint against without its history."""
    schema = Schema()
    for statement in read_statements(script):
        schema.apply(statement, revision="")
    return schema


def _lint_revision(
    revision: Revision, schema: Schema, *, reads: frozenset[str] | None, has_lock_timeout: bool
) -> RevisionLint:
    statements = read_statements(revision.up or "")
    scene = Scene(schema=schema, revision=revision.id, statements=statements, reads=reads)
    problems: list[Problem] = []
    destroys: list[str] = []
    if revision.up is None:
        problems.append(Problem(rule="unreadable", table="", statement=revision.up_problem))
    for index, statement in enumerate(statements):
        scene.enter(statement, index=index)
        problems += _check_statement(statement, scene, has_lock_timeout=has_lock_timeout)
        destroys += _destroyed_by(statement, scene)
        scene.leave(statement)
    problems += _check_walls(statements, scene)
    problems += _check_way_down(revision, statements)
    return RevisionLint(
        revision=revision,
        findings=_with_acceptances(revision, problems),
        destroys=tuple(dict.fromkeys(destroys)),
    )


def _check_statement(statement: Statement, scene: Scene, *, has_lock_timeout: bool) -> Iterator[Problem]:
    if not statement.is_readable:
        yield Problem(rule="unreadable", table="", statement=statement.text)
        return
    if not has_lock_timeout and any(not scene.is_new(table) for table, _ in locks_of(statement)):
        yield Problem(rule="lock-timeout-off", table="", statement=statement.text)
    yield from check_schema_change(statement, scene)
    yield from check_rows_and_locks(statement, scene)


def _destroyed_by(statement: Statement, scene: Scene) -> Iterator[str]:
    """Data that stood before this revision and is gone after the statement, used by anybody or not."""
    node = statement.node
    if statement.kind == "alter_table_stmt":
        table = name_of(node.get("relation", {}))
        for command in (item["alter_table_cmd"] for item in node.get("cmds", [])):
            if command.get("subtype") == "AT_DropColumn" and not scene.is_new(table):
                yield f"{table}.{command.get('name')}"
    found = (*check_schema_change(statement, scene), *check_rows_and_locks(statement, scene))
    yield from (one.table for one in found if one.rule in ("mass-delete", "table-emptied"))
    if statement.kind == "drop_stmt" and node.get("remove_type") in ("OBJECT_TABLE", "OBJECT_SCHEMA"):
        yield from (table for table, _ in locks_of(statement) if not scene.is_new(table))
        if node.get("remove_type") == "OBJECT_SCHEMA" and node.get("behavior") == "DROP_CASCADE":
            yield from (".".join(words_of([item])) + ".*" for item in node.get("objects", []))


def _check_walls(statements: Iterable[Statement], scene: Scene) -> Iterator[Problem]:
    """Tables of tenants that the revision made and left without walls."""
    made = {name_of(relation): one for one in statements for relation in _tables_made(one)}
    guarded: set[str] = set()
    for one in statements:
        for call in find_nodes({one.kind: one.node}, "func_call"):
            if words_of(call.get("funcname", [])) == [scene.tenant_schema, "protect"]:
                named = constant_of((call.get("args") or [{}])[0])
                guarded.add(f"{scene.tenant_schema}.{named}")
        if one.kind == "alter_table_stmt":
            kinds = {item["alter_table_cmd"].get("subtype") for item in one.node.get("cmds", [])}
            if "AT_ForceRowSecurity" in kinds:
                guarded.add(name_of(one.node.get("relation", {})))
    for table, one in made.items():
        if table.startswith(f"{scene.tenant_schema}.") and table not in guarded:
            yield Problem(rule="tenant-table-unprotected", table=table, statement=one.text)


def _tables_made(statement: Statement) -> Iterator[Node]:
    """The lasting tables that a statement makes."""
    node = statement.node
    relation = node.get("relation", {}) if statement.kind == "create_stmt" else {}
    if statement.kind == "create_table_as_stmt" and node.get("objtype") == "OBJECT_TABLE":
        relation = node["into"]["rel"]
    if relation and relation.get("relpersistence") != "t":
        yield relation


def _check_way_down(revision: Revision, up: Sequence[Statement]) -> Iterator[Problem]:
    if not up or (revision.down is None and not revision.down_problem):
        return
    if revision.down_problem:
        yield Problem(rule="downgrade-empty", table="", statement=revision.down_problem)
        return
    down = read_statements(revision.down or "")
    if not any(_has_effect(statement) for statement in down):
        yield Problem(rule="downgrade-empty", table="", statement="; ".join(one.text for one in down))


def _has_effect(statement: Statement) -> bool:
    return statement.kind != "select_stmt" or any(True for _ in find_nodes(statement.node, "func_call"))


def _with_acceptances(revision: Revision, problems: Iterable[Problem]) -> tuple[Finding, ...]:
    found: list[Finding] = []
    used: set[int] = set()
    for problem in dict.fromkeys(problems):
        because: str | None = None
        for place, accept in enumerate(revision.accepts):
            if accept.rule == problem.rule and accept.table in (None, problem.table):
                used.add(place)
                because = accept.reason if len(accept.reason) >= SHORTEST_REASON else None
        found.append(
            Finding(
                rule=RULES[problem.rule],
                revision=revision.id,
                table=problem.table,
                statement=_shorten(problem.statement),
                accepted_because=because,
            )
        )
    for place, accept in enumerate(revision.accepts):
        if accept.rule.startswith(SEEN) and len(accept.reason) >= SHORTEST_REASON:
            continue
        rule = "accept-without-reason" if len(accept.reason) < SHORTEST_REASON else "accept-unused"
        if rule == "accept-without-reason" or place not in used:
            said = f"accept {accept.rule}" + (f" on {accept.table}" if accept.table else "")
            found.append(Finding(rule=RULES[rule], revision=revision.id, table="", statement=said))
    return tuple(found)


def _shorten(statement: str) -> str:
    words = " ".join(statement.split())
    return words if len(words) <= _LONGEST_SHOWN else words[: _LONGEST_SHOWN - 1] + "…"
