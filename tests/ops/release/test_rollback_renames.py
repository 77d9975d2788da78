"""What renamed columns and unique rules mean for the way back: no more and no less than is known (R3.7-1)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hrx.ops.release.fits import Fault, judge_fit
from hrx.ops.release.graph import Migration, ReleaseGraph
from hrx.ops.release.releases import Component, Release
from hrx.ops.release.rollback.losing import Blocked, list_ways_down
from hrx.ops.release.rollback.renaming import says_the_same
from hrx.ops.release.rollback.state import RollbackFacts, SchemaState
from hrx.ops.release.shapes import ColumnShape, RuleKind, RuleShape, SchemaShape, SchemaUse
from tests.ops.release.shop import R1, R3

pytestmark = pytest.mark.req("R3.7-1")
_TABLE, _OLD, _NEW = "app.person", "app.person.name", "app.person.full_name"
_KEY = "app.person.name_key"
#: The tests of a migration showed that its values come through both ways.
_RENAME = Migration(revision="0009", down_revision="0008", is_proven=True, keeps=frozenset({_OLD, _NEW}))


def shape(column: str, *, not_null: bool = True, is_unique: bool = False) -> SchemaShape:
    rule = RuleShape(
        kind=RuleKind.UNIQUE,
        table=_TABLE,
        columns=frozenset({column}),
        definition=f"UNIQUE ({column.rpartition('.')[2]})",
    )
    return SchemaShape(
        columns={
            "app.person.id": ColumnShape(type="bigint", not_null=True, is_generated=True),
            column: ColumnShape(type="text", not_null=not_null),
        },
        rules={_KEY: rule} if is_unique else {},
    )


def list_blocked(older: SchemaShape, newer: SchemaShape) -> list[Blocked]:
    """What shuts the way from the newer schema down to the older one, with every loss agreed to."""
    r1, r3 = replace(R1, shape=older), replace(R3, shape=newer)
    graph = ReleaseGraph(
        releases={one.id: one for one in (r1, r3)},
        history=[r1.id, r3.id],
        line=(Migration(revision="0008", down_revision=None), _RENAME),
    )
    [way] = list_ways_down(
        graph,
        SchemaState(revision="0009"),
        to="0008",
        facts=RollbackFacts(serving=frozenset({r3.id}), has_fresh_backup=True),
        may_lose=frozenset({_TABLE}),
    )
    return list(way.blocked)


def test_a_renamed_column_that_was_never_empty_is_not_in_the_way() -> None:
    assert list_blocked(shape(_OLD), shape(_NEW)) == []


def test_a_renamed_column_that_may_be_empty_is_in_the_way_until_it_was_counted() -> None:
    assert [one.subject for one in list_blocked(shape(_OLD), shape(_NEW, not_null=False))] == [_OLD]


def test_a_unique_rule_goes_along_with_the_name() -> None:
    assert list_blocked(shape(_OLD, is_unique=True), shape(_NEW, is_unique=True)) == []


def test_a_unique_rule_that_comes_back_over_renamed_values_is_in_the_way() -> None:
    found = list_blocked(shape(_OLD, is_unique=True), shape(_NEW))
    assert [one.subject for one in found] == [_KEY], "the column does not come back empty"


@pytest.mark.parametrize(
    ("reads", "fault"), [(frozenset(), Fault.UNIQUE_GONE), (frozenset({_OLD}), Fault.RULE_GONE)]
)
def test_tests_that_passed_clear_a_unique_rule_that_only_helped_to_write(
    reads: frozenset[str], fault: Fault
) -> None:
    use = SchemaUse(reads=reads, writes=frozenset({_OLD}), inserts={_TABLE: frozenset({_OLD})})
    release: Release = replace(R1, shape=shape(_OLD, is_unique=True), use=use)
    assert release.find_version(Component.SCHEMA) == "0008"
    on = shape(_OLD)
    assert {one.fault for one in judge_fit(release, on)} == {fault}
    left = {one.fault for one in judge_fit(release, on, proof=True)}
    assert left == {fault} - {Fault.UNIQUE_GONE}, "rows that others wrote are in no tests of its own"


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        ("CHECK ((state <> ''::text))", "CHECK ((status <> ''::text))", True),
        # What the column is called now is a value, a type and a function elsewhere.
        ("CHECK ((state <> 'state'::text))", "CHECK ((status <> 'status'::text))", False),
        ("CHECK ((state <> 'state'::text))", "CHECK ((status <> 'state'::text))", True),
        ("CHECK ((state = ('x'::state)::text))", "CHECK ((status = ('x'::status)::text))", False),
        ("CHECK (state(kind))", "CHECK (status(kind))", False),
        ('CHECK (("state" > 0))', "CHECK ((status > 0))", True),
        ("UNIQUE (state)", "UNIQUE (status)", True),
        ("UNIQUE (state)", "UNIQUE (kind)", False),
        (
            "CREATE UNIQUE INDEX one ON app.person USING btree (state) WHERE (state <> 'state'::text)",
            "CREATE UNIQUE INDEX one ON app.person USING btree (status) WHERE (status <> 'state'::text)",
            True,
        ),
        (
            "CREATE UNIQUE INDEX one ON app.person USING btree (state) WHERE (state <> 'state'::text)",
            "CREATE UNIQUE INDEX one ON app.person USING btree (status) WHERE (status <> 'status'::text)",
            False,
        ),
        (
            "FOREIGN KEY (state) REFERENCES app.state(state)",
            "FOREIGN KEY (status) REFERENCES app.state(state)",
            True,
        ),
        (
            "FOREIGN KEY (state) REFERENCES app.state(state)",
            "FOREIGN KEY (status) REFERENCES app.state(status)",
            False,
        ),
        ("CHECK ((state", "CHECK ((status", False),
    ],
)
def test_a_rule_is_the_same_under_another_name_only_where_the_name_is_a_column(
    before: str, after: str, is_same: bool
) -> None:
    assert says_the_same(before, after, was="state", now="status") is is_same
