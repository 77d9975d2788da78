"""How many different people use the product, without keeping who.

Redis's HyperLogLog takes ids and gives back only about how many there were (to 1 %): nobody can be read out
of it. One of them for each day (UTC); a window is the union of its days. An emptied Redis starts anew, for
the number is worth no row in the database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from prometheus_client import CollectorRegistry

from hrx.app.platform.cache import Cache
from hrx.app.platform.tenancy import Principal
from hrx.kit import clock
from hrx.kit.catalogue import WEB_USERS

_EVERY_S: Final = 15.0
_WINDOWS: Final = {"1d": 1, "7d": 7, "30d": 30}
_KEPT_S: Final = 32 * 86_400
#: More than this many in fifteen seconds in one process are counted with the next round's.
_PENDING_AT_MOST: Final = 100_000


class Visitors:
    """The people seen by one process since the last round, and how many all processes saw."""

    def __init__(self, registry: CollectorRegistry, *, cache: Cache) -> None:
        self._cache = cache
        self._pending: set[str] = set()
        self._users = WEB_USERS.gauge(registry)

    def note(self, principal: Principal) -> None:
        """A signed-in person asked for something."""
        if len(self._pending) < _PENDING_AT_MOST:
            self._pending.add(f"{principal.tenant_id}:{principal.user_id}")

    async def run(self) -> None:
        """Hand over and count, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            await self.settle()

    async def settle(self) -> None:
        """One round. While Redis is away the people wait, and no number is shown rather than an old one."""
        people, self._pending = self._pending, set()
        if not await self._cache.tally(_key(0), people, ttl_s=_KEPT_S):
            self._pending |= people
        for window, days in _WINDOWS.items():
            found = await self._cache.estimate([_key(days_ago) for days_ago in range(days)])
            if found is None:
                self._users.clear()
                return
            self._users.labels(window).set(found)


def _key(days_ago: int) -> str:
    day = (clock.now() - timedelta(days=days_ago)).date()
    return f"hrx:visitors:{day.isoformat()}"
