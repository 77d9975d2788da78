"""The channels that the settings make possible; one whose address or secret is missing is not there."""

from __future__ import annotations

from collections.abc import Mapping

from hrx.kit.secrets import newest
from hrx.ops.channels.channel import Channel, ChannelKind
from hrx.ops.channels.email import EmailChannel
from hrx.ops.channels.pagerduty import PagerDutyChannel
from hrx.ops.channels.slack import SlackChannel
from hrx.ops.channels.webhook import WebhookChannel
from hrx.ops.settings import OpsSettings


def open_channels(settings: OpsSettings) -> dict[ChannelKind, Channel]:
    """Every channel that is configured. Close them at the end."""
    found: dict[ChannelKind, Channel] = {}
    limit_s = settings.notify_timeout_s
    if settings.slack_bot_token is not None:
        token = settings.slack_bot_token.get_secret_value()
        found[ChannelKind.SLACK] = SlackChannel(
            token=token, api_url=settings.slack_api_url, timeout_s=limit_s
        )
    if settings.smtp_host is not None:
        password = settings.smtp_password
        found[ChannelKind.EMAIL] = EmailChannel(
            host=settings.smtp_host,
            port=settings.smtp_port,
            sender=settings.smtp_sender,
            user=settings.smtp_user,
            password=password.get_secret_value() if password else None,
            timeout_s=limit_s,
        )
    if settings.pagerduty_routing_key is not None:
        key = settings.pagerduty_routing_key.get_secret_value()
        found[ChannelKind.PAGERDUTY] = PagerDutyChannel(
            routing_key=key, events_url=settings.pagerduty_events_url, timeout_s=limit_s
        )
    if settings.webhook_url is not None and settings.webhook_secret is not None:
        found[ChannelKind.WEBHOOK] = WebhookChannel(
            url=settings.webhook_url,
            secret=newest(settings.webhook_secret.get_secret_value()),
            timeout_s=limit_s,
        )
    return found


def list_configured(settings: OpsSettings) -> frozenset[ChannelKind]:
    """Which channels `open_channels` would open, without opening any."""
    is_there: Mapping[ChannelKind, bool] = {
        ChannelKind.SLACK: settings.slack_bot_token is not None,
        ChannelKind.EMAIL: settings.smtp_host is not None,
        ChannelKind.PAGERDUTY: settings.pagerduty_routing_key is not None,
        ChannelKind.WEBHOOK: settings.webhook_url is not None and settings.webhook_secret is not None,
    }
    return frozenset(kind for kind, there in is_there.items() if there)
