"""One question on its way: who was asked, who is left, and what was spent so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from hrx.app.gateway.answering import Attempted
from hrx.app.gateway.asking import Decoded, Usage
from hrx.app.gateway.attempts import OpenAnswer
from hrx.app.gateway.breaker import Breaker
from hrx.app.gateway.targets import Route, Target, believed_usage, estimate_tokens
from hrx.kit import clock


class Permit(Protocol):
    """What was reserved for a call."""

    async def cover(self, requests: int) -> bool:
        """Whether so many requests that cost something are paid for; reserves more when there is room."""
        ...


class Watcher(Protocol):
    """Who counts what happens."""

    def note_attempt(self, attempted: Attempted, *, operation: str) -> None: ...

    def note_fallback(self, target: Target, *, reason: str) -> None: ...

    def note_breaker(self, target: Target, breaker: Breaker) -> None: ...


@dataclass(slots=True, kw_only=True)
class Call:
    """One question on its way: who was asked, who is left."""

    route: Route
    permit: Permit
    operation: str
    texts: list[str]
    most_output: int
    ends_s: float
    left: list[Target] = field(default_factory=list)
    given_up: set[str] = field(default_factory=set)
    lap: int = 0
    waits_s: dict[str, float] = field(default_factory=dict)
    attempts: list[Attempted] = field(default_factory=list)
    fallback_reason: str = ""

    @property
    def left_s(self) -> float:
        return self.ends_s - clock.monotonic_s()

    @property
    def cost_nano(self) -> int:
        return sum(one.cost_nano for one in self.attempts)

    @property
    def paid(self) -> int:
        """Requests so far that cost something."""
        return sum(one.cost_nano > 0 for one in self.attempts)

    def why_not_first(self, target: Target) -> str:
        """Why `target` answers and not the first choice; empty when it is that."""
        first = self.route.targets[0]
        if target.name == first.name:
            return ""
        met = [one.outcome for one in self.attempts if (one.vendor, one.model) == (first.vendor, first.model)]
        return "resting" if not met else "slow" if met[0] == "abandoned" else met[0]


@dataclass(slots=True, kw_only=True)
class Begun:
    """A request that began to answer: with its first words, or whole."""

    target: Target
    began_s: float
    decoded: Decoded | None = None
    open: OpenAnswer | None = None
    first: str | None = None
    vectors: tuple[tuple[float, ...], ...] = ()


def end_of(route: Route, *, within_s: float | None = None) -> float:
    limit_s = max(target.clocks.call_s for target in route.targets)
    return clock.monotonic_s() + (limit_s if within_s is None else min(limit_s, within_s))


def spent(call: Call, begun: Begun) -> Usage | None:
    """What an answer costs that nobody gets, by our count; None when it had not begun."""
    if begun.decoded is not None:
        return believed_usage(begun.decoded, texts=call.texts, most_output=call.most_output)
    if begun.open is None or not begun.open.texts:
        return None
    return Usage(
        input_tokens=sum(map(estimate_tokens, call.texts)),
        output_tokens=estimate_tokens("".join(begun.open.texts)),
        is_estimated=True,
    )
