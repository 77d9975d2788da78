"""Announced maintenance as an iCalendar file, for calendars that subscribe to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from icalendar import Calendar, Event

from hrx.kit.errors import Language

_NAMES: Final = {"ja": "HRX-AI メンテナンス", "en": "HRX-AI maintenance"}


# `Any`: the document of the status page is JSON.
def render_calendar(document: Mapping[str, Any], *, base_url: str, language: Language) -> bytes:
    """One event for each window; a cancelled one stays, marked so, that calendars take it away."""
    calendar = Calendar()
    calendar.add("prodid", "-//HRX-AI//status//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", _NAMES[language])
    for work in document["maintenance"]:
        event = Event()
        event.add("uid", f"{work['id']}@{base_url.partition('://')[2] or 'hrx'}")
        event.add("summary", work["title"][language])
        event.add("description", work["text"][language])
        event.add("dtstart", datetime.fromisoformat(work["starts_at"]))
        event.add("dtend", datetime.fromisoformat(work["ends_at"]))
        # Equal documents give equal files, so the stamp is when it was announced.
        event.add("dtstamp", datetime.fromisoformat(work["published_at"]))
        event.add("status", "CANCELLED" if work["state"] == "cancelled" else "CONFIRMED")
        event.add("sequence", int(work["revision"]))
        event.add("url", f"{base_url}/index.{language}.html#{work['id']}")
        calendar.add_component(event)
    return bytes(calendar.to_ical())
