"""Whether a release's code runs on a schema: what certainly breaks, and what nobody has shown to hold.

Names and types decide what is certain. Values decide the rest (a NULL that is refused now, a value that the
older code has never met): unless the release's own tests were run on that schema, it counts as a break."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hrx.ops.release.releases import Release
from hrx.ops.release.shapes import ColumnShape, RuleKind, RuleShape, SchemaShape, SchemaUse, table_of

_ASKS_FOR_NULL: Final = re.compile(r"\b(IS|DISTINCT|COALESCE|CASE|NULLS)\b", re.IGNORECASE)
_CALLED: Final = re.compile(r"(\w+)\s*\(")
#: Words before a bracket that are no functions, in definitions as PostgreSQL prints them.
_HARMLESS: Final = frozenset(
    {"CHECK", "ANY", "ALL", "AND", "OR", "NOT", "IN", "UNIQUE", "KEY", "BTREE", "GIST"}
)


class Fault(StrEnum):
    """What is wrong between a part and what it runs on."""

    COLUMN_GONE = "column_gone"
    TYPE_CHANGED = "type_changed"
    NOT_WRITABLE = "not_writable"
    VALUE_REQUIRED = "value_required"
    NULL_REFUSED = "null_refused"
    NULL_POSSIBLE = "null_possible"
    DEFAULT_CHANGED = "default_changed"
    RULE_ADDED = "rule_added"
    RULE_GONE = "rule_gone"
    #: A rule by whose help it may write (ON CONFLICT names one); what it reads does not depend on it.
    UNIQUE_GONE = "unique_gone"
    FUNCTION_CHANGED = "function_changed"
    #: The release's own tests failed on this schema.
    TESTS_FAILED = "tests_failed"
    #: Nobody knows the tables of this revision, or those that the release was tested on.
    SCHEMA_UNKNOWN = "schema_unknown"
    #: A component asks for what another does not offer.
    NOT_OFFERED = "not_offered"
    #: Two components that were never tested together, and nobody recorded what they need.
    NEVER_TOGETHER = "never_together"
    MISSING = "missing"
    #: It runs, and nobody recorded what it needs.
    NOT_ON_RECORD = "not_on_record"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """`who`: a release, or a component of one (`web r41`); `subject`: the column, rule, function or name.

    `is_certain`: it breaks; otherwise nobody has shown that it holds, which counts the same."""

    who: str
    fault: Fault
    subject: str
    is_certain: bool


#: What depends on rows that other code has written.
_ABOUT_ROWS: Final = frozenset({Fault.TYPE_CHANGED, Fault.NULL_POSSIBLE, Fault.RULE_GONE})


def judge_fit(release: Release, on: SchemaShape | None, *, proof: bool | None = None) -> frozenset[Problem]:
    """Everything that speaks against running this release on this schema; nothing when it fits.

    `proof`: whether the release's own tests passed on it; None when they were not run. They outweigh what is
    merely not shown about its own writes, never what is certain, nor what rows of newer code may hold: tests
    bring their own rows."""
    own = release.shape
    failed = _problem(release, Fault.TESTS_FAILED, "", is_certain=True)
    if on is None or own is None:
        if proof is None:
            return frozenset({_problem(release, Fault.SCHEMA_UNKNOWN, "", is_certain=False)})
        return frozenset() if proof else frozenset({failed})
    if on.fingerprint == own.fingerprint:
        return frozenset() if proof is not False else frozenset({failed})
    # Of code that nobody watched nothing is certain: it may not use what is gone.
    was_watched = release.use is not None
    found = frozenset(
        _problem(release, fault, subject, is_certain=is_certain and was_watched)
        for fault, subject, is_certain in _list_faults(release.known_use, own, on)
        if not proof or (is_certain and was_watched) or fault in _ABOUT_ROWS
    )
    # What is known in detail says more than that something failed.
    return found if found or proof is not False else frozenset({failed})


def _problem(release: Release, fault: Fault, subject: str, *, is_certain: bool) -> Problem:
    return Problem(who=release.id, fault=fault, subject=subject, is_certain=is_certain)


Found = tuple[Fault, str, bool]


def _list_faults(use: SchemaUse, own: SchemaShape, on: SchemaShape) -> Iterator[Found]:
    for name in sorted(use.columns):
        before = own.columns.get(name)
        if before is not None:
            yield from _judge_column(name, before, on.columns.get(name), use)
        elif name not in on.columns:
            yield Fault.COLUMN_GONE, name, True
    for table in sorted(use.inserts):
        yield from _judge_insert(table, use, own, on)
    for table in sorted(use.deletes | use.tables):
        if table in own.tables and table not in on.tables:
            yield Fault.COLUMN_GONE, table, True
    for name in sorted(use.calls):
        if name in own.functions and on.functions.get(name) != own.functions[name]:
            yield Fault.FUNCTION_CHANGED, name, True
    yield from _judge_rules(use, own, on)


def _judge_column(name: str, before: ColumnShape, now: ColumnShape | None, use: SchemaUse) -> Iterator[Found]:
    if now is None:
        yield Fault.COLUMN_GONE, name, True
        return
    if now.type != before.type:
        yield Fault.TYPE_CHANGED, name, False
    if name in use.writes and now.is_generated and not before.is_generated:
        yield Fault.NOT_WRITABLE, name, True
    if name in use.writes and now.not_null and not before.not_null:
        yield Fault.NULL_REFUSED, name, False
    if name in use.reads and before.not_null and not now.not_null:
        yield Fault.NULL_POSSIBLE, name, False


def _judge_insert(table: str, use: SchemaUse, own: SchemaShape, on: SchemaShape) -> Iterator[Found]:
    """What an INSERT leaves out is filled by the schema, as it is now."""
    given = use.inserts[table]
    for name in on.list_columns(table):
        now, before = on.columns[name], own.columns.get(name)
        if name in given or now.is_generated:
            continue
        if now.not_null and now.default is None:
            # A release whose tests insert without it on their own schema has another way to fill it.
            if before is None or not before.not_null or before.default is not None:
                yield Fault.VALUE_REQUIRED, name, True
        elif before is not None and before.default != now.default and name in use.reads:
            yield Fault.DEFAULT_CHANGED, name, False


def _judge_rules(use: SchemaUse, own: SchemaShape, on: SchemaShape) -> Iterator[Found]:
    for name, rule in sorted(on.rules.items()):
        if own.rules.get(name) != rule and _may_hit(rule, use, on):
            yield Fault.RULE_ADDED, name, False
    for name, rule in sorted(own.rules.items()):
        if on.rules.get(name) != rule and rule.table in on.tables and _leans_on(rule, use):
            is_read = rule.kind is not RuleKind.UNIQUE or bool(rule.columns & use.reads)
            yield (Fault.RULE_GONE if is_read else Fault.UNIQUE_GONE), name, False


def _may_hit(rule: RuleShape, use: SchemaUse, on: SchemaShape) -> bool:
    """Whether what this code does to the table can meet the rule."""
    touched = {table_of(name) for name in use.writes} | set(use.inserts) | use.deletes
    if rule.kind is RuleKind.POLICY:
        return rule.table in touched | {table_of(name) for name in use.reads}
    if rule.kind is RuleKind.REFERENCE and any(f" {table}(" in rule.definition for table in use.deletes):
        # It can refuse what happens to the table that it points to.
        return True
    if rule.table not in touched:
        return False
    if rule.kind is RuleKind.TRIGGER or not rule.columns:
        return True
    if rule.columns & use.writes:
        return True
    if rule.table not in use.inserts:
        return False
    # The schema fills them: a NULL passes most rules, a constant may not (twice the same, where one may be).
    filled = [on.columns[name] for name in rule.columns if name in on.columns]
    if any(one.default is not None for one in filled):
        return True
    return rule.kind is not RuleKind.REFERENCE and not passes_null(rule.definition)


def passes_null(definition: str) -> bool:
    """Whether NULL in all its columns certainly passes: nothing asks for NULL, and no function is called."""
    return _ASKS_FOR_NULL.search(definition) is None and all(
        name.upper() in _HARMLESS for name in _CALLED.findall(definition)
    )


def _leans_on(rule: RuleShape, use: SchemaUse) -> bool:
    """Whether this code may miss the rule: it reads what the rule kept in order, or writes by its help."""
    written = {table_of(name) for name in use.writes} | set(use.inserts)
    if rule.kind is RuleKind.POLICY:
        # One that is gone grants less or, being restrictive, hides less: both are another answer.
        return rule.table in written | {table_of(name) for name in use.reads}
    if rule.kind is RuleKind.TRIGGER:
        return rule.table in written
    if rule.kind is RuleKind.UNIQUE and rule.table in use.inserts:
        return True
    return bool(rule.columns & use.reads)
