"""The door to Redis: answers that are quicker when it is there and equal when it is not.

Redis may vanish at any moment. Every call has a short time-out; after a failure nothing is asked of Redis
for a while; no failure reaches a person. What is cached is keyed by tenant, by what the reader may see, and
by the tenant's data version, which PostgreSQL keeps and every writing transaction raises: an entry made
before a change can never be read after it, even if Redis was away while the change happened. The commit is
part of the key as well: while two versions run side by side neither is given what the other's code built."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.platform.tenancy import Principal
from hrx.kit import clock
from hrx.kit.catalogue import CACHE_DURATION, CACHE_REQUESTS, CACHE_UP

_logger = logging.getLogger("hrx.cache")
#: Larger answers are not kept: one of them would push out thousands of small ones.
MAX_VALUE_BYTES: Final = 4 * 1024 * 1024

Param = str | int | bool | None


class CacheMetrics:
    """Hits, misses and whether the cache is in use."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = CACHE_REQUESTS.counter(registry)
        self.is_up = CACHE_UP.gauge(registry)
        duration = CACHE_DURATION.histogram(registry)
        self.calls = {
            (operation, outcome): duration.labels(operation, outcome)
            for operation in ("get", "put")
            for outcome in ("ok", "failed")
        }


@dataclass(slots=True, kw_only=True)
class Cache:
    """Cached views of one process. `client` None means: no Redis configured, always bypassed."""

    client: Redis | None
    retry_s: float
    ttl_s: int
    metrics: CacheMetrics
    #: Whose code builds the views.
    commit: str = "unknown"
    _bypassed_until_s: float = field(default=0.0, init=False)
    #: By key: what is being built; ends with None when building failed.
    _building: dict[str, asyncio.Future[bytes | None]] = field(default_factory=dict, init=False)

    async def view(
        self,
        session: AsyncSession,
        *,
        name: str,
        params: Mapping[str, Param],
        build: Callable[[], Awaitable[bytes]],
    ) -> bytes:
        """The bytes of a read-only view: from the cache, else from `build`, which is then kept.

        `params` must hold everything the answer depends on besides the tenant's data and the reader's
        rights: dates (resolve "today" first), filters, cursor, language. For GET routes only: inside a
        transaction that wrote something the view would hold what is not committed yet."""
        if "data_version" not in session.info:
            return await build()
        key = _key(session, commit=self.commit, name=name, params=params)
        found = await self._get(key)
        if found is not None:
            self.metrics.requests.labels(name, "hit").inc()
            return found
        shared = await self._share(key)
        if shared is not None:
            self.metrics.requests.labels(name, "shared").inc()
            return shared
        self.metrics.requests.labels(name, "bypass" if self.is_bypassed else "miss").inc()
        return await self._build(key, build)

    async def _share(self, key: str) -> bytes | None:
        """What another request of this process is building right now; None when none is, or it failed.

        After a change everybody asks at once. Had each of them built, the largest views would keep the
        process busy for so long that Redis seems late, and be built again because it seems late."""
        running = self._building.get(key)
        if running is None:
            return None
        # `wait` leaves the other's future alone when this request is cancelled.
        await asyncio.wait([running])
        return running.result()

    async def _build(self, key: str, build: Callable[[], Awaitable[bytes]]) -> bytes:
        if self.client is None:
            return await build()
        running: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._building[key] = running
        try:
            built = await build()
            running.set_result(built)
            if len(built) <= MAX_VALUE_BYTES:
                await self._put(key, built)
            return built
        finally:
            # Those who waited for nothing build for themselves: the failure may have been this request's own.
            if not running.done():
                running.set_result(None)
            if self._building.get(key) is running:
                del self._building[key]

    @property
    def is_bypassed(self) -> bool:
        return self.client is None or clock.monotonic_s() < self._bypassed_until_s

    async def ping_ms(self) -> float:
        """Round trip to Redis in milliseconds. Raises RedisError; for readiness only."""
        if self.client is None:
            raise RedisError("no Redis configured")
        started = clock.monotonic_s()
        await self.client.ping()
        return (clock.monotonic_s() - started) * 1000

    async def close(self) -> None:
        if self.client is not None:
            await self.client.aclose()

    async def _get(self, key: str) -> bytes | None:
        if self.client is None or self.is_bypassed:
            return None
        started_s = time.perf_counter()
        try:
            value = await self.client.get(key)
        except (RedisError, OSError) as error:
            self._note("get", "failed", started_s)
            self._bypass(error)
            return None
        self._note("get", "ok", started_s)
        self.metrics.is_up.set(1)
        return value if isinstance(value, bytes) else None

    async def _put(self, key: str, value: bytes) -> None:
        if self.client is None or self.is_bypassed:
            return
        started_s = time.perf_counter()
        try:
            await self.client.set(key, value, ex=self.ttl_s)
        except (RedisError, OSError) as error:
            self._note("put", "failed", started_s)
            self._bypass(error)
        else:
            self._note("put", "ok", started_s)

    async def tally(self, key: str, members: Collection[str], *, ttl_s: int) -> bool:
        """Add members to a HyperLogLog, which keeps how many there were, not which; gives whether it did."""
        if self.client is None or self.is_bypassed:
            return False
        try:
            if members:
                await self.client.pfadd(key, *members)
                await self.client.expire(key, ttl_s)
        except (RedisError, OSError) as error:
            self._bypass(error)
            return False
        return True

    async def estimate(self, keys: Sequence[str]) -> int | None:
        """About how many different members these hold together (to 1 %); None while Redis is away."""
        if self.client is None or self.is_bypassed:
            return None
        try:
            return int(await self.client.pfcount(*keys))
        except (RedisError, OSError) as error:
            self._bypass(error)
            return None

    def _note(self, operation: str, outcome: str, started_s: float) -> None:
        self.metrics.calls[operation, outcome].observe(time.perf_counter() - started_s)

    def _bypass(self, error: Exception) -> None:
        """Ask nothing of Redis for `retry_s`; said once for each outage, not for each request."""
        self._bypassed_until_s = clock.monotonic_s() + self.retry_s
        self.metrics.is_up.set(0)
        _logger.warning("Cache bypassed", extra={"fields": {"error": type(error).__name__}})


def open_cache(
    url: str | None,
    *,
    timeout_ms: int,
    retry_s: float,
    ttl_s: int,
    registry: CollectorRegistry,
    commit: str = "unknown",
) -> Cache:
    """A cache on `redis://…`; connects when first used."""
    timeout_s = timeout_ms / 1000
    client = (
        Redis.from_url(
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            # Retrying inside the client would spend the request's time; the next request is the retry.
            retry=Retry(NoBackoff(), 0),
            max_connections=50,
        )
        if url
        else None
    )
    return Cache(client=client, retry_s=retry_s, ttl_s=ttl_s, metrics=CacheMetrics(registry), commit=commit)


def visibility_class(principal: Principal) -> str:
    """Readers who see the same rows the same way share entries; everybody else has entries of their own."""
    roles = "+".join(sorted(role.value for role in principal.roles))
    return f"all:{roles}" if principal.sees_everyone else f"user:{principal.user_id}:{roles}"


def _key(session: AsyncSession, *, commit: str, name: str, params: Mapping[str, Param]) -> str:
    principal: Principal = session.info["principal"]
    version = session.info["data_version"]
    content = orjson.dumps(dict(params), option=orjson.OPT_SORT_KEYS)
    digest = hashlib.blake2b(content, digest_size=16).hexdigest()
    readers = visibility_class(principal)
    return f"hrx:view:{commit}:{principal.tenant_id}:{version}:{readers}:{name}:{digest}"
