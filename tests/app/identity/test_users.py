"""Accounts and roles: owners only, own tenant only, and there is always an owner."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Principal, Role, TenantId
from tests.app.conftest import MakeUser, SignIn
from tests.conftest import MakeTenant

pytestmark = pytest.mark.req("R2-1")


async def test_an_owner_creates_an_account_that_can_sign_in(sign_in: SignIn) -> None:
    owner = await sign_in(Role.OWNER)
    answer = await owner.post(
        "/users",
        {"email": "Sato.Hanako@Example.co.jp", "display_name": "佐藤 花子", "roles": ["hr", "employee"]},
    )
    assert answer.status_code == 201
    created = answer.json()
    assert created["user"]["email"] == "sato.hanako@example.co.jp"
    assert created["user"]["roles"] == ["employee", "hr"]
    slug = (await owner.get("/session")).json()["tenant"]["slug"]
    credentials = {
        "email": "sato.hanako@example.co.jp",
        "password": created["initial_password"],
        "tenant": slug,
    }
    assert (await owner.post("/auth/login", credentials)).status_code == 200


async def test_an_address_is_taken_once(sign_in: SignIn, make_user: MakeUser) -> None:
    owner = await sign_in(Role.OWNER)
    user = await make_user()
    answer = await owner.post("/users", {"email": user.email, "display_name": "別人", "roles": []})
    assert answer.status_code == 409
    assert answer.json()["code"] == "user.email_taken"
    assert answer.json()["errors"][0]["field"] == "email"


@pytest.mark.parametrize("role", [Role.HR, Role.MANAGER, Role.EMPLOYEE, Role.AUDITOR])
async def test_only_owners_manage_users(sign_in: SignIn, make_user: MakeUser, role: Role) -> None:
    browser = await sign_in(role)
    target = await make_user()
    answers = [
        await browser.get("/users"),
        await browser.post("/users", {"email": "x@example.jp", "display_name": "x", "roles": ["owner"]}),
        await browser.put(f"/users/{target.id}/roles", {"roles": ["owner"]}),
        await browser.post(f"/users/{target.id}/disable"),
        await browser.post(f"/users/{target.id}/enable"),
        await browser.post(f"/users/{target.id}/reset-totp"),
    ]
    assert [answer.status_code for answer in answers] == [403] * 6


async def test_another_tenants_users_do_not_exist(
    sign_in: SignIn, make_user: MakeUser, make_tenant: MakeTenant
) -> None:
    owner = await sign_in(Role.OWNER)
    stranger = await make_user(Role.EMPLOYEE, tenant_id=await make_tenant())
    answers = [
        await owner.put(f"/users/{stranger.id}/roles", {"roles": ["owner"]}),
        await owner.post(f"/users/{stranger.id}/disable"),
        await owner.post(f"/users/{stranger.id}/enable"),
        await owner.post(f"/users/{stranger.id}/reset-totp"),
        await owner.post("/users/9223372036854775807/disable"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5
    assert stranger.email not in (await owner.get("/users?limit=200")).text


@pytest.mark.parametrize("bad_id", ["0", "-1", "9223372036854775808", "abc", "1.5", "１"])
async def test_an_id_that_cannot_be_one_is_refused(sign_in: SignIn, bad_id: str) -> None:
    owner = await sign_in(Role.OWNER)
    answer = await owner.post(f"/users/{bad_id}/enable")
    assert answer.status_code in {404, 422}


async def test_a_changed_role_counts_from_the_next_request(sign_in: SignIn, make_user: MakeUser) -> None:
    owner = await sign_in(Role.OWNER)
    user = await make_user(Role.OWNER)
    theirs = await sign_in(user=user)
    assert (await theirs.get("/users")).status_code == 200
    assert (await owner.put(f"/users/{user.id}/roles", {"roles": ["hr"]})).json()["roles"] == ["hr"]
    assert (await theirs.get("/users")).status_code == 403


async def test_the_last_owner_cannot_be_removed_nor_disabled(sign_in: SignIn, make_user: MakeUser) -> None:
    owner = await sign_in(Role.OWNER)
    own_id = owner.user.id  # type: ignore[union-attr]
    answer = await owner.put(f"/users/{own_id}/roles", {"roles": ["hr"]})
    assert answer.status_code == 409
    assert answer.json()["code"] == "user.last_owner"
    assert answer.json()["hint"]
    assert (await owner.post(f"/users/{own_id}/disable")).json()["code"] == "user.not_on_yourself"
    assert (await owner.get("/session")).json()["roles"] == ["owner"]
    second = await make_user(Role.OWNER)
    assert (await owner.post(f"/users/{second.id}/disable")).status_code == 200
    answer = await owner.put(f"/users/{own_id}/roles", {"roles": []})
    assert answer.json()["code"] == "user.last_owner"


async def test_two_owners_removing_each_other_at_once_leave_one(
    sign_in: SignIn, make_tenant: MakeTenant
) -> None:
    for _ in range(3):
        tenant_id = await make_tenant()
        first, second = [await sign_in(Role.OWNER, tenant_id=tenant_id) for _ in range(2)]
        owners = [first.user.id, second.user.id]  # type: ignore[union-attr]
        answers = await asyncio.gather(
            first.put(f"/users/{owners[1]}/roles", {"roles": ["hr"]}),
            second.put(f"/users/{owners[0]}/roles", {"roles": ["hr"]}),
        )
        # Whoever comes second has lost the right (403), or would remove the last one (409).
        assert sorted(answer.status_code for answer in answers)[0] == 200
        roles = [(await browser.get("/session")).json()["roles"] for browser in (first, second)]
        assert sorted(roles) == [["hr"], ["owner"]]


async def test_pages_of_users_follow_each_other_without_gap_or_repeat(
    sign_in: SignIn, make_user: MakeUser
) -> None:
    owner = await sign_in(Role.OWNER)
    for _ in range(5):
        await make_user()
    seen: list[str] = []
    cursor: str | None = ""
    while isinstance(cursor, str):
        page = (await owner.get(f"/users?limit=2{cursor and '&cursor=' + cursor}")).json()
        assert page["total"] == 6
        seen += [item["email"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == sorted(set(seen))
    assert len(seen) == 6


async def test_a_forged_or_foreign_cursor_is_refused(sign_in: SignIn, make_user: MakeUser) -> None:
    owner = await sign_in(Role.OWNER)
    await make_user()
    cursor = (await owner.get("/users?limit=1")).json()["next_cursor"]
    for wrong in ("x", cursor[:-3] + "abc", "A" * 900, cursor + "="):
        answer = await owner.get("/users", params={"cursor": wrong})
        assert answer.status_code in {200, 422} if wrong == cursor + "=" else answer.status_code == 422
    # A cursor of one list is not one of another.
    assert (await owner.get("/audit", params={"cursor": cursor})).status_code == 422


@pytest.mark.parametrize("search", ["%", "_", "\\", "'", "佐藤", "🍣", "\u202e"])
async def test_a_search_takes_its_words_literally(sign_in: SignIn, search: str) -> None:
    owner = await sign_in(Role.OWNER)
    answer = await owner.get("/users", params={"q": search})
    assert answer.status_code == 200
    assert answer.json()["total"] == 0


async def test_the_database_itself_refuses_roles_from_anyone_but_an_owner(
    database: Database, tenant: TenantId, make_user: MakeUser
) -> None:
    user = await make_user(Role.HR)
    hr = Principal(tenant_id=tenant, user_id=user.id, person_id=None, roles=frozenset({Role.HR}))
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.transaction(hr) as session:
            await session.execute(
                text("INSERT INTO app.user_role (user_id, role) VALUES (:id, 'owner')"), {"id": user.id}
            )
    other = await make_user()
    async with database.transaction(hr) as session:
        changed = await session.execute(
            text("UPDATE app.user_account SET password_hash = 'x' WHERE id = :id RETURNING id"),
            {"id": other.id},
        )
        assert changed.all() == []
