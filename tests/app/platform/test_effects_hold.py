"""After a restore nothing is sent a second time: a real worker takes no job while effects are held."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import psycopg
import pytest
from pydantic import SecretStr

from hrx.app.platform import audit, jobs
from hrx.app.platform.db import open_database
from hrx.app.platform.tenancy import TenantId, system_principal
from tests.app.conftest import MakeSettings
from tests.app.platform.test_recovery import until
from tests.app.serving import Process, own_postgres, running_process
from tests.conftest import PostgresServer

pytestmark = pytest.mark.req("R6.2-1")


@jobs.task("change_orders.no_such_kind")
async def leave_the_product(job: jobs.JobContext, /) -> None:
    """Enqueued here, unknown to the worker's process: running it there fails it, which shows."""


@pytest.fixture(scope="module")
def restored() -> Iterator[PostgresServer]:
    with own_postgres() as server:
        yield server


def ask(server: PostgresServer, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.repair_url, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


def states(server: PostgresServer) -> list[str]:
    with psycopg.connect(server.app_url) as connection:
        rows = connection.execute(
            "SELECT status::text FROM jobs.procrastinate_jobs WHERE task_name = %s ORDER BY id",
            [leave_the_product.name],
        ).fetchall()
    return [str(state) for (state,) in rows]


def enqueue(server: PostgresServer, *, count: int) -> None:
    async def add() -> None:
        database = open_database(server.app_url, pool_size=1)
        async with database.transaction(None) as session:
            from hrx.app.identity.actions import create_tenant

            tenant = TenantId(await create_tenant(session, slug=f"h-{id(session)}", name="試験"))
        async with database.transaction(system_principal(tenant)) as session:
            for _ in range(count):
                await jobs.enqueue(session, leave_the_product)
            await audit.record(session, action="person.private_read")
        await database.close()

    asyncio.run(add())


def unsealed(server: PostgresServer) -> int:
    with psycopg.connect(server.app_url) as connection:
        connection.execute("SELECT set_config('hrx.roles', 'system', false)")
        row = connection.execute("SELECT count(*) FROM app.list_tenants_to_seal()").fetchone()
    return int(row[0]) if row else -1


def figure(worker: Process, name: str) -> float:
    lines = worker.get("/metrics").text.splitlines()
    return float(next(line.split()[-1] for line in lines if line.startswith(name)))


def test_nothing_is_sent_while_held_and_a_person_decides_what_of_the_past_is_dropped(
    restored: PostgresServer, make_settings: MakeSettings
) -> None:
    enqueue(restored, count=5)
    assert ask(restored, "SELECT seam.hold_effects('restored to yesterday', 'run-1')") == [(True,)]
    assert ask(restored, "SELECT seam.hold_effects('again', 'run-2')") == [(False,)]
    settings = make_settings(database_url=SecretStr(restored.app_url))
    with running_process("hrx.app.worker", settings, port_variable="HRX_WORKER_PORT") as worker:
        worker.wait_until_ready()
        until(lambda: figure(worker, "hrx_app_effects_held") == 1)
        enqueue(restored, count=2)
        # The worker goes on with what stays inside: audit trails are linked meanwhile.
        until(lambda: unsealed(restored) == 0)
        assert states(restored) == ["todo"] * 7
        held = ask(restored, "SELECT task_name, is_of_the_past, jobs, tenants FROM seam.list_held_effects()")
        ours = [row for row in held if row[0] == leave_the_product.name]
        assert ours == [(leave_the_product.name, False, 2, 1), (leave_the_product.name, True, 5, 1)]
        assert ask(restored, "SELECT reason, correlation_id FROM seam.effects_hold()") == [
            ("restored to yesterday", "run-1")
        ]
        assert ask(restored, "SELECT seam.release_effects(true)") == [(5,)]
        until(lambda: states(restored)[5:] == ["failed", "failed"], timeout_s=20)
        assert states(restored)[:5] == ["cancelled"] * 5
        until(lambda: figure(worker, "hrx_app_effects_held") == 0)
        # Held again while it works: jobs that come from now on wait.
        ask(restored, "SELECT seam.hold_effects('second restore', 'run-3')")
        until(lambda: figure(worker, "hrx_app_effects_held") == 1)
        enqueue(restored, count=1)
        assert states(restored)[-1] == "todo"
        assert ask(restored, "SELECT seam.release_effects(false)") == [(0,)]
        until(lambda: states(restored)[-1] == "failed", timeout_s=20)
        assert ask(restored, "SELECT seam.release_effects(false)") == [(None,)]
        assert worker.stop() == 0
