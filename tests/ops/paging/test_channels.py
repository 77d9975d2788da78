"""Every channel against a stand-in that speaks its protocol: one suite, held by all four.

A channel sends once and says exactly what became of it; patience, other ways and memory are the sender's."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from hrx.ops.channels.channel import Channel, ChannelKind, DeliveryFailed, Envelope
from hrx.ops.channels.opening import list_configured, open_channels
from hrx.ops.inbox.box import Mood, StandIn
from hrx.ops.settings import OpsSettings
from tests.ops.paging.conftest import SECRETS, Inbox

pytestmark = [pytest.mark.req("R4.3-2"), pytest.mark.parametrize("kind", list(ChannelKind))]
ADDRESSES = {
    ChannelKind.SLACK: "U0SATO",
    ChannelKind.EMAIL: "kenichi.sato@example.jp",
    ChannelKind.PAGERDUTY: "hrx-ai",
    ChannelKind.WEBHOOK: "+81-3-0000-0000",
}


@pytest.fixture
def channel(paging_settings: OpsSettings, inbox: Inbox, kind: ChannelKind) -> Iterator[Channel]:
    opened = open_channels(paging_settings)
    yield opened[kind]
    for one in opened.values():
        one.close()


def envelope(kind: ChannelKind, *, key: str = "page:7") -> Envelope:
    """A page whose words could break each protocol: markup, line breaks, several scripts, an emoji."""
    return Envelope(
        dedup_key=key,
        address=ADDRESSES[kind],
        language="ja",
        purpose="page",
        title="API <停止> & 遅延 🔴\r\nBcc: eve@example.com",
        lines=("重大度 SEV1", "<!channel> .", "."),
        url="https://ops.example.jp/incidents/7",
        actions=("acknowledge",),
        thread="incident:7",
        severity=1,
        incident_id=7,
    )


def stand_in(kind: ChannelKind) -> StandIn:
    return StandIn(kind.value)


def test_a_message_arrives_once_as_it_was_meant_and_the_receipt_says_so(
    channel: Channel, inbox: Inbox, kind: ChannelKind
) -> None:
    receipt = channel.send(envelope(kind))
    (arrived,) = inbox.messages()
    assert arrived.stand_in is stand_in(kind)
    assert "停止" in arrived.title
    assert "eve@example.com" not in arrived.to
    assert receipt.ref
    assert receipt.says


@pytest.mark.parametrize("mood", [Mood.FAULT, Mood.THROTTLED, Mood.REFUSES])
def test_what_is_not_taken_is_a_failure_that_says_whether_another_try_makes_sense(
    channel: Channel, inbox: Inbox, kind: ChannelKind, mood: Mood
) -> None:
    inbox.box.set_mood(stand_in(kind), mood)
    with pytest.raises(DeliveryFailed) as failed:
        channel.send(envelope(kind))
    assert failed.value.is_permanent is (mood is Mood.REFUSES)
    if mood is Mood.THROTTLED and kind is not ChannelKind.EMAIL:
        assert failed.value.retry_after_s == 2
    assert inbox.messages() == []


def test_one_that_never_answers_costs_no_more_than_the_time_limit(
    channel: Channel, inbox: Inbox, paging_settings: OpsSettings, kind: ChannelKind
) -> None:
    inbox.box.set_mood(stand_in(kind), Mood.HANGS)
    started = time.monotonic()
    with pytest.raises(DeliveryFailed) as failed:
        channel.send(envelope(kind))
    # SMTP has a limit for each command; what hangs here is one command.
    assert time.monotonic() - started < 3 * paging_settings.notify_timeout_s + 2
    assert not failed.value.is_permanent


def test_nobody_there_is_a_failure_worth_another_try_and_no_secret_is_said(
    paging_settings: OpsSettings, kind: ChannelKind
) -> None:
    channel = open_channels(paging_settings)[kind]
    with pytest.raises(DeliveryFailed) as failed:
        channel.send(envelope(kind))
    assert not failed.value.is_permanent
    assert not any(secret in failed.value.says for secret in SECRETS)
    channel.close()


def test_without_its_secret_or_address_a_channel_is_not_there(
    paging_settings: OpsSettings, kind: ChannelKind
) -> None:
    missing = {
        ChannelKind.SLACK: "slack_bot_token",
        ChannelKind.EMAIL: "smtp_host",
        ChannelKind.PAGERDUTY: "pagerduty_routing_key",
        ChannelKind.WEBHOOK: "webhook_secret",
    }[kind]
    without = paging_settings.model_copy(update={missing: None})
    assert list_configured(without) == frozenset(ChannelKind) - {kind}
    assert frozenset(open_channels(without)) == list_configured(without)
