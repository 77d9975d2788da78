"""Whether somebody has to take the plane's place. Pure: what was heard goes in, what to do comes out.

While the plane answers, it pages; the probe only tells it. When it has been silent for long enough the probe
pages by itself, once for the silence and once for each thing that fails meanwhile, and hands back after."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

#: The plane's own condition for the same fact, so that a pager that knows it joins the two.
PLANE_CONDITION = "part-down:ops"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Where the guard stands. `paged` are the conditions told to people during this silence."""

    heard_at: datetime
    is_silent: bool = False
    silent_since: datetime | None = None
    answers: int = 0
    paged: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What to do now: page these conditions; tell the plane that it was away; tell people that it is back."""

    page: tuple[str, ...] = ()
    hands_back: bool = False


#: Good answers in a row after which the plane has the duty again.
HAND_BACK_ANSWERS = 2


def guard(
    watch: Watch, *, is_well: bool | None, failing: frozenset[str], now: datetime, silence_s: float
) -> tuple[Watch, Duty]:
    """The next state and the duty. `is_well` is the newest look at the plane, None when there is none yet."""
    if is_well:
        watch = replace(watch, heard_at=now, answers=watch.answers + 1)
    elif is_well is not None:
        watch = replace(watch, answers=0)
    if watch.is_silent and watch.answers >= HAND_BACK_ANSWERS:
        return Watch(heard_at=watch.heard_at, answers=watch.answers), Duty(hands_back=True)
    if not watch.is_silent and (now - watch.heard_at).total_seconds() > silence_s:
        watch = replace(watch, is_silent=True, silent_since=watch.heard_at, answers=0)
    if not watch.is_silent:
        return watch, Duty()
    wanted = frozenset({PLANE_CONDITION}) | failing
    return watch, Duty(page=tuple(sorted(wanted - watch.paged)))


def note_paged(watch: Watch, condition: str) -> Watch:
    """After a page left: it is not sent again during this silence."""
    return replace(watch, paged=watch.paged | {condition})
