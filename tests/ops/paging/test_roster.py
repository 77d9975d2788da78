"""Who is on call, who takes over, and what leave would open: on our own runbook with a real ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import icalendar
import pytest

from hrx.kit import clock
from hrx.kit.errors import Forbidden, Invalid, NotFound
from hrx.ops.inbox.box import StandIn
from hrx.ops.ledger.on_call import list_changes
from hrx.ops.operators.roles import Actor, Role
from hrx.ops.paging.calendars import write_roster
from hrx.ops.paging.handing_off import LATE, tell_hand_offs
from hrx.ops.paging.roster import list_new_gaps, list_now, prove_coverage
from hrx.ops.paging.roster_changes import make_change, plan_change, read_wall_clock, take_back
from hrx.ops.run.plane import Plane
from hrx.ops.schedules.on_call import find_on_call
from hrx.ops.schedules.proving import Why
from hrx.ops.signal import Severity
from tests.ops.paging.conftest import Desk, Inbox
from tests.ops.paging.test_escalation import NOON, at

pytestmark = pytest.mark.req("R4.3-3")
RESPONDER = Actor(name="sato", role=Role.RESPONDER, is_operator=True)
#: Monday, 10:00 in Tokyo: the second responder changes.
HAND_OFF = datetime(2026, 12, 7, 1, tzinfo=UTC)


def second_at(plane: Plane, moment: datetime) -> str:
    shift = find_on_call(plane.content.on_call.get_rotation("second"), at=moment)
    assert shift is not None
    return shift.person


def test_now_names_a_reachable_person_for_each_step_of_each_severity(paging_plane: Plane) -> None:
    with at(NOON):
        found = list_now(paging_plane)
    assert [one.policy.name for one in found] == ["SEV1", "SEV2", "SEV3", "SEV4", "security"]
    assert all(duty.is_reachable for one in found for step in one.steps for duty in step)


def test_an_override_stands_at_once_and_is_gone_when_it_is_cancelled(paging_plane: Plane) -> None:
    with at(NOON):
        planned = plan_change(
            paging_plane,
            person="ito",
            rotation="first",
            starts_at=clock.now() - timedelta(minutes=1),
            ends_at=clock.now() + timedelta(hours=2),
        )
        made = make_change(paging_plane, planned, actor=RESPONDER)
        duty = list_now(paging_plane)[0].steps[0][0]
        assert duty.person is not None
        assert (duty.person.id, duty.is_override) == ("ito", True)
        take_back(paging_plane, made.id, actor=RESPONDER)
        duty = list_now(paging_plane)[0].steps[0][0]
        assert duty.person is not None
        assert duty.person.id != "ito"


def test_leave_of_everybody_opens_a_gap_that_is_named_before_the_last_of_it_is_made(
    paging_plane: Plane,
) -> None:
    begins, ends = NOON + timedelta(hours=1), NOON + timedelta(days=1)
    with at(NOON):
        *most, last = [
            plan_change(paging_plane, person=person.id, starts_at=begins, ends_at=ends)
            for person in paging_plane.content.contacts.people
            if person.id != "nakamura"
        ] + [plan_change(paging_plane, person="nakamura", starts_at=begins, ends_at=ends)]
        for planned in most:
            make_change(paging_plane, planned, actor=RESPONDER)
        new = list_new_gaps(paging_plane, last)
        make_change(paging_plane, last, actor=RESPONDER)
        made = prove_coverage(paging_plane).policies[0].gaps
    assert [(gap.span.start, gap.span.end) for gap in made][-1][1] == ends
    assert {policy for policy, _ in new} >= {"SEV1", "SEV2"}
    assert {reason.why for _, gap in new for reason in gap.reasons} == {Why.AWAY}


def test_without_any_channel_nobody_is_reachable_and_the_proof_says_so(paging_plane: Plane) -> None:
    settings = paging_plane.settings.model_copy(
        update={
            "slack_bot_token": None,
            "smtp_host": None,
            "webhook_url": None,
            "pagerduty_routing_key": None,
        }
    )
    proof = prove_coverage(replace(paging_plane, settings=settings))
    assert not proof.is_covered
    assert {reason.why for gap in proof.policies[0].gaps for reason in gap.reasons} == {Why.UNREACHABLE}


def test_both_sides_of_a_hand_off_hear_of_it_once_with_what_is_open(desk: Desk, inbox: Inbox) -> None:
    giver, taker = (
        desk.plane.content.contacts.get(second_at(desk.plane, HAND_OFF + timedelta(seconds=seconds)))
        for seconds in (-1, 1)
    )
    assert giver.id != taker.id
    with at(HAND_OFF + timedelta(seconds=2)):
        desk.open(Severity.TRIVIAL)
        for _ in range(3):
            tell_hand_offs(desk.plane)
            desk.tick()
    relieved = [
        one for one in inbox.messages(StandIn.SLACK, to=giver.channels[0].address) if "二次" in one.title
    ]
    assert [one.title for one in relieved] == ["当番を交代しました: 二次対応"]
    taken = [
        one for one in inbox.messages(StandIn.SLACK, to=taker.channels[0].address) if "二次" in one.title
    ]
    assert [one.title for one in taken] == ["当番です: 二次対応"]
    assert "API が応答しません" in str(taken[0].body["blocks"])


def test_a_hand_off_while_nobody_ran_is_told_late_but_not_when_it_is_old(desk: Desk, inbox: Inbox) -> None:
    with at(HAND_OFF + LATE + timedelta(minutes=1)):
        tell_hand_offs(desk.plane)
        desk.tick()
    assert not [one for one in inbox.messages() if "二次" in one.title]
    with at(HAND_OFF + LATE - timedelta(minutes=1)):
        tell_hand_offs(desk.plane)
        desk.tick()
    assert len([one for one in inbox.messages() if "二次" in one.title]) == 2


def test_the_calendar_does_not_change_from_hour_to_hour(paging_plane: Plane) -> None:
    def uids(moment: datetime) -> set[str]:
        with at(moment):
            content = write_roster(paging_plane, language="ja", rotation="second")
        return {str(one["UID"]) for one in icalendar.Calendar.from_ical(content).walk("VEVENT")}

    assert uids(NOON) == uids(NOON + timedelta(hours=1))
    assert len(uids(NOON)) > 15


@pytest.mark.parametrize(
    ("said", "zone", "utc"),
    [
        ("2026-12-01 09:00", "Asia/Tokyo", datetime(2026, 12, 1, tzinfo=UTC)),
        ("2026-12-01", "Asia/Tokyo", datetime(2026, 11, 30, 15, tzinfo=UTC)),
        # Skipped by the change to summer time: the moment of the jump.
        ("2026-03-08T02:30", "America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
        # Twice on the day of the change back: the first.
        ("2026-11-01T01:30", "America/New_York", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
    ],
)
def test_a_wall_clock_means_one_moment(said: str, zone: str, utc: datetime) -> None:
    assert read_wall_clock(said, zone=zone) == utc


@pytest.mark.parametrize("said", ["", "tomorrow", "2026-13-01", "2026-12-01T09:00+09:00"])
def test_what_is_no_wall_clock_is_refused_with_an_example(said: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_wall_clock(said, zone="Asia/Tokyo")
    assert refused.value.hint is not None


def test_wrong_periods_unknown_people_and_viewers_are_refused(paging_plane: Plane) -> None:
    now = clock.now()
    for starts, ends in ((now, now), (now, now - timedelta(hours=1)), (now, now + timedelta(days=400))):
        with pytest.raises(Invalid):
            plan_change(paging_plane, person="sato", starts_at=starts, ends_at=ends)
    with pytest.raises(NotFound):
        plan_change(paging_plane, person="nobody", starts_at=now, ends_at=now + timedelta(hours=1))
    planned = plan_change(paging_plane, person="sato", starts_at=now, ends_at=now + timedelta(hours=1))
    with pytest.raises(Forbidden):
        make_change(paging_plane, planned, actor=Actor(name="v", role=Role.VIEWER, is_operator=True))
    with paging_plane.ledger.store.read() as connection:
        assert list_changes(connection, ending_after=now) == []
