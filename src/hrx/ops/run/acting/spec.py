"""What a power is, and how one that must be seen from outside waits for that."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text, Unavailable
from hrx.ops.run.plane import Plane

Evidence = Mapping[str, object]
_LOOK_EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSpec:
    """One power: what it does in words, whether it only reads, which parameters it takes, and the function.

    `perform` gets the plane, the plan's parameters and its limit in seconds, and is safe to run again."""

    id: str
    title: Text
    only_reads: bool
    perform: Callable[[Plane, Mapping[str, str], float], Evidence]
    params: tuple[str, ...] = ()


class NotProven(Unavailable):
    """The change was made, but looking from outside does not confirm it."""

    code = "run.not_proven"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look of a proof: whether it shows what is wanted, what was seen, and the same in words."""

    is_good: bool
    evidence: Evidence
    says: Text


def wait_until_seen(look: Callable[[], Look], *, timeout_s: float, hint: Text | None = None) -> Evidence:
    """Look until it is good; gives what was seen, with the number of looks. Raises NotProven.

    What does not answer yet is looked at again: right after a repair that is to be expected."""
    deadline = clock.monotonic_s() + timeout_s
    looks = 0
    while True:
        seen, looks = _look_once(look), looks + 1
        if seen.is_good:
            return {**seen.evidence, "looks": looks}
        if clock.monotonic_s() + _LOOK_EVERY_S >= deadline:
            raise NotProven(
                Text(
                    ja=f"{timeout_s:g} 秒待っても外から確認できません: {seen.says.ja}",
                    en=f"Not confirmed from outside within {timeout_s:g} s: {seen.says.en}",
                ),
                hint=hint,
            )
        time.sleep(_LOOK_EVERY_S)


def _look_once(look: Callable[[], Look]) -> Look:
    try:
        return look()
    except Unavailable as error:
        return Look(is_good=False, evidence={}, says=error.message)
