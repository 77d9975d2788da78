"""The ear at the end of the chain: when the dead man's switch last came in through Alertmanager's door.

Asking Alertmanager what it holds proves only that it answers; that it still sends is heard here."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime

from hrx.kit import clock
from hrx.ops.observe.alerts import NO_SEVERITY, RESOLVED
from hrx.ops.seams.metrics import AlertSeen


class Ear:
    """Remembers in memory: a restart begins with a grace, not with a memory of the last life."""

    def __init__(self, *, began_s: float | None = None) -> None:
        self._lock = threading.Lock()
        self._heard_at: datetime | None = None
        self._heard_s = clock.monotonic_s() if began_s is None else began_s

    @property
    def heard_at(self) -> datetime | None:
        """When it was last heard; None since the start of this process."""
        with self._lock:
            return self._heard_at

    @property
    def silence_s(self) -> float:
        """Seconds since it was last heard, or since the start."""
        with self._lock:
            return clock.monotonic_s() - self._heard_s

    def hear(self, alerts: Iterable[AlertSeen]) -> None:
        """Take note when the switch is among what Alertmanager has just sent."""
        if any(one.severity == NO_SEVERITY and one.state != RESOLVED for one in alerts):
            with self._lock:
                self._heard_at, self._heard_s = clock.now(), clock.monotonic_s()
