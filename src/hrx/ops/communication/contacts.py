"""Contacts that have grown old are asked about every week, until somebody confirms them."""

from __future__ import annotations

from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.communication.people import find_person, tell
from hrx.ops.ledger.entries import Kind
from hrx.ops.ledger.store import Connection
from hrx.ops.ledger.timers import Timer, find_timer, set_timer
from hrx.ops.paging.freshness import Freshness, list_freshness, today_of
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.contacts import Contact
from hrx.ops.schedules.business import add_business_time

CONTACTS: Final = "communication.contacts"
SUBJECT: Final = "contacts"
ACTOR: Final = "communication"


def ensure_timer(plane: Plane) -> None:
    """Have the contacts looked at; harmless when that is set already."""
    with plane.ledger.store.read() as connection:
        if find_timer(connection, kind=CONTACTS, subject=SUBJECT) is not None:
            return
    with plane.ledger.store.write() as connection:
        set_timer(connection, kind=CONTACTS, subject=SUBJECT, due_at=clock.now())


def ask(plane: Plane, connection: Connection, _timer: Timer) -> None:
    """Each stale entry is asked about once a week: of the person, and of whoever leads the team."""
    calendar, now = plane.content.respond.calendar, clock.now()
    # The next business day, so that nobody is asked on a Sunday.
    again = add_business_time(calendar, now, calendar.day_length)
    set_timer(connection, kind=CONTACTS, subject=SUBJECT, due_at=again)
    if plane.content.contacts.is_example:
        # Nobody is there to be asked.
        return
    today = today_of(plane)
    stale = [one for one in list_freshness(plane, connection) if one.is_stale(today)]
    if not stale:
        return
    year, week, _ = today.isocalendar()
    leader = find_person(plane, plane.content.contacts.response_team["leader"])
    known = plane.ledger.find_last(Kind.CONTACT_CHECKED, subject=f"contacts:{year}-{week}")
    for one in stale:
        people = [person for person in (one.entry, leader) if isinstance(person, Contact)]
        says = _say(one)
        tell(
            plane,
            connection,
            people=people,
            key=f"contact-stale:{one.id}:{year}-{week}",
            purpose="reminder",
            message={
                "title": {"ja": says.ja, "en": says.en},
                "lines": [
                    {
                        "ja": "電話やメッセージで確かめ、連絡先のページで「正しい」を押してください。",
                        "en": "Call or write to it, then press “It is right” on the contacts page.",
                    }
                ],
                "url_path": "/contacts",
            },
            incident_id=None,
            also_place=False,
        )
    if known is None:
        names = ", ".join(one.id for one in stale)
        are = f"{len(stale)} contact{'s' if len(stale) != 1 else ''}"
        plane.ledger.append_within(
            connection,
            Kind.CONTACT_CHECKED,
            actor=ACTOR,
            subject=f"contacts:{year}-{week}",
            body={
                "stale": [one.id for one in stale],
                "message": {
                    "ja": f"確認が古い連絡先が {len(stale)} 件あります: {names}",
                    "en": f"{are} not confirmed for too long: {names}",
                },
            },
        )


def _say(one: Freshness) -> Text:
    name = one.entry.name if isinstance(one.entry, Contact) else Text(ja=one.entry.name, en=one.entry.name)
    return Text(
        ja=f"{name.ja} の連絡先を確認してください(最後の確認 {one.checked_on})",
        en=f"Please confirm the contact of {name.en} (last confirmed {one.checked_on})",
    )
