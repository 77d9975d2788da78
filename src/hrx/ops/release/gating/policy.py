"""What a new version must keep to, and how sure we want to be: the gate's parameters with their reasons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from hrx.kit.errors import Invalid, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Limits of one comparison. Ratios are of requests (0–1), times in seconds or milliseconds.

    `harm_budget`: bad answers beyond what the old version gives, before people are taken away from the new
    one.
    `alpha`: chance, at most, that a version no worse than the old one is rolled back, however often one
    looks.
    `beta`: chance, at most, that a version worse than tolerated is promoted.
    `tolerated_errors`: how much larger the new version's ratio of bad answers may be (0.02: two in a
    hundred).
    `tolerated_slow`: the same of answers slower than the old version's 95th percentile.
    `tolerated_slow_odds`: odds of a slow answer may so many times exceed the old version's before it counts
    as evidence: caches of a new process are cold, and people do not roll back for that.
    `slow_floor_ms`: nothing faster is called slow. `latency_grace`: first answers that are not timed.
    `hang_s`: a request unanswered for so long counts as bad.
    `unready_for_s`: how long the new version may fail the edge's check while it has all requests;
    `unready_beside_s`: while the old one stands beside it. The edge sends nobody to it then, so that waiting
    hurts nobody: a machine of two cores with a load of 28 was seen to be late for the check of a healthy
    one.
    `starved_for_s`: for so long after the old version's own check was late, the machine is taken to be too
    busy to tell: while the new one has all requests nothing else says whose fault slow answers are.
    `slow_alone_for_s`: how long "slower", or "late for the check", must hold then: within that the edge has
    noticed whether the old one is late too (2 s and the time between two, see deploy/edge/haproxy.cfg)."""

    harm_budget: int = 10
    alpha: float = 0.01
    beta: float = 0.01
    tolerated_errors: float = 0.02
    tolerated_slow: float = 0.10
    tolerated_slow_odds: float = 2.0
    slow_floor_ms: int = 50
    latency_grace: int = 20
    hang_s: float = 5.0
    requests_at_least: int = 50
    observe_at_least_s: float = 10.0
    decide_within_s: float = 600.0
    ready_within_s: float = 60.0
    unready_for_s: float = 1.0
    unready_beside_s: float = 10.0
    starved_for_s: float = 10.0
    slow_alone_for_s: float = 3.0

    def __post_init__(self) -> None:
        for name, is_good in (
            ("harm_budget", self.harm_budget >= 1),
            ("alpha", 0 < self.alpha < 0.5),
            ("beta", 0 < self.beta < 0.5),
            ("tolerated_errors", 0 < self.tolerated_errors < 1),
            ("tolerated_slow", 0 < self.tolerated_slow < 1),
            ("tolerated_slow_odds", self.tolerated_slow_odds >= 1),
            ("slow_floor_ms", self.slow_floor_ms >= 1),
            ("latency_grace", self.latency_grace >= 0),
            ("hang_s", self.hang_s > 0),
            ("requests_at_least", self.requests_at_least >= 1),
            ("decide_within_s", self.decide_within_s > self.observe_at_least_s >= 0),
            ("ready_within_s", self.ready_within_s > 0),
            ("unready_for_s", self.unready_for_s >= 0),
            ("starved_for_s", self.starved_for_s >= 0),
            ("slow_alone_for_s", self.slow_alone_for_s >= 0),
            ("unready_beside_s", self.unready_beside_s >= self.unready_for_s),
        ):
            if not is_good:
                raise Invalid(
                    Text(
                        ja=f"判定の設定 {name} の値が使えません: {getattr(self, name)}",
                        en=f"The gate's setting {name} cannot be {getattr(self, name)}",
                    ),
                    code="gate.bad_policy",
                )

    def shared_by(self, stages: int) -> Self:
        """The policy of each of so many comparisons in a row that together may err as often as this one.

        Not beta: a bad version that is promoted has got past every one of them."""
        return replace(self, alpha=self.alpha / stages)

    @property
    def evidence_needed(self) -> float:
        """How many times likelier "worse" must have become than "no worse" (Ville's inequality).

        A quarter of alpha each: errors and latency, and for each the bound on a baseline from before."""
        return 4 / self.alpha
