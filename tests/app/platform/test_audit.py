"""The audit trail: nobody changes it, and nobody changes it unnoticed."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hrx.app.platform import audit
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Principal, Role, TenantId, UserId, system_principal
from tests.app.conftest import SignIn
from tests.conftest import MakeTenant, PostgresServer

pytestmark = pytest.mark.req("R2-13")


async def write(database: Database, tenant: TenantId, *, entries: int) -> None:
    async with database.transaction(system_principal(tenant)) as session:
        for number in range(entries):
            await audit.record(
                session, action="person.private_read", subject_person_id=number + 1, details={"n": number}
            )


async def seal(database: Database, tenant: TenantId, *, batch: int = audit.SEAL_BATCH) -> int:
    async with database.transaction(system_principal(tenant)) as session:
        return await audit.seal(session, tenant_id=tenant, batch=batch)


async def verify(database: Database, tenant: TenantId) -> audit.ChainVerdict:
    async with database.transaction(system_principal(tenant)) as session:
        return await audit.verify_chain(session, tenant_id=tenant)


async def test_entries_are_linked_and_the_chain_holds(database: Database, tenant: TenantId) -> None:
    await write(database, tenant, entries=5)
    assert await seal(database, tenant) == 5
    verdict = await verify(database, tenant)
    assert (verdict.is_valid, verdict.entries, verdict.first_broken_id) == (True, 5, None)
    assert len(verdict.head_hash or "") == 64


async def test_an_empty_trail_is_valid(database: Database, tenant: TenantId) -> None:
    verdict = await verify(database, tenant)
    assert (verdict.is_valid, verdict.entries, verdict.head_hash) == (True, 0, None)


async def test_entries_not_yet_linked_are_not_called_broken(database: Database, tenant: TenantId) -> None:
    await write(database, tenant, entries=3)
    assert (await verify(database, tenant)).is_valid


async def test_sealing_in_small_batches_gives_one_chain(database: Database, tenant: TenantId) -> None:
    await write(database, tenant, entries=7)
    assert [await seal(database, tenant, batch=3) for _ in range(4)] == [3, 3, 1, 0]
    verdict = await verify(database, tenant)
    assert (verdict.is_valid, verdict.entries) == (True, 7)


async def test_an_entry_belongs_to_its_transaction(database: Database, tenant: TenantId) -> None:
    async def fail_after_recording() -> None:
        async with database.transaction(system_principal(tenant)) as session:
            await audit.record(session, action="person.private_read")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_after_recording()
    assert await seal(database, tenant) == 0


async def test_who_did_it_cannot_be_given_by_the_writer(database: Database, tenant: TenantId) -> None:
    for column, value in (("actor_user_id", 1), ("at", "now()"), ("tenant_id", 1), ("correlation_id", "'x'")):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.transaction(system_principal(tenant)) as session:
                await session.execute(
                    text(f"INSERT INTO app.audit_entry (action, {column}) VALUES ('a.b', {value})")
                )


async def test_an_entry_says_who_where_and_in_which_request(sign_in: SignIn) -> None:
    owner = await sign_in(Role.OWNER)
    await owner.post(
        "/users",
        {"email": "n@example.co.jp", "display_name": "新人", "roles": []},
        headers={"X-Correlation-ID": "request-from-a-test-1"},
    )
    entries = (await owner.get("/audit?action=user.created")).json()["items"]
    entry = next(item for item in entries if item["correlation_id"] == "request-from-a-test-1")
    assert entry["actor"]["id"] == owner.user.id  # type: ignore[union-attr]
    assert entry["address"] == "198.51.100.1"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE app.audit_entry SET action = 'a.b'",
        "DELETE FROM app.audit_entry",
        "TRUNCATE app.audit_entry CASCADE",
        "UPDATE app.audit_link SET hash = prev_hash",
        "DELETE FROM app.audit_link",
        "INSERT INTO app.audit_link (tenant_id, seq, entry_id, prev_hash, hash) VALUES (1, 1, 1, '', '')",
        "DELETE FROM app.audit_pending",
        "UPDATE app.audit_head SET seq = 0",
    ],
)
async def test_the_application_cannot_change_the_trail(
    database: Database, tenant: TenantId, statement: str
) -> None:
    await write(database, tenant, entries=1)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with database.transaction(system_principal(tenant)) as session:
            await session.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE app.audit_entry SET action = 'a.b'",
        "DELETE FROM app.audit_entry",
        "TRUNCATE app.audit_entry CASCADE",
        "UPDATE app.audit_link SET seq = seq + 1",
        "DELETE FROM app.audit_link",
        "TRUNCATE app.audit_link",
    ],
)
async def test_even_the_owner_of_the_tables_is_refused(
    database: Database, postgres: PostgresServer, tenant: TenantId, statement: str
) -> None:
    await write(database, tenant, entries=1)
    await seal(database, tenant)
    with psycopg.connect(postgres.owner_url) as owner:
        owner.execute("SELECT set_config('hrx.tenant_id', %s, true)", [str(tenant)])
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            owner.execute(statement.encode())


# Each of these is done by a superuser who first takes the triggers away: the chain is what remains.
TAMPERING = {
    "an entry's text was changed": "UPDATE app.audit_entry SET action = 'other.thing' WHERE id = {third}",
    "an entry's time was changed": "UPDATE app.audit_entry SET at = at - interval '1 day' WHERE id = {third}",
    "an entry's actor was changed": "UPDATE app.audit_entry SET actor_user_id = 1 WHERE id = {third}",
    "an entry's details were changed": (
        "UPDATE app.audit_entry SET details = details || '{{\"n\": 99}}' WHERE id = {third}"
    ),
    "an entry was removed with its link": (
        "DELETE FROM app.audit_link WHERE entry_id = {third}; DELETE FROM app.audit_entry WHERE id = {third}"
    ),
    "a link was removed": "DELETE FROM app.audit_link WHERE entry_id = {third}",
    "two links were swapped": (
        "UPDATE app.audit_link SET seq = -seq WHERE tenant_id = {tenant} AND seq IN (2, 3);"
        "UPDATE app.audit_link SET seq = 5 + seq WHERE tenant_id = {tenant} AND seq < 0"
    ),
    "an entry was slipped in": (
        "INSERT INTO app.audit_entry (tenant_id, action) VALUES ({tenant}, 'person.hired')"
    ),
    "the end was cut off": (
        "DELETE FROM app.audit_link WHERE entry_id >= {third} AND tenant_id = {tenant};"
        "DELETE FROM app.audit_entry WHERE id >= {third} AND tenant_id = {tenant}"
    ),
    "everything was removed": (
        "DELETE FROM app.audit_link WHERE tenant_id = {tenant};"
        "DELETE FROM app.audit_entry WHERE tenant_id = {tenant}"
    ),
    "one link was recomputed": (
        "UPDATE app.audit_entry SET action = 'other.thing' WHERE id = {third};"
        "UPDATE app.audit_link AS l SET hash = app.audit_hash(l.prev_hash, l.seq, e)"
        " FROM app.audit_entry AS e WHERE e.id = l.entry_id AND e.id = {third}"
    ),
}


@pytest.mark.parametrize("kind", TAMPERING)
async def test_tampering_is_noticed_when(
    database: Database, postgres: PostgresServer, tenant: TenantId, kind: str
) -> None:
    await write(database, tenant, entries=5)
    await seal(database, tenant)
    database_name = postgres.owner_url.rpartition("/")[2]
    admin_url = postgres.admin_url.rpartition("/")[0] + "/" + database_name
    with psycopg.connect(admin_url) as admin:
        row = admin.execute(
            "SELECT entry_id FROM app.audit_link WHERE tenant_id = %s AND seq = 3", [tenant]
        ).fetchone()
        third = row[0] if row else 0
        admin.execute("SET session_replication_role = replica")
        admin.execute("ALTER TABLE app.audit_link DROP CONSTRAINT audit_link_seq_check")
        for statement in TAMPERING[kind].format(third=third, tenant=tenant).split(";"):
            admin.execute(statement.encode())
        admin.execute(
            "ALTER TABLE app.audit_link ADD CONSTRAINT audit_link_seq_check CHECK (seq > 0) NOT VALID"
        )
    verdict = await verify(database, tenant)
    assert not verdict.is_valid
    assert verdict.first_broken_id is not None
    if kind not in {"an entry was slipped in", "the end was cut off", "everything was removed"}:
        assert verdict.first_broken_id in {third - 1, third, third + 1}


async def test_one_tenants_chain_says_nothing_of_anothers(
    database: Database, tenant: TenantId, make_tenant: MakeTenant
) -> None:
    other = await make_tenant()
    await write(database, tenant, entries=2)
    await write(database, other, entries=4)
    await seal(database, tenant)
    await seal(database, other)
    assert ((await verify(database, tenant)).entries, (await verify(database, other)).entries) == (2, 4)


async def test_writers_do_not_wait_for_each_other_nor_for_the_sealer(
    database: Database, tenant: TenantId
) -> None:
    # Two open transactions have both written; neither waits for the other, and a sealer passes by.
    principal = system_principal(tenant)
    async with asyncio.timeout(5), database.transaction(principal) as first:
        await audit.record(first, action="person.private_read")
        async with database.transaction(principal) as second:
            await audit.record(second, action="person.private_read")
        assert await seal(database, tenant) == 1
    assert await seal(database, tenant) == 1
    assert (await verify(database, tenant)).is_valid


async def test_two_sealers_at_once_make_one_chain(database: Database, tenant: TenantId) -> None:
    await write(database, tenant, entries=40)
    sealed = await asyncio.gather(*(seal(database, tenant, batch=15) for _ in range(4)))
    assert sum(sealed) == 40
    assert (await verify(database, tenant)).is_valid


@pytest.mark.parametrize("role", [Role.HR, Role.MANAGER, Role.EMPLOYEE])
async def test_only_owners_and_auditors_read_the_trail(
    sign_in: SignIn, database: Database, tenant: TenantId, role: Role
) -> None:
    browser = await sign_in(role)
    assert (await browser.get("/audit")).status_code == 403
    assert (await browser.get("/audit/verify")).status_code == 403
    # And if a route forgot to ask, the database would not.
    principal = Principal(tenant_id=tenant, user_id=UserId(1), person_id=None, roles=frozenset({role}))
    async with database.transaction(principal) as session:
        assert await session.scalar(text("SELECT count(*) FROM app.audit_entry")) == 0


async def test_another_tenants_trail_is_not_there(
    sign_in: SignIn, database: Database, tenant: TenantId, make_tenant: MakeTenant
) -> None:
    stranger = await sign_in(Role.OWNER, tenant_id=await make_tenant())
    await write(database, tenant, entries=3)
    for query in ("", "?subject_person_id=1", "?action=person.", "?actor=1"):
        actions = {item["action"] for item in (await stranger.get(f"/audit{query}")).json()["items"]}
        assert actions <= {"session.signed_in", "user.created"}


async def test_an_auditor_verifies_the_chain_and_pages_through_it(sign_in: SignIn) -> None:
    auditor = await sign_in(Role.AUDITOR)
    for _ in range(4):
        await sign_in()
    verdict = (await auditor.get("/audit/verify")).json()
    assert verdict["is_valid"] is True
    assert verdict["entries"] >= 5
    seen: list[int] = []
    cursor: str | None = ""
    while isinstance(cursor, str):
        page = (await auditor.get(f"/audit?limit=2{cursor and '&cursor=' + cursor}")).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == verdict["entries"]
