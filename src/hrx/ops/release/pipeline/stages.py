"""Stages, a run of them, and where each stands; pure, and knowing neither processes nor files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.release.releases import Outcome


class Where(StrEnum):
    """On which way a stage belongs."""

    ANY = "any"
    PRODUCTION = "production"


class Reads(StrEnum):
    """What a command's JSON says."""

    #: Nothing that is read: its exit code alone counts.
    NOTHING = "nothing"
    CHECK = "check"
    RELEASE = "release"


class OnDeath(StrEnum):
    """What becomes of a stage that was killed before its end."""

    AGAIN = "again"
    ASK = "ask"


class Goal(StrEnum):
    """How far a run goes."""

    STAGING = "staging"
    PRODUCTION = "production"


class Stand(StrEnum):
    """Where one stage stands."""

    WAITING = "waiting"
    RUNNING = "running"
    ASKING = "asking"
    HELD = "held"
    PASSED = "passed"
    #: It ended well and did not look at what it should have looked at.
    NOT_CHECKED = "not_checked"
    FAILED = "failed"
    STOPPED = "stopped"
    #: Something that it needs failed or was stopped.
    BLOCKED = "blocked"


DONE: Final = frozenset({Stand.PASSED, Stand.NOT_CHECKED})
BROKEN: Final = frozenset({Stand.FAILED, Stand.STOPPED, Stand.BLOCKED})
#: Begins when what it needs is done.
OPEN: Final = frozenset({Stand.WAITING, Stand.ASKING, Stand.HELD})


class RunStand(StrEnum):
    """Where a whole run stands. UNCHECKED: to its end, but not everything was looked at."""

    RUNNING = "running"
    WAITING = "waiting"
    LEFT = "left"
    PASSED = "passed"
    UNCHECKED = "unchecked"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def is_over(self) -> bool:
        """To its end; FAILED and STOPPED can be gone on with, but nobody has to."""
        return self in (RunStand.PASSED, RunStand.UNCHECKED, RunStand.FAILED, RunStand.STOPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage. `command` is empty for an approval. `changes` and `resume` are None where nothing is left
    behind: such a stage is begun again."""

    id: str
    title: Text
    why: Text
    needs: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    timeout_s: float = 0.0
    where: Where = Where.ANY
    reads: Reads = Reads.NOTHING
    changes: Text | None = None
    resume: Text | None = None
    on_death: OnDeath = OnDeath.AGAIN
    if_it_fails: Text | None = None

    @property
    def is_approval(self) -> bool:
        return not self.command


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """All stages, each after those that it needs. `authors`: operator by e-mail of a commit's author."""

    stages: tuple[Stage, ...]
    authors: Mapping[str, str] = field(default_factory=dict)

    def list_for(self, goal: Goal) -> tuple[Stage, ...]:
        """The stages of one way."""
        return tuple(one for one in self.stages if goal is Goal.PRODUCTION or one.where is Where.ANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run. `stages` are kept with it: an edited definition changes no run that has begun. `release_id`
    is empty until it was built."""

    id: str
    environment: str
    goal: Goal
    commit: str
    began_by: str
    began_at: datetime
    stages: tuple[Stage, ...]
    release_id: str = ""

    def get_stage(self, name: str) -> Stage:
        """Raises KeyError."""
        return {one.id: one for one in self.stages}[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRecord:
    """Where one stage stands. `attempt` counts from 1; `exit_code` is None where no program ended. `says` is
    for people, `outcome` for machines."""

    stage: str
    stand: Stand = Stand.WAITING
    attempt: int = 0
    began_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    says: Text | None = None

    @property
    def outcome(self) -> Outcome | None:
        """As a release's check; None before its end."""
        return {
            Stand.PASSED: Outcome.PASSED,
            Stand.NOT_CHECKED: Outcome.NOT_CHECKED,
            Stand.FAILED: Outcome.FAILED,
        }.get(self.stand)

    def lasted_s(self, now: datetime) -> float | None:
        """How long it ran, or has been running."""
        if self.began_at is None:
            return None
        return ((self.ended_at or now) - self.began_at).total_seconds()


Records = Mapping[str, StageRecord]


def list_needs(stage: Stage, stages: Sequence[Stage]) -> frozenset[str]:
    """Everything before it. A check that is repeated keeps back what comes long after it."""
    by_id = {one.id: one for one in stages}
    found: set[str] = set()
    left = [*stage.needs]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += by_id[name].needs
    return frozenset(found)


def is_ready(stage: Stage, stages: Sequence[Stage], records: Records) -> bool:
    """Whether it waits for nothing but its turn."""
    needs = list_needs(stage, stages)
    return records[stage.id].stand in OPEN and all(records[one].stand in DONE for one in needs)


def is_blocked(stage: Stage, stages: Sequence[Stage], records: Records) -> bool:
    """Whether something that it needs will not be done."""
    needs = list_needs(stage, stages)
    return records[stage.id].stand in OPEN and any(records[one].stand in BROKEN for one in needs)


def stand_of(stages: Sequence[Stage], records: Records, *, is_worked_on: bool) -> RunStand:
    """The run as a whole; `is_worked_on`: somebody drives it now."""
    stands = [records[one.id].stand for one in stages]
    if Stand.RUNNING in stands:
        return RunStand.RUNNING if is_worked_on else RunStand.LEFT
    ready = [records[one.id].stand for one in stages if is_ready(one, stages, records)]
    if Stand.WAITING in ready:
        return RunStand.RUNNING if is_worked_on else RunStand.LEFT
    if ready:
        return RunStand.WAITING
    if Stand.STOPPED in stands:
        return RunStand.STOPPED
    if Stand.FAILED in stands:
        return RunStand.FAILED
    return RunStand.UNCHECKED if Stand.NOT_CHECKED in stands else RunStand.PASSED
