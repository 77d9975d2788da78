"""First responder, second responder, incident manager: who is called when, and what ends the calling."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from hrx.kit import clock
from hrx.ops.channels.channel import ChannelKind
from hrx.ops.inbox.box import Mood, StandIn
from hrx.ops.incidents.actions.ending import resolve
from hrx.ops.incidents.actions.judging import set_severity
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind
from hrx.ops.ledger.incidents import Incident, get_incident
from hrx.ops.ledger.notifications import NotificationState, list_notifications
from hrx.ops.ledger.on_call import add_change
from hrx.ops.ledger.timers import list_timers
from hrx.ops.operators.roles import Actor, Role
from hrx.ops.paging.escalation import ESCALATE
from hrx.ops.schedules.on_call import find_on_call
from hrx.ops.schedules.rotation import ChangeKind
from hrx.ops.signal import Severity
from tests.ops.paging.conftest import Desk, Inbox

pytestmark = pytest.mark.req("R4.3-3")
#: Thursday, 12:00 in Tokyo: suzuki has the office's hours, sato is second, watanabe manages.
NOON = datetime(2026, 12, 3, 3, tzinfo=UTC)
#: The evening of the same day, 20:00 in Tokyo.
EVENING = datetime(2026, 12, 3, 11, tzinfo=UTC)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    with clock.shifted(moment - clock.now()):
        yield


def steps(desk: Desk, incident: Incident) -> list[Entry]:
    entries = desk.plane.ledger.list_entries(EntryFilter(subject=incident.subject, kinds=(Kind.ESCALATION,)))
    return [one for one in reversed(entries) if one.body["outcome"] == "paged"]


def called(desk: Desk, incident: Incident) -> list[str]:
    """Everybody who was called, in order."""
    return [person for one in steps(desk, incident) for person in one.body["people"]]


def leave(desk: Desk, person: str, *, days: int = 2) -> None:
    add_change(
        desk.plane.ledger,
        kind=ChangeKind.LEAVE,
        person=person,
        starts_at=NOON - timedelta(days=1),
        ends_at=NOON + timedelta(days=days),
        reason="leave",
        by="tests",
    )


def on_call(desk: Desk, moment: datetime) -> list[str]:
    """First, second and manager by the rules alone, as the escalation asks for them."""
    content = desk.plane.content.on_call
    found = [find_on_call(content.get_rotation(name), at=moment) for name in ("first", "second", "manager")]
    return [shift.person for shift in found if shift is not None]


def test_first_then_second_then_the_manager_each_after_five_minutes_of_silence(
    desk: Desk, inbox: Inbox
) -> None:
    first, second, manager = on_call(desk, NOON)
    with at(NOON):
        incident = desk.open(Severity.CRITICAL)
        desk.tick()
    assert called(desk, incident) == [first]
    with at(NOON + timedelta(minutes=4, seconds=59)):
        desk.tick()
    assert called(desk, incident) == [first], "nobody else before the five minutes are over"
    with at(NOON + timedelta(minutes=5, seconds=1)):
        desk.tick()
    with at(NOON + timedelta(minutes=10, seconds=2)):
        desk.tick()
    assert called(desk, incident) == [first, second, manager]


def test_after_the_last_step_everybody_is_called_again_by_every_channel_and_then_it_says_so(
    desk: Desk, inbox: Inbox
) -> None:
    policy = desk.plane.content.on_call.policy_for(Severity.CRITICAL, is_security=False)
    moment = NOON
    with at(moment):
        incident = desk.open(Severity.CRITICAL)
    for _ in range(policy.rounds * len(policy.steps) + 2):
        with at(moment):
            desk.tick()
        moment += timedelta(minutes=5, seconds=1)
    made = steps(desk, incident)
    assert [one.body["round"] for one in made] == [1] * 3 + [2] * 3 + [3] * 3 + [4] * 3
    assert [one.body["all_channels"] for one in made] == [False] * 3 + [True] * 9
    assert {one.stand_in for one in inbox.messages()} >= {StandIn.SLACK, StandIn.EMAIL}
    entries = desk.plane.ledger.list_entries(EntryFilter(subject=incident.subject, kinds=(Kind.ESCALATION,)))
    assert entries[0].body["outcome"] == "exhausted"
    assert not [one for one in list_timers(desk.plane.ledger.store, subject=incident.subject)
                if one.kind == ESCALATE]  # fmt: skip


def test_a_step_with_nobody_reachable_costs_no_time(desk: Desk, inbox: Inbox) -> None:
    first, second, manager = on_call(desk, NOON)
    for person in {"suzuki", "tanaka", "miller", first, second} - {manager}:
        leave(desk, person)
    with at(NOON):
        incident = desk.open(Severity.CRITICAL)
        desk.tick()
    assert called(desk, incident) == [manager], "called in the very first tick"
    assert steps(desk, incident)[0].body["skipped"] == ["1.1", "1.2"]


def test_when_nobody_at_all_can_be_reached_the_places_are_told_and_it_looks_again_in_a_minute(
    desk: Desk, inbox: Inbox
) -> None:
    for person in desk.plane.content.contacts.people:
        leave(desk, person.id)
    with at(NOON):
        incident = desk.open(Severity.CRITICAL)
        desk.tick()
    assert called(desk, incident) == []
    told = [one.title for one in inbox.messages(StandIn.SLACK, to="C0HRXCRITICAL")]
    assert len(told) == 2, "the incident, and that nobody can be reached"
    with at(NOON + timedelta(days=3)):
        desk.tick()
    assert called(desk, incident), "who is back is called"


@pytest.mark.parametrize("way", ["slack", "console", "command line"])
def test_an_acknowledgement_ends_the_calling_whichever_way_it_comes(
    desk: Desk, inbox: Inbox, way: str
) -> None:
    """The three doors call one action; that each door reaches it is shown by their own tests."""
    with at(NOON):
        incident = desk.open(Severity.CRITICAL)
        desk.tick()
        desk.acknowledge(
            incident, by={"slack": "suzuki", "console": "sato", "command line": "machine:root"}[way]
        )
        before = called(desk, incident)
    with at(NOON + timedelta(hours=2)):
        desk.tick()
    assert called(desk, incident) == before
    pages = [one for one in list_notifications(desk.plane.ledger.store) if one.is_page]
    assert all(one.state is not NotificationState.QUEUED for one in pages)


@pytest.mark.req("R5.1-1")
def test_minor_trouble_at_night_waits_for_the_office_and_its_place_knows_at_once(
    desk: Desk, inbox: Inbox
) -> None:
    with at(EVENING):
        incident = desk.open(Severity.MINOR)
        desk.tick()
    assert called(desk, incident) == []
    assert [one.to for one in inbox.messages()] == ["C0HRXWARNING"]
    waits = list_timers(desk.plane.ledger.store, subject=incident.subject)
    assert [one.due_at for one in waits if one.kind == ESCALATE] == [datetime(2026, 12, 4, 0, tzinfo=UTC)]
    with at(datetime(2026, 12, 4, 0, 0, 1, tzinfo=UTC)):
        desk.tick()
    assert len(called(desk, incident)) == 1
    assert [one.to for one in inbox.messages()].count("C0HRXWARNING") == 1, "the place is told once"


@pytest.mark.parametrize("opened_at", [NOON, EVENING])
def test_what_begins_small_and_gets_worse_is_told_to_the_places_of_the_worse_once(
    desk: Desk, inbox: Inbox, opened_at: datetime
) -> None:
    with at(opened_at):
        incident = desk.open(Severity.MINOR)
        desk.tick()
    with at(opened_at + timedelta(minutes=3)):
        set_severity(
            desk.plane,
            incident.id,
            severity=Severity.CRITICAL,
            reason="everybody is shut out",
            actor=Actor(name="sato", role=Role.RESPONDER, is_operator=True),
        )
        desk.tick()
    assert [one.key for one in inbox.messages(StandIn.PAGERDUTY)] == [f"hrx-incident:{incident.id}"]
    with at(opened_at + timedelta(minutes=9)):
        desk.tick()
    places = [one.to for one in inbox.messages(StandIn.SLACK) if one.to in ("C0HRXWARNING", "C0HRXCRITICAL")]
    assert places == ["C0HRXWARNING", "C0HRXCRITICAL"]
    assert len(inbox.messages(StandIn.PAGERDUTY)) == 1


def test_places_are_told_once_however_often_nobody_is_found(desk: Desk, inbox: Inbox) -> None:
    for person in desk.plane.content.contacts.people:
        leave(desk, person.id)
    with at(NOON):
        desk.open(Severity.CRITICAL)
        desk.tick()
    with at(NOON + timedelta(minutes=1, seconds=1)):
        desk.tick()
    assert len(inbox.messages(StandIn.PAGERDUTY)) == 2, "the incident, and that nobody can be reached"


@pytest.mark.req("R5.1-1")
def test_delays_of_minor_trouble_count_business_time_only(desk: Desk, inbox: Inbox) -> None:
    """17:30 on Friday, one hour's delay: 30 minutes today, 30 on Monday morning."""
    friday = datetime(2026, 12, 4, 8, 30, tzinfo=UTC)
    with at(friday):
        incident = desk.open(Severity.MINOR)
        desk.tick()
    assert len(called(desk, incident)) == 1
    due = [one.due_at for one in list_timers(desk.plane.ledger.store, subject=incident.subject)
           if one.kind == ESCALATE]  # fmt: skip
    monday = datetime(2026, 12, 7, 0, 30, tzinfo=UTC)
    assert abs(due[0] - monday) < timedelta(seconds=5)


def test_severity_four_calls_nobody_and_is_read_in_its_place(desk: Desk, inbox: Inbox) -> None:
    with at(NOON):
        incident = desk.open(Severity.TRIVIAL)
        desk.tick()
    assert called(desk, incident) == []
    assert [one.to for one in inbox.messages()] == ["C0HRXWARNING"]


def test_a_security_incident_goes_to_its_own_people_and_place(desk: Desk, inbox: Inbox) -> None:
    with at(NOON):
        incident = desk.open(Severity.CRITICAL, is_security=True)
        desk.tick()
    assert "C0HRXSECURITY" in {one.to for one in inbox.messages(StandIn.SLACK)}
    assert "C0HRXCRITICAL" not in {one.to for one in inbox.messages(StandIn.SLACK)}
    assert len(called(desk, incident)) == 2, "security on call, and the first responder"


def test_who_takes_it_and_its_end_are_told_to_whom_it_was_told_and_to_pagerduty(
    desk: Desk, inbox: Inbox
) -> None:
    first, second, _ = (desk.plane.content.contacts.get(name) for name in on_call(desk, NOON))
    with at(NOON):
        incident = desk.open(Severity.CRITICAL)
        desk.tick()
    with at(NOON + timedelta(minutes=6)):
        desk.tick()
        desk.acknowledge(incident, by=second.id)
        desk.tick()
        said = [one.body["event_action"] for one in inbox.messages(StandIn.PAGERDUTY)]
        assert said == ["trigger", "acknowledge"]
        place = inbox.messages(StandIn.SLACK, to="C0HRXCRITICAL")
        assert place[-1].key == place[0].body["ts"], "in the thread of the page"
        assert f"{second.name.ja} が対応を始めました" in str(place[-1].body["blocks"])
        assert len(inbox.messages(StandIn.SLACK, to=second.channels[0].address)) == 1, "who took it knows"
        assert len(inbox.messages(StandIn.SLACK, to=first.channels[0].address)) == 2, "who was paged may rest"
        resolve(
            desk.plane,
            incident.id,
            reason="over",
            actor=Actor(name="sato", role=Role.RESPONDER, is_operator=True),
        )
        desk.tick()
    assert inbox.messages(StandIn.PAGERDUTY)[-1].body["event_action"] == "resolve"
    assert {one.key for one in inbox.messages(StandIn.PAGERDUTY)} == {f"hrx-incident:{incident.id}"}


def test_an_alert_that_pagerduty_never_got_is_not_opened_there_after_somebody_has_it(
    desk: Desk, inbox: Inbox
) -> None:
    inbox.box.set_mood(StandIn.PAGERDUTY, Mood.FAULT)
    with at(NOON):
        incident = desk.open(Severity.CRITICAL)
        desk.tick()
        desk.acknowledge(incident)
    inbox.box.set_mood(StandIn.PAGERDUTY, Mood.WELL)
    with at(NOON + timedelta(minutes=10)):
        desk.tick()
    assert "trigger" not in {one.body["event_action"] for one in inbox.messages(StandIn.PAGERDUTY)}
    store = desk.plane.ledger.store
    opening = [one for one in list_notifications(store) if one.channel == ChannelKind.PAGERDUTY][-1]
    assert opening.state is NotificationState.CANCELLED
    assert get_incident(store, incident.id).acknowledged_by == "sato"


def test_a_drill_says_so_first(desk: Desk, inbox: Inbox) -> None:
    with at(NOON):
        desk.open(Severity.CRITICAL, is_drill=True)
        desk.tick()
    assert all("訓練" in one.title or "[Drill]" in one.title for one in inbox.messages(StandIn.SLACK))
