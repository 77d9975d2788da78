"""Releases that only happen in figures, before the very judge that decides over real ones: many, in seconds.

Each request goes to the new version by chance, as the edge's weights do it. Looks
come four times a second, as in a rollout. What is not simulated: the way of a command to the edge, and
requests under way meanwhile (the real trials have both)."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from hrx.ops.release.gating.counting import Counts
from hrx.ops.release.gating.judging import Reason, Verdict, judge
from hrx.ops.release.gating.observing import Look, Observations
from hrx.ops.release.gating.policy import Policy
from hrx.ops.release.releases import Slot
from hrx.ops.release.strategies.rollout import Rollout, StepKind, Strategy, plan_steps, stage_policy
from hrx.ops.release.strategies.running import LOOK_S

#: Of the old version, always: a normal day's errors, and by definition 5 % above the 95th percentile.
OLD_BAD, SLOW = 0.002, 0.05
_QUICK_MS, _SLOW_MS = 10, 80
_PAST: Final = 2000


@dataclass(kw_only=True)
class _Version:
    bad: float
    begun: int = 0
    failed: int = 0
    took: dict[int, int] = field(default_factory=dict)

    def answer(self, chance: random.Random) -> None:
        self.begun += 1
        self.failed += chance.random() < self.bad
        low = _SLOW_MS if chance.random() < SLOW else _QUICK_MS
        self.took[low] = self.took.get(low, 0) + 1

    def counts(self) -> Counts:
        return Counts(
            begun=self.begun, answered=self.begun - self.failed, failed=self.failed, took=dict(self.took)
        )


@dataclass(frozen=True, kw_only=True)
class Trial:
    """How one release ended, after how many seconds; bad answers of the new version until then."""

    verdict: Verdict
    reason: Reason
    took_s: float
    bad: int


def simulate(seed: int, *, requests_per_s: float, bad: float) -> Trial:
    """A canary of one service with the product's own defaults, stage after stage, to its end."""
    rollout = Rollout(
        id="x", release_id="x", strategy=Strategy.CANARY, new=Slot.GREEN, services=("api",), policy=Policy()
    )
    policy, chance = stage_policy(rollout), random.Random(seed)  # noqa: S311
    old, new = _Version(bad=OLD_BAD), _Version(bad=bad)
    for _ in range(_PAST):
        old.answer(chance)
    total_s = harm = 0.0
    reason = Reason.WATCHING
    for step in plan_steps(rollout):
        if step.kind not in (StepKind.SHARE, StepKind.WATCH):
            continue
        percent = step.percent if step.kind is StepKind.SHARE else 100
        seen = Observations.begin(
            policy,
            old=old.counts(),
            new=new.counts(),
            baseline=old.counts(),
            is_alone=percent == 100,
            harm_before=harm,
        )
        at_s = owed = 0.0
        while True:
            at_s += LOOK_S
            owed += requests_per_s * LOOK_S
            while owed >= 1:
                owed -= 1
                (new if chance.random() * 100 < percent else old).answer(chance)
            seen = seen.add(Look(at_s=at_s, old=old.counts(), new=new.counts()), policy)
            found = judge(seen, policy)
            is_watched = percent == 100 and at_s >= rollout.watch_s
            if found.verdict is Verdict.PROMOTE or (is_watched and found.verdict is not Verdict.ROLL_BACK):
                break
            if found.verdict is not None:
                return Trial(
                    verdict=found.verdict, reason=found.reason, took_s=total_s + at_s, bad=new.failed
                )
        total_s += at_s
        harm, reason = seen.harm, found.reason
    return Trial(verdict=Verdict.PROMOTE, reason=reason, took_s=total_s, bad=new.failed)


def count_verdicts(trials: list[Trial]) -> dict[str, int]:
    return dict(Counter(f"{one.verdict}: {one.reason}" for one in trials))
