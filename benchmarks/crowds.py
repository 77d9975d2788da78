"""Tenants full of made-up people, and the accounts that look at them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import psycopg
from fastapi import FastAPI
from sqlalchemy import text

from benchmarks.servers import House
from hrx.app.api import create_app
from hrx.app.demo.bulk import load_crowd
from hrx.app.demo.loading import provide_tenant
from hrx.app.identity import actions
from hrx.app.identity.gate import COOKIE
from hrx.app.platform.db import open_database
from hrx.app.platform.tenancy import Role, TenantId, system_principal
from hrx.app.settings import AppSettings

_PASSWORD = "Measured-by-the-bench-9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Somebody who is signed in."""

    tenant_id: TenantId
    token: str
    csrf_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": f"{COOKIE}={self.token}", "X-CSRF-Token": self.csrf_token}


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """A tenant with people. `employee` is one of them, `hr` sees everybody."""

    people: int
    tenant_id: TenantId
    hr: Reader
    employee: Reader
    person_ids: tuple[int, ...]


async def make_crowd(house: House, *, people: int) -> Crowd:
    """Load a crowd and sign two readers in; statistics are gathered, as autovacuum would soon do."""
    slug = f"crowd-{people}"
    database = open_database(house.settings.database_url.get_secret_value(), pool_size=2)
    try:
        await load_crowd(database, slug=slug, people=people)
        tenant_id = await provide_tenant(database, slug=slug, name="")
        async with database.transaction(system_principal(tenant_id)) as session:
            # Spread over the company, present today; an earlier part of the bench may have made accounts.
            found = await session.scalars(
                text(
                    "SELECT p.id FROM app.person AS p WHERE p.employed @> app.tenant_today()"
                    " AND p.id % :step = 0"
                    " AND NOT EXISTS (SELECT 1 FROM app.user_account AS u WHERE u.person_id = p.id)"
                    " ORDER BY p.id LIMIT 200"
                ),
                {"step": max(people // 250, 1)},
            )
            person_ids = tuple(found)
    finally:
        await database.close()
    with psycopg.connect(house.admin_url, autocommit=True) as admin:
        admin.execute("VACUUM (ANALYZE)")
    async with open_app(house.settings) as app:
        hr = await sign_in(app, tenant_id=tenant_id, role=Role.HR)
        employee = await sign_in(app, tenant_id=tenant_id, role=Role.EMPLOYEE, person_id=person_ids[-1])
    return Crowd(people=people, tenant_id=tenant_id, hr=hr, employee=employee, person_ids=person_ids)


@asynccontextmanager
async def open_app(settings: AppSettings) -> AsyncIterator[FastAPI]:
    """The API inside this process."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@asynccontextmanager
async def asking(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API inside this process."""
    public_url = app.state.parts.settings.public_url
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url=public_url, headers={"Origin": public_url}
    ) as client:
        yield client


async def sign_in(app: FastAPI, *, tenant_id: TenantId, role: Role, person_id: int | None = None) -> Reader:
    """A new account with one role, signed in by password as anybody would be."""
    new = actions.NewUser(
        email=f"bench-{secrets.token_hex(6)}@example.co.jp",
        display_name="計測",
        roles=frozenset({role}),
        locale="ja",
        person_id=person_id,
        password=_PASSWORD,
    )
    async with app.state.parts.database.transaction(system_principal(tenant_id)) as session:
        await actions.create_user(session, app.state.identity, new=new)
    async with asking(app) as client:
        answer = await client.post("/api/v1/auth/login", json={"email": new.email, "password": _PASSWORD})
        answer.raise_for_status()
        session_answer = await client.get("/api/v1/session")
        return Reader(
            tenant_id=tenant_id,
            token=client.cookies[COOKIE],
            csrf_token=session_answer.json()["csrf_token"],
        )
