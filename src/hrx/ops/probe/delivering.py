"""How a call leaves the probe: through a channel of its own, with nothing of the plane in between.

The channels' libraries are heavy; they are loaded when there is something to say, which is nearly never."""

from __future__ import annotations

from hrx.kit.errors import Text, Unavailable
from hrx.ops.observe.standby import Reach
from hrx.ops.probe.calling import Call, Deliver
from hrx.ops.settings import OpsSettings


def make_delivery(settings: OpsSettings) -> Deliver:
    """Deliver through whichever channels the settings of this process make possible."""

    def deliver(reach: Reach, call: Call) -> None:
        """Raises Unavailable when the message was not taken."""
        from hrx.ops.channels.channel import ChannelKind, Envelope
        from hrx.ops.channels.opening import open_channels

        channels = open_channels(settings)
        try:
            channel = channels.get(ChannelKind(reach.channel))
            if channel is None:
                raise _not_configured(reach)
            channel.send(
                Envelope(
                    dedup_key=call.dedup_key,
                    address=reach.address,
                    language=reach.language,
                    purpose="page",
                    title=call.title.in_language(reach.language),
                    lines=(call.line.in_language(reach.language),),
                    severity=1,
                    recipient=reach.recipient,
                )
            )
        finally:
            for opened in channels.values():
                opened.close()

    return deliver


def _not_configured(reach: Reach) -> Unavailable:
    return Unavailable(
        Text(
            ja=f"{reach.channel} は設定されていません",
            en=f"{reach.channel} is not configured",
        ),
        code="probe.not_delivered",
    )
