"""One line of progress for each thing done, whoever shows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from hrx.kit.errors import HrxError, Text


class Outcome(StrEnum):
    """How a step ended."""

    DONE = "done"
    UNCHANGED = "unchanged"
    DEGRADED = "degraded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One finished step."""

    name: Text
    seconds: float
    outcome: Outcome
    note: Text | None = None


Report = Callable[[Event], None]


def silent(_: Event) -> None:
    """A Report for tests."""


@dataclass(slots=True)
class Ongoing:
    """What a running step may say about its end."""

    outcome: Outcome = Outcome.DONE
    notes: list[Text] = field(default_factory=list)

    def unchanged(self) -> None:
        self.outcome = Outcome.UNCHANGED

    def degraded(self, note: Text) -> None:
        self.outcome = Outcome.DEGRADED
        self.notes.append(note)


@contextmanager
def step(report: Report, *, ja: str, en: str) -> Iterator[Ongoing]:
    """Time a step and report its end, also when it fails."""
    started = time.monotonic()
    ongoing = Ongoing()
    name = Text(ja=ja, en=en)
    try:
        yield ongoing
    except HrxError:
        report(Event(name=name, seconds=time.monotonic() - started, outcome=Outcome.FAILED))
        raise
    note = None
    if ongoing.notes:
        note = Text(ja="、".join(n.ja for n in ongoing.notes), en="; ".join(n.en for n in ongoing.notes))
    report(Event(name=name, seconds=time.monotonic() - started, outcome=ongoing.outcome, note=note))
