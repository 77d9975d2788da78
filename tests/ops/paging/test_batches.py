"""Throttling and bundling as properties: nothing is dropped, and a call waits seconds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrx.ops.channels.channel import ChannelKind
from hrx.ops.ledger.notifications import Notification, NotificationState, Sent
from hrx.ops.paging.batches import LIMITS, plan_batches
from hrx.ops.paging.settling import back_off_s

pytestmark = pytest.mark.req("R4.3-2")
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def message(number: int, recipient: str, channel: str, purpose: str, severity: int) -> Notification:
    return Notification(
        id=number,
        dedup_key=f"key:{number}",
        recipient=recipient,
        channel=channel,
        purpose=purpose,
        state=NotificationState.QUEUED,
        created_at=NOW,
        next_at=NOW,
        message={"severity": severity},
    )


messages = st.lists(
    st.tuples(
        st.sampled_from(["sato", "ito"]),
        st.sampled_from([kind.value for kind in ChannelKind]),
        st.sampled_from(["page", "call", "notice"]),
        st.integers(1, 4),
    ),
    max_size=40,
).map(lambda found: [message(number, *one) for number, one in enumerate(found)])
sent = st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=12).map(
    lambda found: [
        Sent(at=NOW - timedelta(seconds=ago), has_calls=has_calls)
        for ago, has_calls in sorted(found, reverse=True)
    ]
)


@given(waiting=messages, recent=sent)
def test_nothing_is_dropped_calls_wait_seconds_and_nobody_gets_more_than_they_can_read(
    waiting: list[Notification], recent: list[Sent]
) -> None:
    keys = {(one.recipient, one.channel) for one in waiting}
    planned = plan_batches(waiting, lately=dict.fromkeys(keys, recent), at=NOW)
    went = [one.id for group in planned.send for one in group]
    held = [one.id for one, _ in planned.hold]
    assert sorted(went + held) == [one.id for one in waiting]
    for group in planned.send:
        assert len({(one.recipient, one.channel, one.is_call) for one in group}) == 1
        assert group[0].channel != ChannelKind.PAGERDUTY or len(group) == 1
    most = {True: timedelta(seconds=LIMITS.call_every_s), False: timedelta(seconds=LIMITS.window_s)}
    assert all(NOW < until <= NOW + most[one.is_call] for one, until in planned.hold)
    had = [one for one in recent if one.at > NOW - timedelta(seconds=LIMITS.window_s)]
    for key in keys - {key for key in keys if key[1] == ChannelKind.PAGERDUTY}:
        mine = [group for group in planned.send if (group[0].recipient, group[0].channel) == key]
        calls = [group for group in mine if group[0].is_call]
        room = LIMITS.per_window - sum(one.has_calls for one in had)
        assert len(calls) <= max(room, 1)
        assert len(mine) - len(calls) <= max(LIMITS.per_window - len(had), 0)


def test_a_call_waits_behind_nothing_that_is_none() -> None:
    full = [Sent(at=NOW - timedelta(seconds=1), has_calls=False)] * LIMITS.per_window
    call = message(1, "sato", "slack", "call", 2)
    rest = [message(number, "sato", "slack", "notice", 1) for number in range(2, 60)]
    planned = plan_batches([*rest, call], lately={("sato", "slack"): full}, at=NOW)
    assert planned.send == [[call]]
    assert {one.id for one, _ in planned.hold} == {one.id for one in rest}


def test_a_flood_of_calls_is_a_few_messages_that_name_all_of_them_worst_first() -> None:
    flood = [message(number, "sato", "slack", "page", 1 + number % 2) for number in range(100)]
    (only,) = plan_batches(flood, lately={}, at=NOW).send
    assert len(only) == 100
    assert [one.severity for one in only] == [1] * 50 + [2] * 50


def test_what_waited_behind_a_flood_of_calls_goes_out_after_a_minute() -> None:
    calls = [Sent(at=NOW - timedelta(seconds=ago), has_calls=True) for ago in (25, 20, 15, 10, 5)]
    old = replace(
        message(1, "sato", "slack", "notice", 3), created_at=NOW - timedelta(seconds=LIMITS.overdue_s)
    )
    assert plan_batches([old], lately={("sato", "slack"): calls}, at=NOW).send == [[old]]
    young = replace(old, created_at=NOW - timedelta(seconds=LIMITS.overdue_s - 1))
    ((held, until),) = plan_batches([young], lately={("sato", "slack"): calls}, at=NOW).hold
    assert (held, until) == (young, NOW + timedelta(seconds=1))


def test_from_four_on_they_are_one() -> None:
    most = LIMITS.bundle_from
    few = [message(number, "sato", "slack", "notice", 3) for number in range(most - 1)]
    assert [len(group) for group in plan_batches(few, lately={}, at=NOW).send] == [1] * (most - 1)
    many = [message(number, "sato", "slack", "notice", 3) for number in range(most)]
    assert [len(group) for group in plan_batches(many, lately={}, at=NOW).send] == [most]


def test_each_wait_is_longer_than_the_last_up_to_a_minute_and_never_in_step() -> None:
    waits = [back_off_s(tries, retry_after_s=None) for tries in range(1, 12)]
    floors = [1, 2, 4, 8, 15, 30, 60, 60, 60, 60, 60]
    assert all(floor <= wait <= floor * 1.25 for floor, wait in zip(floors, waits, strict=True))
    assert len({back_off_s(1, retry_after_s=None) for _ in range(20)}) > 1


@given(tries=st.integers(1, 20), asked=st.floats(0, 3600))
def test_what_the_other_side_asked_for_is_the_least_that_is_waited(tries: int, asked: float) -> None:
    assert back_off_s(tries, retry_after_s=asked) >= asked
