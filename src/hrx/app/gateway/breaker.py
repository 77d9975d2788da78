"""Lets a target rest that fails again and again, so that nobody waits for it; then tries it with one request.

In memory of each process: with N processes a dead target meets N times as many tries."""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import Final

from hrx.app.gateway.failures import FailureKind, VendorFailure
from hrx.kit import clock

_WINDOW: Final = 20
_AT_LEAST: Final = 3
_SHARE: Final = 0.5
REST_S: Final = 10.0
_LONGEST_REST_S: Final = 300.0


class BreakerState(StrEnum):
    """CLOSED lets everything through, TRYING one request (the rest is over), OPEN none."""

    CLOSED = "closed"
    TRYING = "trying"
    OPEN = "open"


class Breaker:
    """The last results of one target."""

    def __init__(self) -> None:
        self._results: deque[bool] = deque(maxlen=_WINDOW)
        self._rests_until_s: float | None = None
        self._is_trying = False

    @property
    def state(self) -> BreakerState:
        if self._rests_until_s is None:
            return BreakerState.CLOSED
        return BreakerState.TRYING if self._is_trying or self.wait_s() == 0 else BreakerState.OPEN

    def take(self) -> bool:
        """Whether a request may go now. After a rest exactly one may; its result decides."""
        if self._rests_until_s is None:
            return True
        if self._is_trying or clock.monotonic_s() < self._rests_until_s:
            return False
        self._is_trying = True
        return True

    def wait_s(self) -> float:
        """How long nothing goes through; 0 when something may."""
        if self._rests_until_s is None:
            return 0.0
        return max(0.0, self._rests_until_s - clock.monotonic_s())

    def note_success(self) -> None:
        self._is_trying = False
        if self._rests_until_s is not None:
            self._rests_until_s = None
            self._results.clear()
        self._results.append(True)

    def note_nothing(self) -> None:
        """The request was taken back before its result was known."""
        self._is_trying = False

    def note_failure(self, failure: VendorFailure) -> None:
        """What is wrong with the question says nothing about the target."""
        was_trying, self._is_trying = self._is_trying, False
        if failure.kind is FailureKind.INVALID_REQUEST:
            return
        self._results.append(False)
        if failure.retry_after_s:
            self._rest(failure.retry_after_s)
        elif failure.kind is FailureKind.AUTHENTICATION or was_trying or self._fails_often():
            self._rest(REST_S)

    def _fails_often(self) -> bool:
        failed = self._results.count(False)
        return failed >= _AT_LEAST and failed >= _SHARE * len(self._results)

    def _rest(self, for_s: float) -> None:
        self._rests_until_s = clock.monotonic_s() + min(for_s, _LONGEST_REST_S)
