"""Duties done every so often, each on a thread of its own: a slow copy elsewhere holds up nothing else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError
from hrx.ops.recovery.duties import SideDuty

_log = logging.getLogger("hrx.ops.recovery")
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0
#: Told again after so many failures in a row: the log must not fill while a disk is away.
_TOLD_EVERY: Final = 20


@dataclass(slots=True)
class DutyState:
    """How a duty goes; `failure` is what went wrong at the last try, None when it went well."""

    name: str
    failure: str | None = None
    failures: int = 0
    runs: int = 0
    ended_at_s: float | None = None


class Worker:
    """One duty on its thread. What it must finish before the end is done by `stop` once more."""

    def __init__(self, duty: SideDuty) -> None:
        self.state = DutyState(name=duty.name)
        self._duty = duty
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._work, name=duty.name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask_to_end(self) -> None:
        self._ends.set()

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def run_once(self) -> bool:
        """Gives whether it went well; never raises."""
        try:
            self._duty.run()
        # A duty that goes wrong is tried again; it must not end the others, whatever it raises.
        except Exception as error:  # noqa: BLE001
            self.state.failures += 1
            self.state.failure = error.message.en if isinstance(error, HrxError) else type(error).__name__
            if self.state.failures % _TOLD_EVERY == 1:
                _log.exception("duty %s failed (%d in a row)", self._duty.name, self.state.failures)
            return False
        if self.state.failures:
            _log.info("duty %s is well again after %d failures", self._duty.name, self.state.failures)
        self.state.failure, self.state.failures = None, 0
        self.state.runs += 1
        self.state.ended_at_s = clock.monotonic_s()
        return True

    def _work(self) -> None:
        pause_s = 0.0
        while not self._ends.wait(pause_s):
            if self.run_once():
                pause_s = self._duty.every_s
            else:
                tries = min(self.state.failures - 1, 10)
                pause_s = max(self._duty.every_s, min(_FIRST_PAUSE_S * 2**tries, _LONGEST_PAUSE_S))


def failing(workers: Sequence[Worker]) -> dict[str, str]:
    """By name: what went wrong with the duties whose last try failed."""
    return {one.state.name: one.state.failure for one in workers if one.state.failure is not None}
