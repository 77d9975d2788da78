"""The file that calendars read: what it says of each shift, and that a second reading doubles nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import icalendar
import pytest

from hrx.ops.schedules.calendar_files import Entry, write_calendar
from hrx.ops.schedules.rotation import Shift

pytestmark = pytest.mark.req("R4.3-3")
START = datetime(2026, 12, 1, tzinfo=UTC)


def entry(hours: int = 9) -> Entry:
    shift = Shift(person="sato", start=START, end=START + timedelta(hours=hours), layer=0)
    return Entry(rotation="first", shift=shift, summary="一次対応: 佐藤 健一")


def read(content: bytes) -> list[icalendar.Event]:
    events = icalendar.Calendar.from_ical(content).walk("VEVENT")
    return [one for one in events if isinstance(one, icalendar.Event)]


def test_a_shift_is_an_event_in_utc_that_fills_no_day() -> None:
    (event,) = read(write_calendar([entry()], title="On call", made_at=START))
    assert event["SUMMARY"] == "一次対応: 佐藤 健一"
    assert event.start == START
    assert event.end == START + timedelta(hours=9)
    assert event["TRANSP"] == "TRANSPARENT"


def test_a_shift_that_ends_otherwise_keeps_its_uid() -> None:
    (one,) = read(write_calendar([entry()], title="On call", made_at=START))
    (two,) = read(write_calendar([entry(7)], title="On call", made_at=START + timedelta(hours=1)))
    assert one["UID"] == two["UID"]
    assert one.end != two.end
