"""Posts of one employment spell along the days, and what a dated change does to them.

Pure. Days are half-open: a segment holds from `start` to the day before `end`; FOREVER means no end.
Nothing is ever edited in place: a changed segment is a new one, and the recorded row is closed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal, NamedTuple

FOREVER: Final = date.max
ONE_DAY: Final = timedelta(days=1)
PostKind = Literal["primary", "concurrent"]

#: An org unit or a position: the id of a recorded one, or the key of one that the import will create.
Ref = int | str


class Terms(NamedTuple):
    """What a post says. The manager is an employee number: people of one file refer to each other by it."""

    unit: Ref
    position: Ref | None
    manager: str | None
    grade: str | None
    fte: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One post from `start` until before `end`.

    `recorded_id` is the row it was read from, kept while nothing about it changed; `order_id` is the change
    order its facts come from, kept when it is only shortened."""

    kind: PostKind
    start: date
    end: date
    terms: Terms
    recorded_id: int | None = None
    order_id: int | None = None

    def holds_on(self, day: date) -> bool:
        return self.start <= day < self.end

    def cut(self, *, start: date | None = None, end: date | None = None) -> Segment:
        """A shorter or longer copy with the same facts; it is a new row."""
        return replace(self, start=start or self.start, end=end or self.end, recorded_id=None)


#: Gives the terms after the change from those before; before is None where there was no post.
Patch = Callable[[Terms | None], Terms]


class PeriodsOverlap(Exception):
    """A new post runs into another of the same unit and position, which starts on `other`."""

    def __init__(self, other: date) -> None:
        super().__init__(other.isoformat())
        self.other = other


def find_segment(segments: Iterable[Segment], day: date) -> Segment | None:
    """The segment that holds on `day`."""
    return next((segment for segment in segments if segment.holds_on(day)), None)


def change_primary(
    segments: list[Segment], *, start: date, end: date | None, patch: Patch, spell_end: date
) -> list[Segment]:
    """The primary posts after `patch` counts from `start` until before `end`.

    Without `end` the change lasts as long as the post it falls into (so a reservation further on stays), or
    until the next post where there was none. Parts of the period without a post get one."""
    until = min(end or _natural_end(segments, start, spell_end), spell_end)
    changed: list[Segment] = []
    covered_to = start
    for segment in segments:
        if segment.end <= start or segment.start >= until:
            changed.append(segment)
            continue
        if segment.start > covered_to:
            changed.append(_new("primary", covered_to, segment.start, patch(None)))
        changed.extend(_patched(segment, start, until, patch))
        covered_to = segment.end
    if covered_to < until:
        changed.append(_new("primary", covered_to, until, patch(None)))
    return sorted(changed, key=_by_start)


def change_concurrent(
    segments: list[Segment], *, start: date, end: date | None, patch: Patch, spell_end: date
) -> list[Segment]:
    """The concurrent posts after one of them (known by unit and position) is as `patch` says from `start`.

    Raises PeriodsOverlap when a new post would run into another of the same unit and position."""
    terms = patch(None)
    same = [segment for segment in segments if segment.terms[:2] == terms[:2]]
    current = find_segment(same, start)
    if current is None:
        until = min(end or spell_end, spell_end)
        later = next((segment for segment in same if start < segment.start < until), None)
        if later is not None:
            raise PeriodsOverlap(later.start)
        return sorted([*segments, _new("concurrent", start, until, terms)], key=_by_start)
    until = min(end or current.end, spell_end)
    wanted = patch(current.terms)
    if wanted == current.terms and until == current.end:
        return segments
    others = [segment for segment in segments if segment is not current]
    if wanted == current.terms:
        return sorted([*others, current.cut(end=until)], key=_by_start)
    parts = [current.cut(end=start)] if current.start < start else []
    return sorted([*others, *parts, _new("concurrent", start, until, wanted)], key=_by_start)


def fit_to_spell(segments: list[Segment], *, old_end: date, new_end: date) -> list[Segment]:
    """The posts after a last day was set, moved or taken back: cut at the new end, or drawn out to it."""
    fitted: list[Segment] = []
    for segment in segments:
        if segment.start >= new_end:
            continue
        if segment.end > new_end or (segment.end == old_end and new_end > old_end):
            fitted.append(segment.cut(end=new_end))
        else:
            fitted.append(segment)
    return fitted


def _natural_end(segments: list[Segment], start: date, spell_end: date) -> date:
    current = find_segment(segments, start)
    if current is not None:
        return current.end
    return min((segment.start for segment in segments if segment.start > start), default=spell_end)


def _patched(segment: Segment, start: date, until: date, patch: Patch) -> list[Segment]:
    """The segment itself when the patch changes nothing; else up to three pieces."""
    wanted = patch(segment.terms)
    if wanted == segment.terms:
        return [segment]
    pieces: list[Segment] = []
    if segment.start < start:
        pieces.append(segment.cut(end=start))
    pieces.append(_new(segment.kind, max(segment.start, start), min(segment.end, until), wanted))
    if segment.end > until:
        pieces.append(segment.cut(start=until))
    return pieces


def _new(kind: PostKind, start: date, end: date, terms: Terms) -> Segment:
    return Segment(kind=kind, start=start, end=end, terms=terms)


def _by_start(segment: Segment) -> date:
    return segment.start
