"""Shifts as an iCalendar file (RFC 5545), for the calendars that people already look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from icalendar import Calendar, Event

from hrx.ops.schedules.rotation import Shift

#: How often calendars ask again.
_REFRESH: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One shift with the words to show. `rotation` is the rotation's id."""

    rotation: str
    shift: Shift
    summary: str
    description: str = ""


def write_calendar(entries: Sequence[Entry], *, title: str, made_at: datetime, url: str = "") -> bytes:
    """The file. A shift keeps its UID as long as its rotation, person and start stay, so that calendars
    change an entry rather than doubling it."""
    calendar = Calendar()
    calendar.add("prodid", "-//HRX-AI//on call//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", title)
    calendar.add("refresh-interval", _REFRESH, parameters={"value": "DURATION"})
    for entry in entries:
        event, start = Event(), entry.shift.start.astimezone(UTC)
        event.add("uid", f"{entry.rotation}-{start:%Y%m%dT%H%M%SZ}-{entry.shift.person}@hrx")
        event.add("dtstamp", made_at.astimezone(UTC).replace(microsecond=0))
        event.add("dtstart", start)
        event.add("dtend", entry.shift.end.astimezone(UTC))
        event.add("summary", entry.summary)
        # Being on call does not fill a day: invitations stay possible.
        event.add("transp", "TRANSPARENT")
        if entry.description:
            event.add("description", entry.description)
        if url:
            event.add("url", url)
        calendar.add_component(event)
    return bytes(calendar.to_ical())
