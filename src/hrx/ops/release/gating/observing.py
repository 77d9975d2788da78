"""What has been seen of a new version beside the old one: looks at counters, folded into sums and evidence.

Sums are all that is kept, so a comparison of hours is as small as one of seconds, and goes on after the
process that watched was killed (see `keeping`)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Final, Self

from hrx.ops.release.gating.counting import Counts, Side, choose_slow
from hrx.ops.release.gating.evidence import WORSE, total_evidence, upper_bound, weigh_alone, weigh_batch
from hrx.ops.release.gating.policy import Policy

#: Requests in a batch, at least; more would tell more of each bad answer, but later (see `evidence`).
#: When a batch ends must not depend on how its requests went.
BATCH: Final = 20
_NOTHING: Final = tuple(0.0 for _ in WORSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at both versions' counters, `at_s` seconds after the comparison began."""

    at_s: float
    old: Counts
    new: Counts
    is_new_ready: bool = True
    #: They did not answer the edge's check in time.
    is_old_late: bool = False
    is_new_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """Evidence so far for one kind of bad, and where the batch that is open began (bad, all; new, old)."""

    logs: tuple[float, ...] = _NOTHING
    begun_at: tuple[int, int, int, int] = (0, 0, 0, 0)

    def pass_over(self, now: tuple[int, int, int, int]) -> Weighing:
        """Without what came since, and without what spoke for "worse": both were seen on a machine that was
        too busy. What spoke against it stays, so that a pass never adds to the evidence."""
        return Weighing(logs=tuple(min(0.0, log) for log in self.logs), begun_at=now)

    def add(self, now: tuple[int, int, int, int], *, bound: float | None, tolerated_odds: float) -> Weighing:
        """With what came since, when it makes a batch. `bound`: of the old version's ratio before, when
        nobody is sent to it any more; None while both take requests."""
        new_bad, new_all, old_bad, old_all = (
            is_now - was for is_now, was in zip(now, self.begun_at, strict=True)
        )
        if new_all < 1 or (bound is None and (new_all + old_all < BATCH or not old_all)):
            return self
        if bound is None:
            more = weigh_batch(
                new_bad=new_bad,
                new_all=new_all,
                old_bad=old_bad,
                old_all=old_all,
                tolerated_odds=tolerated_odds,
            )
        else:
            more = weigh_alone(new_bad=new_bad, new_all=new_all, bound=bound, tolerated_odds=tolerated_odds)
        return Weighing(logs=tuple(a + b for a, b in zip(self.logs, more, strict=True)), begun_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """Everything `judge` needs. `baseline`: what the old version did before; `harm_before`: bad answers that
    earlier comparisons of the same release have cost. `is_alone`: the new version has all requests, and is
    compared with the baseline."""

    baseline: Counts
    old: Side
    new: Side
    slow_ms: int | None
    is_alone: bool = False
    harm_before: float = 0.0
    at_s: float = 0.0
    ready_at_s: float | None = None
    unready_since_s: float | None = None
    #: Sums of (new slow, new all, old slow, old all) when timing began: the first answers are not timed.
    timed_from: tuple[int, int, int, int] | None = None
    errors: Weighing = field(default_factory=Weighing)
    latency: Weighing = field(default_factory=Weighing)
    #: When the old version's own check was last late, and since when the new one is shown to be slower.
    old_late_at_s: float | None = None
    is_new_late: bool = False
    slower_since_s: float | None = None

    @classmethod
    def begin(
        cls,
        policy: Policy,
        *,
        old: Counts,
        new: Counts,
        baseline: Counts,
        is_alone: bool = False,
        harm_before: float = 0.0,
    ) -> Self:
        """At a moment with these counters, after the old version's `baseline`."""
        return cls(
            baseline=baseline,
            old=Side(raw=old),
            new=Side(raw=new),
            slow_ms=choose_slow(baseline.took, floor_ms=policy.slow_floor_ms),
            is_alone=is_alone,
            harm_before=harm_before,
        )

    def add(self, look: Look, policy: Policy) -> Self:
        """With one more look."""
        slow_ms = self.slow_ms
        if slow_ms is None:
            known = self.baseline.plus(self.old.total)
            slow_ms = choose_slow(known.took, floor_ms=policy.slow_floor_ms)
        old = self.old.look(look.at_s, look.old, slow_ms=slow_ms, hang_s=policy.hang_s)
        new = self.new.look(look.at_s, look.new, slow_ms=slow_ms, hang_s=policy.hang_s)
        late_at_s = look.at_s if look.is_old_late else self.old_late_at_s
        seen = replace(
            self,
            old=old,
            new=new,
            slow_ms=slow_ms,
            at_s=look.at_s,
            old_late_at_s=late_at_s,
            is_new_late=look.is_new_late,
        )
        return seen._with_readiness(look)._with_errors(policy)._with_latency(policy)

    def is_starved(self, policy: Policy) -> bool:
        """Whether the machine was too busy lately for the old version, too: then nothing is the new one's."""
        return self.old_late_at_s is not None and self.at_s - self.old_late_at_s < policy.starved_for_s

    @property
    def old_ratio(self) -> float:
        """The old version's ratio of bad answers: now when it answers enough, else before."""
        if self.old.requests >= BATCH * 5:
            return self.old.bad / self.old.requests
        all_known = self.old.requests + self.baseline.requests
        return (self.old.bad + self.baseline.failed) / all_known if all_known else 0.0

    @property
    def harm(self) -> float:
        """Bad answers that people would not have had from the old version, at the likeliest."""
        return max(0.0, self.harm_before + self.new.bad - self._expected_bad)

    @property
    def harm_beyond_chance(self) -> float:
        """The same less two standard deviations of what the old version's ratio gives by chance: where the
        old version fails often, a few more of many are no sign."""
        return self.harm - 2 * math.sqrt(self._expected_bad)

    @property
    def _expected_bad(self) -> float:
        return self.old_ratio * self.new.requests

    @property
    def timed(self) -> tuple[int, int, int, int]:
        """(new slow, new all, old slow, old all) since timing began."""
        if self.timed_from is None:
            return (0, 0, 0, 0)
        now, since = self._count_timed(), self.timed_from
        return (now[0] - since[0], now[1] - since[1], now[2] - since[2], now[3] - since[3])

    def _count_timed(self) -> tuple[int, int, int, int]:
        new, old = self.new, self.old
        return new.slow, new.fast + new.slow, old.slow, old.fast + old.slow

    def _with_readiness(self, look: Look) -> Self:
        if look.is_new_ready:
            ready_at_s = look.at_s if self.ready_at_s is None else self.ready_at_s
            return replace(self, ready_at_s=ready_at_s, unready_since_s=None)
        since = look.at_s if self.unready_since_s is None else self.unready_since_s
        return replace(self, unready_since_s=since)

    def _with_errors(self, policy: Policy) -> Self:
        new, old = self.new, self.old
        past = self.baseline
        bound = upper_bound(past.failed, past.requests, policy.alpha / 4) if self.is_alone else None
        now = (new.bad, new.requests, old.bad, old.requests)
        return replace(self, errors=self.errors.add(now, bound=bound, tolerated_odds=1.0))

    def _with_latency(self, policy: Policy) -> Self:
        if self.slow_ms is None:
            return self
        if self.timed_from is None:
            # One that answers nothing never becomes warm; then time decides.
            is_warm = self.new.fast + self.new.slow >= policy.latency_grace or self.at_s >= policy.hang_s
            return replace(self, timed_from=self._count_timed()) if is_warm else self
        if self.is_alone and self.is_starved(policy):
            return replace(self, latency=self.latency.pass_over(self.timed), slower_since_s=None)
        fast, slow = self.baseline.count_over(self.slow_ms)
        bound = upper_bound(slow, fast + slow, policy.alpha / 4) if self.is_alone else None
        latency = self.latency.add(self.timed, bound=bound, tolerated_odds=policy.tolerated_slow_odds)
        is_slower = total_evidence(latency.logs) >= policy.evidence_needed
        since_s = (self.at_s if self.slower_since_s is None else self.slower_since_s) if is_slower else None
        return replace(self, latency=latency, slower_since_s=since_s)
