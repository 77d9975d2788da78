"""Doing what is due: once a second, from rows that outlive us.

Two kinds of doing. A *decision* runs inside the transaction that finishes its timer: what it writes and the
timer's end become true together, exactly once. *Work* (a probe, a call) runs outside under a lease: a crash
makes it due again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final

from hrx.kit import clock, ids, log
from hrx.kit.errors import HrxError
from hrx.ops.ledger.store import Connection
from hrx.ops.ledger.timers import Timer, finish_timer, lease_timer, list_due
from hrx.ops.run.plane import Plane

Decision = Callable[[Plane, Connection, Timer], None]
Work = Callable[[Plane, Timer], None]
#: Something to do at every tick that has no timer of its own, such as sending what is queued.
Round = Callable[[Plane], None]
_log = logging.getLogger("hrx.ops.tick")
_WORK_LEASE_S: Final = 120.0
#: A decision that keeps failing is a bug; it is tried again, but not in every second.
_RETRY_S: Final = 5.0
#: Many commits in a row are one reason to look.
_BREATH_S: Final = 0.02


class Ticker:
    """A thread that does what is due. Safe beside another of its kind on the same ledger."""

    def __init__(
        self,
        plane: Plane,
        *,
        decisions: Mapping[str, Decision],
        works: Mapping[str, Work],
        rounds: tuple[Round, ...] = (),
        every_s: float = 1.0,
        closing: tuple[Callable[[], None], ...] = (),
    ) -> None:
        self._plane = plane
        self._decisions = decisions
        self._works = works
        self._rounds = rounds
        self._every_s = every_s
        self._closing = closing
        self._failed_at: dict[int, float] = {}
        #: When the last tick ended; read by /heartbeat.
        self.ticked_at: datetime | None = None
        self._stop = threading.Event()
        self._woken = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="work")
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)

    def start(self) -> None:
        self._plane.ledger.store.on_due(self.wake)
        self._thread.start()

    def wake(self) -> None:
        """Look now rather than at the next second; from any thread, as often as one likes."""
        self._woken.set()

    def stop(self) -> None:
        """Ask the thread to end and wait for what it is at; work goes on being due."""
        self._stop.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._pool.shutdown(wait=False, cancel_futures=True)
        for close in self._closing:
            close()

    def tick(self) -> int:
        """Do what is due now; gives how many timers were taken up."""
        taken = self._decide() + self._start_work()
        for one in self._rounds:
            self._guard(one.__name__, lambda one=one: one(self._plane))  # type: ignore[misc]
        self.ticked_at = clock.now()
        return taken

    def _run(self) -> None:
        while not self._stop.is_set():
            started = clock.monotonic_s()
            self._woken.clear()
            try:
                self.tick()
            # A worker loop outlives a bug, and a ledger that cannot be written for a while.
            except Exception:  # noqa: BLE001
                _log.exception("tick.bug")
            self._woken.wait(max(0.05, self._every_s - (clock.monotonic_s() - started)))
            self._stop.wait(_BREATH_S)

    def _decide(self) -> int:
        with self._plane.ledger.store.read() as connection:
            due = list_due(connection, kinds=tuple(self._decisions))
        taken = 0
        for found in due:
            if clock.monotonic_s() - self._failed_at.get(found.id, -_RETRY_S) < _RETRY_S:
                continue
            taken += self._guard(found.kind, lambda found=found: self._decide_one(found), timer=found)  # type: ignore[misc]
        return taken

    def _decide_one(self, found: Timer) -> None:
        with self._plane.ledger.store.write() as connection:
            # Read again under the write lock: another process may have decided it meanwhile.
            still = [one for one in list_due(connection, kinds=(found.kind,)) if one.id == found.id]
            if not still:
                return
            finish_timer(connection, still[0])
            self._decisions[found.kind](self._plane, connection, still[0])

    def _start_work(self) -> int:
        if not self._works:
            return 0
        with self._plane.ledger.store.read() as connection:
            due = list_due(connection, kinds=tuple(self._works))
        taken = 0
        for found in due:
            with self._plane.ledger.store.write() as connection:
                is_ours = lease_timer(connection, found, for_s=_WORK_LEASE_S)
            if is_ours:
                taken += 1
                self._pool.submit(self._work_one, found)
        return taken

    def _work_one(self, found: Timer) -> None:
        def work() -> None:
            self._works[found.kind](self._plane, found)
            with self._plane.ledger.store.write() as connection:
                finish_timer(connection, found)

        self._guard(found.kind, work, timer=found)

    def _guard(self, what: str, do: Callable[[], None], *, timer: Timer | None = None) -> int:
        """Do one thing; what goes wrong in it must not keep the others from being done."""
        remembered = log.correlation_id.set(ids.new_correlation_id())
        try:
            do()
        except HrxError as error:
            _log.warning("tick.not_done", extra={"fields": {"what": what, "code": error.stable_code}})
        except Exception:  # noqa: BLE001
            _log.exception("tick.bug", extra={"fields": {"what": what}})
        else:
            return 1
        finally:
            log.correlation_id.reset(remembered)
        if timer is not None:
            self._failed_at[timer.id] = clock.monotonic_s()
        return 0
