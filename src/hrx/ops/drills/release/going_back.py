"""Drills of the way back as the edge does it: the former version still warm, and stopped meanwhile."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Final

from hrx.kit import clock
from hrx.ops.drills.release.shipping import deploy_next, ensure_live, wait_until_settled
from hrx.ops.drills.release.stack import Stack, stuck
from hrx.ops.drills.release.standing import ask_version
from hrx.ops.drills.release.watching import Watch
from hrx.ops.release.deploying import SERVICES
from hrx.ops.release.releases import Release
from hrx.ops.release.strategies.progress import Progress, Stand
from hrx.ops.release.strategies.running import roll_back

_SEEN_WITHIN_S: Final = 60.0
_STOPS_WITHIN_S: Final = 60.0
_PAUSE_S: Final = 0.002


@dataclass
class _Lookout:
    """Asks both services through the edge, again and again, until each answers as this release."""

    stack: Stack
    release: Release
    seen_s: float | None = None
    _thread: threading.Thread | None = field(default=None, repr=False)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def wait(self) -> float:
        """The moment (monotonic, s). Raises Unavailable when it does not come."""
        if self._thread is not None:
            self._thread.join(2 * _SEEN_WITHIN_S)
        if self.seen_s is None:
            raise stuck(f"people do not get {self.release.id} back")
        return self.seen_s

    def _work(self) -> None:
        wanted, until_s = self.release.commit[:12], time.monotonic() + _SEEN_WITHIN_S
        while time.monotonic() < until_s:
            if all(ask_version(self.stack, service) == wanted for service in SERVICES):
                self.seen_s = clock.monotonic_s()
                return
            time.sleep(_PAUSE_S)


def go_back_warm(stack: Stack, watch: Watch) -> None:
    """A release that is live is taken back at once; the one before it was kept warm."""
    former = ensure_live(stack)
    with watch.people(stack):
        deploy_next(stack, watch)
        began_s, moved_s, seen_s = _roll_back(stack, former)
        watch.note("warm_ms", (moved_s - began_s) * 1000)
        watch.note("warm_seen_ms", (seen_s - began_s) * 1000)
        _settle(stack)
    watch.expect_on(stack, former)


def go_back_cold(stack: Stack, watch: Watch) -> None:
    """The same after the one before was stopped: it is started first, and nobody is sent to it before."""
    former = ensure_live(stack)
    with watch.people(stack):
        deploy_next(stack, watch)
        old = stack.rollouts.get().rollout.old
        for service in SERVICES:
            stack.hands.edge.rest(service, old)
            stack.hands.stop(service, old)
        began_s, _, seen_s = _roll_back(stack, former)
        watch.note("cold_s", seen_s - began_s)
        _settle(stack)
    watch.expect_on(stack, former)


def _roll_back(stack: Stack, former: Release) -> tuple[float, float, float]:
    """When it was asked for, when the edge had obeyed, when people got the former version (monotonic, s)."""
    lookout, moved = _Lookout(stack, former), []
    lookout.start()

    def note(progress: Progress) -> None:
        if progress.stand is Stand.UNDOING:
            moved.append(clock.monotonic_s())

    began_s = clock.monotonic_s()
    done = roll_back(stack.rollouts, stack.hands, tell=note)
    if done.stand is not Stand.ROLLED_BACK or not moved:
        raise stuck(f"the way back is {done.stand}")
    return began_s, moved[-1], lookout.wait()


def _settle(stack: Stack) -> None:
    """The worker and the records follow: by this command, or by the operations plane when it was faster."""
    stack.hrx("rollback", "--yes")
    wait_until_settled(stack)
