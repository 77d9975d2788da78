"""How late an event loop is: the first thing to grow when a process has more to do than it can.

A loop that stands still cannot say so itself; the figure is read on the thread that answers Prometheus and
counts the present standstill too."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from prometheus_client import CollectorRegistry

from hrx.kit import clock
from hrx.kit.catalogue import EVENT_LOOP_LAG

_EVERY_S: Final = 0.2
#: Longer than any interval of scraping, so that no standstill falls between two of them.
_REMEMBERED_S: Final = 10.0


class LoopLag:
    """Wakes up regularly and remembers how late it was."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seen: deque[tuple[float, float]] = deque(maxlen=round(_REMEMBERED_S / _EVERY_S) + 1)
        self._due_s: float | None = None
        EVENT_LOOP_LAG.gauge(registry).set_function(self.worst_s)

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self._due_s = clock.monotonic_s() + _EVERY_S
                await asyncio.sleep(_EVERY_S)
                now_s = clock.monotonic_s()
                self._seen.append((now_s, now_s - self._due_s))
        finally:
            self._due_s = None

    def worst_s(self) -> float:
        """Seconds of the worst delay of the last ten seconds, the present one included."""
        now_s, due_s = clock.monotonic_s(), self._due_s
        present_s = now_s - due_s if due_s is not None else 0.0
        recent_s = [lag_s for at_s, lag_s in list(self._seen) if now_s - at_s <= _REMEMBERED_S]
        return max(0.0, present_s, *recent_s)
