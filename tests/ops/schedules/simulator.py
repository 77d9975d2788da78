"""On-call minute by minute, by the wall clock, in the plainest words: what the arithmetic is held to.

One idea does it all: the latest time that a zone's clocks have shown so far. When they go back it stands
still until they catch up, and when they jump it jumps; so a wall-clock time has come exactly when this is at
or past it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hrx.ops.schedules.business import BusinessCalendar
from hrx.ops.schedules.rotation import ChangeKind, Layer, OnCallChange, Policy, Rotation

MINUTE = timedelta(minutes=1)
#: Clocks go back by less than this anywhere.
_BEFORE = timedelta(hours=4)


def minutes(start: datetime, end: datetime) -> Iterator[datetime]:
    at = start
    while at < end:
        yield at
        at += MINUTE


def on_call_by_minute(
    rotation: Rotation, *, start: datetime, end: datetime, changes: Sequence[OnCallChange]
) -> dict[datetime, str | None]:
    """Who is on call in each minute."""
    zone = ZoneInfo(rotation.time_zone)
    shown = datetime(1, 1, 1)  # noqa: DTZ001  # wall time has no zone of its own
    found: dict[datetime, str | None] = {}
    for at in minutes(start - _BEFORE, end):
        shown = max(shown, at.astimezone(zone).replace(tzinfo=None))
        if at >= start:
            found[at] = _who(rotation, at, shown, changes)
    return found


def _who(rotation: Rotation, at: datetime, shown: datetime, changes: Sequence[OnCallChange]) -> str | None:
    now = [one for one in changes if one.starts_at <= at < one.ends_at]
    away = {one.person for one in now if one.kind is ChangeKind.LEAVE}
    overrides = [one for one in now if one.kind is ChangeKind.OVERRIDE and one.rotation == rotation.id]
    claims = [one.person for one in sorted(overrides, key=lambda one: -one.id)]
    claims += [person for person in (_turn(layer, shown) for layer in rotation.layers) if person]
    return next((person for person in claims if person not in away), None)


def _turn(layer: Layer, shown: datetime) -> str | None:
    began = datetime.combine(layer.starts_on, layer.hand_off)
    if shown < began or (layer.hours and not _is_in_hours(layer, shown)):
        return None
    return layer.people[(shown - began) // timedelta(days=layer.shift_days) % len(layer.people)]


def _is_in_hours(layer: Layer, shown: datetime) -> bool:
    for days_ago in (0, 1):
        day = shown.date() - timedelta(days=days_ago)
        for hours in layer.hours:
            starts = datetime.combine(day, hours.start)
            ends = datetime.combine(day, hours.end)
            ends += timedelta(days=1) if hours.end <= hours.start else timedelta(0)
            if day.weekday() in hours.days and starts <= shown < ends:
                return True
    return False


def uncovered_minutes(
    policy: Policy,
    rotations: Sequence[Rotation],
    *,
    start: datetime,
    end: datetime,
    reachable: Collection[str],
    changes: Sequence[OnCallChange],
    calendar: BusinessCalendar,
) -> set[datetime]:
    """The minutes in which a policy wants somebody and reaches nobody."""
    there = {one.id: on_call_by_minute(one, start=start, end=end, changes=changes) for one in rotations}
    targets = [target for step in policy.steps for target in step.targets]
    found: set[datetime] = set()
    for at in minutes(start, end):
        if policy.in_business_hours and not calendar.is_open(at):
            continue
        away = {
            one.person
            for one in changes
            if one.kind is ChangeKind.LEAVE and one.starts_at <= at < one.ends_at
        }
        people = {there[one.rotation][at] if one.rotation else one.person for one in targets}
        if targets and not (people - away - {None}) & set(reachable):
            found.add(at)
    return found


def as_minutes(start: datetime, end: datetime) -> set[datetime]:
    return set(minutes(start.astimezone(UTC), end.astimezone(UTC)))
