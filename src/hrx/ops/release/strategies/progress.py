"""How far a rollout is: everything that the next process needs to go on or to undo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from hrx.ops.release.gating.judging import Reason
from hrx.ops.release.gating.observing import Observations
from hrx.ops.release.strategies.rollout import Rollout, Step, StepKind, plan_steps


class Stand(StrEnum):
    """Where a rollout stands."""

    RUNNING = "running"
    ASKING = "asking"
    UNDOING = "undoing"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"

    @property
    def is_over(self) -> bool:
        return self in (Stand.PROMOTED, Stand.ROLLED_BACK)


class Why(StrEnum):
    """Reasons that are not the gate's."""

    ASKED_FOR = "asked_for"
    NOT_STARTED = "not_started"
    STATE_NOT_SAVED = "state_not_saved"
    OLD_NOT_READY = "old_not_ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened: a step begun, a verdict, a process that went on after another."""

    at: datetime
    step: int
    stand: Stand
    reason: str = ""
    detail: str = ""


_KEPT_EVENTS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`step` counts from 0 in `plan_steps(rollout)`. `step_at`: when it began. `is_prepared`: its command was
    given once. `seen`: by service, of the comparison under way. `harm`: what earlier comparisons cost.
    `left_open`: requests that the old slot still served when the wait for them ended."""

    rollout: Rollout
    began_at: datetime
    step_at: datetime
    step: int = 0
    stand: Stand = Stand.RUNNING
    reason: Reason | Why | None = None
    is_prepared: bool = False
    is_withdrawn: bool = False
    seen: Mapping[str, Observations] = field(default_factory=dict)
    harm: float = 0.0
    left_open: int = 0
    events: tuple[Event, ...] = ()

    @property
    def current(self) -> Step | None:
        """The step under way; None after the last."""
        steps = plan_steps(self.rollout)
        return steps[self.step] if self.step < len(steps) else None

    @property
    def total_harm(self) -> float:
        """Bad answers so far that the old version would not have given."""
        return self.harm + sum(one.harm - one.harm_before for one in self.seen.values())

    @property
    def is_settled(self) -> bool:
        """Whether nothing is to be done until a person answers: nobody is sent to a version on trial."""
        step = self.current
        is_trial = step is not None and step.kind is StepKind.SHARE
        is_spent = self.reason is Reason.HARM_BUDGET_SPENT
        has_no_way_back = self.reason is Why.OLD_NOT_READY
        is_safe = self.is_withdrawn or has_no_way_back or not (is_trial or is_spent)
        return self.stand is Stand.ASKING and is_safe

    def step_s(self, now: datetime) -> float:
        """Seconds since this step (or the way back) began."""
        return max(0.0, (now - self.step_at).total_seconds())

    def go_to(self, step: int, *, now: datetime) -> Self:
        """At the beginning of another step; after the last one everything is done."""
        is_last = step >= len(plan_steps(self.rollout))
        changed = replace(
            self,
            step=step,
            step_at=now,
            stand=Stand.PROMOTED if is_last else Stand.RUNNING,
            reason=None,
            is_prepared=False,
            is_withdrawn=False,
            harm=self.total_harm,
            seen={},
        )
        return changed.note(now)

    def stop(self, stand: Stand, reason: Reason | Why, *, now: datetime, detail: str = "") -> Self:
        """Asking, or on the way back."""
        changed = replace(self, stand=stand, reason=reason, step_at=now, is_prepared=False)
        return changed.note(now, detail=detail)

    def note(self, now: datetime, *, detail: str = "") -> Self:
        event = Event(at=now, step=self.step, stand=self.stand, reason=self.reason or "", detail=detail)
        return replace(self, events=(*self.events, event)[-_KEPT_EVENTS:])
