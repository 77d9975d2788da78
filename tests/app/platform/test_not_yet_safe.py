"""With the standby gone, nothing that was not replicated is told to be saved, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from hrx.app.platform.db import Database, NotYetSafe, open_database
from hrx.app.platform.problems import problem_of
from hrx.ops.targets.machine.postgres import PostgresCluster
from tests.conftest import UNPRIVILEGED_USER, free_port

_PASSWORD = secrets.token_hex(12)
_WAIT_S = 1.0


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresCluster]:
    """A server of its own: its writes wait for a standby that is not there."""
    home = Path(tempfile.mkdtemp(prefix="hrx-test-safe-"))
    home.chmod(0o711)
    run_as = UNPRIVILEGED_USER if os.geteuid() == 0 else None
    if run_as:
        shutil.chown(home, run_as)
    cluster = PostgresCluster(data_dir=home / "data", port=free_port(), socket_dir=home, run_as=run_as)
    cluster.init(_PASSWORD)
    cluster.start()
    try:
        administer(cluster, "CREATE TABLE public.note (id int PRIMARY KEY)")
        yield cluster
    finally:
        cluster.stop(mode="immediate")
        shutil.rmtree(home, ignore_errors=True)


def administer(cluster: PostgresCluster, *statements: str) -> None:
    with psycopg.connect(url_of(cluster), autocommit=True) as session:
        session.execute("SET synchronous_commit = local")
        for statement in statements:
            session.execute(statement.encode())


def wait_for_standby(cluster: PostgresCluster, name: str) -> None:
    """Writes wait for a standby of this name from now on; for nobody when it is empty."""
    administer(cluster, f"ALTER SYSTEM SET synchronous_standby_names = '{name}'", "SELECT pg_reload_conf()")
    with psycopg.connect(url_of(cluster), autocommit=True) as session:
        deadline = time.monotonic() + 10
        while session.execute("SHOW synchronous_standby_names").fetchone() != (name,):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def url_of(cluster: PostgresCluster) -> str:
    return cluster.url("hrx_admin", _PASSWORD, "postgres")


async def write(database: Database, number: int) -> float:
    """Seconds until it was told to be saved."""
    began = time.monotonic()
    async with database.transaction(None) as session:
        await session.execute(text("INSERT INTO public.note VALUES (:number)"), {"number": number})
    return time.monotonic() - began


def count(cluster: PostgresCluster) -> int:
    with psycopg.connect(url_of(cluster)) as session:
        row = session.execute("SELECT count(*) FROM public.note WHERE id < 100").fetchone()
        return int(row[0]) if row else 0


@pytest.mark.req("R6.3-1")
async def test_no_request_claims_what_the_standby_has_not_and_none_hangs(server: PostgresCluster) -> None:
    database = open_database(url_of(server), pool_size=10, pool_timeout_s=10, commit_wait_s=_WAIT_S)
    try:
        assert await write(database, 0) < _WAIT_S
        wait_for_standby(server, "nobody")
        began = time.monotonic()
        told = await asyncio.gather(*(write(database, n) for n in range(1, 31)), return_exceptions=True)
        took_s = time.monotonic() - began
        assert [type(one) for one in told] == [NotYetSafe] * 30
        # Thirty through a pool of ten: three turns of one wait each.
        assert took_s < 3 * (_WAIT_S + 2)
        # It says the truth: they are here.
        assert count(server) == 31

        wait_for_standby(server, "")
        later = await asyncio.gather(*(write(database, n) for n in range(31, 61)))
        assert max(later) < _WAIT_S
        assert count(server) == 61
    finally:
        wait_for_standby(server, "")
        await database.close()


async def test_a_wait_that_somebody_else_ends_is_told_as_well(server: PostgresCluster) -> None:
    database = open_database(url_of(server), pool_size=1, commit_wait_s=60)
    wait_for_standby(server, "nobody")
    try:
        writing = asyncio.ensure_future(write(database, 1000))
        deadline = time.monotonic() + 10
        ended = False
        while not ended and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
            with psycopg.connect(url_of(server), autocommit=True) as session:
                found = session.execute(
                    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
                ).fetchall()
                ended = bool(found)
        with pytest.raises(NotYetSafe) as not_yet:
            await writing
    finally:
        wait_for_standby(server, "")
        await database.close()
    problem = problem_of(not_yet.value)
    assert problem.status == 503
    assert problem.code == "database.not_yet_safe"
    assert problem.hint is not None
    assert "Do not repeat it" in problem.hint.en


async def test_reading_waits_for_nobody(server: PostgresCluster) -> None:
    database = open_database(url_of(server), pool_size=1, commit_wait_s=_WAIT_S)
    wait_for_standby(server, "nobody")
    try:
        began = time.monotonic()
        async with database.transaction(None) as session:
            await session.execute(text("SELECT count(*) FROM public.note"))
        assert time.monotonic() - began < _WAIT_S
    finally:
        wait_for_standby(server, "")
        await database.close()
