"""Nobody finds or reads what he may not, by an oracle in Python that turns red without any one policy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import text

from benchmarks.retrieval.company import World, choose_askers, choose_questions, make_world
from benchmarks.retrieval.oracle import check_questions, check_rows
from hrx.app.platform.db import Database, open_database
from hrx.app.platform.tenancy import Principal, Role
from tests.conftest import PostgresServer

pytestmark = [pytest.mark.req("R2-6"), pytest.mark.timeout(300)]
#: Its policies on reading. `read_through` is not among them: the wall between tenants lets the same rows
#: through for the role of policies.
READ_POLICIES = [
    ("document", "seen"),
    ("document_reader", "seen"),
    ("document_version", "seen"),
    ("document_text", "seen"),
    ("document_passage", "seen"),
    ("document_proposal", "seen"),
]


_SOME = "FROM app.document AS d WHERE d.audience = 'everyone' AND d.deleted_at IS NULL LIMIT 1"
_PLACE = "SELECT v.document_id, v.id FROM app.document_version AS v WHERE v.state = 'ready' LIMIT 1"
#: What an employee tries, by the policy that is to forbid it.
ATTEMPTS = {
    (
        "document",
        "written",
    ): "INSERT INTO app.document (kind, title, audience) VALUES ('form', 'x', 'everyone')",
    ("document", "changed"): "UPDATE app.document SET title = 'x'",
    ("document", "deleted_by_work"): "DELETE FROM app.document",
    (
        "document_version",
        "written",
    ): "INSERT INTO app.document_version (document_id, number, effective, file_name,"
    f" media_type, file_sha256, size_bytes) SELECT d.id, 9, 'empty', 'f', 'text/plain', '', 0 {_SOME}",
    ("document_version", "changed"): "UPDATE app.document_version SET pages_done = 1",
    ("document_version", "deleted_by_work"): "DELETE FROM app.document_version",
    (
        "document_reader",
        "written",
    ): f"INSERT INTO app.document_reader (document_id, person_id) SELECT d.id, 1 {_SOME}",
    ("document_reader", "deleted"): "DELETE FROM app.document_reader",
    ("document_text", "written_by_work"): "INSERT INTO app.document_text (document_id, version_id, body)"
    f" SELECT p.*, 'x' FROM ({_PLACE}) AS p",
    ("document_text", "deleted_by_work"): "DELETE FROM app.document_text",
    (
        "document_passage",
        "written_by_work",
    ): "INSERT INTO app.document_passage (document_id, version_id, ordinal,"
    " language, start_char, end_char, body, body_sha256)"
    f" SELECT p.*, 9, 'ja', 0, 1, 'x', repeat('0', 64) FROM ({_PLACE}) AS p",
    ("document_passage", "deleted_by_work"): "DELETE FROM app.document_passage",
    ("document_proposal", "written_by_work"): "INSERT INTO app.document_proposal (document_id, version_id,"
    f" person_id, field, value, start_char, end_char) SELECT p.*, 1, 'f', 'x', 5, 6 FROM ({_PLACE}) AS p",
    ("document_proposal", "decided"): "UPDATE app.document_proposal SET state = 'accepted'",
    ("document_proposal", "deleted_by_work"): "DELETE FROM app.document_proposal",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database of its own whose policies may be dropped."""

    admin_url: str
    app_url: str
    database: Database
    world: World
    askers: list[Principal]


@contextmanager
def without_policy(admin_url: str, table: str, policy: str) -> Iterator[None]:
    """The policy is gone meanwhile, and comes back word for word."""
    with psycopg.connect(admin_url, autocommit=True) as admin:
        [(permissive, command, roles, using, check)] = admin.execute(
            "SELECT permissive, cmd, array_to_string(roles, ', '), qual, with_check FROM pg_policies"
            " WHERE schemaname = 'app' AND tablename = %s AND policyname = %s",
            (table, policy),
        ).fetchall()
        admin.execute(f"DROP POLICY {policy} ON app.{table}".encode())
        try:
            yield
        finally:
            parts = [f" {word} ({said})" for word, said in (("USING", using), ("WITH CHECK", check)) if said]
            admin.execute(
                f"CREATE POLICY {policy} ON app.{table} AS {permissive} FOR {command} TO {roles}"
                f"{''.join(parts)}".encode()
            )


@contextmanager
def letting_leavers_read(admin_url: str) -> Iterator[None]:
    """The policy of documents does not ask meanwhile whether the asker has left."""
    asks = "(NOT ( SELECT app.principal_has_left() AS principal_has_left))"
    with psycopg.connect(admin_url, autocommit=True) as admin:
        [(using,)] = admin.execute(
            "SELECT qual FROM pg_policies"
            " WHERE schemaname = 'app' AND tablename = 'document' AND policyname = 'seen'"
        ).fetchall()
        assert using.count(asks) == 1, using
        admin.execute(f"ALTER POLICY seen ON app.document USING ({using.replace(asks, 'true')})".encode())
        try:
            yield
        finally:
            admin.execute(f"ALTER POLICY seen ON app.document USING ({using})".encode())


@pytest_asyncio.fixture(scope="module")
async def place(postgres: PostgresServer) -> AsyncIterator[Place]:
    server = postgres.create_migrated_database("passage_access")
    database = open_database(server.app_url, pool_size=4)
    world = await make_world(database, people=80, documents=100, seed=1)
    yield Place(
        admin_url=f"{postgres.admin_url.rpartition('/')[0]}/passage_access",
        app_url=server.app_url,
        database=database,
        world=world,
        askers=choose_askers(world, count=21, seed=2),
    )
    await database.close()


async def test_no_question_finds_what_its_asker_may_not_read_nor_misses_a_document(place: Place) -> None:
    questions = choose_questions(count=40, seed=3)
    assert await check_questions(place.database, place.world, place.askers, questions, each=6, seed=4) == []


async def test_every_table_of_documents_shows_each_asker_exactly_what_the_oracle_says(place: Place) -> None:
    assert await check_rows(place.database, place.world, place.askers) == []


@pytest.mark.parametrize(("table", "policy"), READ_POLICIES)
async def test_without_a_policy_the_oracle_complains(place: Place, table: str, policy: str) -> None:
    with without_policy(place.admin_url, table, policy):
        assert await check_rows(place.database, place.world, place.askers) != []
    assert await check_rows(place.database, place.world, place.askers[:3]) == []


async def test_without_the_policy_of_documents_a_question_leaks(place: Place) -> None:
    questions = choose_questions(count=10, seed=5)
    with without_policy(place.admin_url, "document", "seen"):
        complaints = await check_questions(
            place.database, place.world, place.askers, questions, each=3, seed=6
        )
    assert any(one.leaked for one in complaints)


async def test_without_its_condition_company_documents_leak_to_who_has_left(place: Place) -> None:
    questions = choose_questions(count=10, seed=5)
    with letting_leavers_read(place.admin_url):
        rows = await check_rows(place.database, place.world, place.askers)
        found = await check_questions(place.database, place.world, place.askers, questions, each=10, seed=6)
    for complaints in (rows, found):
        assert {one.asker.person_id in place.world.left for one in complaints if one.leaked} == {True}
    assert await check_rows(place.database, place.world, place.askers) == []


async def test_whether_the_asker_has_left_is_asked_once_a_statement(place: Place) -> None:
    [asker] = [one for one in place.askers if one.person_id in place.world.left and Role.HR not in one.roles][
        :1
    ]
    async with place.database.transaction(asker) as session:
        plan = list(await session.scalars(text("EXPLAIN (VERBOSE) SELECT id FROM app.document")))
    lines = [line for line in plan if "principal_has_left()" in line]
    assert len(lines) == 1, plan
    assert "Filter" not in lines[0]


async def test_without_the_wall_between_tenants_the_oracle_complains(place: Place) -> None:
    other = await make_world(place.database, people=10, documents=5, seed=7)
    assert other.tenant != place.world.tenant
    with psycopg.connect(place.admin_url, autocommit=True) as admin:
        admin.execute("ALTER POLICY tenant_isolation ON app.document USING (true)")
        try:
            assert await check_rows(place.database, place.world, place.askers) != []
        finally:
            admin.execute(
                "ALTER POLICY tenant_isolation ON app.document"
                " USING (tenant_id = (SELECT app.current_tenant()))"
            )


@pytest.mark.parametrize(("table", "policy"), list(ATTEMPTS))
async def test_an_employee_writes_nothing_until_its_policy_is_gone(
    place: Place, table: str, policy: str
) -> None:
    assert not try_to_write(place, ATTEMPTS[table, policy])
    with without_policy(place.admin_url, table, policy):
        assert try_to_write(place, ATTEMPTS[table, policy])


def try_to_write(place: Place, statement: str) -> bool:
    """Whether the policies let an employee do it; nothing of it stays."""
    with psycopg.connect(place.app_url) as product:
        product.execute(
            "SELECT set_config('hrx.tenant_id', %s, true), set_config('hrx.roles', 'employee', true),"
            " set_config('hrx.person_id', '0', true)",
            (str(place.world.tenant),),
        )
        try:
            return product.execute(statement.encode()).rowcount > 0
        except psycopg.errors.InsufficientPrivilege:
            return False
        except psycopg.errors.IntegrityError:
            # The policies were past; a rule about what is written was not.
            return True
        finally:
            product.rollback()
