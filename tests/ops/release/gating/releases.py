"""Releases that never happened: two versions with known ratios of bad and slow answers, counted as the edge
counts."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from hrx.ops.release.gating.counting import Counts
from hrx.ops.release.gating.judging import Judgement, judge
from hrx.ops.release.gating.observing import Look, Observations
from hrx.ops.release.gating.policy import Policy

QUICK_MS, SLOW_MS = 10, 80
#: Of the old version before: 0.2 % bad, 5 % slow.
BASELINE = Counts(begun=5000, answered=4990, failed=10, took={QUICK_MS: 4500, 30: 260, SLOW_MS: 240})


@dataclass(kw_only=True)
class Version:
    """One version's counters. `hangs`: its requests are never answered."""

    bad: float = 0.002
    slow: float = 0.05
    hangs: bool = False
    begun: int = 0
    answered: int = 0
    failed: int = 0
    took: dict[int, int] = field(default_factory=dict)

    def answer(self, chance: random.Random, *, is_busy: bool = False) -> None:
        self.begun += 1
        if self.hangs:
            return
        if chance.random() < self.bad:
            self.failed += 1
        else:
            self.answered += 1
        low = SLOW_MS if chance.random() < max(self.slow, 0.9 * is_busy) else QUICK_MS
        self.took[low] = self.took.get(low, 0) + 1

    def counts(self) -> Counts:
        return Counts(begun=self.begun, answered=self.answered, failed=self.failed, took=dict(self.took))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a comparison ended, after how many seconds; bad answers of the new version until then."""

    judgement: Judgement
    after_s: float
    bad: int
    requests: int


def release(
    seed: int,
    *,
    old: Version,
    new: Version,
    requests_per_s: float,
    share: float = 0.1,
    policy: Policy | None = None,
    look_s: float = 0.25,
    baseline: Counts = BASELINE,
    busy: tuple[float, float] = (0.0, 0.0),
    until_s: float = math.inf,
) -> Outcome:
    """One comparison from its first request to the judge's verdict, or to `until_s`.

    `busy`: from when until when the machine is too busy for both: nine answers in ten are slow, and the edge,
    which waits for 2 s, finds both late for its check."""
    chosen = policy or Policy()
    chance = random.Random(seed)  # noqa: S311
    seen = Observations.begin(
        chosen, old=old.counts(), new=new.counts(), baseline=baseline, is_alone=share == 1
    )
    at_s = owed = 0.0
    while True:
        at_s += look_s
        owed += requests_per_s * look_s
        while owed >= 1:
            owed -= 1
            (new if chance.random() < share else old).answer(chance, is_busy=busy[0] <= at_s < busy[1])
        is_late = busy[0] + 2.5 <= at_s < busy[1]
        look = Look(
            at_s=at_s,
            old=old.counts(),
            new=new.counts(),
            is_new_ready=not is_late,
            is_old_late=is_late,
            is_new_late=is_late,
        )
        seen = seen.add(look, chosen)
        judgement = judge(seen, chosen)
        if judgement.verdict is not None or at_s >= until_s:
            return Outcome(judgement=judgement, after_s=at_s, bad=new.failed, requests=new.begun)
