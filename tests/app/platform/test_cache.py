"""The cache: quicker with Redis, equal without it, and never somebody else's view."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace

import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from hrx.app.platform.cache import MAX_VALUE_BYTES, Cache, open_cache
from hrx.app.platform.db import Database
from hrx.app.platform.live import EventKind, publish
from hrx.app.platform.tenancy import Principal, Role, TenantId, UserId, system_principal
from hrx.kit import clock
from tests.conftest import MakeTenant, RedisServer, free_port, start_redis

pytestmark = pytest.mark.req("R2-9")


@dataclass(slots=True)
class Bench:
    """Views of one tenant, built through the cache; counts how often one was really built."""

    cache: Cache
    database: Database
    principal: Principal
    built: int = 0
    params: dict[str, str] = field(default_factory=dict)

    async def view(self, content: bytes = b"built", **params: str) -> bytes:
        async def build() -> bytes:
            self.built += 1
            if params.get("slowly"):
                await asyncio.sleep(0.1)
            return content

        async with self.database.transaction(self.principal) as session:
            session.info["data_version"] = await session.scalar(
                text("SELECT coalesce((SELECT version FROM app.data_version), 0)")
            )
            return await self.cache.view(session, name="test", params=params, build=build)

    def as_other(self, principal: Principal) -> Bench:
        return replace(self, principal=principal, built=0)


def open_test_cache(url: str | None, *, timeout_ms: int = 200, retry_s: float = 0.2) -> Cache:
    return open_cache(url, timeout_ms=timeout_ms, retry_s=retry_s, ttl_s=60, registry=CollectorRegistry())


@pytest_asyncio.fixture
async def bench(database: Database, tenant: TenantId, redis_server: RedisServer) -> AsyncIterator[Bench]:
    cache = open_test_cache(redis_server.url)
    principal = Principal(tenant_id=tenant, user_id=UserId(1), person_id=None, roles=frozenset({Role.HR}))
    yield Bench(cache, database, principal)
    await cache.close()


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    server = start_redis(free_port())
    yield server
    if server.process.poll() is None:
        server.process.send_signal(signal.SIGCONT)
        server.process.kill()
    server.process.wait(timeout=10)


async def test_a_view_is_built_once(bench: Bench) -> None:
    assert [await bench.view(b"one"), await bench.view(b"two")] == [b"one", b"one"]
    assert bench.built == 1


async def test_a_view_asked_for_by_many_at_once_is_built_once(bench: Bench) -> None:
    views = await asyncio.gather(*(bench.view(b"one", slowly="yes") for _ in range(4)))
    assert views == [b"one"] * 4
    assert bench.built == 1


async def test_who_waited_for_a_builder_that_failed_builds(bench: Bench) -> None:
    failing = asyncio.create_task(bench.view(b"never", slowly="yes"))
    while bench.built == 0:  # noqa: ASYNC110 (the builder counts, it tells nobody)
        await asyncio.sleep(0)
    waiting = asyncio.create_task(bench.view(b"mine", slowly="yes"))
    await asyncio.sleep(0.02)
    failing.cancel()
    assert await waiting == b"mine"
    assert bench.built == 2


async def test_another_question_is_another_view(bench: Bench) -> None:
    await bench.view(as_of="2026-04-01")
    await bench.view(as_of="2026-04-02")
    assert bench.built == 2


async def test_nobody_gets_the_view_of_somebody_who_sees_more(bench: Bench, make_tenant: MakeTenant) -> None:
    await bench.view(b"of HR")
    same = replace(bench.principal, user_id=UserId(2))
    others = (
        replace(bench.principal, roles=frozenset({Role.EMPLOYEE})),
        replace(bench.principal, roles=frozenset({Role.AUDITOR})),
        replace(bench.principal, tenant_id=await make_tenant()),
    )
    assert await bench.as_other(same).view(b"of another HR") == b"of HR"
    for other in others:
        assert await bench.as_other(other).view(b"their own") == b"their own"


async def test_people_who_see_only_themselves_do_not_share(bench: Bench) -> None:
    one = replace(bench.principal, roles=frozenset({Role.EMPLOYEE}), user_id=UserId(1))
    two = replace(one, user_id=UserId(2))
    await bench.as_other(one).view(b"one's")
    assert await bench.as_other(two).view(b"two's") == b"two's"


async def test_a_committed_change_makes_the_view_new_and_a_rollback_does_not(bench: Bench) -> None:
    async def change(*, fails: bool) -> None:
        async with bench.database.transaction(system_principal(bench.principal.tenant_id)) as session:
            await publish(session, kind=EventKind.PEOPLE_CHANGED)
            if fails:
                raise RuntimeError

    await bench.view(b"before")
    with pytest.raises(RuntimeError):
        await change(fails=True)
    assert await bench.view(b"wrong") == b"before"
    await change(fails=False)
    assert await bench.view(b"after") == b"after"


async def test_a_change_made_while_redis_was_away_is_not_missed(
    database: Database, bench: Bench, own_redis: RedisServer
) -> None:
    cache = open_test_cache(own_redis.url, timeout_ms=50, retry_s=0.01)
    here = replace(bench, cache=cache, built=0)
    await here.view(b"before")
    os.kill(own_redis.process.pid, signal.SIGSTOP)
    async with database.transaction(system_principal(bench.principal.tenant_id)) as session:
        await publish(session, kind=EventKind.ORG_CHANGED)
    assert await here.view(b"while away") == b"while away"
    os.kill(own_redis.process.pid, signal.SIGCONT)
    # The old entry is still in Redis; nobody asks for it any more.
    assert await here.view(b"after") != b"before"
    await cache.close()


async def test_a_killed_redis_is_not_noticed_by_anybody(bench: Bench, own_redis: RedisServer) -> None:
    cache = open_test_cache(own_redis.url)
    here = replace(bench, cache=cache, built=0)
    await here.view()
    own_redis.process.kill()
    own_redis.process.wait(timeout=10)
    assert await here.view(b"rebuilt") == b"rebuilt"
    assert cache.is_bypassed
    await cache.close()


async def test_a_hanging_redis_costs_one_time_out_not_one_for_each_request(
    bench: Bench, own_redis: RedisServer
) -> None:
    cache = open_test_cache(own_redis.url, timeout_ms=100, retry_s=5.0)
    here = replace(bench, cache=cache, built=0)
    await here.view()
    os.kill(own_redis.process.pid, signal.SIGSTOP)
    began = clock.monotonic_s()
    for number in range(20):
        await here.view(number=str(number))
    assert clock.monotonic_s() - began < 1.5
    await cache.close()


async def test_redis_is_used_again_when_it_is_back(bench: Bench, own_redis: RedisServer) -> None:
    cache = open_test_cache(own_redis.url, timeout_ms=50, retry_s=0.01)
    here = replace(bench, cache=cache, built=0)
    os.kill(own_redis.process.pid, signal.SIGSTOP)
    await here.view()
    os.kill(own_redis.process.pid, signal.SIGCONT)
    for _ in range(50):
        await here.view(b"x", again="yes")
    assert here.built < 51
    await cache.close()


async def test_without_redis_configured_everything_is_built(bench: Bench) -> None:
    here = replace(bench, cache=open_test_cache(None), built=0)
    await here.view()
    await here.view()
    assert here.built == 2


async def test_what_is_too_large_is_not_kept(bench: Bench) -> None:
    huge = b"x" * (MAX_VALUE_BYTES + 1)
    await bench.view(huge)
    await bench.view(huge)
    assert bench.built == 2
