"""The rhythm of 5.3: asked for in time, said late rather than never, kept after people have spoken."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hrx.kit import clock
from hrx.ops.communication.notices import draft
from hrx.ops.communication.rhythm import list_dues
from hrx.ops.communication.speaking import publish
from hrx.ops.incidents.actions import ending, judging, regrouping, responding
from hrx.ops.incidents.intake import take_signals
from hrx.ops.ledger.communications import Audience, Notice, NoticeKind, NoticeState, list_notices
from hrx.ops.ledger.incidents import get_incident
from hrx.ops.ledger.notifications import Notification, list_notifications
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity
from tests.ops.communication.conftest import open_incident, told, turn
from tests.ops.incidents.conftest import RESPONDER, make_signal, unresolved

pytestmark = pytest.mark.req("R5.3-1")
MIN = timedelta(minutes=1)


def notices(plane: Plane, audience: Audience, state: NoticeState = NoticeState.PUBLISHED) -> list[Notice]:
    with plane.ledger.store.read() as connection:
        return list_notices(connection, states=(state,), audience=audience)


def about(seconds: float, minutes: int) -> bool:
    """Whether it is that many minutes, and what a busy machine adds."""
    return 0 <= seconds - minutes * 60 < 25


def sent(plane: Plane, purpose: str) -> list[Notification]:
    return [one for one in list_notifications(plane.ledger.store) if one.purpose == purpose]


def test_inside_the_bare_facts_are_told_when_nobody_has_spoken(speaking: Plane) -> None:
    number = open_incident(speaking)
    turn(speaking)
    assert not notices(speaking, Audience.INTERNAL)
    turn(speaking, after=5 * MIN + timedelta(seconds=1))
    (said,) = notices(speaking, Audience.INTERNAL)
    assert "With: nobody" in said.text.en
    assert "原因: まだ分かっていません" in said.text.ja
    assert "【SEV1】" in said.title.ja
    people = {one.recipient for one in sent(speaking, "update")}
    assert people == {"watanabe", "nakamura", "kobayashi", "kato", "place:#hrx-incidents"}
    assert told(speaking, number, "published")[0].body["late_s"] == 0


def test_the_next_facts_come_after_the_interval_and_not_before(speaking: Plane) -> None:
    open_incident(speaking)
    turn(speaking)
    turn(speaking, after=6 * MIN)
    turn(speaking, after=19 * MIN)
    assert len(notices(speaking, Audience.INTERNAL)) == 1
    turn(speaking, after=21 * MIN)
    assert len(notices(speaking, Audience.INTERNAL)) == 2


def test_ticks_that_passed_while_nothing_ran_are_one_late_word_on_record(speaking: Plane) -> None:
    number = open_incident(speaking)
    turn(speaking)
    turn(speaking, after=95 * MIN)
    assert len(notices(speaking, Audience.INTERNAL)) == 1
    entry = told(speaking, number, "published")[0]
    assert about(entry.body["late_s"], 90)
    assert "90 min late" in entry.body["message"]["en"]
    assert "90 分遅れ" in entry.body["message"]["ja"]
    asked = told(speaking, number, "word_due")[0].body
    assert about(asked["late_s"], 85)
    assert about(asked["reminder_late_s"], 90)
    assert asked["missed_ticks"] == 2
    reminder = next(one for one in sent(speaking, "reminder"))
    assert "85 min late" in reminder.message["title"]["en"]
    assert any("Operations was not running" in line["en"] for line in reminder.message["lines"])


def test_customers_words_are_laid_ready_and_never_published_by_themselves(speaking: Plane) -> None:
    open_incident(speaking)
    turn(speaking)
    turn(speaking, after=5 * MIN + timedelta(seconds=1))
    (ready,) = notices(speaking, Audience.CUSTOMERS, NoticeState.DRAFT)
    assert ready.kind is NoticeKind.FIRST
    assert "Sign-in (outage)" in ready.text.en
    for minute in (10, 15, 20, 60, 300):
        turn(speaking, after=minute * MIN)
    assert not notices(speaking, Audience.CUSTOMERS)
    assert len(notices(speaking, Audience.CUSTOMERS, NoticeState.DRAFT)) == 1


def test_reminders_ask_more_people_each_time(speaking: Plane) -> None:
    number = open_incident(speaking)
    responding.acknowledge(speaking, number, actor=RESPONDER)
    turn(speaking)
    for minute in (5.1, 10.1, 15.2):
        turn(speaking, after=minute * MIN)
    asked = [entry.body["asked"] for entry in told(speaking, number, "word_due")]
    assert asked == [["sato"], ["sato", "watanabe"], ["sato", "watanabe", "yamamoto"]]
    titles = [entry.body["message"]["en"] for entry in told(speaking, number, "word_due")]
    assert ["in 5 min" in titles[0], "now" in titles[1], "5 min late" in titles[2]] == [True] * 3


def test_whoever_leads_communication_is_asked_first(speaking: Plane) -> None:
    number = open_incident(speaking)
    responding.assign_role(
        speaking, number, role=responding.IncidentRole.LIAISON, person="yamamoto", actor=RESPONDER
    )
    turn(speaking)
    turn(speaking, after=5.1 * MIN)
    assert told(speaking, number, "word_due")[0].body["asked"] == ["yamamoto"]


def test_a_published_word_moves_the_next_one_to_the_time_that_was_promised(speaking: Plane) -> None:
    number = open_incident(speaking)
    turn(speaking)
    with clock.shifted(8 * MIN):
        words = draft(speaking, number, audience=Audience.CUSTOMERS, actor=RESPONDER)
        published = publish(speaking, words.id, actor=RESPONDER).notice
        promised = published.next_update_at
        assert promised is not None
        assert promised.second == 0
        assert timedelta(minutes=29) <= promised - clock.now() <= timedelta(minutes=30)
        assert published.body["late_s"] == 0
    turn(speaking, after=20 * MIN)
    assert not told(speaking, number, "word_due")
    turn(speaking, after=34 * MIN)
    (entry,) = told(speaking, number, "word_due")
    assert entry.body["due_at"] == promised.isoformat()


def test_a_late_word_says_how_late_it_was(speaking: Plane) -> None:
    number = open_incident(speaking)
    turn(speaking)
    with clock.shifted(25 * MIN):
        words = draft(speaking, number, audience=Audience.CUSTOMERS, actor=RESPONDER)
        assert about(publish(speaking, words.id, actor=RESPONDER).notice.body["late_s"], 15)


def test_what_a_person_has_begun_to_write_is_not_written_over(speaking: Plane) -> None:
    number = open_incident(speaking)
    mine = draft(speaking, number, audience=Audience.CUSTOMERS, actor=RESPONDER)
    turn(speaking)
    turn(speaking, after=11 * MIN)
    assert [one.id for one in notices(speaking, Audience.CUSTOMERS, NoticeState.DRAFT)] == [mine.id]


def test_whoever_heard_that_it_began_hears_that_it_is_over(speaking: Plane) -> None:
    number = open_incident(speaking)
    words = draft(speaking, number, audience=Audience.CUSTOMERS, actor=RESPONDER)
    publish(speaking, words.id, actor=RESPONDER)
    ending.resolve(speaking, number, reason="restarted", actor=RESPONDER)
    turn(speaking)
    turn(speaking, after=6 * MIN)
    (ready,) = notices(speaking, Audience.CUSTOMERS, NoticeState.DRAFT)
    assert ready.kind is NoticeKind.RESOLUTION
    assert "still being looked into" in ready.text.en
    publish(speaking, ready.id, actor=RESPONDER)
    with speaking.ledger.store.read() as connection:
        left = list_dues(speaking, connection, get_incident(speaking.ledger.store, number))
    assert [one for one in left if one.audience is Audience.CUSTOMERS] == []


def test_an_incident_that_comes_back_is_told_anew(speaking: Plane) -> None:
    number = open_incident(speaking)
    words = draft(speaking, number, audience=Audience.CUSTOMERS, actor=RESPONDER)
    publish(speaking, words.id, actor=RESPONDER)
    ending.resolve(speaking, number, reason="restarted", actor=RESPONDER)
    over = draft(speaking, number, audience=Audience.CUSTOMERS, actor=RESPONDER)
    publish(speaking, over.id, actor=RESPONDER)
    with clock.shifted(60 * MIN):
        ending.reopen(speaking, number, reason="it is back", actor=RESPONDER)
        with speaking.ledger.store.read() as connection:
            dues = list_dues(speaking, connection, get_incident(speaking.ledger.store, number))
        due = next(one for one in dues if one.audience is Audience.CUSTOMERS)
        assert timedelta(minutes=9) < due.due_at - clock.now() <= timedelta(minutes=10)


def test_what_was_promised_about_an_incident_is_owed_by_the_one_that_took_it_in(speaking: Plane) -> None:
    first = open_incident(speaking)
    turn(speaking, after=8 * MIN)
    with clock.shifted(9 * MIN):
        words = draft(speaking, first, audience=Audience.CUSTOMERS, actor=RESPONDER)
        said = publish(speaking, words.id, actor=RESPONDER).notice
        other = open_incident(speaking, "part-down:nowhere", severity=Severity.MINOR)
        regrouping.merge(speaking, first, into=other, reason="one disk", actor=RESPONDER)
    with speaking.ledger.store.read() as connection:
        dues = list_dues(speaking, connection, get_incident(speaking.ledger.store, other))
    (owed,) = [one for one in dues if one.audience is Audience.CUSTOMERS]
    assert owed.kind is NoticeKind.UPDATE
    assert said.next_update_at is not None
    assert owed.due_at <= said.next_update_at
    turn(speaking, after=60 * MIN)
    assert told(speaking, other, "word_due"), "people are asked for it"


def test_a_severity_raised_by_a_person_begins_the_rhythm(speaking: Plane) -> None:
    number = open_incident(speaking, severity=Severity.MINOR)
    turn(speaking)
    turn(speaking, after=40 * MIN)
    assert not notices(speaking, Audience.INTERNAL)
    judging.set_severity(speaking, number, severity=Severity.MAJOR, reason="many call", actor=RESPONDER)
    turn(speaking)
    turn(speaking, after=15 * MIN + timedelta(seconds=2))
    assert len(notices(speaking, Audience.INTERNAL)) == 1


def test_what_customers_do_not_notice_asks_nobody_for_words_to_them(speaking: Plane) -> None:
    number = open_incident(speaking, "part-down:prometheus")
    turn(speaking)
    turn(speaking, after=30 * MIN)
    assert not told(speaking, number, "word_due")


def test_that_somebody_is_inside_is_told_by_decision_and_then_kept_up(speaking: Plane) -> None:
    take_signals(speaking, [make_signal("part-down:api", is_security=True)])
    number = unresolved(speaking)[-1].id
    turn(speaking)
    turn(speaking, after=30 * MIN)
    assert not told(speaking, number, "word_due")
    words = draft(speaking, number, audience=Audience.CUSTOMERS, actor=RESPONDER)
    publish(speaking, words.id, actor=RESPONDER)
    turn(speaking)
    turn(speaking, after=31 * MIN)
    assert told(speaking, number, "word_due")
