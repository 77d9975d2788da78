"""Who sees whom: the policies against a brute-force oracle, and the oracle against broken policies."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import AsyncIterator
from datetime import date, timedelta

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hrx.app.people.employees.actions import moving, profiles
from hrx.app.people.employees.inputs import ConcurrentPost, Correction, NamesChange, PrivateChange
from hrx.app.people.org import actions as org_actions
from hrx.app.people.org.inputs import UnitClosure, UnitRename
from hrx.app.platform.db import Database, open_database
from hrx.app.platform.tenancy import Principal, Role, UserId
from tests.app.people.company import Company, create_tenant
from tests.app.people.oracle import World, compare, read_world
from tests.conftest import PostgresServer

pytestmark = [pytest.mark.req("R2-2"), pytest.mark.timeout(300)]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A small firm with a past and a future, another firm beside it, and everybody who might look."""

    company: Company
    world: World
    principals: tuple[Principal, ...]
    days: tuple[date, ...]
    chief: int
    worker: int


async def make_scene(database: Database) -> Scene:
    """chief > head > worker; a former head; a ring over concurrent posts; one who left, one who comes."""
    company = Company(database=database, tenant_id=await create_tenant(database))
    today = await company.today()
    past, future = today - timedelta(days=700), today + timedelta(days=60)
    top = await company.unit("本社", since=date(2010, 1, 1))
    sales = await company.unit("営業部", parent_id=top, since=date(2010, 1, 1))
    plan = await company.unit("企画部", parent_id=top, since=date(2010, 1, 1))
    closing = await company.unit("閉鎖部", parent_id=top, since=date(2010, 1, 1))
    chief = await company.hire(top, hired_on=date(2012, 4, 1), grade="E1")
    old_head = await company.hire(sales, hired_on=date(2013, 4, 1), manager_id=chief)
    head = await company.hire(sales, hired_on=date(2014, 4, 1), manager_id=chief)
    worker = await company.hire(sales, hired_on=date(2015, 4, 1), manager_id=old_head, grade="G2")
    other = await company.hire(plan, hired_on=date(2016, 4, 1), manager_id=chief)
    gone = await company.hire(sales, hired_on=date(2015, 4, 1), manager_id=old_head)
    newcomer = await company.hire(plan, hired_on=future, manager_id=other)
    await company.transfer(worker, past, manager_id=head, grade="G3")
    await company.transfer(worker, future, org_unit_id=plan, manager_id=other, grade="G4")
    await company.depart(gone, past + timedelta(days=100))
    await company.depart(old_head, future)
    async with company.acting() as session:
        # Head helps in planning under other, who helps in sales under head: a ring over concurrent posts.
        for person, unit, manager in ((head, plan, other), (other, sales, head)):
            post = ConcurrentPost(from_on=past, org_unit_id=unit, manager_id=manager)
            await moving.add_concurrent_post(session, person_id=person, asked=post)
        wrong = Correction(valid_from=past, valid_to=past + timedelta(days=50), org_unit_id=plan)
        await moving.correct_assignments(session, person_id=head, asked=wrong)
        married = NamesChange(family_kanji="新姓", given_kanji="花子", effective_on=past)
        await profiles.change_names(session, person_id=worker, asked=married)
        for person in (chief, worker, gone):
            facts = PrivateChange(birth_on=date(1980, 1, 1))
            await profiles.change_private(session, person_id=person, asked=facts)
        rename = UnitRename(name_ja="企画本部", effective_on=future)
        await org_actions.change_unit(session, org_unit_id=plan, asked=rename)
        closure = UnitClosure(effective_on=future)
        await org_actions.change_unit(session, org_unit_id=closing, asked=closure)
    everybody = (chief, old_head, head, worker, other, gone, newcomer)
    user_id = await _order_of_a_user(company, worker)
    beside = Company(database=database, tenant_id=await create_tenant(database))
    await beside.hire(await beside.unit("他社"), hired_on=date(2015, 4, 1))
    principals = [company.principal(Role.MANAGER, Role.EMPLOYEE, person_id=p) for p in everybody]
    principals += [company.principal(role) for role in (Role.OWNER, Role.HR, Role.AUDITOR, Role.EMPLOYEE)]
    principals += [
        dataclasses.replace(company.principal(Role.EMPLOYEE, person_id=other), user_id=user_id),
        beside.principal(Role.OWNER, person_id=None),
        dataclasses.replace(beside.principal(Role.MANAGER), person_id=company.principal().person_id),
    ]
    return Scene(
        company=company,
        world=await read_world(database, company.tenant_id),
        principals=tuple(principals),
        days=(today, past - timedelta(days=1), past + timedelta(days=10), future + timedelta(days=1)),
        chief=chief,
        worker=worker,
    )


async def _order_of_a_user(company: Company, person_id: int) -> UserId:
    """An account that asked for a change of somebody it has nothing to do with."""
    async with company.acting() as session:
        user_id = await session.scalar(
            text(
                "INSERT INTO app.user_account (email, display_name) VALUES (:email, '依頼 者') RETURNING id"
            ),
            {"email": f"{secrets.token_hex(6)}@example.co.jp"},
        )
        await session.execute(
            text(
                "INSERT INTO app.change_order (kind, state, person_id, effective_on, requested_by)"
                " VALUES ('transfer', 'proposed', :person_id, '2030-01-01', :user_id)"
            ),
            {"person_id": person_id, "user_id": user_id},
        )
    assert isinstance(user_id, int)
    return UserId(user_id)


async def test_every_principal_sees_exactly_what_the_rule_says_on_every_day(database: Database) -> None:
    scene = await make_scene(database)
    assert await compare(database, scene.world, scene.principals, scene.days) == []


async def test_the_access_function_and_the_line_agree_with_the_rule(database: Database) -> None:
    scene = await make_scene(database)
    people = [row.id for row in scene.world.of("person")]
    for principal in scene.principals:
        for day in scene.days:
            async with database.transaction(principal) as session:
                line = set(await session.scalars(text("SELECT app.my_line(:day)"), {"day": day}))
                told = {
                    person: await session.scalar(
                        text("SELECT app.person_access(:person, :day)"), {"person": person, "day": day}
                    )
                    for person in people
                }
            is_ours = principal.tenant_id == scene.world.tenant_id
            expected_line = {p for p in people if is_ours and scene.world.is_in_line(principal, p, day)}
            assert line == expected_line
            assert told == {p: _access(scene.world, principal, p, day) for p in people}


def _access(world: World, principal: Principal, person: int, day: date) -> str | None:
    if principal.tenant_id != world.tenant_id:
        return None
    if principal.sees_everyone or principal.person_id == person:
        return "full"
    if world.is_in_line(principal, person, day):
        return "line"
    return "directory" if day == world.today and world.is_employed(person, world.today) else None


# ── the other way round: with a policy gone, the comparison must notice ───────────────────────────────


@pytest_asyncio.fixture(scope="module")
async def throwaway(postgres: PostgresServer) -> AsyncIterator[tuple[PostgresServer, Database, Scene]]:
    """A database of its own, whose policies may be broken."""
    server = postgres.create_migrated_database(f"hrx_broken_{secrets.token_hex(4)}")
    opened = open_database(server.app_url, pool_size=2)
    yield server, opened, await make_scene(opened)
    await opened.close()


SEEING = (
    "person",
    "person_private",
    "person_version",
    "employment_version",
    "assignment",
    "assignment_terms",
    "org_unit_version",
    "change_order",
)


@pytest.mark.parametrize("table", SEEING)
@pytest.mark.parametrize("policy", ["seen", "tenant_isolation"])
async def test_a_policy_that_is_gone_is_noticed(
    throwaway: tuple[PostgresServer, Database, Scene], table: str, policy: str
) -> None:
    server, database, scene = throwaway
    with psycopg.connect(server.owner_url, autocommit=True) as owner:
        row = owner.execute(
            "SELECT pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)"
            " FROM pg_policy WHERE polname = %s AND polrelid = %s::regclass",
            (policy, f"app.{table}"),
        ).fetchone()
        assert row is not None
        owner.execute(f"ALTER POLICY {policy} ON app.{table} USING (true)")
        try:
            mismatches = await compare(database, scene.world, scene.principals, scene.days)
        finally:
            owner.execute(f"ALTER POLICY {policy} ON app.{table} USING ({row[0]})")
    assert mismatches, f"nobody noticed that {policy} on {table} was gone"
    assert any(found.leaked for found in mismatches)
    assert await compare(database, scene.world, scene.principals[:1], scene.days[:1]) == []


#: Each fits the rows that `_prepare` makes, so that nothing but a policy stands against it.
WRITES = {
    "person": "INSERT INTO app.person (employee_number, family_kanji, search_text, kana_key)"
    " VALUES ('X' || floor(random() * 1e9)::text, '田中', 'x', 'x')",
    "person_private": "INSERT INTO app.person_private (person_id) VALUES (:bare_person)",
    "person_version": "INSERT INTO app.person_version (person_id, family_kanji, kana_key, valid)"
    " VALUES (:bare_person, '田中', 'x', '(,)')",
    "employment": "INSERT INTO app.employment (person_id) VALUES (:person)",
    "employment_version": "INSERT INTO app.employment_version (employment_id, person_id, employed)"
    " VALUES (:bare_employment, :bare_person, '[1990-01-01,1990-01-02)')",
    "assignment": "INSERT INTO app.assignment (employment_id, person_id, kind, org_unit_id, valid)"
    " VALUES (:bare_employment, :bare_person, 'concurrent', :bare_unit, '[2016-01-01,2016-01-02)')",
    "assignment_terms": "INSERT INTO app.assignment_terms (assignment_id) VALUES (:bare_assignment)",
    "org_unit": "INSERT INTO app.org_unit (code) VALUES ('Z' || floor(random() * 1e9)::text)",
    "org_unit_version": "INSERT INTO app.org_unit_version (org_unit_id, name_ja, valid)"
    " VALUES (:bare_unit, '偽部', '[1990-01-01,1990-01-02)')",
    "position": "INSERT INTO app.position (code) VALUES ('Z' || floor(random() * 1e9)::text)",
    "position_version": "INSERT INTO app.position_version (position_id, title_ja, valid)"
    " VALUES (:bare_position, '偽長', '[1990-01-01,1990-01-02)')",
    "change_order": "INSERT INTO app.change_order (kind, state, person_id, effective_on, approved_at)"
    " VALUES ('transfer', 'applied', :person, '2030-01-01', now())",
}
CHANGES = {
    "person": "UPDATE app.person SET family_kanji = '偽' WHERE id = :person",
    "person_private": "UPDATE app.person_private SET gender = 'other' WHERE person_id = :person",
    "person_version": "UPDATE app.person_version SET known = known"
    " WHERE person_id = :person AND upper_inf(known)",
    "employment_version": "UPDATE app.employment_version SET known = known"
    " WHERE person_id = :person AND upper_inf(known)",
    "assignment": "UPDATE app.assignment SET known = known WHERE person_id = :person AND upper_inf(known)",
    "org_unit_version": "UPDATE app.org_unit_version SET known = known"
    " WHERE upper_inf(known) AND parent_id IS NULL",
    "position_version": "UPDATE app.position_version SET known = known WHERE upper_inf(known)",
    "change_order": "UPDATE app.change_order SET state = 'cancelled' WHERE state = 'proposed'",
}


async def _prepare(company: Company, worker: int) -> dict[str, int]:
    """Rows that still lack what the statements above would add to them."""
    steps = {
        "bare_person": "INSERT INTO app.person (employee_number, family_kanji, search_text, kana_key)"
        " VALUES (:code, '無名', 'x', 'x') RETURNING id",
        "bare_employment": "INSERT INTO app.employment (person_id) VALUES (:bare_person) RETURNING id",
        "bare_unit": "INSERT INTO app.org_unit (code) VALUES (:code) RETURNING id",
        "bare_position": "INSERT INTO app.position (code) VALUES (:code) RETURNING id",
        "a_version": "INSERT INTO app.position_version (position_id, title_ja, valid)"
        " VALUES (:bare_position, '課長', '[2000-01-01,)') RETURNING id",
        "bare_assignment": "INSERT INTO app.assignment (employment_id, person_id, kind, org_unit_id, valid)"
        " SELECT a.employment_id, a.person_id, 'concurrent', :bare_unit, '[2016-01-01,2016-01-02)'"
        " FROM app.assignment AS a WHERE a.person_id = :person ORDER BY a.id LIMIT 1 RETURNING id",
    }
    ids: dict[str, int] = {"person": worker}
    async with company.acting() as session:
        for name, sql in steps.items():
            made = await session.scalar(text(sql), {**_used(ids, sql), "code": secrets.token_hex(6)})
            assert isinstance(made, int)
            ids[name] = made
    return ids


def _used(ids: dict[str, int], sql: str) -> dict[str, int]:
    return {name: value for name, value in ids.items() if f":{name}" in sql}


async def _try(database: Database, principal: Principal, sql: str, ids: dict[str, int]) -> bool:
    """Whether the statement changed anything; always rolled back."""
    changed = False

    class _TakeBackError(Exception):
        pass

    try:
        async with database.transaction(principal) as session:
            done = await session.execute(text(sql), _used(ids, sql))
            changed = done.rowcount > 0  # type: ignore[attr-defined]
            raise _TakeBackError
    except (_TakeBackError, DBAPIError):
        return changed


@pytest.mark.parametrize("table", sorted(WRITES | CHANGES))
async def test_only_hr_owner_and_jobs_write_records(
    throwaway: tuple[PostgresServer, Database, Scene], table: str
) -> None:
    _, database, scene = throwaway
    ids = await _prepare(scene.company, scene.worker)
    for statements in (WRITES, CHANGES):
        if table not in statements:
            continue
        tried = {
            role: await _try(
                database, scene.company.principal(role, person_id=scene.chief), statements[table], ids
            )
            for role in (Role.AUDITOR, Role.EMPLOYEE, Role.MANAGER, Role.HR, Role.OWNER)
        }
        assert [role for role, changed in tried.items() if changed] == [Role.HR, Role.OWNER]


@pytest.mark.parametrize("table", sorted(WRITES))
async def test_a_write_policy_that_is_gone_is_noticed(
    throwaway: tuple[PostgresServer, Database, Scene], table: str
) -> None:
    """Without its policy, a manager's insert passes: so the test above would have failed."""
    server, database, scene = throwaway
    name = "asked_by_hr_or_manager" if table == "change_order" else "written_by_hr"
    ids = await _prepare(scene.company, scene.worker)
    principal = scene.company.principal(Role.MANAGER, person_id=scene.chief)
    with psycopg.connect(server.owner_url, autocommit=True) as owner:
        row = owner.execute(
            "SELECT pg_get_expr(polwithcheck, polrelid) FROM pg_policy"
            " WHERE polname = %s AND polrelid = %s::regclass",
            (name, f"app.{table}"),
        ).fetchone()
        assert row is not None
        owner.execute(f"ALTER POLICY {name} ON app.{table} WITH CHECK (true)")
        try:
            passed = await _try(database, principal, WRITES[table], ids)
        finally:
            owner.execute(f"ALTER POLICY {name} ON app.{table} WITH CHECK ({row[0]})")
    assert passed
