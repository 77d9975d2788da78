"""Telling the plane: the newest word on each condition, again and again until it is taken."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Final

import orjson

from hrx.ops.probe.fetching import FETCH_ERRORS, fetch
from hrx.ops.signal import Signal, SignalState

_log = logging.getLogger("hrx.ops.probe")
_TIMEOUT_S: Final = 3.0


class Reporter:
    """Signals on their way to /hooks/signals. Thread-safe; holds one signal a condition at most."""

    def __init__(self, *, url: str, token: str | None) -> None:
        self._url = url
        self._token = token
        self._waiting: dict[str, Signal] = {}
        self._firing: dict[str, Signal] = {}
        self._lock = threading.Lock()

    @property
    def firing(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self._firing)

    def find(self, condition: str) -> Signal | None:
        """What was last said of a condition that still holds."""
        with self._lock:
            return self._firing.get(condition)

    def tell(self, signal: Signal) -> None:
        """Have this told; it replaces an older word on the same condition that was not taken yet."""
        with self._lock:
            self._waiting[signal.key] = signal
            if signal.state is SignalState.FIRING:
                self._firing[signal.key] = signal
            else:
                self._firing.pop(signal.key, None)

    def tell_all_again(self) -> None:
        """Everything that holds: a plane that was away may have missed or forgotten it."""
        with self._lock:
            self._waiting = {**self._firing, **self._waiting}

    def flush(self) -> int:
        """Send what waits; gives how many the plane took. What it does not take keeps waiting."""
        with self._lock:
            batch = dict(self._waiting)
        if not batch or not self._send(tuple(batch.values())):
            return 0
        with self._lock:
            for key, sent in batch.items():
                if self._waiting.get(key) is sent:
                    del self._waiting[key]
        return len(batch)

    def _send(self, signals: Sequence[Signal]) -> bool:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token or ''}"}
        body = orjson.dumps({"signals": [signal_to_json(signal) for signal in signals]})
        try:
            answer = fetch(self._url, timeout_s=_TIMEOUT_S, method="POST", body=body, headers=headers)
        except FETCH_ERRORS as error:
            _log.warning("probe.not_told", extra={"fields": {"error": type(error).__name__}})
            return False
        if answer.status >= 300:
            _log.warning("probe.not_taken", extra={"fields": {"status": answer.status}})
            return False
        return True


def signal_to_json(signal: Signal) -> dict[str, object]:
    """The signal as /hooks/signals takes it."""
    return {
        "source": signal.source.value,
        "key": signal.key,
        "name": signal.name,
        "state": signal.state.value,
        "started_at": signal.started_at.isoformat(),
        "summary": {"ja": signal.summary.ja, "en": signal.summary.en},
        "part": signal.part,
        "severity": int(signal.severity) if signal.severity else None,
        "sop": signal.sop,
        "labels": dict(signal.labels),
        "is_security": signal.is_security,
    }
