"""What the edge counted of one version, made whole: over restarts of the edge, with requests that hang."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Counters of one version at one moment; they only grow, and start at 0 when the edge starts.

    `begun`: requests passed on. `answered`: good answers (their head has arrived). `failed`: answers 5xx and
    answers that never came. `aborted`: given up by the client. `took`: answers by the time to their head,
    keyed by the lower end of the bucket in milliseconds."""

    begun: int = 0
    answered: int = 0
    failed: int = 0
    aborted: int = 0
    took: Mapping[int, int] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        return self.answered + self.failed

    def since(self, former: Counts) -> Counts:
        """What was added after `former`; all of it when the edge began anew in between."""
        if self.begun < former.begun or self.requests < former.requests:
            return self
        return Counts(
            begun=self.begun - former.begun,
            answered=max(0, self.answered - former.answered),
            failed=max(0, self.failed - former.failed),
            aborted=max(0, self.aborted - former.aborted),
            # A bucket may be forgotten by the edge (it expires), never shrink otherwise.
            took={
                low: number - was if number >= (was := former.took.get(low, 0)) else number
                for low, number in self.took.items()
            },
        )

    def plus(self, other: Counts) -> Counts:
        return Counts(
            begun=self.begun + other.begun,
            answered=self.answered + other.answered,
            failed=self.failed + other.failed,
            aborted=self.aborted + other.aborted,
            took={
                low: self.took.get(low, 0) + other.took.get(low, 0)
                for low in sorted({*self.took, *other.took})
            },
        )

    def count_over(self, threshold_ms: int) -> tuple[int, int]:
        """Answers below the threshold, and from it on."""
        slow = sum(number for low, number in self.took.items() if low >= threshold_ms)
        return sum(self.took.values()) - slow, slow


#: Fewer answers give no percentile worth comparing with.
_ENOUGH_FOR_P95: Final = 200


def find_percentile(took: Mapping[int, int], ratio: float) -> int | None:
    """The bucket in which that percentile lies (its lower end, ms); None without any answer."""
    total, seen = sum(took.values()), 0
    for low in sorted(took):
        seen += took[low]
        if seen >= ratio * total and total:
            return low
    return None


def choose_slow(took: Mapping[int, int], *, floor_ms: int) -> int | None:
    """From how many milliseconds on an answer is slow: above the bucket of the 95th percentile.

    None while too few answers are known."""
    if sum(took.values()) < _ENOUGH_FOR_P95:
        return None
    p95 = find_percentile(took, 0.95)
    return max(floor_ms, next_bucket(p95)) if p95 is not None else None


def next_bucket(low: int) -> int:
    """Buckets have one significant digit: 1, 2 … 9, 10, 20 … (see deploy/edge/haproxy.cfg)."""
    return low + 10 ** (len(str(low)) - 1) if low else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One version since the comparison began. `bad` and `slow` include requests that hang by now; what was
    once counted so stays, so that nothing is taken back when it is answered after all."""

    raw: Counts
    total: Counts = field(default_factory=Counts)
    good: int = 0
    bad: int = 0
    fast: int = 0
    slow: int = 0
    #: (moment, begun so far), newest last, as far back as a request may hang.
    recent: tuple[tuple[float, int], ...] = ()

    @property
    def requests(self) -> int:
        return self.good + self.bad

    def look(self, at_s: float, raw: Counts, *, slow_ms: int | None, hang_s: float) -> Side:
        """With one more look at the counters."""
        total = self.total.plus(raw.since(self.raw))
        recent = (*(one for one in self.recent if one[0] >= at_s - 2 * hang_s), (at_s, total.begun))
        seen = replace(self, raw=raw, total=total, recent=recent)
        fast, slow = total.count_over(slow_ms) if slow_ms is not None else (0, 0)
        late = seen._count_waiting(at_s - slow_ms / 1000) if slow_ms is not None else 0
        return replace(
            seen,
            good=total.answered,
            bad=max(self.bad, total.failed + seen._count_waiting(at_s - hang_s)),
            fast=fast,
            slow=max(self.slow, slow + late),
        )

    def _count_waiting(self, since_s: float) -> int:
        """At least so many requests that were begun by then are unanswered still."""
        done = self.total.requests + self.total.aborted
        begun = max((number for at, number in self.recent if at <= since_s), default=0)
        return max(0, begun - done)
