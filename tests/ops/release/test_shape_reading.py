"""The product's own schema as a shape, read by the role that looks (R3.7-1)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hrx.ops.release.fits import Fault, judge_fit
from hrx.ops.release.releases import Build, Component, Release
from hrx.ops.release.shape_reading import read_revision, read_shape
from hrx.ops.release.shapes import RuleKind, SchemaUse, shape_from_json, shape_to_json
from tests.conftest import PostgresServer, migrate

pytestmark = pytest.mark.req("R3.7-1")


def test_the_looking_role_reads_every_table_and_the_same_shape_as_the_owner(postgres: PostgresServer) -> None:
    shape = read_shape(postgres.ops_url)
    assert shape.fingerprint == read_shape(postgres.owner_url).fingerprint
    assert shape_from_json(shape_to_json(shape)) == shape
    assert (read_revision(postgres.ops_url) or "") >= "0010"
    assert shape.columns["app.person.id"].is_generated
    kinds = {rule.kind for rule in shape.rules.values()}
    assert kinds == set(RuleKind)
    assert shape.functions["app.current_tenant()"] == "bigint"


def test_the_products_newest_migrations_lead_down_and_up_to_the_same_shape(postgres: PostgresServer) -> None:
    server = postgres.create_migrated_database("shapes")
    head = read_shape(server.admin_url.rsplit("/", 1)[0] + "/shapes")
    migrate(server.owner_url, to="0008", down=True)
    below = read_shape(server.ops_url)
    assert "seam.stored_file" in head.tables - below.tables
    migrate(server.owner_url)
    assert read_shape(server.ops_url) == head
    view = frozenset(head.list_columns("seam.stored_file"))
    newer = Release(
        id="r9",
        version="1.9.0",
        commit="9" * 10,
        built_at=datetime(2026, 11, 27, tzinfo=UTC),
        components={Component.SCHEMA: Build(version="0010")},
        use=SchemaUse(reads=view, tables=frozenset({"seam.stored_file"})),
        shape=head,
    )
    found = judge_fit(newer, below)
    assert {one.subject for one in found} == view | {"seam.stored_file"}
    assert {(one.fault, one.is_certain) for one in found} == {(Fault.COLUMN_GONE, True)}
    assert judge_fit(newer, head) == frozenset()
