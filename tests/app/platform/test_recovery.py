"""Processes that outlive what they stand on: PostgreSQL killed, Redis killed, the worker killed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text

from hrx.app.platform import audit, jobs
from hrx.app.platform.db import Database, open_database
from hrx.app.platform.live import EventKind, publish
from hrx.app.platform.tenancy import Role, TenantId, system_principal
from tests.app.clients import User, create_user
from tests.app.conftest import MakeSettings
from tests.app.people.company import Company
from tests.app.serving import kill_postgres, own_postgres, running_process
from tests.conftest import PostgresServer, free_port, start_redis

pytestmark = pytest.mark.req("R1-3")


@pytest.fixture(scope="module")
def mortal_postgres() -> Iterator[PostgresServer]:
    with own_postgres() as server:
        yield server


def until(condition: Callable[[], bool], *, timeout_s: float = 30) -> float:
    """Wait for a condition; gives the seconds it took."""
    began = time.monotonic()
    while time.monotonic() - began < timeout_s:
        if condition():
            return time.monotonic() - began
        time.sleep(0.05)
    raise AssertionError(f"did not happen within {timeout_s} s")


def ready_state(url: str) -> str:
    try:
        state: str = httpx.get(f"{url}/readyz", timeout=10, trust_env=False).json()["status"]
    except httpx.HTTPError:
        return "no answer"
    return state


def test_the_api_says_what_is_missing_and_recovers_when_postgresql_was_killed(
    mortal_postgres: PostgresServer, make_settings: MakeSettings
) -> None:
    settings = make_settings(database_url=SecretStr(mortal_postgres.app_url))
    with running_process("hrx.app.api", settings, port_variable="HRX_API_PORT") as api:
        api.wait_until_ready()
        kill_postgres(mortal_postgres.cluster)
        until(lambda: ready_state(api.url) == "not_ready")
        report = api.get("/readyz")
        assert report.status_code == 503
        assert "postgresql" in report.json()["degraded"]
        assert (api.get("/livez").status_code, api.get("/version").status_code) == (200, 200)
        answer = httpx.post(
            f"{api.url}/api/v1/auth/login",
            json={"email": "a@example.jp", "password": "x"},
            headers={"Accept-Language": "ja"},
            trust_env=False,
            timeout=20,
        )
        assert answer.status_code == 503
        assert answer.json()["detail"] == "データベースに接続できません。入力内容は保存されていません。"
        mortal_postgres.cluster.start(timeout_s=60)
        until(lambda: ready_state(api.url) == "ready", timeout_s=15)


def test_an_api_started_before_postgresql_waits_for_it(
    mortal_postgres: PostgresServer, make_settings: MakeSettings
) -> None:
    mortal_postgres.cluster.stop(mode="immediate")
    settings = make_settings(database_url=SecretStr(mortal_postgres.app_url))
    with running_process("hrx.app.api", settings, port_variable="HRX_API_PORT") as api:
        until(lambda: ready_state(api.url) == "not_ready")
        mortal_postgres.cluster.start(timeout_s=60)
        api.wait_until_ready(timeout_s=15)


def test_losing_redis_degrades_one_named_feature_and_the_api_stays_ready(
    postgres: PostgresServer, make_settings: MakeSettings
) -> None:
    redis = start_redis(free_port())
    settings = make_settings(redis_url=SecretStr(redis.url))
    with running_process("hrx.app.api", settings, port_variable="HRX_API_PORT") as api:
        api.wait_until_ready()
        redis.process.kill()
        redis.process.wait(timeout=10)
        until(lambda: ready_state(api.url) == "degraded")
        report = api.get("/readyz")
        assert report.status_code == 200
        assert report.json()["degraded"] == ["redis"]


async def test_an_api_killed_while_it_writes_leaves_all_of_a_change_or_nothing(
    app: FastAPI, database: Database, tenant: TenantId, make_settings: MakeSettings
) -> None:
    company = Company(database=database, tenant_id=tenant)
    unit = await company.unit()
    user = await create_user(app, database, tenant_id=tenant, roles=frozenset({Role.HR}))
    with running_process("hrx.app.api", make_settings(), port_variable="HRX_API_PORT") as api:
        api.wait_until_ready()
        async with signed_in(api.url, user) as client:
            answer = await client.post("/people", json=hire(unit, number=1))
            assert answer.status_code == 201, answer.text
            # The last thing a change does is to raise the tenant's data version: here it has to wait.
            async with database.transaction(system_principal(tenant)) as session:
                await publish(session, kind=EventKind.PEOPLE_CHANGED)
                writing = asyncio.create_task(client.post("/people", json=hire(unit, number=2)))
                await _wait_for_lock(database)
                api.kill()
                with pytest.raises(httpx.HTTPError):
                    await writing
    with running_process("hrx.app.api", make_settings(), port_variable="HRX_API_PORT") as api:
        api.wait_until_ready()
        async with signed_in(api.url, user) as client:
            assert (await client.get("/people")).json()["total"] == 1, "what was answered is there"
            assert (await client.get("/change-orders")).json()["total"] == 2, "and nothing else"
            again = await client.post("/people", json=hire(unit, number=2))
            assert again.status_code == 201, again.text


@asynccontextmanager
async def signed_in(url: str, user: User) -> AsyncIterator[httpx.AsyncClient]:
    """A script of the user's, with a session of its own."""
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", trust_env=False, timeout=20) as client:
        body = {"email": user.email, "password": user.password, "bearer": True}
        token = (await client.post("/auth/login", json=body)).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def hire(unit: int, *, number: int) -> dict[str, object]:
    return {
        "employee_number": f"K-{number}",
        "family_kanji": "小林",
        "hired_on": "2024-04-01",
        "org_unit_id": unit,
    }


async def _wait_for_lock(database: Database) -> None:
    """Returns once some transaction waits for another to end."""
    for _ in range(200):
        async with database.transaction(None) as session:
            waiting = await session.scalar(
                text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
            )
        if waiting:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("nothing came to wait")


def test_an_api_told_to_stop_stops_cleanly(postgres: PostgresServer, make_settings: MakeSettings) -> None:
    with running_process("hrx.app.api", make_settings(), port_variable="HRX_API_PORT") as api:
        api.wait_until_ready()
        assert api.stop() in {0, -15}
        assert "Traceback" not in api.output.read_text()


async def make_work(server: PostgresServer) -> TenantId:
    """A tenant with an audit entry to link."""
    database = open_database(server.app_url, pool_size=1)
    async with database.transaction(None) as session:
        from hrx.app.identity.actions import create_tenant

        tenant = TenantId(await create_tenant(session, slug=f"w-{time.monotonic_ns()}", name="試験"))
    async with database.transaction(system_principal(tenant)) as session:
        await audit.record(session, action="person.private_read")
    await database.close()
    return tenant


def unsealed(server: PostgresServer) -> int:
    try:
        with psycopg.connect(server.ops_url) as connection:
            row = connection.execute("SELECT coalesce(sum(pending), 0) FROM seam.audit_chain").fetchone()
            heads = connection.execute("SELECT count(*) FROM seam.audit_chain").fetchone()
    except psycopg.Error:
        return -1
    return int(row[0]) if row and heads and heads[0] else -1


def test_the_worker_links_the_trail_and_goes_on_after_postgresql_was_killed(
    mortal_postgres: PostgresServer, make_settings: MakeSettings
) -> None:
    settings = make_settings(database_url=SecretStr(mortal_postgres.app_url))
    with running_process("hrx.app.worker", settings, port_variable="HRX_WORKER_PORT") as worker:
        worker.wait_until_ready()
        asyncio.run(make_work(mortal_postgres))
        until(lambda: unsealed(mortal_postgres) == 0, timeout_s=10)
        kill_postgres(mortal_postgres.cluster)
        until(lambda: ready_state(worker.url) == "not_ready")
        mortal_postgres.cluster.start(timeout_s=60)
        worker.wait_until_ready(timeout_s=30)
        asyncio.run(make_work(mortal_postgres))
        until(lambda: unsealed(mortal_postgres) == 0, timeout_s=10)
        assert "hrx_app_audit_sealed_total" in worker.get("/metrics").text
        assert worker.stop() == 0


def test_the_seam_shows_the_worker_and_its_queue(
    mortal_postgres: PostgresServer, make_settings: MakeSettings
) -> None:
    settings = make_settings(database_url=SecretStr(mortal_postgres.app_url))
    with running_process("hrx.app.worker", settings, port_variable="HRX_WORKER_PORT") as worker:
        worker.wait_until_ready()
        until(lambda: len(ask(mortal_postgres, "SELECT heartbeat_age_s FROM seam.worker")) > 0)
        ages = ask(mortal_postgres, "SELECT heartbeat_age_s FROM seam.worker ORDER BY 1")
        ask(mortal_postgres, "SELECT queue_name, status, jobs, oldest_age_s FROM seam.queue")
        broken = ask(mortal_postgres, "SELECT check_name FROM seam.integrity WHERE violations > 0")
    assert float(str(ages[0][0])) < jobs.STALLED_AFTER_S
    assert broken == []


def ask(server: PostgresServer, sql: str) -> list[tuple[object, ...]]:
    """What the operations plane is answered."""
    with psycopg.connect(server.ops_url) as connection:
        return connection.execute(sql.encode()).fetchall()
