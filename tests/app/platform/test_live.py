"""Live events: what is committed reaches open browsers of the same tenant at once, and nobody else."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import psycopg
import pytest
import pytest_asyncio
from fastapi import FastAPI

from hrx.app.identity.gate import COOKIE
from hrx.app.platform.db import Database
from hrx.app.platform.live import EventKind, publish
from hrx.app.platform.tenancy import Role, TenantId, system_principal
from tests.app.clients import Browser, create_user, open_browser
from tests.app.conftest import MakeSettings, MakeUser, SignIn, running
from tests.app.serving import served
from tests.conftest import MakeTenant, PostgresServer

pytestmark = pytest.mark.req("R2-10")


@pytest_asyncio.fixture(scope="module")
async def address(app: FastAPI) -> AsyncIterator[str]:
    async with served(app) as url:
        yield url


class Stream:
    """An open EventSource."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next_event(self, *, timeout_s: float = 5.0) -> dict[str, object]:
        """The next event's kind and data; raises StopAsyncIteration when the stream has ended."""
        async with asyncio.timeout(timeout_s):
            while True:
                line = await anext(self._lines)
                if line.startswith("data: "):
                    data: dict[str, object] = json.loads(line[6:])
                    return data

    async def next_line(self, *, timeout_s: float = 5.0) -> str:
        async with asyncio.timeout(timeout_s):
            return await anext(self._lines)


@asynccontextmanager
async def listening(
    address: str, browser: Browser, *, last_event_id: str | None = None
) -> AsyncIterator[Stream]:
    headers = {"Cookie": f"{COOKIE}={browser.http.cookies[COOKIE]}"}
    if last_event_id:
        headers["Last-Event-ID"] = last_event_id
    async with (
        httpx.AsyncClient(trust_env=False, timeout=10) as client,
        client.stream("GET", f"{address}/api/v1/events", headers=headers) as response,
    ):
        assert response.status_code == 200
        stream = Stream(response)
        assert await stream.next_line() == "retry: 1000"
        yield stream


async def tell(database: Database, tenant: TenantId, kind: EventKind, ref_id: int | None = None) -> None:
    async with database.transaction(system_principal(tenant)) as session:
        await publish(session, kind=kind, ref_id=ref_id)


async def test_a_committed_change_arrives_within_a_second(
    address: str, sign_in: SignIn, database: Database, tenant: TenantId
) -> None:
    browser = await sign_in()
    async with listening(address, browser) as stream:
        began = time.perf_counter()
        await tell(database, tenant, EventKind.PEOPLE_CHANGED, 42)
        event = await stream.next_event()
        took_s = time.perf_counter() - began
    assert (event["kind"], event["id"]) == ("people.changed", 42)
    assert took_s < 1.0


async def test_what_is_rolled_back_is_not_told(
    address: str, sign_in: SignIn, database: Database, tenant: TenantId
) -> None:
    async def fail() -> None:
        async with database.transaction(system_principal(tenant)) as session:
            await publish(session, kind=EventKind.PEOPLE_CHANGED, ref_id=1)
            raise RuntimeError

    browser = await sign_in()
    async with listening(address, browser) as stream:
        with pytest.raises(RuntimeError):
            await fail()
        await tell(database, tenant, EventKind.ORG_CHANGED, 2)
        assert (await stream.next_event())["id"] == 2


async def test_another_tenant_hears_nothing(
    address: str, sign_in: SignIn, database: Database, tenant: TenantId, make_tenant: MakeTenant
) -> None:
    other = await make_tenant()
    stranger = await sign_in(tenant_id=other)
    async with listening(address, stranger) as stream:
        await tell(database, tenant, EventKind.PEOPLE_CHANGED, 1)
        await tell(database, other, EventKind.PEOPLE_CHANGED, 2)
        assert (await stream.next_event())["id"] == 2


async def test_an_ended_session_stops_hearing_at_once(
    address: str, sign_in: SignIn, make_user: MakeUser
) -> None:
    user = await make_user()
    here, there = await sign_in(user=user), await sign_in(user=user)
    async with listening(address, there) as ended, listening(address, here) as kept:
        await here.post("/sessions/revoke-others")
        assert (await ended.next_event())["kind"] == "session.revoked"
        with pytest.raises(StopAsyncIteration):
            await ended.next_event()
        with pytest.raises(TimeoutError):
            await kept.next_event(timeout_s=0.3)


async def test_a_disabled_account_stops_hearing_at_once(address: str, sign_in: SignIn) -> None:
    owner, victim = await sign_in(Role.OWNER), await sign_in()
    async with listening(address, victim) as stream:
        await owner.post(f"/users/{victim.user.id}/disable")  # type: ignore[union-attr]
        assert (await stream.next_event())["kind"] == "session.revoked"
        with pytest.raises(StopAsyncIteration):
            await stream.next_event()


async def test_who_comes_back_is_told_to_reload(address: str, sign_in: SignIn) -> None:
    browser = await sign_in()
    async with listening(address, browser, last_event_id="17") as stream:
        assert (await stream.next_event())["kind"] == "reset"


async def test_when_the_listening_connection_is_lost_streams_start_over_and_go_on(
    address: str,
    app: FastAPI,
    sign_in: SignIn,
    database: Database,
    tenant: TenantId,
    postgres: PostgresServer,
) -> None:
    browser = await sign_in()
    async with listening(address, browser) as stream:
        async with await psycopg.AsyncConnection.connect(postgres.admin_url, autocommit=True) as admin:
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hrx-live'"
            )
        assert (await stream.next_event())["kind"] == "reset"
        with pytest.raises(StopAsyncIteration):
            await stream.next_event()
    async with asyncio.timeout(5):
        await app.state.parts.live.is_listening.wait()
    async with listening(address, browser) as stream:
        await tell(database, tenant, EventKind.PEOPLE_CHANGED, 7)
        assert (await stream.next_event())["id"] == 7


async def test_a_silent_stream_is_kept_open_and_the_number_of_streams_has_a_limit(
    make_settings: MakeSettings, database: Database, tenant: TenantId
) -> None:
    settings = make_settings(events_heartbeat_s=0.1, events_max_connections=1)
    async with running(settings) as app, served(app) as address:
        browser = open_browser(app)
        await browser.sign_in(await create_user(app, database, tenant_id=tenant, roles=frozenset()))
        async with listening(address, browser) as stream:
            lines = [await stream.next_line() for _ in range(3)]
            assert ": still here" in lines
            headers = {"Cookie": f"{COOKIE}={browser.http.cookies[COOKIE]}"}
            async with httpx.AsyncClient(trust_env=False) as second:
                answer = await second.get(f"{address}/api/v1/events", headers=headers)
            assert answer.status_code == 503
            assert answer.json()["code"] == "events.too_many"


async def test_a_browser_that_reads_too_slowly_is_told_to_start_over(
    app: FastAPI, database: Database, tenant: TenantId
) -> None:
    hub = app.state.parts.live
    async with hub.subscribe(tenant_id=tenant, session_id=None) as subscription:
        for number in range(150):
            await tell(database, tenant, EventKind.IMPORT_PROGRESS, number)
        async with asyncio.timeout(5):
            while not subscription.is_over:  # noqa: ASYNC110 (the flag has no event to wait for)
                await asyncio.sleep(0.01)
        kinds = [subscription.queue.get_nowait().kind for _ in range(subscription.queue.qsize())]
    assert kinds[-1] is EventKind.RESET
    assert len(kinds) <= 100
