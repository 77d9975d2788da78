"""What PostgreSQL and the system say about a disk without room, told to people as what it is: no bug of ours.

tests/app/data/test_full_disk.py fills a disk for real; here PostgreSQL itself raises the states it would."""

from __future__ import annotations

import asyncio
import errno
import os
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fastapi import APIRouter, FastAPI
from sqlalchemy import text

from hrx.app.api import create_app
from hrx.app.platform.db import Database
from hrx.app.platform.edge import Transaction
from hrx.app.platform.tenancy import Role, TenantId
from tests.app.clients import Browser, create_user, open_browser
from tests.app.conftest import MakeSettings

pytestmark = pytest.mark.req("R1-3")
router = APIRouter()


@router.get("/test/state/{state}")
async def fail_with_state(state: str, session: Transaction) -> None:
    assert re.fullmatch("[0-9A-Z]{5}", state)
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '{state}'; END $$"
    await session.execute(text(raising))


@router.get("/test/os/{code}")
async def fail_with_errno(code: int) -> None:
    raise OSError(code, os.strerror(code))


@router.get("/test/idle")
async def forget_the_transaction(session: Transaction) -> None:
    """PostgreSQL ends a transaction that does nothing for too long; so may a route that reads a huge file."""
    await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
    await asyncio.sleep(0.5)
    await session.execute(text("SELECT 1"))


@pytest_asyncio.fixture(scope="module")
async def failing_app(make_settings: MakeSettings) -> AsyncIterator[FastAPI]:
    app = create_app(make_settings())
    app.include_router(router, prefix="/api/v1")
    async with app.router.lifespan_context(app):
        yield app


@pytest_asyncio.fixture
async def page(failing_app: FastAPI, database: Database, tenant: TenantId) -> AsyncIterator[Browser]:
    browser = open_browser(failing_app)
    user = await create_user(failing_app, database, tenant_id=tenant, roles=frozenset({Role.HR}))
    await browser.sign_in(user)
    yield browser
    await browser.http.aclose()


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("state/53100", 503, "database.disk_full"),
        ("state/58030", 503, "database.disk_failed"),
        ("state/53200", 503, "database.overloaded"),
        ("state/25006", 503, "database.read_only"),
        ("state/XX000", 500, "bug"),
        (f"os/{errno.ENOSPC}", 503, "disk.full"),
        (f"os/{errno.EDQUOT}", 503, "disk.full"),
        (f"os/{errno.EACCES}", 500, "bug"),
    ],
)
async def test_a_disk_without_room_is_said_to_be_and_anything_else_stays_a_bug(
    page: Browser, path: str, status: int, code: str
) -> None:
    answer = await page.get(f"/test/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if "disk" in code:
        assert answer.json()["hint"] == "ディスクの空き容量を管理者に確認してください。"


async def test_a_transaction_that_was_ended_for_idling_is_no_bug(page: Browser) -> None:
    answer = await page.get("/test/idle")
    assert answer.status_code == 503, answer.text
    assert "保存" in answer.json()["detail"] or "時間内" in answer.json()["detail"]
    assert (await page.get("/session")).status_code == 200
