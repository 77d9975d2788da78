"""Business time: counting only the hours in which the office is open, in its own zone. Pure.

A moment is open when the wall clock of the zone shows a business day and a time in `[opens, closes)`. All
arithmetic is on moments, so that a change of the clocks inside a day is neither lost nor counted twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import jpholiday

from hrx.ops.schedules.spans import Span, cut, merge

_DAY: Final = timedelta(days=1)
#: Longer than any office is closed at a stretch; further than this the calendar has no open day at all.
_MAX_CLOSED_DAYS: Final = 400


def is_japanese_holiday(day: date) -> bool:
    """Whether this is a national holiday of Japan, substitute holidays included."""
    return bool(jpholiday.is_holiday(day))


def no_holidays(_day: date) -> bool:
    """For offices without holidays."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessCalendar:
    """When the office is open. `weekdays`: 0 is Monday. `days_off` are the company's own closed days."""

    zone: ZoneInfo
    opens: time
    closes: time
    weekdays: frozenset[int]
    is_holiday: Callable[[date], bool] = no_holidays
    days_off: frozenset[date] = field(default_factory=frozenset)

    @property
    def day_length(self) -> timedelta:
        """How much business time an ordinary business day has."""
        return _since_midnight(self.closes) - _since_midnight(self.opens)

    def is_business_day(self, day: date) -> bool:
        return day.weekday() in self.weekdays and day not in self.days_off and not self.is_holiday(day)

    def is_open(self, at: datetime) -> bool:
        """Whether the office is open at this moment."""
        wall = at.astimezone(self.zone)
        return self.opens <= wall.time() < self.closes and self.is_business_day(wall.date())


def add_business_time(calendar: BusinessCalendar, start: datetime, amount: timedelta) -> datetime:
    """The first moment at which `amount` of business time has passed since `start`; in UTC.

    Raises ValueError for a calendar that is never open."""
    at, left = start.astimezone(UTC), amount
    if left <= timedelta(0):
        return at
    closed_days = 0
    for day in _days_from(at.astimezone(calendar.zone).date()):
        closed_days += 1
        for opens_at, closes_at in _open_spans(calendar, day):
            if closes_at <= at:
                continue
            closed_days = 0
            begin = max(opens_at, at)
            if closes_at - begin >= left:
                return begin + left
            left -= closes_at - begin
        if closed_days > _MAX_CLOSED_DAYS:
            break
    raise ValueError("the calendar is never open")


def business_time_between(calendar: BusinessCalendar, start: datetime, end: datetime) -> timedelta:
    """How much business time lies between two moments; nothing when `end` is not after `start`."""
    begin, stop = start.astimezone(UTC), end.astimezone(UTC)
    passed = timedelta(0)
    if stop <= begin:
        return passed
    last = stop.astimezone(calendar.zone).date()
    for day in _days_from(begin.astimezone(calendar.zone).date()):
        if day > last:
            return passed
        for opens_at, closes_at in _open_spans(calendar, day):
            passed += max(timedelta(0), min(closes_at, stop) - max(opens_at, begin))
    return passed


def find_opening(calendar: BusinessCalendar, at: datetime) -> datetime:
    """This moment when the office is open, else the next moment when it opens; in UTC.

    Raises ValueError for a calendar that is never open."""
    instant = timedelta(microseconds=1)
    return add_business_time(calendar, at, instant) - instant


def list_open_spans(calendar: BusinessCalendar, *, start: datetime, end: datetime) -> list[Span]:
    """When the office is open in [start, end), in order."""
    window = Span(start.astimezone(UTC), end.astimezone(UTC))
    last = window.end.astimezone(calendar.zone).date()
    found: list[Span] = []
    for day in _days_from(window.start.astimezone(calendar.zone).date()):
        if day > last:
            return merge(found)
        cuts = (cut(Span(opens, closes), window) for opens, closes in _open_spans(calendar, day))
        found.extend(span for span in cuts if span is not None)
    raise AssertionError("days do not end")


def _days_from(day: date) -> Iterator[date]:
    # From the day before: zones whose clock goes back over midnight see one date twice.
    current = day - _DAY
    while True:
        yield current
        current += _DAY


def _open_spans(calendar: BusinessCalendar, day: date) -> list[tuple[datetime, datetime]]:
    """The open spans of one local day in UTC: one, or up to two when the clocks change inside it."""
    if not calendar.is_business_day(day):
        return []
    midnight = datetime.combine(day, time.min, tzinfo=UTC)
    opens, closes = midnight + _since_midnight(calendar.opens), midnight + _since_midnight(calendar.closes)
    # No zone is more than 14 hours from UTC, so these two surround the local day.
    before, after = midnight - timedelta(hours=15), midnight + timedelta(hours=39)
    early, late = _offset(calendar.zone, before), _offset(calendar.zone, after)
    if early == late:
        return [(opens - early, closes - early)]
    changes_at = _find_change(calendar.zone, before, after)
    spans = [
        (opens - early, min(closes - early, changes_at)),
        (max(opens - late, changes_at), closes - late),
    ]
    return [span for span in spans if span[0] < span[1]]


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


def _find_change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first moment with the later offset; zones change their clocks on whole minutes."""
    early = _offset(zone, before)
    low, high = 0, int((after - before).total_seconds() // 60)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, before + timedelta(minutes=middle)) == early:
            low = middle
        else:
            high = middle
    return before + timedelta(minutes=high)


def _since_midnight(at: time) -> timedelta:
    # `24:00` cannot be written as a time; the last microsecond stands for it.
    if at == time.max:
        return _DAY
    return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second)
