"""How fast one network may go: an allowance that fills up again. In memory, for what is worth no transaction.

Sign-in has its own counters in PostgreSQL (identity.throttle); this is for what anybody may send."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from hrx.app.platform.addresses import network_of
from hrx.kit import clock

#: Networks that are remembered; who is forgotten starts with a full allowance.
_AT_MOST: Final = 10_000


class Pace:
    """So many a minute for each network, and as many at once."""

    def __init__(self, *, per_minute: int) -> None:
        self._burst = float(per_minute)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def may_go(self, address: str | None) -> bool:
        """Take one; False when nothing is left."""
        network, now_s = network_of(address), clock.monotonic_s()
        left, at_s = self._left.get(network, (self._burst, now_s))
        left = min(self._burst, left + (now_s - at_s) * self._burst / 60)
        is_allowed = left >= 1
        self._left[network] = (left - 1 if is_allowed else left, now_s)
        self._left.move_to_end(network)
        if len(self._left) > _AT_MOST:
            self._left.popitem(last=False)
        return is_allowed
