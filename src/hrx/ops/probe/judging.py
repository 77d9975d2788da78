"""When a look becomes a fact: two in a row, either way. Pure: no clock, no network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.probe.looking import Seen
from hrx.ops.probe.targets import ProbeTarget
from hrx.ops.signal import Signal, SignalSource, SignalState

#: One lost packet is no outage; the second look comes a second later.
CONFIRM_LOOKS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What holds of one target. `since` is the first look of the present streak of looks."""

    is_failing: bool = False
    streak_is_well: bool = True
    streak: int = 0
    since: datetime | None = None
    failure: Text | None = None
    is_answered: bool = True


def judge(former: Standing, seen: Seen) -> tuple[Standing, SignalState | None]:
    """What holds after this look, and the state to tell when that is news."""
    is_same = seen.is_well == former.streak_is_well and former.streak > 0
    streak = former.streak + 1 if is_same else 1
    since = former.since if is_same else seen.at
    is_failing = former.is_failing if streak < CONFIRM_LOOKS else not seen.is_well
    now = Standing(
        is_failing=is_failing,
        streak_is_well=seen.is_well,
        streak=streak,
        since=since,
        failure=seen.failure if not seen.is_well else (former.failure if is_failing else None),
        is_answered=seen.is_answered,
    )
    if now.is_failing == former.is_failing:
        return now, None
    return now, SignalState.FIRING if now.is_failing else SignalState.RESOLVED


def make_signal(target: ProbeTarget, standing: Standing, *, state: SignalState, at: datetime) -> Signal:
    """The news as a signal for the plane."""
    failure = standing.failure or Text(ja="異常", en="unwell")
    fired = Text(
        ja=f"外から見た「{target.title.ja}」: {failure.ja}",
        en=f"From outside, {target.title.en}: {failure.en}",
    )
    well = Text(
        ja=f"外から見た「{target.title.ja}」: 正常です", en=f"From outside, {target.title.en}: well again"
    )
    return Signal(
        source=SignalSource.PROBE,
        key=target.condition,
        name="HrxProbeFailed",
        state=state,
        started_at=standing.since or at,
        summary=fired if state is SignalState.FIRING else well,
        part=target.part,
        severity=target.severity,
        sop=target.sop if standing.is_answered else (target.sop_unanswered or target.sop),
        labels={"target": target.name, "kind": target.kind.value},
    )
