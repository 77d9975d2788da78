"""What the console does besides showing pages: it looks, it takes in signals, and it does what is due.

Each room names its own decisions, works and rounds; here they become one ticker, so that an order among them
is seen in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from hrx.ops.channels.opening import open_channels
from hrx.ops.communication import timers as communication_timers
from hrx.ops.incidents import timers as incident_timers
from hrx.ops.incidents.intake import take_signals
from hrx.ops.observe.blindness.watching import RuleWatch
from hrx.ops.observe.logs.keeping import LogKeeper
from hrx.ops.observe.watching import Watcher
from hrx.ops.paging import timers as paging_timers
from hrx.ops.paging.sender import Sender
from hrx.ops.run import timers as run_timers
from hrx.ops.run.evidence_retention import EvidenceKeeper
from hrx.ops.run.plane import Plane
from hrx.ops.run.resting import SlotKeeper
from hrx.ops.run.rollouts import RolloutKeeper
from hrx.ops.signal import Signal
from hrx.ops.tick import Decision, Round, Ticker, Work
from hrx.ops.triage import timers as triage_timers
from hrx.ops.triage.standing import StandingQuestions

DECISIONS: Final[Mapping[str, Decision]] = {
    **incident_timers.DECISIONS,
    **communication_timers.DECISIONS,
    **paging_timers.DECISIONS,
}
WORKS: Final[Mapping[str, Work]] = {**triage_timers.WORKS, **run_timers.WORKS}
ROUNDS: Final[tuple[Round, ...]] = (
    *communication_timers.ROUNDS,
    *paging_timers.ROUNDS,
    *triage_timers.ROUNDS,
)


def make_ticker(plane: Plane) -> Ticker:
    """The one ticker of this console, not started yet."""
    sender = Sender(plane, open_channels(plane.settings))
    keeper = LogKeeper(plane)
    standing = make_standing_questions(plane)
    evidence = EvidenceKeeper()
    rollouts, slots = RolloutKeeper(), SlotKeeper()
    return Ticker(
        plane,
        decisions=DECISIONS,
        works=WORKS,
        # Last, so that what the others wanted said leaves in the same tick.
        rounds=(
            *ROUNDS,
            keeper.keep,
            evidence.keep,
            rollouts.keep,
            slots.keep,
            standing.ask_when_due,
            sender.send_due,
        ),
        closing=(sender.close, keeper.close, standing.close),
    )


def make_standing_questions(plane: Plane) -> StandingQuestions:
    """What no series tells, asked again and again and told to the incidents."""

    def tell(signals: Sequence[Signal]) -> None:
        take_signals(plane, signals)

    return StandingQuestions(plane, tell=tell)


def make_rule_watch(plane: Plane) -> RuleWatch:
    """Whether every rule can see, told to the incidents; not started yet."""

    def tell(signals: Sequence[Signal]) -> None:
        take_signals(plane, signals)

    return RuleWatch(plane, tell=tell)


def make_watcher(plane: Plane) -> Watcher:
    """The watcher, telling what it sees to the incidents."""

    def tell(signals: Sequence[Signal]) -> None:
        take_signals(plane, signals)

    return Watcher(plane, tell=tell)
