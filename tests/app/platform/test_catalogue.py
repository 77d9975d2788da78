"""The catalogue of the real schema: no table of a tenant may lack its walls."""

import pytest
from sqlalchemy import text

from hrx.app.platform.db import Database


@pytest.mark.req("R2-1")
async def test_every_tenant_table_has_forced_row_security_and_a_policy(database: Database) -> None:
    async with database.transaction(None) as session:
        rows = (
            await session.execute(
                text(
                    "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,"
                    " (SELECT count(*) FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polpermissive) AS policies"
                    " FROM pg_class AS c WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p')"
                )
            )
        ).all()
    assert len(rows) >= 10
    open_tables = [
        row.relname for row in rows if not (row.relrowsecurity and row.relforcerowsecurity and row.policies)
    ]
    assert open_tables == []
