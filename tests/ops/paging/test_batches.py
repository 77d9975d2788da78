"""Throttling and bundling as properties: nothing is dropped, and what is urgent never waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrx.ops.channels.channel import ChannelKind
from hrx.ops.ledger.notifications import Notification, NotificationState
from hrx.ops.paging.batches import BUNDLE_FROM, PER_WINDOW, WINDOW_S, is_urgent, plan_batches
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
        st.sampled_from(["page", "notice"]),
        st.integers(1, 4),
    ),
    max_size=40,
).map(lambda found: [message(number, *one) for number, one in enumerate(found)])
moments = st.lists(st.integers(1, 60), max_size=6).map(
    lambda ago: sorted(NOW - timedelta(seconds=seconds) for seconds in ago)
)


@given(waiting=messages, recent=moments)
def test_nothing_is_dropped_what_is_urgent_goes_alone_and_nobody_gets_more_than_they_can_read(
    waiting: list[Notification], recent: list[datetime]
) -> None:
    keys = {(one.recipient, one.channel) for one in waiting}
    planned = plan_batches(waiting, lately=dict.fromkeys(keys, recent), at=NOW)
    sent = [one.id for group in planned.send for one in group]
    held = [one.id for one, _ in planned.hold]
    assert sorted(sent + held) == [one.id for one in waiting]
    for group in planned.send:
        assert len({(one.recipient, one.channel) for one in group}) == 1
        if any(is_urgent(one) or one.channel == ChannelKind.PAGERDUTY for one in group):
            assert len(group) == 1
    assert not any(is_urgent(one) for one, _ in planned.hold)
    assert all(NOW < until <= NOW + timedelta(seconds=WINDOW_S) for _, until in planned.hold)
    lately = sum(moment > NOW - timedelta(seconds=WINDOW_S) for moment in recent)
    for key in keys:
        ordinary = [
            group
            for group in planned.send
            if (group[0].recipient, group[0].channel) == key
            and not is_urgent(group[0])
            and key[1] != ChannelKind.PAGERDUTY
        ]
        assert len(ordinary) <= max(PER_WINDOW - lately, 0)


def test_from_four_on_they_are_one() -> None:
    few = [message(number, "sato", "slack", "notice", 3) for number in range(BUNDLE_FROM - 1)]
    assert [len(group) for group in plan_batches(few, lately={}, at=NOW).send] == [1] * (BUNDLE_FROM - 1)
    many = [message(number, "sato", "slack", "notice", 3) for number in range(BUNDLE_FROM)]
    assert [len(group) for group in plan_batches(many, lately={}, at=NOW).send] == [BUNDLE_FROM]


def test_each_wait_is_longer_than_the_last_up_to_a_minute_and_never_in_step() -> None:
    waits = [back_off_s(tries, retry_after_s=None) for tries in range(1, 12)]
    floors = [1, 2, 4, 8, 15, 30, 60, 60, 60, 60, 60]
    assert all(floor <= wait <= floor * 1.25 for floor, wait in zip(floors, waits, strict=True))
    assert len({back_off_s(1, retry_after_s=None) for _ in range(20)}) > 1


@given(tries=st.integers(1, 20), asked=st.floats(0, 3600))
def test_what_the_other_side_asked_for_is_the_least_that_is_waited(tries: int, asked: float) -> None:
    assert back_off_s(tries, retry_after_s=asked) >= asked
