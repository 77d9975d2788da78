"""Row-level security keeps tenants apart, fails closed, and cannot be carried over by a pooled connection."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Principal, TenantId, system_principal
from tests.conftest import MakeTenant


async def add_user(database: Database, tenant: TenantId, email: str) -> None:
    async with database.transaction(system_principal(tenant)) as session:
        await session.execute(
            text("INSERT INTO app.user_account (email, display_name) VALUES (:email, '山田 花子')"),
            {"email": email},
        )


async def count_users(database: Database, principal: Principal | None) -> int:
    async with database.transaction(principal) as session:
        found = await session.scalar(text("SELECT count(*) FROM app.user_account"))
        assert isinstance(found, int)
        return found


@pytest.mark.req("R2-1")
async def test_a_tenant_sees_its_own_rows_only(database: Database, make_tenant: MakeTenant) -> None:
    ours, theirs = await make_tenant(), await make_tenant()
    await add_user(database, ours, "hanako@example.jp")
    assert await count_users(database, system_principal(ours)) == 1
    assert await count_users(database, system_principal(theirs)) == 0


@pytest.mark.req("R2-1")
async def test_without_a_principal_no_row_is_visible(database: Database, tenant: TenantId) -> None:
    await add_user(database, tenant, "hanako@example.jp")
    assert await count_users(database, None) == 0


@pytest.mark.req("R2-1")
async def test_a_row_for_another_tenant_is_refused(database: Database, make_tenant: MakeTenant) -> None:
    ours, theirs = await make_tenant(), await make_tenant()
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with database.transaction(system_principal(ours)) as session:
            await session.execute(
                text(
                    "INSERT INTO app.user_account (tenant_id, email, display_name)"
                    " VALUES (:t, 'x@example.jp', 'x')"
                ),
                {"t": theirs},
            )


@pytest.mark.req("R2-1")
async def test_the_principal_ends_with_its_transaction(database: Database, tenant: TenantId) -> None:
    await add_user(database, tenant, "hanako@example.jp")
    # One connection only, so that the second transaction surely gets the connection of the first.
    async with database.engine.connect() as connection:
        await connection.execute(text("BEGIN"))
        await connection.execute(text("SELECT set_config('hrx.tenant_id', :t, true)"), {"t": str(tenant)})
        assert await connection.scalar(text("SELECT count(*) FROM app.user_account")) == 1
        await connection.commit()
        assert await connection.scalar(text("SELECT count(*) FROM app.user_account")) == 0
