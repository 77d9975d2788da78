"""Business time against a simulator that asks minute by minute, in zones with every kind of clock change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrx.ops.runbook.respond import load_respond
from hrx.ops.schedules.business import (
    BusinessCalendar,
    add_business_time,
    business_time_between,
    is_japanese_holiday,
)
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R5.1-1")
MINUTE = timedelta(minutes=1)
#: Clock changes of an hour, of half an hour, at midnight, none at all.
ZONES = (
    "Asia/Tokyo",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Santiago",
    "Pacific/Apia",
)
#: Days around which those zones change their clocks.
NEAR_CHANGES = (
    datetime(2026, 3, 6, tzinfo=UTC),
    datetime(2026, 3, 27, tzinfo=UTC),
    datetime(2026, 4, 2, tzinfo=UTC),
    datetime(2026, 4, 22, tzinfo=UTC),
    datetime(2026, 9, 4, tzinfo=UTC),
    datetime(2026, 10, 1, tzinfo=UTC),
    datetime(2026, 10, 23, tzinfo=UTC),
    datetime(2026, 10, 28, tzinfo=UTC),
)
HOURS = ((time(9), time(18)), (time(0), time.max), (time(1, 30), time(3, 15)), (time(23), time.max))


@st.composite
def calendars(draw: st.DrawFn) -> BusinessCalendar:
    opens, closes = draw(st.sampled_from(HOURS))
    return BusinessCalendar(
        zone=ZoneInfo(draw(st.sampled_from(ZONES))),
        opens=opens,
        closes=closes,
        weekdays=frozenset(draw(st.sets(st.integers(0, 6), min_size=3))),
        is_holiday=is_japanese_holiday,
        days_off=frozenset({date(2026, 3, 30), date(2026, 10, 26)}),
    )


starts = st.builds(
    lambda base, minutes: base + minutes * MINUTE, st.sampled_from(NEAR_CHANGES), st.integers(0, 3 * 1440)
)


def simulate_between(calendar: BusinessCalendar, start: datetime, end: datetime) -> timedelta:
    minutes = int((end - start) / MINUTE)
    return sum(calendar.is_open(start + step * MINUTE) for step in range(minutes)) * MINUTE


def simulate_add(calendar: BusinessCalendar, start: datetime, amount: timedelta) -> datetime:
    at, left = start, amount
    while left > timedelta(0):
        left -= MINUTE if calendar.is_open(at) else timedelta(0)
        at += MINUTE
    return at


@settings(max_examples=120, deadline=None)
@given(calendar=calendars(), start=starts, minutes=st.integers(0, 4 * 1440))
def test_time_between_is_what_counting_minutes_gives(
    calendar: BusinessCalendar, start: datetime, minutes: int
) -> None:
    end = start + minutes * MINUTE
    assert business_time_between(calendar, start, end) == simulate_between(calendar, start, end)


@settings(max_examples=120, deadline=None)
@given(calendar=calendars(), start=starts, minutes=st.integers(1, 900))
def test_adding_time_ends_where_counting_minutes_ends(
    calendar: BusinessCalendar, start: datetime, minutes: int
) -> None:
    amount = minutes * MINUTE
    assert add_business_time(calendar, start, amount) == simulate_add(calendar, start, amount)


@pytest.mark.parametrize(
    ("opened", "due"),
    [
        ("2026-11-25T10:00", "2026-11-25T14:00"),
        ("2026-11-20T17:00", "2026-11-24T12:00"),  # Friday; Monday 23 is Labour Thanksgiving Day.
        ("2026-12-28T16:00", "2027-01-04T11:00"),  # Over the closing at New Year.
        ("2026-05-02T12:00", "2026-05-07T13:00"),  # Golden Week, with a substitute holiday on the 6th.
    ],
)
def test_four_business_hours_pass_over_nights_weekends_and_japanese_holidays(opened: str, due: str) -> None:
    calendar = load_respond(Path(ROOT / "runbook")).calendar
    start = datetime.fromisoformat(opened).replace(tzinfo=calendar.zone)
    found = add_business_time(calendar, start, timedelta(hours=4))
    assert found.astimezone(calendar.zone).strftime("%Y-%m-%dT%H:%M") == due


def test_a_calendar_that_is_never_open_is_refused() -> None:
    never = BusinessCalendar(
        zone=ZoneInfo("Asia/Tokyo"), opens=time(9), closes=time(18), weekdays=frozenset()
    )
    with pytest.raises(ValueError, match="never open"):
        add_business_time(never, datetime(2026, 1, 1, tzinfo=UTC), MINUTE)
