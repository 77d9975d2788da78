"""What is to happen: a rollout and its steps. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, assert_never

from hrx.kit.errors import Invalid, Text
from hrx.ops.release.gating.policy import Policy
from hrx.ops.release.releases import Slot

#: A first share of a tenth shows a bad version after 4 to 6 bad answers (each tells the more, the smaller the
#: share is, but at 20 requests a second a smaller one would take long to tell anything). With a first share
#: of a quarter at 20 requests a second 60 simulated releases that fail one request in twenty cost up to 17.
SHARES: Final = (10, 25)


class Strategy(StrEnum):
    """How requests move to the new version."""

    ROLLING = "rolling"
    BLUE_GREEN = "blue_green"
    CANARY = "canary"


class StepKind(StrEnum):
    """WAKE starts the new slot and waits until it is ready; SHARE compares both under part of the requests;
    SWITCH gives it all of them; WATCH compares it with what the old one did before; DRAIN lets requests that
    the old one still serves come to their end."""

    WAKE = "wake"
    SHARE = "share"
    SWITCH = "switch"
    WATCH = "watch"
    DRAIN = "drain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step for these services. `must_convince`: only a proven "as good as before" goes on by itself."""

    kind: StepKind
    services: tuple[str, ...]
    percent: int = 0
    must_convince: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """Release `release_id` takes over in slot `new`. `services` in the order in which they move: the API
    first, for pages of the new version may ask for what only the new API knows. `fills`: the release is put
    into the slot before it is woken; else somebody did that by hand. Raises Invalid."""

    id: str
    release_id: str
    strategy: Strategy
    new: Slot
    services: tuple[str, ...] = ("api", "web")
    shares: tuple[int, ...] = SHARES
    policy: Policy = field(default_factory=Policy)
    watch_s: float = 20.0
    drain_within_s: float = 30.0
    fills: bool = False

    def __post_init__(self) -> None:
        is_rising = all(a < b for a, b in zip(self.shares, self.shares[1:], strict=False))
        if not (self.services and is_rising and all(1 <= share <= 99 for share in self.shares)):
            raise Invalid(
                Text(
                    ja=f"割合は 1〜99 の増えていく並びで指定してください: {self.shares}",
                    en=f"Shares are rising figures from 1 to 99: {self.shares}",
                ),
                code="rollout.bad_shares",
            )

    @property
    def old(self) -> Slot:
        return Slot.BLUE if self.new is Slot.GREEN else Slot.GREEN


def plan_steps(rollout: Rollout) -> tuple[Step, ...]:
    """The steps, in order. The old slot stays warm at the end: stopping it is a later, separate step."""
    every = rollout.services
    match rollout.strategy:
        case Strategy.BLUE_GREEN:
            return (_wake(*every), *_move(*every, must_convince=True))
        case Strategy.ROLLING:
            return tuple(
                step for service in every for step in (_wake(service), *_move(service, must_convince=True))
            )
        case Strategy.CANARY:
            shares = rollout.shares
            return (
                _wake(*every),
                *(
                    step
                    for service in every
                    for step in (
                        *(Step(kind=StepKind.SHARE, services=(service,), percent=share) for share in shares),
                        *_move(service, must_convince=not shares),
                    )
                ),
            )
        case _:
            assert_never(rollout.strategy)


def stage_policy(rollout: Rollout) -> Policy:
    """The policy of one comparison, so that all of the rollout keep `alpha` together."""
    compared = [step for step in plan_steps(rollout) if step.kind in (StepKind.SHARE, StepKind.WATCH)]
    return rollout.policy.shared_by(max(1, sum(len(step.services) for step in compared)))


def _wake(*services: str) -> Step:
    return Step(kind=StepKind.WAKE, services=services)


def _move(*services: str, must_convince: bool) -> tuple[Step, ...]:
    return (
        Step(kind=StepKind.SWITCH, services=services),
        Step(kind=StepKind.WATCH, services=services, must_convince=must_convince),
        Step(kind=StepKind.DRAIN, services=services),
    )
