"""The product's own rules and trails in a copy, on its real schema."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from hrx.kit import clock
from hrx.ops.recovery.checks.checking import check_copy
from hrx.ops.recovery.checks.findings import Finding
from hrx.ops.recovery.checks.product import AuditHead, read_heads
from hrx.ops.seams.sessions import opened_session
from tests.conftest import PostgresServer

pytestmark = pytest.mark.req("R6.1-2")


@pytest.fixture
def product(postgres: PostgresServer) -> Iterator[str]:
    """The superuser's URL of a database of its own, with a tenant and three linked audit entries."""
    name = f"checked_{secrets.token_hex(4)}"
    postgres.create_migrated_database(name)
    url = postgres.admin_url.rsplit("/", 1)[0] + f"/{name}"
    execute(
        url,
        "SELECT app.create_tenant('check', '検査', 'Asia/Tokyo', 'ja')",
        "INSERT INTO app.audit_entry (tenant_id, action) SELECT id, 'person.private_read'"
        " FROM app.tenant, generate_series(1, 3)",
        "SELECT app.seal_audit(id, 100) FROM app.tenant",
    )
    yield url
    execute(postgres.admin_url, f"DROP DATABASE {name} WITH (FORCE)")


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def look(url: str, *, heads: dict[int, AuditHead] | None = None) -> dict[str, Finding]:
    with opened_session(url, timeout_s=60) as session:
        return {one.code: one for one in check_copy(session, heads=heads, is_copy=False)}


def heads_of(url: str) -> dict[int, AuditHead]:
    with opened_session(url, timeout_s=60) as session:
        return read_heads(session)


def test_a_sound_database_is_well_in_every_respect_and_quick(product: str) -> None:
    found = look(product, heads=heads_of(product))
    assert [one.said.en for one in found.values() if not one.is_well] == []
    assert found["audit"].figures == {"tenants": 1, "links": 3, "heads": 1, "broken": 0}
    assert all(0 < one.seconds < 30 for one in found.values())


def test_a_changed_audit_entry_is_named(product: str) -> None:
    execute(
        product,
        "SET session_replication_role = replica; UPDATE app.audit_entry SET action = 'person.nothing_read'"
        " WHERE id = (SELECT min(id) FROM app.audit_entry)",
    )
    assert not look(product)["audit"].is_well


def test_a_trail_cut_off_with_its_head_is_seen_by_the_head_kept_outside(product: str) -> None:
    heads = heads_of(product)
    execute(
        product,
        "SET session_replication_role = replica;"
        "DELETE FROM app.audit_link WHERE seq = 3; DELETE FROM app.audit_entry WHERE id ="
        " (SELECT max(id) FROM app.audit_entry);"
        "UPDATE app.audit_head SET seq = 2, hash = (SELECT hash FROM app.audit_link WHERE seq = 2)",
    )
    assert look(product)["audit"].is_well
    found = look(product, heads=heads)["audit"]
    assert not found.is_well
    assert "head 3" in found.said.en


def test_heads_seen_after_the_moment_are_not_asked_of_it(product: str) -> None:
    (tenant, head) = next(iter(heads_of(product).items()))
    later = replace(head, seq=9, sealed_at=clock.now() + timedelta(hours=1))
    with opened_session(product, timeout_s=60) as session:
        found = check_copy(session, target=clock.now(), heads={tenant: later}, is_copy=False)
    assert next(one for one in found if one.code == "audit").is_well


def test_a_copy_later_than_the_moment_asked_for_is_not_well(product: str) -> None:
    with opened_session(product, timeout_s=60) as session:
        found = check_copy(session, target=clock.now() - timedelta(hours=1), is_copy=False)
    moment = next(one for one in found if one.code == "moment")
    assert not moment.is_well
    assert "later" in moment.said.en
