"""From an incident row to a message in front of a person, and what happens when a channel fails."""

from __future__ import annotations

import platform
import time
from datetime import timedelta

import pytest

from hrx.kit import clock
from hrx.ops.channels.opening import open_channels
from hrx.ops.inbox.box import Mood, StandIn
from hrx.ops.ledger.entries import EntryFilter, Kind
from hrx.ops.ledger.notifications import (
    NotificationState,
    enqueue,
    lease,
    list_attempts,
    list_notifications,
    list_sendable,
    postpone,
    settle,
)
from hrx.ops.paging.sender import Sender
from hrx.ops.signal import Severity
from hrx.ops.tick import Ticker
from tests.ops.paging.conftest import SECRETS, Desk, Inbox

pytestmark = pytest.mark.req("R5.1-2")


def test_an_incident_reaches_the_first_responder_the_place_and_pagerduty(desk: Desk, inbox: Inbox) -> None:
    incident = desk.open(Severity.CRITICAL)
    desk.tick()
    slack = inbox.messages(StandIn.SLACK)
    assert {one.to for one in slack} >= {"C0HRXCRITICAL"}
    assert len(slack) == 2, "the place, and one person"
    assert inbox.messages(StandIn.PAGERDUTY)[0].key == f"hrx-incident:{incident.id}"
    assert all("SEV1" in str(one.body["blocks"]) for one in slack)
    assert all(
        one.state is NotificationState.DELIVERED for one in list_notifications(desk.plane.ledger.store)
    )


def test_a_page_is_in_front_of_somebody_within_a_second_of_its_row(desk: Desk, inbox: Inbox) -> None:
    ticker = Ticker(desk.plane, decisions=desk.ticker._decisions, works={}, rounds=(desk.sender.send_due,))
    ticker.start()
    try:
        started = time.monotonic()
        desk.open(Severity.CRITICAL)
        inbox.wait_for(1)
        assert time.monotonic() - started < 1.0
    finally:
        ticker.stop()


def test_a_throttled_channel_is_tried_again_when_it_asked_to_be(desk: Desk, inbox: Inbox) -> None:
    inbox.box.set_mood(StandIn.SLACK, Mood.THROTTLED)
    desk.open(Severity.MAJOR)
    desk.tick()
    inbox.box.set_mood(StandIn.SLACK, Mood.WELL)
    desk.tick()
    assert inbox.messages(StandIn.SLACK) == [], "the stand-in asked for two seconds"
    with clock.shifted(timedelta(seconds=4)):
        desk.tick()
    assert len(inbox.messages(StandIn.SLACK)) == 2


@pytest.mark.parametrize("mood", [Mood.FAULT, Mood.HANGS])
def test_a_page_takes_the_next_way_when_the_first_keeps_failing(desk: Desk, inbox: Inbox, mood: Mood) -> None:
    inbox.box.set_mood(StandIn.SLACK, mood)
    desk.open(Severity.CRITICAL)
    for seconds in (0, 5, 10, 15):
        with clock.shifted(timedelta(seconds=seconds)):
            desk.tick()
    assert len(inbox.messages(StandIn.EMAIL)) == 1


def test_a_refusal_for_good_takes_the_next_way_at_once(desk: Desk, inbox: Inbox) -> None:
    inbox.box.set_mood(StandIn.SLACK, Mood.REFUSES)
    desk.open(Severity.CRITICAL)
    desk.tick()
    assert len(inbox.messages(StandIn.EMAIL)) == 1


def test_a_page_that_no_way_takes_goes_to_the_next_step_at_once(desk: Desk, inbox: Inbox) -> None:
    for stand_in in (StandIn.SLACK, StandIn.EMAIL, StandIn.WEBHOOK):
        inbox.box.set_mood(stand_in, Mood.REFUSES)
    incident = desk.open(Severity.CRITICAL)
    for _ in range(6):
        desk.tick()
    entries = desk.plane.ledger.list_entries(EntryFilter(subject=incident.subject))
    paged = [one for one in entries if one.kind is Kind.ESCALATION and one.body["outcome"] == "paged"]
    assert len(paged) >= 3, "first, second and manager were tried without waiting five minutes each"
    assert any(one.kind is Kind.NOTIFICATION for one in entries)


def test_forty_messages_become_one_and_a_sev1_page_is_not_delayed(desk: Desk, inbox: Inbox) -> None:
    with desk.plane.ledger.store.write() as connection:
        for number in range(40):
            enqueue(
                connection,
                dedup_key=f"notice:{number}",
                recipient="sato",
                channel="slack",
                purpose="notice",
                message={"title": {"ja": f"通知 {number}", "en": f"Notice {number}"}, "lines": []},
            )
        enqueue(
            connection,
            dedup_key="page:x",
            recipient="sato",
            channel="slack",
            purpose="page",
            message={"title": {"ja": "停止", "en": "Outage"}, "lines": [], "severity": 1},
        )
    desk.tick()
    arrived = inbox.messages(StandIn.SLACK, to="U0SATO")
    assert len(arrived) == 2
    bundle = next(one for one in arrived if "40 件" in one.title)
    assert all(f"通知 {number}" in str(bundle.body["blocks"]) for number in range(40))
    states = [one.state for one in list_notifications(desk.plane.ledger.store)]
    assert states.count(NotificationState.BUNDLED) == 39


def test_more_than_a_person_can_read_waits_and_is_bundled(desk: Desk, inbox: Inbox) -> None:
    def notice(number: int) -> None:
        with desk.plane.ledger.store.write() as connection:
            enqueue(
                connection,
                dedup_key=f"notice:{number}",
                recipient="sato",
                channel="slack",
                purpose="notice",
                message={"title": {"ja": f"通知 {number}", "en": ""}, "lines": []},
            )
        desk.tick()

    for number in range(10):
        notice(number)
    assert len(inbox.messages(StandIn.SLACK)) == 4
    with clock.shifted(timedelta(seconds=31)):
        desk.tick()
    assert len(inbox.messages(StandIn.SLACK)) == 5


def test_an_acknowledged_incident_pages_nobody_any_more(desk: Desk, inbox: Inbox) -> None:
    inbox.box.set_mood(StandIn.SLACK, Mood.FAULT)
    incident = desk.open(Severity.CRITICAL)
    desk.tick()
    desk.acknowledge(incident)
    inbox.box.set_mood(StandIn.SLACK, Mood.WELL)
    with clock.shifted(timedelta(minutes=20)):
        desk.tick()
    assert {one.to for one in inbox.messages(StandIn.SLACK)} == {"C0HRXCRITICAL"}, (
        "the place still hears of it, and who has it"
    )


def test_every_try_is_kept_and_none_shows_a_secret(desk: Desk, inbox: Inbox) -> None:
    inbox.box.set_mood(StandIn.SLACK, Mood.FAULT)
    inbox.box.set_mood(StandIn.PAGERDUTY, Mood.FAULT)
    desk.open(Severity.CRITICAL)
    for seconds in (0, 3):
        with clock.shifted(timedelta(seconds=seconds)):
            desk.tick()
    store = desk.plane.ledger.store
    page = next(one for one in list_notifications(store) if one.is_page)
    tries = list_attempts(store, page.id)
    assert [one.outcome for one in tries] == ["failed", "failed"]
    said = "".join(one.says for found in list_notifications(store) for one in list_attempts(store, found.id))
    assert not any(secret in said for secret in SECRETS)


def leased_by_the_dead(desk: Desk, key: str) -> int:
    """A page in the middle of which its sender has just died."""
    with desk.plane.ledger.store.write() as connection:
        (found,) = [one for one in list_sendable(connection) if one.dedup_key == key]
        # No process has this number: the highest that a kernel gives is 4,194,304.
        lease(connection, [found.id], by=f"{platform.node()}|4194305|1.00", for_s=60)
    return found.id


def fresh_sender(desk: Desk) -> None:
    """The next process: frees what the dead one held, and sends what is due."""
    sender = Sender(desk.plane, open_channels(desk.plane.settings))
    sender.send_due(desk.plane)
    assert sender.drain(within_s=15)
    sender.close()


@pytest.mark.req("R5.4-1")
def test_after_one_death_a_page_is_sent_again_and_after_two_it_goes_by_the_next_way(
    desk: Desk, inbox: Inbox
) -> None:
    with desk.plane.ledger.store.write() as connection:
        for key in ("page:one", "page:two"):
            enqueue(
                connection,
                dedup_key=key,
                recipient="sato",
                channel="slack",
                purpose="page",
                message={"title": {"ja": key, "en": key}, "lines": [], "severity": 1},
            )
    leased_by_the_dead(desk, "page:one")
    number = leased_by_the_dead(desk, "page:two")
    with desk.plane.ledger.store.write() as connection:
        settle(connection, number, state=NotificationState.QUEUED, attempt=None)
    leased_by_the_dead(desk, "page:two")
    fresh_sender(desk)
    fresh_sender(desk)
    assert ["page:one" in one.title for one in inbox.messages(StandIn.SLACK)] == [True]
    assert ["page:two" in one.title for one in inbox.messages(StandIn.EMAIL)] == [True]
    tries = list_attempts(desk.plane.ledger.store, number)
    assert [one.says for one in tries] == ["its sender died twice"]


@pytest.mark.req("R5.4-1")
@pytest.mark.parametrize("is_reached", [True, False])
def test_whom_another_way_has_reached_is_not_sent_the_same_a_third_time(
    desk: Desk, inbox: Inbox, is_reached: bool
) -> None:
    """The last way has no next: without the other way's receipt it is tried again, later."""
    keys = {"email": "page:7:1:0:sato:email:1.000", "slack": "page:7:1:0:sato:slack:1.000"}
    with desk.plane.ledger.store.write() as connection:
        for channel, key in keys.items():
            enqueue(
                connection,
                dedup_key=key,
                recipient="sato",
                channel=channel,
                purpose="page",
                message={"title": {"ja": key, "en": key}, "lines": [], "severity": 1},
            )
        first = next(one for one in list_sendable(connection) if one.dedup_key == keys["slack"])
        if is_reached:
            settle(connection, first.id, state=NotificationState.DELIVERED, attempt=None)
        else:
            settle(connection, first.id, state=NotificationState.FAILED, attempt=None)
    number = leased_by_the_dead(desk, keys["email"])
    with desk.plane.ledger.store.write() as connection:
        settle(connection, number, state=NotificationState.QUEUED, attempt=None)
    leased_by_the_dead(desk, keys["email"])
    fresh_sender(desk)
    state = next(one.state for one in list_notifications(desk.plane.ledger.store) if one.id == number)
    assert state is (NotificationState.FAILED if is_reached else NotificationState.QUEUED)
    assert inbox.messages(StandIn.EMAIL) == []


@pytest.mark.req("R5.4-1")
@pytest.mark.parametrize("by", ["slack", "slack>email"])
def test_a_way_that_reaches_them_while_the_last_one_waits_spares_its_third_try(
    desk: Desk, inbox: Inbox, by: str
) -> None:
    """Both ways lost their senders: the last one waits for its next try, and asks again before it."""
    number, store = desk.open(Severity.CRITICAL).id, desk.plane.ledger.store
    start, channel = f"page:{number}:1:0:sato", by.rpartition(">")[2]
    kept, other = f"{start}:email:1.000", f"{start}:slack:1.000{by.removeprefix('slack')}"
    with store.write() as connection:
        for key, way in ((kept, "email"), (other, channel)):
            enqueue(
                connection,
                dedup_key=key,
                recipient="sato",
                channel=way,
                purpose="page",
                message={"title": {"ja": key, "en": key}, "lines": [], "severity": 1},
                incident_id=number,
            )
    page = leased_by_the_dead(desk, kept)
    with store.write() as connection:
        settle(connection, page, state=NotificationState.QUEUED, attempt=None)
    leased_by_the_dead(desk, kept)
    with store.write() as connection:
        (waits,) = [one for one in list_sendable(connection) if one.dedup_key == other]
        postpone(connection, [waits.id], until=clock.now() + timedelta(hours=1))
    fresh_sender(desk)
    found = {one.dedup_key: one.state for one in list_notifications(store)}
    assert found[kept] is NotificationState.QUEUED, "nobody was reached: it is to be tried again"
    with store.write() as connection:
        settle(connection, waits.id, state=NotificationState.DELIVERED, attempt=None)
        postpone(connection, [page], until=clock.now())
    fresh_sender(desk)
    found = {one.dedup_key: one.state for one in list_notifications(store)}
    assert found[kept] is NotificationState.FAILED
    assert inbox.messages(StandIn.EMAIL) == []


def test_many_pages_at_once_are_sent_as_fast_as_hands_are_free_not_four_a_tick(
    desk: Desk, inbox: Inbox
) -> None:
    ticker = Ticker(desk.plane, decisions={}, works={}, rounds=(desk.sender.send_due,), every_s=30)
    with desk.plane.ledger.store.write() as connection:
        for number in range(40):
            enqueue(
                connection,
                dedup_key=f"page:{number}",
                recipient="place:pagerduty",
                channel="pagerduty",
                purpose="call",
                message={"title": {"ja": f"停止 {number}", "en": ""}, "lines": [], "severity": 1},
            )
    ticker.start()
    try:
        inbox.wait_for(40, StandIn.PAGERDUTY, within_s=20)
    finally:
        ticker.stop()


def call(desk: Desk, number: int, *, purpose: str = "page", severity: int = 1) -> None:
    with desk.plane.ledger.store.write() as connection:
        enqueue(
            connection,
            dedup_key=f"{purpose}:{number}",
            recipient="sato",
            channel="slack",
            purpose=purpose,
            message={
                "title": {"ja": f"停止 {number:03} 番目の部品が応答しません", "en": ""},
                "lines": [],
                "severity": severity,
                "url_path": f"/incidents/{number}",
            },
        )


def test_the_first_page_of_a_new_incident_does_not_wait_for_what_the_person_got_before(
    desk: Desk, inbox: Inbox
) -> None:
    for number in range(10):
        call(desk, number, purpose="notice", severity=1)
        desk.tick()
    assert len(inbox.messages(StandIn.SLACK)) == 4, "the limit holds back notices"
    call(desk, 10, severity=2)
    desk.tick()
    assert "停止 010" in inbox.messages(StandIn.SLACK)[4].title


def test_a_hundred_incidents_in_a_minute_are_few_messages_and_each_is_named_within_seconds(
    desk: Desk, inbox: Inbox
) -> None:
    """One new incident every 0.6 s, as a failing cluster makes them."""
    for number in range(110):
        with clock.shifted(timedelta(seconds=0.6 * number)):
            if number < 100:
                call(desk, number)
            desk.tick()
    arrived = inbox.messages(StandIn.SLACK, to="U0SATO")
    assert len(arrived) <= 4 + 60 / 5 + 1
    said = "".join(str(one.body["blocks"]) for one in arrived)
    assert [number for number in range(100) if f"停止 {number:03}" not in said] == []
    found = list_notifications(desk.plane.ledger.store, limit=200)
    settled = [one.settled_at - one.created_at for one in found if one.settled_at is not None]
    assert len(settled) == 100
    assert max(settled) < timedelta(seconds=7)


def test_a_hundred_incidents_at_once_are_one_message_that_names_them_all(desk: Desk, inbox: Inbox) -> None:
    for number in range(100):
        call(desk, number)
    desk.tick()
    (only,) = inbox.messages(StandIn.SLACK, to="U0SATO")
    assert only.title.startswith("🔴 障害の呼び出し 100 件")
    assert all(f"停止 {number:03}" in str(only.body["blocks"]) for number in range(100))
    assert all(len(block["text"]["text"]) <= 3000 for block in only.body["blocks"] if "text" in block)


def test_a_call_is_seen_behind_more_news_than_are_read_at_once(desk: Desk) -> None:
    for number in range(20):
        call(desk, number, purpose="news", severity=3)
    call(desk, 20)
    with desk.plane.ledger.store.read() as connection:
        assert [one.purpose for one in list_sendable(connection, limit=3)] == ["page", "news", "news"]
