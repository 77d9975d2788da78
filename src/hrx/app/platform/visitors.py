"""How many different people use the product, without keeping who.

Redis's HyperLogLog takes ids and gives back only about how many there were (to 1 %): nobody can be read out
of it. One of them for each day (UTC); a window is the union of its days. An emptied Redis starts anew, for
the number is worth no row in the database."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Final

from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from redis.exceptions import RedisError

from hrx.app.platform.tenancy import Principal
from hrx.kit import clock
from hrx.kit.catalogue import WEB_USERS

_logger = logging.getLogger("hrx.visitors")
_EVERY_S: Final = 15.0
_WINDOWS: Final = {"1d": 1, "7d": 7, "30d": 30}
_KEPT: Final = timedelta(days=32)
#: More than this many in fifteen seconds in one process are counted with the next round's.
_PENDING_AT_MOST: Final = 100_000


class Visitors:
    """The people seen by one process since the last round, and how many all processes saw."""

    def __init__(self, registry: CollectorRegistry, *, client: Redis | None) -> None:
        self._client = client
        self._pending: set[str] = set()
        self._users = WEB_USERS.gauge(registry)

    def note(self, principal: Principal) -> None:
        """A signed-in person asked for something."""
        if self._client is not None and len(self._pending) < _PENDING_AT_MOST:
            self._pending.add(f"{principal.tenant_id}:{principal.user_id}")

    async def run(self) -> None:
        """Hand over and count, until cancelled."""
        while self._client is not None:
            await asyncio.sleep(_EVERY_S)
            await self.settle()

    async def settle(self) -> None:
        """One round. While Redis is away the people wait, and no number is shown rather than an old one."""
        if self._client is None:
            return
        people, self._pending = self._pending, set()
        try:
            await self._hand_over(self._client, people)
            for window, days in _WINDOWS.items():
                found = await self._client.pfcount(*[_key(days_ago) for days_ago in range(days)])
                self._users.labels(window).set(found)
        except (RedisError, OSError) as error:
            self._pending |= people
            self._users.clear()
            _logger.debug("Not counted", extra={"fields": {"error": type(error).__name__}})

    async def _hand_over(self, client: Redis, people: set[str]) -> None:
        if people:
            await client.pfadd(_key(0), *people)
            await client.expire(_key(0), _KEPT)


def _key(days_ago: int) -> str:
    day = (clock.now() - timedelta(days=days_ago)).date()
    return f"hrx:visitors:{day.isoformat()}"
