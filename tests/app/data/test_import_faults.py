"""An import is all or nothing, whatever happens to the worker, and is brought to its end by the next one."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import date
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from hrx.app.people.employees.importing.references import PositionIndex
from hrx.app.platform.db import Database
from hrx.app.platform.live import EventKind, publish
from hrx.app.platform.tenancy import TenantId, system_principal
from hrx.app.settings import AppSettings
from tests.app.data.conftest import Facts, Importer, csv_bytes
from tests.conftest import PostgresServer, free_port

pytestmark = pytest.mark.req("R2-2")

HEADER = "社員番号,氏名,部署,役職,上長,入社日"
FILE = csv_bytes(
    HEADER,
    *(f"{n:05d},佐藤 健,本社/{n % 7}課,主任,{'' if n == 1 else '00001'},2020-04-01" for n in range(1, 301)),
)


@contextmanager
def worker_process(settings: AppSettings) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as it runs in production."""
    environment = {
        **os.environ,
        "HRX_DATABASE_URL": settings.database_url.get_secret_value(),
        "HRX_SESSION_KEYS": settings.session_keys.get_secret_value(),
        "HRX_SEAL_KEYS": settings.seal_keys.get_secret_value(),
        "HRX_STORAGE_URL": settings.storage_url,
        "HRX_WORKER_PORT": str(free_port()),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "hrx.app.worker"], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=10)


@asynccontextmanager
async def events_held_back(database: Database, tenant_id: TenantId) -> AsyncIterator[None]:
    """While the block runs no transaction that changed people can end: the last thing it does has to wait."""
    async with database.transaction(system_principal(tenant_id)) as session:
        await publish(session, kind=EventKind.PEOPLE_CHANGED)
        yield


async def someone_waits(postgres: PostgresServer) -> None:
    """Returns once a statement waits for a row that another transaction holds."""
    async with await psycopg.AsyncConnection.connect(postgres.app_url, autocommit=True) as connection:
        for _ in range(300):
            row = await (
                await connection.execute(
                    "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
                )
            ).fetchone()
            if row and row[0]:
                return
            await asyncio.sleep(0.1)
    raise AssertionError("nothing came to wait")


async def forget_heartbeats(postgres: PostgresServer) -> None:
    """Make every worker look as if it had not been heard of for an hour."""
    async with await psycopg.AsyncConnection.connect(postgres.app_url, autocommit=True) as connection:
        await connection.execute(
            "UPDATE jobs.procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"
        )


async def state_of(facts: Facts) -> tuple[Any, ...]:
    rows = await facts.all(
        "SELECT (SELECT count(*) FROM app.person), (SELECT count(*) FROM app.assignment),"
        " (SELECT count(*) FROM app.org_unit), (SELECT count(*) FROM app.change_order),"
        " (SELECT string_agg(state, ',') FROM app.data_import)"
    )
    return rows[0]


async def test_a_worker_killed_in_the_middle_of_a_commit_leaves_nothing_and_the_next_finishes_it(
    importer: Importer,
    facts: Facts,
    app: FastAPI,
    database: Database,
    tenant: TenantId,
    postgres: PostgresServer,
) -> None:
    done = await importer.check(FILE)
    async with events_held_back(database, tenant):
        answer = await importer.browser.post(f"/imports/{done['id']}/commit", {})
        assert answer.status_code == 202
        with worker_process(app.state.parts.settings) as worker:
            await someone_waits(postgres)
            worker.send_signal(signal.SIGKILL)
            worker.wait(timeout=10)
    assert await state_of(facts) == (0, 0, 0, 0, "committing")
    await forget_heartbeats(postgres)
    # Jobs that other tests left to the dead may be among them.
    assert await importer.queue.rescue() >= 1
    await importer.queue.work_until_idle()
    finished = (300, 300, 8, 1, "committed")
    assert await state_of(facts) == finished
    # The same job once more, as a queue that was restored from a backup might hand it out.
    await importer.commit(done["id"])
    assert await state_of(facts) == finished


async def test_a_worker_killed_during_the_check_loses_only_time(
    importer: Importer, facts: Facts, app: FastAPI, postgres: PostgresServer
) -> None:
    found = await importer.upload(FILE)
    body = {"mapping": found["mapping"], "may_create_units": True, "may_create_positions": True}
    await importer.browser.put(f"/imports/{found['id']}/mapping", body)
    async with await psycopg.AsyncConnection.connect(postgres.app_url) as connection:
        await importer.browser.post(f"/imports/{found['id']}/check")
        await connection.execute("SELECT set_config('hrx.tenant_id', %s, true)", [str(facts.tenant_id)])
        await connection.execute("SELECT set_config('hrx.roles', 'system', true)")
        await connection.execute("SELECT id FROM app.data_import WHERE id = %s FOR UPDATE", [found["id"]])
        with worker_process(app.state.parts.settings) as worker:
            await someone_waits(postgres)
            worker.send_signal(signal.SIGKILL)
            worker.wait(timeout=10)
    assert (await importer.get(found["id"]))["state"] == "checking"
    await forget_heartbeats(postgres)
    await importer.queue.rescue()
    await importer.queue.work_until_idle()
    assert (await importer.get(found["id"]))["counts"]["create"] == 300


async def test_a_refusal_of_the_database_undoes_everything_and_is_told(
    importer: Importer, facts: Facts, database: Database, tenant: TenantId
) -> None:
    done = await importer.check(csv_bytes(HEADER, "1,佐藤 健,本社,特命係,,2020-04-01"))
    taken = PositionIndex(may_create=True)
    taken.resolve("特命係", on=date(2020, 4, 1))
    (position,) = taken.created.values()
    async with database.transaction(system_principal(tenant)) as session:
        await session.execute(text("INSERT INTO app.position (code) VALUES (:code)"), {"code": position.code})
    stopped = await importer.commit(done["id"])
    assert stopped["state"] == "failed"
    assert stopped["problem"]["message"]
    assert (await state_of(facts))[:4] == (0, 0, 0, 0)


async def test_progress_is_told_while_a_step_runs(
    importer: Importer,
    facts: Facts,
    app: FastAPI,
    database: Database,
    tenant: TenantId,
    postgres: PostgresServer,
) -> None:
    done = await importer.check(FILE)
    async with events_held_back(database, tenant):
        await importer.browser.post(f"/imports/{done['id']}/commit", {})
        with worker_process(app.state.parts.settings):
            await someone_waits(postgres)
            for _ in range(100):
                seen = await importer.get(done["id"])
                if seen["rows_done"] > 150:
                    break
                await asyncio.sleep(0.1)
            assert seen["state"] == "committing"
            assert 150 < seen["rows_done"] <= seen["rows_total"] == 300
            assert (await state_of(facts))[0] == 0, "nobody sees half an import"
    await forget_heartbeats(postgres)
    await importer.queue.rescue()
    await importer.queue.work_until_idle()
