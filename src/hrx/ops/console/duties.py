"""What the console does besides showing pages: it looks, it takes in signals, and it does what is due.

Each room names its own decisions, works and rounds; here they become one ticker, so that an order among them
is seen in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from hrx.ops.communication import timers as communication_timers
from hrx.ops.incidents import timers as incident_timers
from hrx.ops.incidents.intake import take_signals
from hrx.ops.observe.watching import Watcher
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Signal
from hrx.ops.tick import Decision, Round, Ticker, Work

DECISIONS: Final[Mapping[str, Decision]] = {
    **incident_timers.DECISIONS,
    **communication_timers.DECISIONS,
}
WORKS: Final[Mapping[str, Work]] = {}
ROUNDS: Final[tuple[Round, ...]] = (*communication_timers.ROUNDS,)


def make_ticker(plane: Plane) -> Ticker:
    """The one ticker of this console, not started yet."""
    return Ticker(plane, decisions=DECISIONS, works=WORKS, rounds=ROUNDS)


def make_watcher(plane: Plane) -> Watcher:
    """The watcher, telling what it sees to the incidents."""

    def tell(signals: Sequence[Signal]) -> None:
        take_signals(plane, signals)

    return Watcher(plane, tell=tell)
