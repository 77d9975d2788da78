"""The API as its own process would build it, on the test's PostgreSQL and Redis."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from hrx.app.api import create_app
from hrx.app.platform import jobs
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Role, TenantId
from hrx.app.settings import AppSettings
from tests.app.clients import PUBLIC_URL, Browser, User, create_user, open_browser
from tests.conftest import PostgresServer, RedisServer

_SESSION_KEY = secrets.token_urlsafe(48)
_SEAL_KEY = secrets.token_urlsafe(48)

MakeSettings = Callable[..., AppSettings]
MakeUser = Callable[..., Awaitable[User]]
SignIn = Callable[..., Awaitable[Browser]]


@pytest.fixture(scope="session")
def make_settings(postgres: PostgresServer, redis_server: RedisServer) -> MakeSettings:
    """Settings of the application plane; any of them may be given."""

    def make(**given: Any) -> AppSettings:
        values: dict[str, Any] = {
            "database_url": SecretStr(postgres.app_url),
            "redis_url": SecretStr(redis_server.url),
            "public_url": PUBLIC_URL,
            "session_keys": SecretStr(_SESSION_KEY),
            "seal_keys": SecretStr(_SEAL_KEY),
            "database_pool_size": 6,
            **given,
        }
        return AppSettings(**values)

    return make


@asynccontextmanager
async def running(settings: AppSettings) -> AsyncIterator[FastAPI]:
    """An API with its lifespan open."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@asynccontextmanager
async def working(database: Database, settings: AppSettings) -> AsyncIterator[jobs.Queue]:
    """A worker's queue that runs on demand: `work_until_idle` runs what waits."""
    runtime = jobs.JobRuntime(
        database=database, settings=settings, metrics=jobs.JobMetrics(CollectorRegistry())
    )
    async with jobs.open_queue(runtime) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session")
async def app(make_settings: MakeSettings) -> AsyncIterator[FastAPI]:
    """The API that most tests share."""
    async with running(make_settings()) as started:
        yield started


@pytest.fixture
def make_user(app: FastAPI, database: Database, tenant: TenantId) -> MakeUser:
    """Makes an account with roles, in the test's tenant unless told."""

    async def make(*roles: Role, tenant_id: TenantId | None = None, **given: Any) -> User:
        return await create_user(
            app, database, tenant_id=tenant_id or tenant, roles=frozenset(roles), **given
        )

    return make


@pytest_asyncio.fixture
async def sign_in(app: FastAPI, make_user: MakeUser) -> AsyncIterator[SignIn]:
    """Gives a signed-in browser of a new account with the given roles."""
    browsers: list[Browser] = []

    async def do(*roles: Role, user: User | None = None, **given: Any) -> Browser:
        browser = open_browser(app, address=f"198.51.100.{len(browsers) + 1}")
        browsers.append(browser)
        await browser.sign_in(user or await make_user(*roles, **given))
        return browser

    yield do
    for browser in browsers:
        await browser.http.aclose()


@pytest_asyncio.fixture
async def browser(app: FastAPI) -> AsyncIterator[Browser]:
    """A browser that is not signed in."""
    opened = open_browser(app, address=f"203.0.113.{secrets.randbelow(250) + 1}")
    yield opened
    await opened.http.aclose()
