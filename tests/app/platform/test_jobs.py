"""Jobs: enqueued with the change or not at all, run for their tenant, run again when a worker dies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import text

from hrx.app.platform import jobs
from hrx.app.platform.db import Database, DatabaseUnavailable
from hrx.app.platform.tenancy import TenantId, system_principal
from hrx.kit import log
from hrx.kit.errors import Text
from tests.app.conftest import MakeSettings, working
from tests.conftest import MakeTenant, PostgresServer

pytestmark = pytest.mark.req("R1-3")

#: What the tasks below saw, by the mark their test gave them.
seen: dict[str, list[dict[str, Any]]] = {}


@jobs.task("test.look_around")
async def look_around(job: jobs.JobContext, /, *, mark: str) -> None:
    async with job.transaction() as session:
        tenants = list(await session.scalars(text("SELECT id FROM app.tenant")))
    seen.setdefault(mark, []).append({"tenants": tenants, "correlation_id": log.correlation_id.get()})


@jobs.task("test.fail_first")
async def fail_first(job: jobs.JobContext, /, *, mark: str) -> None:
    seen.setdefault(mark, []).append({"attempt": job.attempt, "at": time.monotonic()})
    if job.attempt == 1:
        raise DatabaseUnavailable(Text(ja="不在", en="away"))


@jobs.task("test.bug")
async def have_a_bug(job: jobs.JobContext, /, *, mark: str) -> None:
    seen.setdefault(mark, []).append({"attempt": job.attempt})
    raise ZeroDivisionError


@jobs.task("test.too_long", timeout_s=0.05)
async def take_too_long(job: jobs.JobContext, /, *, mark: str) -> None:
    seen.setdefault(mark, []).append({"attempt": job.attempt})
    await asyncio.Event().wait()


@pytest.fixture
def mark(request: pytest.FixtureRequest) -> str:
    return str(request.node.nodeid)


@pytest_asyncio.fixture
async def queue(database: Database, make_settings: MakeSettings) -> AsyncIterator[jobs.Queue]:
    async with working(database, make_settings()) as opened:
        yield opened


async def status_of(postgres: PostgresServer, job_id: int | None) -> tuple[str, int]:
    async with await psycopg.AsyncConnection.connect(postgres.app_url) as connection:
        row = await (
            await connection.execute(
                "SELECT status::text, attempts FROM jobs.procrastinate_jobs WHERE id = %s", [job_id]
            )
        ).fetchone()
    assert row is not None
    return row[0], row[1]


async def test_a_job_runs_for_its_tenant_and_sees_no_other(
    database: Database, tenant: TenantId, make_tenant: MakeTenant, queue: jobs.Queue, mark: str
) -> None:
    await make_tenant()
    token = log.correlation_id.set("the-request-that-began-it")
    async with database.transaction(system_principal(tenant)) as session:
        await jobs.enqueue(session, look_around, mark=mark)
    log.correlation_id.reset(token)
    await queue.work_until_idle()
    assert seen[mark] == [{"tenants": [tenant], "correlation_id": "the-request-that-began-it"}]


async def test_a_rollback_leaves_no_job(
    database: Database, tenant: TenantId, queue: jobs.Queue, mark: str
) -> None:
    async def enqueue_and_fail() -> None:
        async with database.transaction(system_principal(tenant)) as session:
            assert await jobs.enqueue(session, look_around, mark=mark) is not None
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await enqueue_and_fail()
    await queue.work_until_idle()
    assert mark not in seen


async def test_only_one_job_waits_where_one_is_enough(
    database: Database, tenant: TenantId, make_tenant: MakeTenant, queue: jobs.Queue, mark: str
) -> None:
    other = await make_tenant()
    async with database.transaction(system_principal(tenant)) as session:
        first = await jobs.enqueue(session, look_around, only_once="x", mark=mark)
        second = await jobs.enqueue(session, look_around, only_once="x", mark=mark)
        # The refusal did not spoil the transaction.
        assert await session.scalar(text("SELECT 1")) == 1
    async with database.transaction(system_principal(other)) as session:
        third = await jobs.enqueue(session, look_around, only_once="x", mark=mark)
    assert first is not None
    assert second is None
    assert third is not None
    await queue.work_until_idle()
    assert sorted(entry["tenants"] for entry in seen[mark]) == sorted([[tenant], [other]])


async def test_a_job_waits_for_a_dependency_and_is_tried_again(
    database: Database, postgres: PostgresServer, tenant: TenantId, queue: jobs.Queue, mark: str
) -> None:
    async with database.transaction(system_principal(tenant)) as session:
        job_id = await jobs.enqueue(session, fail_first, mark=mark)
    await queue.work_until_idle()
    if await status_of(postgres, job_id) == ("todo", 1):
        async with await psycopg.AsyncConnection.connect(postgres.app_url, autocommit=True) as connection:
            await connection.execute(
                "UPDATE jobs.procrastinate_jobs SET scheduled_at = now() WHERE id = %s", [job_id]
            )
        await queue.work_until_idle()
    else:
        # So busy a machine that the pause was over before the queue had nothing to do.
        first, second = seen[mark]
        assert second["at"] - first["at"] >= 2
    assert await status_of(postgres, job_id) == ("succeeded", 2)
    assert [one["attempt"] for one in seen[mark]] == [1, 2]


async def test_a_bug_fails_at_once_and_stays_to_be_looked_at(
    database: Database, postgres: PostgresServer, tenant: TenantId, queue: jobs.Queue, mark: str
) -> None:
    async with database.transaction(system_principal(tenant)) as session:
        job_id = await jobs.enqueue(session, have_a_bug, mark=mark)
    await queue.work_until_idle()
    assert await status_of(postgres, job_id) == ("failed", 1)


async def test_a_job_that_takes_too_long_is_stopped_and_tried_again(
    database: Database, postgres: PostgresServer, tenant: TenantId, queue: jobs.Queue, mark: str
) -> None:
    async with database.transaction(system_principal(tenant)) as session:
        job_id = await jobs.enqueue(session, take_too_long, mark=mark)
    # It would never end by itself.
    async with asyncio.timeout(60):
        await queue.work_until_idle()
    state, attempts = await status_of(postgres, job_id)
    assert (state, attempts) == ("todo", len(seen[mark]))
    assert [one["attempt"] for one in seen[mark]] == list(range(1, attempts + 1))


async def test_the_job_of_a_worker_that_died_is_run_by_another(
    database: Database, postgres: PostgresServer, tenant: TenantId, queue: jobs.Queue, mark: str
) -> None:
    async with database.transaction(system_principal(tenant)) as session:
        job_id = await jobs.enqueue(session, look_around, mark=mark)
    # A worker took it and was killed: its heartbeat stopped a while ago.
    async with await psycopg.AsyncConnection.connect(postgres.app_url, autocommit=True) as connection:
        await connection.execute("SET search_path = jobs")
        await connection.execute(
            "WITH w AS (INSERT INTO procrastinate_workers (last_heartbeat)"
            " VALUES (now() - interval '1 minute') RETURNING id)"
            " UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM w) WHERE id = %s",
            [job_id],
        )
    await queue.work_until_idle()
    assert mark not in seen
    assert await queue.rescue() == 1
    await queue.work_until_idle()
    assert len(seen[mark]) == 1


async def test_periodic_work_is_spread_over_all_tenants_once(
    database: Database, tenant: TenantId, make_tenant: MakeTenant, queue: jobs.Queue
) -> None:
    await make_tenant()
    await queue.work_until_idle()
    spread = jobs.every_tenant("test.nightly", cron="0 3 * * *")(_note_nightly)
    first = await jobs.enqueue_for_every_tenant(database, spread)
    second = await jobs.enqueue_for_every_tenant(database, spread)
    assert first >= 2
    assert second == 0
    await queue.work_until_idle()
    assert len(seen["nightly"]) == first


async def _note_nightly(job: jobs.JobContext, /) -> None:
    seen.setdefault("nightly", []).append({"tenant": job.principal.tenant_id})
