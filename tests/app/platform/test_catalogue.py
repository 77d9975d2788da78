"""The catalogue of the real schema: no table of a tenant may lack its walls, no role may have too much."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hrx.app.platform.db import Database, open_database
from tests.conftest import PostgresServer

pytestmark = pytest.mark.req("R2-1")

TENANT_TABLES = (
    "SELECT c.oid, c.relname FROM pg_class AS c"
    " WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p')"
)


async def names(database: Database, condition: str) -> list[str]:
    """Tables of schema app for which `condition` (SQL about `t`) holds."""
    async with database.transaction(None) as session:
        rows = await session.scalars(
            text(f"SELECT t.relname FROM ({TENANT_TABLES}) AS t WHERE {condition} ORDER BY 1")
        )
        return list(rows)


async def test_there_are_tables_to_walk(database: Database) -> None:
    assert len(await names(database, "true")) >= 10


async def test_every_table_names_its_tenant(database: Database) -> None:
    lacking = await names(
        database,
        "t.relname <> 'tenant' AND NOT EXISTS (SELECT FROM pg_attribute AS a"
        " WHERE a.attrelid = t.oid AND a.attname = 'tenant_id' AND a.attnotnull"
        " AND a.atttypid = 'bigint'::regtype)",
    )
    assert lacking == []


async def test_every_table_forces_row_security_on_its_owner_too(database: Database) -> None:
    lacking = await names(
        database,
        "NOT EXISTS (SELECT FROM pg_class AS c"
        " WHERE c.oid = t.oid AND c.relrowsecurity AND c.relforcerowsecurity)",
    )
    assert lacking == []


async def test_every_table_has_the_tenant_policy(database: Database) -> None:
    lacking = await names(
        database,
        "NOT EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = t.oid AND p.polcmd = '*'"
        " AND p.polname = 'tenant_isolation' AND p.polroles = '{0}'"
        " AND pg_get_expr(p.polqual, p.polrelid) LIKE '%current_tenant()%'"
        " AND pg_get_expr(p.polwithcheck, p.polrelid) LIKE '%current_tenant()%')",
    )
    assert lacking == []


async def test_no_permissive_policy_opens_a_table_to_the_application(database: Database) -> None:
    # A second permissive policy would be joined by OR: it may be for the policy role only.
    opened = await names(
        database,
        "EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = t.oid AND p.polpermissive"
        " AND p.polname <> 'tenant_isolation' AND p.polroles <> ARRAY['hrx_policy'::regrole::oid])",
    )
    assert opened == []


async def test_nothing_is_granted_to_everybody(database: Database) -> None:
    async with database.transaction(None) as session:
        tables = await session.scalars(
            text(
                "SELECT c.oid::regclass::text FROM pg_class AS c, aclexplode(c.relacl) AS a"
                " WHERE c.relnamespace = ANY (ARRAY['app', 'gate', 'jobs', 'seam']::regnamespace[])"
                " AND a.grantee = 0"
            )
        )
        assert list(tables) == []
        schemas = await session.scalars(
            text(
                "SELECT n.nspname FROM pg_namespace AS n, aclexplode(n.nspacl) AS a"
                " WHERE n.nspname IN ('app', 'gate', 'jobs', 'seam') AND a.grantee = 0"
            )
        )
        assert list(schemas) == []


async def test_functions_with_borrowed_rights_are_closed_to_everybody_and_fix_their_search_path(
    database: Database,
) -> None:
    async with database.transaction(None) as session:
        rows = await session.scalars(
            text(
                "SELECT p.oid::regprocedure::text FROM pg_proc AS p"
                " WHERE p.pronamespace = ANY (ARRAY['app', 'gate', 'seam']::regnamespace[]) AND p.prosecdef"
                # A trigger function cannot be called, whoever may execute it.
                " AND (p.prorettype <> 'trigger'::regtype"
                "      AND has_function_privilege('hrx_ops', p.oid, 'EXECUTE')"
                "      OR NOT coalesce(p.proconfig::text LIKE '%search_path=%', false)"
                "      OR pg_get_userbyid(p.proowner) <> 'hrx_policy')"
            )
        )
        assert list(rows) == []


async def test_the_repairing_role_may_call_what_contains_an_incident_and_touch_nothing_else(
    database: Database,
) -> None:
    async with database.transaction(None) as session:
        functions = await session.scalars(
            text(
                "SELECT p.proname::text FROM pg_proc AS p"
                " WHERE p.pronamespace = ANY (ARRAY['app', 'gate', 'seam', 'jobs']::regnamespace[])"
                " AND p.prosecdef AND p.prorettype <> 'trigger'::regtype"
                " AND has_function_privilege('hrx_repair', p.oid, 'EXECUTE') ORDER BY 1"
            )
        )
        assert list(functions) == [
            "account_state", "count_open_sessions", "effects_hold", "hold_effects", "list_held_effects",
            "list_recent_sessions", "release_effects", "revoke_sessions", "set_account_active",
        ]  # fmt: skip
        tables = await session.scalars(
            text(
                "SELECT c.oid::regclass::text FROM pg_class AS c, aclexplode(c.relacl) AS a"
                " WHERE a.grantee = 'hrx_repair'::regrole"
            )
        )
        assert list(tables) == []


@pytest.mark.parametrize("role", ["hrx_app", "hrx_ops", "hrx_repair", "hrx_policy", "hrx_owner"])
async def test_no_role_of_the_product_can_bypass_row_security(database: Database, role: str) -> None:
    async with database.transaction(None) as session:
        row = (
            await session.execute(
                text("SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = :role"),
                {"role": role},
            )
        ).one()
    assert not any(row)


async def test_the_application_role_owns_nothing_and_is_a_member_of_nothing(database: Database) -> None:
    async with database.transaction(None) as session:
        owned = await session.scalar(
            text("SELECT count(*) FROM pg_class WHERE relowner = 'hrx_app'::regrole")
        )
        member = await session.scalar(
            text("SELECT count(*) FROM pg_auth_members WHERE member = 'hrx_app'::regrole")
        )
    assert (owned, member) == (0, 0)


@pytest.mark.parametrize(
    "statement",
    [
        "SET row_security = off; SELECT count(*) FROM app.tenant",
        "ALTER TABLE app.tenant DISABLE ROW LEVEL SECURITY",
        "SET ROLE hrx_owner",
        "SET ROLE hrx_policy",
        "TRUNCATE app.session",
        "SELECT * FROM gate.throttle",
        "CREATE TABLE app.mine (id int)",
    ],
)
async def test_the_application_role_cannot_take_the_walls_down(
    postgres: PostgresServer, statement: str
) -> None:
    database = open_database(postgres.app_url, pool_size=1)

    async def execute() -> None:
        async with database.transaction(None) as session:
            for part in statement.split(";"):
                await session.execute(text(part))

    with pytest.raises(DBAPIError):
        await execute()
    await database.close()


async def test_without_a_tenant_no_row_of_any_table_is_seen(database: Database) -> None:
    tables = await names(database, "has_table_privilege('hrx_app', t.oid, 'SELECT')")
    async with database.transaction(None) as session:
        counts = [await session.scalar(text(f"SELECT count(*) FROM app.{table}")) for table in tables]
    assert set(counts) == {0}


async def test_the_operations_role_sees_counts_and_no_person(postgres: PostgresServer) -> None:
    ops = open_database(postgres.ops_url, pool_size=1)
    async with ops.transaction(None) as session:
        views = list(
            await session.scalars(
                text(
                    "SELECT relname FROM pg_class WHERE relnamespace = 'seam'::regnamespace AND relkind = 'v'"
                )
            )
        )
        for view in views:
            await session.execute(text(f"SELECT * FROM seam.{view} LIMIT 5"))
        columns = set(
            await session.scalars(
                text("SELECT column_name::text FROM information_schema.columns WHERE table_schema = 'seam'")
            )
        )
    assert len(views) >= 6
    assert not columns & {"email", "display_name", "name", "password_hash", "details", "address"}
    for table in ("app.user_account", "app.audit_entry", "jobs.procrastinate_jobs", "app.session"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with ops.transaction(None) as session:
                await session.execute(text(f"SELECT 1 FROM {table}"))
    await ops.close()


async def test_one_role_alone_bypasses_row_security_and_it_cannot_touch_the_trails(
    database: Database,
) -> None:
    """hrx_restore brings rows back and erases people; nothing else signs in as it (migration 0010)."""
    async with database.transaction(None) as session:
        past = await session.scalars(
            text("SELECT rolname::text FROM pg_roles WHERE rolbypassrls AND NOT rolsuper")
        )
        assert list(past) == ["hrx_restore"]
        writable = await session.scalars(
            text(
                "SELECT c.relname::text FROM pg_class AS c WHERE c.relnamespace = 'app'::regnamespace"
                " AND c.relkind = 'r' AND c.relname LIKE 'audit%'"
                " AND has_table_privilege('hrx_restore', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')"
            )
        )
        assert list(writable) == []
