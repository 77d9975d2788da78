"""Faults put in on purpose: only by a file, only outside production, gone when the file is."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import psutil
import pytest
import pytest_asyncio
from fastapi import FastAPI

from hrx.app.api import create_app
from hrx.app.platform import faults
from hrx.kit.errors import Refused
from tests.app.clients import PUBLIC_URL
from tests.app.conftest import MakeSettings, running

ROUTE = "/api/v1/auth/providers"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "faults.json"


@pytest_asyncio.fixture
async def disturbed(make_settings: MakeSettings, file: Path) -> AsyncIterator[FastAPI]:
    async with running(
        make_settings(faults_file=file, database_pool_size=3, database_pool_timeout_s=0.3)
    ) as app:
        yield app


@pytest_asyncio.fixture
async def caller(disturbed: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=disturbed, client=("203.0.113.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
        yield client


async def put(app: FastAPI, file: Path, **wanted: object) -> None:
    """Write the file as a drill does, and wait until the process has read it."""
    await asyncio.to_thread(file.write_text, json.dumps(wanted))
    expected = faults.read_faults(file)
    deadline = time.monotonic() + 3
    while app.state.faults.now != expected:
        assert time.monotonic() < deadline, "the file was not read within 3 s"
        await asyncio.sleep(0.05)


async def becomes(condition: Callable[[], bool], *, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s} s"
        await asyncio.sleep(0.05)


async def answers(caller: httpx.AsyncClient, path: str, status: int) -> None:
    deadline = time.monotonic() + 10
    while (await caller.get(path)).status_code != status:
        assert time.monotonic() < deadline, f"{path} did not answer {status} within 10 s"
        await asyncio.sleep(0.05)


def test_production_refuses_the_switch(make_settings: MakeSettings, file: Path) -> None:
    with pytest.raises(Refused):
        create_app(make_settings(faults_file=file, environment="production"))


def test_without_the_setting_there_is_no_switch(app: FastAPI) -> None:
    assert app.state.faults is None


@pytest.mark.parametrize("content", ["", "[]", "{", '{"spin_ms": "many"}', '{"leak_mib_s": null}'])
def test_a_file_that_cannot_be_read_is_no_fault(file: Path, content: str) -> None:
    file.write_text(content)
    assert faults.read_faults(file) == faults.NONE


def test_no_file_can_ask_for_more_than_the_ceilings(file: Path) -> None:
    file.write_text(json.dumps({"leak_max_mib": 10**6, "held_connections": 10**6, "spin_ms": 10**6}))
    read = faults.read_faults(file)
    assert (read.leak_max_mib, read.held_connections, read.spin_ms) == (
        faults.MAX_LEAK_MIB,
        faults.MAX_HELD_CONNECTIONS,
        1000,
    )


async def test_one_route_fails_in_the_given_share_and_no_other(
    disturbed: FastAPI, caller: httpx.AsyncClient, file: Path
) -> None:
    await put(disturbed, file, route=ROUTE, route_ratio=0.5)
    assert [(await caller.get(ROUTE)).status_code for _ in range(4)] == [200, 500, 200, 500]
    assert (await caller.get("/livez")).status_code == 200
    await asyncio.to_thread(file.unlink)
    await becomes(lambda: disturbed.state.faults.now == faults.NONE, within_s=10)
    assert (await caller.get(ROUTE)).status_code == 200


async def test_held_connections_leave_none_for_requests_and_are_given_back(
    disturbed: FastAPI, caller: httpx.AsyncClient, file: Path
) -> None:
    await put(disturbed, file, held_connections=3)
    await answers(caller, "/readyz", 503)
    await put(disturbed, file)
    await answers(caller, "/readyz", 200)


async def test_a_leak_grows_to_its_ceiling_and_is_freed(disturbed: FastAPI, file: Path) -> None:
    process = psutil.Process()
    before = process.memory_info().rss
    await put(disturbed, file, leak_mib_s=200, leak_max_mib=60)
    await becomes(lambda: process.memory_info().rss - before > 50 * 2**20, within_s=10)
    # Three more readings of the file: it does not grow past its ceiling.
    await asyncio.sleep(1.5)
    grown = process.memory_info().rss - before
    assert 50 * 2**20 < grown < 120 * 2**20
    await put(disturbed, file)
    await becomes(lambda: process.memory_info().rss - before < grown / 2, within_s=10)


async def test_a_spinning_loop_answers_late(
    disturbed: FastAPI, caller: httpx.AsyncClient, file: Path
) -> None:
    await put(disturbed, file, spin_ms=900)
    started = time.monotonic()
    for _ in range(4):
        await caller.get("/livez")
        await asyncio.sleep(0.02)
    assert time.monotonic() - started > 0.4
    await put(disturbed, file)


async def test_slow_statements_slow_every_route_that_asks_the_database(
    disturbed: FastAPI, caller: httpx.AsyncClient, file: Path
) -> None:
    await put(disturbed, file, slow_sql_s=0.4)
    started = time.monotonic()
    assert (await caller.get(ROUTE)).status_code == 200
    assert time.monotonic() - started >= 0.4
