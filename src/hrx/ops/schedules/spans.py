"""Half-open stretches of time, and what is left of one when others are taken out. All moments in UTC."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """[start, end)"""

    start: datetime
    end: datetime


def merge(spans: Iterable[Span]) -> list[Span]:
    """The same time without overlaps, in order; stretches that touch become one."""
    merged: list[Span] = []
    for span in sorted(spans):
        if span.start >= span.end:
            continue
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def subtract(span: Span, taken: Sequence[Span]) -> list[Span]:
    """What of `span` is in none of `taken` (merged, in order)."""
    left: list[Span] = []
    start = span.start
    for other in taken:
        if other.end <= start:
            continue
        if other.start >= span.end:
            break
        if other.start > start:
            left.append(Span(start, other.start))
        start = max(start, other.end)
    if start < span.end:
        left.append(Span(start, span.end))
    return left


def cut(span: Span, within: Span) -> Span | None:
    """The part of `span` that is in `within`; None when there is none."""
    start, end = max(span.start, within.start), min(span.end, within.end)
    return Span(start, end) if start < end else None


def at_wall_clock(day: date, at: time, *, zone: ZoneInfo) -> datetime:
    """The first moment when the clocks of the zone show this time or a later one, in UTC.

    A time that occurs twice means the first; one that is skipped means the end of the gap, for that is when
    the clock jumps past it."""
    wall = datetime.combine(day, at)
    before = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if before.astimezone(zone).replace(tzinfo=None) == wall:
        return before
    # In a gap, fold=0 reads the old offset (a moment after the jump), fold=1 the new one (before it).
    low, high = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), before
    while high - low > _SECOND:
        middle = (low + (high - low) / 2).replace(microsecond=0)
        is_past = middle.astimezone(zone).replace(tzinfo=None) >= wall
        low, high = (low, middle) if is_past else (middle, high)
    return high
