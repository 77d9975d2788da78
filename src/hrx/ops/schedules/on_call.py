"""From a rotation and its changes to shifts: who is on call, from when to when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hrx.ops.schedules.rotation import ChangeKind, Layer, OnCallChange, Rotation, Shift
from hrx.ops.schedules.spans import Span, at_wall_clock, cut, merge, subtract

#: How far the next hand-off is looked for.
_AHEAD: Final = timedelta(days=120)


@dataclass(frozen=True, slots=True)
class _Claim:
    person: str
    span: Span
    layer: int | None


def list_shifts(
    rotation: Rotation, *, start: datetime, end: datetime, changes: Sequence[OnCallChange] = ()
) -> list[Shift]:
    """Every shift in [start, end), in order; time with nobody is in none of them.

    The newest override wins over older ones, overrides over layers, earlier layers over later ones. Who is on
    leave claims nothing, not by override either."""
    window = Span(start.astimezone(UTC), end.astimezone(UTC))
    away = _leave_of(changes)
    shifts: list[Shift] = []
    taken: list[Span] = []
    for level in _levels(rotation, window, changes):
        won: list[Span] = []
        for claim in level:
            for there in subtract(claim.span, away.get(claim.person, [])):
                for free in subtract(there, taken):
                    won.append(free)
                    shifts.append(
                        Shift(person=claim.person, start=free.start, end=free.end, layer=claim.layer)
                    )
        taken = merge([*taken, *won])
    return _joined(sorted(shifts, key=lambda shift: shift.start))


def find_on_call(rotation: Rotation, *, at: datetime, changes: Sequence[OnCallChange] = ()) -> Shift | None:
    """Who is on call at a moment, with the whole shift as far as it is known (some months), or None."""
    shifts = list_shifts(rotation, start=at, end=at + _AHEAD, changes=changes)
    return shifts[0] if shifts and shifts[0].start <= at.astimezone(UTC) else None


def _leave_of(changes: Sequence[OnCallChange]) -> dict[str, list[Span]]:
    away: dict[str, list[Span]] = {}
    for change in changes:
        if change.kind is ChangeKind.LEAVE:
            away.setdefault(change.person, []).append(_span_of(change))
    return {person: merge(spans) for person, spans in away.items()}


def _levels(rotation: Rotation, window: Span, changes: Sequence[OnCallChange]) -> Iterator[list[_Claim]]:
    """Claims, the strongest first; those of one level never overlap."""
    overrides = [
        change for change in changes if change.kind is ChangeKind.OVERRIDE and change.rotation == rotation.id
    ]
    for change in sorted(overrides, key=lambda one: one.id, reverse=True):
        if found := cut(_span_of(change), window):
            yield [_Claim(change.person, found, None)]
    zone = ZoneInfo(rotation.time_zone)
    for number, layer in enumerate(rotation.layers):
        yield [_Claim(person, span, number) for person, span in _turns(layer, zone=zone, window=window)]


def _turns(layer: Layer, *, zone: ZoneInfo, window: Span) -> Iterator[tuple[str, Span]]:
    """The layer's turns, cut to its hours and to the window."""
    hours = _hours(layer, zone=zone, window=window)
    first_day = window.start.astimezone(zone).date() - timedelta(days=1)
    turn = max(0, (first_day - layer.starts_on).days // layer.shift_days)
    while True:
        day = layer.starts_on + timedelta(days=turn * layer.shift_days)
        begins = at_wall_clock(day, layer.hand_off, zone=zone)
        if begins >= window.end:
            return
        ends = at_wall_clock(day + timedelta(days=layer.shift_days), layer.hand_off, zone=zone)
        if found := cut(Span(begins, ends), window):
            person = layer.people[turn % len(layer.people)]
            yield from ((person, span) for span in _overlaps(found, hours))
        turn += 1


def _hours(layer: Layer, *, zone: ZoneInfo, window: Span) -> list[Span] | None:
    """The layer's hours in the window; None when it has no restriction."""
    if not layer.hours:
        return None
    spans: list[Span] = []
    day = window.start.astimezone(zone).date() - timedelta(days=2)
    last = window.end.astimezone(zone).date() + timedelta(days=1)
    while day <= last:
        for hours in layer.hours:
            if day.weekday() in hours.days:
                ends_on = day if hours.end > hours.start else day + timedelta(days=1)
                spans.append(
                    Span(
                        at_wall_clock(day, hours.start, zone=zone),
                        at_wall_clock(ends_on, hours.end, zone=zone),
                    )
                )
        day += timedelta(days=1)
    return merge(spans)


def _overlaps(span: Span, hours: list[Span] | None) -> Iterator[Span]:
    if hours is None:
        yield span
        return
    for open_span in hours:
        if found := cut(span, open_span):
            yield found


def _span_of(change: OnCallChange) -> Span:
    return Span(change.starts_at.astimezone(UTC), change.ends_at.astimezone(UTC))


def _joined(shifts: Iterable[Shift]) -> list[Shift]:
    """Neighbouring shifts of one person in one layer as one."""
    joined: list[Shift] = []
    for shift in shifts:
        last = joined[-1] if joined else None
        if last and last.end == shift.start and (last.person, last.layer) == (shift.person, shift.layer):
            joined[-1] = Shift(person=last.person, start=last.start, end=shift.end, layer=last.layer)
        else:
            joined.append(shift)
    return joined
