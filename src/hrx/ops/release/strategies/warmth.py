"""How long the version that requests left stays warm, and what the way back costs once it is cold. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from hrx.kit.errors import Text
from hrx.ops.release.releases import Slot
from hrx.ops.release.strategies.progress import Progress, Stand
from hrx.ops.release.strategies.rollout import StepKind, plan_steps


def find_left_slot(progress: Progress) -> Slot | None:
    """The slot that requests left at the end of the rollout; None while it goes on."""
    match progress.stand:
        case Stand.PROMOTED:
            return progress.rollout.old
        case Stand.ROLLED_BACK:
            return progress.rollout.new
        case Stand.RUNNING | Stand.ASKING | Stand.UNDOING:
            return None
        case _:
            assert_never(progress.stand)


def is_window_over(progress: Progress, *, window_s: float, now: datetime) -> bool:
    """Whether the slot that requests left was warm for long enough; never while the rollout goes on."""
    if not progress.stand.is_over or window_s <= 0:
        return False
    ended_at = progress.events[-1].at if progress.events else progress.step_at
    return (now - ended_at).total_seconds() >= window_s


def find_start_s(progress: Progress) -> float | None:
    """How long the rollout's first start of its new slot took until it was ready; None when it never was."""
    if plan_steps(progress.rollout)[0].kind is not StepKind.WAKE:
        return None
    ready_at = next((event.at for event in progress.events if event.step == 1), None)
    return None if ready_at is None else (ready_at - progress.began_at).total_seconds()


def say_way_back(progress: Progress, *, is_warm: bool) -> Text:
    """Whether the version before still runs, and what has to be waited for where it does not."""
    slot, took_s = progress.rollout.old, find_start_s(progress)
    if is_warm:
        return Text(
            ja=f"前の版({slot})は動いたままで、すぐに戻せます。",
            en=f"The version before ({slot}) still runs: the way back is one command at the edge.",
        )
    measured = (
        Text(ja="", en="")
        if took_s is None
        else Text(ja=f"(今回の起動は {took_s:.0f} 秒)", en=f"; starting one took {took_s:.0f} s")
    )
    return Text(
        ja=f"前の版({slot})は止めてあり、戻すときは起動してから切り替えます{measured.ja}。",
        en=f"The version before ({slot}) is cold: the way back starts it first{measured.en}.",
    )
