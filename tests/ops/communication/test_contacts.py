"""Contacts: fresh for a while, asked about when they are not, and never trusted with one channel then."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hrx.kit import clock
from hrx.kit.errors import Forbidden, NotFound
from hrx.ops.communication.contacts import ensure_timer
from hrx.ops.ledger.entries import EntryFilter, Kind
from hrx.ops.ledger.notifications import list_notifications
from hrx.ops.paging.freshness import Freshness, confirm, list_freshness, today_of
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.contacts import Contact
from tests.ops.communication.conftest import open_incident, turn
from tests.ops.incidents.conftest import RESPONDER, VIEWER, story

pytestmark = pytest.mark.req("R9-1")
DAY = timedelta(days=1)


def with_contacts(plane: Plane, *, checked_ago: timedelta) -> Plane:
    """The plane with everybody confirmed so long ago, and nobody an example."""
    day = today_of(plane) - checked_ago
    contacts = plane.content.contacts
    changed = replace(
        contacts,
        is_example=False,
        people=tuple(replace(one, checked_on=day) for one in contacts.people),
        vendors=tuple(replace(one, checked_on=day) for one in contacts.vendors),
    )
    return replace(plane, content=replace(plane.content, contacts=changed))


def find(plane: Plane, name: str) -> Freshness:
    with plane.ledger.store.read() as connection:
        return next(one for one in list_freshness(plane, connection) if one.id == name)


def test_people_and_vendors_grow_stale_after_their_own_time(speaking: Plane) -> None:
    plane = with_contacts(speaking, checked_ago=91 * DAY)
    assert find(plane, "sato").is_stale(today_of(plane))
    assert not find(plane, "vendor:stripe").is_stale(today_of(plane))
    with clock.shifted(90 * DAY):
        assert find(plane, "vendor:stripe").is_stale(today_of(plane))


def test_confirming_makes_an_entry_fresh_and_is_on_record(speaking: Plane) -> None:
    plane = with_contacts(speaking, checked_ago=91 * DAY)
    assert confirm(plane, "sato", actor=RESPONDER).checked_by == "sato"
    assert not find(plane, "sato").is_stale(today_of(plane))
    (entry,) = plane.ledger.list_entries(EntryFilter(kinds=(Kind.CONTACT_CHECKED,)))
    assert entry.subject == "contact:sato"
    with pytest.raises(NotFound):
        confirm(plane, "nobody", actor=RESPONDER)
    with pytest.raises(Forbidden):
        confirm(plane, "sato", actor=VIEWER)


def test_an_entry_that_was_changed_since_is_not_confirmed(speaking: Plane) -> None:
    plane = with_contacts(speaking, checked_ago=91 * DAY)
    confirm(plane, "sato", actor=RESPONDER)
    contacts = plane.content.contacts
    moved = tuple(
        replace(one, channels=one.channels[:1]) if one.id == "sato" else one for one in contacts.people
    )
    plane = replace(plane, content=replace(plane.content, contacts=replace(contacts, people=moved)))
    assert find(plane, "sato").is_stale(today_of(plane))


def test_stale_entries_are_asked_about_once_a_week(speaking: Plane) -> None:
    plane = with_contacts(speaking, checked_ago=200 * DAY)
    ensure_timer(plane)
    turn(plane)
    asked = [one for one in list_notifications(plane.ledger.store, limit=500) if one.purpose == "reminder"]
    about = {one.dedup_key.split(":")[1] for one in asked}
    assert {"sato", "yamamoto", "vendor"} <= about
    for days in (1, 2):
        turn(plane, after=days * DAY)
    again = [one for one in list_notifications(plane.ledger.store, limit=500) if one.purpose == "reminder"]
    weeks = {one.dedup_key.split(":")[-2] for one in again}
    turn(plane, after=15 * DAY)
    later = [one for one in list_notifications(plane.ledger.store, limit=500) if one.purpose == "reminder"]
    assert len({one.dedup_key.split(":")[-2] for one in later}) > len(weeks)
    assert len(again) <= 2 * len(asked)


def test_nobody_is_asked_while_everything_is_fresh(speaking: Plane) -> None:
    plane = with_contacts(speaking, checked_ago=DAY)
    ensure_timer(plane)
    turn(plane)
    assert list_notifications(plane.ledger.store) == []


def test_a_stale_person_is_paged_on_every_channel_at_once(speaking: Plane) -> None:
    fresh = with_contacts(speaking, checked_ago=DAY)
    number = open_incident(fresh)
    turn(fresh)
    pages = [one for one in list_notifications(fresh.ledger.store) if one.is_page]
    assert len(pages) == 1
    person = fresh.content.contacts.get(pages[0].recipient)
    assert isinstance(person, Contact)
    stale = with_contacts(speaking, checked_ago=91 * DAY)
    number = open_incident(stale, "part-down:prometheus")
    turn(stale)
    mine = [one for one in list_notifications(stale.ledger.store, incident_id=number) if one.is_page]
    assert {one.channel for one in mine} == {"slack", "email"}
    paged = [one for one in story(stale, number) if one.body.get("outcome") == "paged"]
    assert paged[0].body["stale_contacts"] == [mine[0].recipient]
