"""Planned work: announced in time, shown and fed, its own pages held back, ended early or extended, kept."""

from __future__ import annotations

from datetime import timedelta

import icalendar
import orjson
import pytest

from hrx.kit import clock
from hrx.kit.errors import Conflict, Invalid, NotFound, Refused, Text
from hrx.ops.communication import maintenance
from hrx.ops.communication.document import build_document
from hrx.ops.communication.notices import edit, words_of
from hrx.ops.communication.publishing import make_files, write_status
from hrx.ops.incidents.intake import take_signals
from hrx.ops.ledger.communications import Notice, NoticeState
from hrx.ops.ledger.entries import Entry, EntryFilter
from hrx.ops.ledger.notifications import list_notifications
from hrx.ops.run.plane import Plane
from hrx.ops.status.serving import StatusPage
from tests.ops.communication.conftest import open_incident, turn
from tests.ops.incidents.conftest import RESPONDER, make_signal, story, unresolved

pytestmark = pytest.mark.req("R5.3-1")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SAID = Text(ja="保存先を新しい機器に移します。", en="We are moving to newer storage.")


def planned(plane: Plane, *, in_: timedelta = 14 * DAY, parts: tuple[str, ...] = ("postgres",)) -> Notice:
    starts_at = clock.now() + in_
    return maintenance.plan(
        plane, parts=parts, starts_at=starts_at, ends_at=starts_at + HOUR, said=SAID, actor=RESPONDER
    )


def running(plane: Plane, *, parts: tuple[str, ...] = ("postgres",)) -> Notice:
    """A window that opens in a minute; look at it a while later."""
    notice = planned(plane, in_=timedelta(minutes=1), parts=parts)
    return maintenance.announce(plane, notice.id, actor=RESPONDER, urgent="a security fix")


def said(plane: Plane, notice: Notice) -> list[Entry]:
    found = plane.ledger.list_entries(EntryFilter(subject=f"maintenance:{notice.id}"), limit=100)
    return list(reversed(found))


def changes(plane: Plane, notice: Notice) -> list[str]:
    return [str(one.body["change"]).removeprefix("maintenance_") for one in said(plane, notice)]


def pages(plane: Plane) -> list[str]:
    return [one.recipient for one in list_notifications(plane.ledger.store) if one.is_page]


def test_it_is_announced_five_business_days_ahead_or_with_a_reason_on_record(speaking: Plane) -> None:
    soon = planned(speaking, in_=2 * DAY)
    with pytest.raises(Refused):
        maintenance.announce(speaking, soon.id, actor=RESPONDER)
    urgent = maintenance.announce(speaking, soon.id, actor=RESPONDER, urgent="a security fix")
    assert urgent.body["urgent"] == "a security fix"
    assert said(speaking, soon)[0].body["why"] == "a security fix"
    later = planned(speaking, in_=14 * DAY)
    assert maintenance.announce(speaking, later.id, actor=RESPONDER).state is NoticeState.PUBLISHED


def test_its_words_are_judged_like_any_others(speaking: Plane) -> None:
    notice = planned(speaking)
    words = words_of(notice)
    text = Text(ja="postgresを移します。", en=words.text.en)
    edit(
        speaking,
        notice.id,
        words=type(words)(title=words.title, text=text),
        next_update_at=None,
        actor=RESPONDER,
    )
    with pytest.raises(Refused) as refused:
        maintenance.announce(speaking, notice.id, actor=RESPONDER)
    assert [one.code for one in refused.value.fields] == ["product"]


def test_a_window_in_the_past_too_long_or_about_nothing_is_no_window(speaking: Plane) -> None:
    now = clock.now()
    for starts_at, ends_at in ((now - HOUR, now + HOUR), (now + HOUR, now), (now + HOUR, now + 40 * HOUR)):
        with pytest.raises(Invalid):
            maintenance.plan(
                speaking, parts=["redis"], starts_at=starts_at, ends_at=ends_at, said=SAID, actor=RESPONDER
            )
    with pytest.raises(NotFound):
        planned(speaking, parts=("nothing",))


def test_the_page_the_feeds_and_the_calendar_carry_it(speaking: Plane) -> None:
    notice = maintenance.announce(speaking, planned(speaking).id, actor=RESPONDER)
    write_status(speaking)
    page = StatusPage(speaking.settings.var_dir / "status" / "public", commit="x")
    assert "newer storage" in page.answer("/en").body.decode()
    assert "予定" in page.answer("/ja").body.decode()
    assert "newer storage" in page.answer("/feed.en.rss").body.decode()
    answer = page.answer("/maintenance.ja.ics")
    assert answer.media_type.startswith("text/calendar")
    (event,) = icalendar.Calendar.from_ical(answer.body).walk("VEVENT")
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (
        notice.due_at.replace(microsecond=0) if notice.due_at else None,
        notice.ends_at.replace(microsecond=0) if notice.ends_at else None,
    )
    maintenance.cancel(speaking, notice.id, reason="parts are late", actor=RESPONDER)
    write_status(speaking)
    (event,) = icalendar.Calendar.from_ical(page.answer("/maintenance.ja.ics").body).walk("VEVENT")
    assert (str(event["status"]), event["sequence"]) == ("CANCELLED", 1)
    assert "Cancelled" in page.answer("/en").body.decode()


def test_it_is_said_again_begun_and_over_even_when_nothing_ran_meanwhile(speaking: Plane) -> None:
    notice = maintenance.announce(speaking, planned(speaking).id, actor=RESPONDER)
    turn(speaking, after=13 * DAY + timedelta(minutes=2))
    assert changes(speaking, notice) == ["announced", "reminded"]
    turn(speaking, after=14 * DAY + 5 * HOUR)
    assert changes(speaking, notice)[2:] == ["begun", "over"]
    begun = said(speaking, notice)[2]
    assert begun.body["why"] == "300 min late"


def test_pages_about_its_parts_wait_for_the_end_and_others_do_not(speaking: Plane) -> None:
    notice = running(speaking)
    with clock.shifted(timedelta(minutes=5)):
        number = open_incident(speaking)
        take_signals(speaking, [make_signal("part-down:prometheus")])
        other = next(one for one in unresolved(speaking) if one.part == "prometheus")
    turn(speaking, after=timedelta(minutes=6))
    outcomes = [one.body.get("outcome") for one in story(speaking, number)]
    assert "held" in outcomes
    assert "paged" not in outcomes
    assert "paged" in [one.body.get("outcome") for one in story(speaking, other.id)]
    turn(speaking, after=timedelta(minutes=62))
    assert "paged" in [one.body.get("outcome") for one in story(speaking, number)]
    assert changes(speaking, notice)[-1] == "over"


def test_the_page_says_maintenance_and_not_outage_while_the_window_is_open(speaking: Plane) -> None:
    running(speaking)
    with clock.shifted(timedelta(minutes=5)):
        open_incident(speaking)
        with speaking.ledger.store.read() as connection:
            document = build_document(speaking, connection)
        assert document["overall"] == "maintenance"
        assert document["incidents"] == []
    with clock.shifted(timedelta(minutes=70)), speaking.ledger.store.read() as connection:
        assert build_document(speaking, connection)["overall"] == "outage"


def test_a_suspected_breach_never_waits(speaking: Plane) -> None:
    running(speaking)
    with clock.shifted(timedelta(minutes=5)):
        take_signals(speaking, [make_signal("part-down:postgres", is_security=True)])
        number = unresolved(speaking)[-1].id
    turn(speaking, after=timedelta(minutes=6))
    assert "paged" in [one.body.get("outcome") for one in story(speaking, number)]


def test_ending_early_pages_at_once_for_what_is_still_wrong(speaking: Plane) -> None:
    notice = running(speaking)
    with clock.shifted(timedelta(minutes=5)):
        number = open_incident(speaking)
    turn(speaking, after=timedelta(minutes=6))
    with clock.shifted(timedelta(minutes=10)):
        maintenance.end_early(speaking, notice.id, actor=RESPONDER)
    turn(speaking, after=timedelta(minutes=10))
    assert "paged" in [one.body.get("outcome") for one in story(speaking, number)]
    with clock.shifted(timedelta(minutes=11)), pytest.raises(Conflict):
        maintenance.end_early(speaking, notice.id, actor=RESPONDER)


def test_extending_holds_pages_on_and_tells_readers(speaking: Plane) -> None:
    notice = running(speaking)
    with clock.shifted(timedelta(minutes=50)):
        number = open_incident(speaking)
        until = clock.now() + 2 * HOUR
        with pytest.raises(Invalid):
            maintenance.extend(speaking, notice.id, until=clock.now(), reason="slow", actor=RESPONDER)
        maintenance.extend(speaking, notice.id, until=until, reason="copy is slow", actor=RESPONDER)
    turn(speaking, after=timedelta(minutes=90))
    assert "paged" not in [one.body.get("outcome") for one in story(speaking, number)]
    assert "extended" in changes(speaking, notice)
    turn(speaking, after=4 * HOUR)
    assert "paged" in [one.body.get("outcome") for one in story(speaking, number)]


def test_work_on_one_slot_of_two_is_noticed_by_nobody(speaking: Plane) -> None:
    assert planned(speaking, parts=("api-green",)).body["features"] == []
    assert "Everything can be used" in planned(speaking, parts=("api-green",)).text.en
    assert "sign-in" in planned(speaking, parts=("api-blue", "api-green")).body["features"]


def test_equal_statements_make_equal_files(speaking: Plane) -> None:
    maintenance.announce(speaking, planned(speaking).id, actor=RESPONDER)
    with speaking.ledger.store.read() as connection:
        first, second = (build_document(speaking, connection) for _ in range(2))
    assert orjson.dumps(first) == orjson.dumps(second)
    names = {"maintenance.ja.ics", "maintenance.en.ics"}
    assert names <= set(make_files(speaking, first))
