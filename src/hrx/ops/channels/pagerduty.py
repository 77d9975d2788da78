"""PagerDuty's Events API v2: one alert for each incident, opened, acknowledged and resolved with us.

Spoken directly rather than through PagerDuty's client, which retries by itself and sleeps while it does."""

from __future__ import annotations

from typing import Any, Final

import httpx

from hrx.kit import clock
from hrx.ops.channels.channel import (
    ChannelKind,
    DeliveryFailed,
    Envelope,
    Event,
    Receipt,
    judge_status,
    tidy,
)

_SEVERITIES: Final = {1: "critical", 2: "error", 3: "warning", 4: "info"}
_SUMMARY_MAX: Final = 1024


class PagerDutyChannel:
    """One integration of PagerDuty. The address is the name of the service, shown there as the source."""

    kind = ChannelKind.PAGERDUTY

    def __init__(self, *, routing_key: str, events_url: str, timeout_s: float) -> None:
        self._routing_key = routing_key
        self._url = events_url.rstrip("/") + "/v2/enqueue"
        self._client = httpx.Client(timeout=timeout_s, trust_env=False, follow_redirects=False)

    def send(self, envelope: Envelope) -> Receipt:
        try:
            answer = self._client.post(self._url, json=to_event(envelope, routing_key=self._routing_key))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            says = tidy(f"{type(error).__name__}: {error}", secrets=(self._routing_key,))
            raise DeliveryFailed(says, is_permanent=False) from error
        if answer.status_code != 202:
            says = tidy(answer.text, secrets=(self._routing_key,))
            raise judge_status(answer.status_code, says, retry_after=answer.headers.get("retry-after"))
        return Receipt(says="202 accepted", ref=_key_of(envelope), facts={"dedup_key": _key_of(envelope)})

    def close(self) -> None:
        self._client.close()


def _key_of(envelope: Envelope) -> str:
    """One alert an incident: whatever is sent about it meets the same alert there."""
    return f"hrx-{envelope.thread or envelope.dedup_key}"


# `Any`: the event is JSON.
def to_event(envelope: Envelope, *, routing_key: str) -> dict[str, Any]:
    """The event as PagerDuty documents it."""
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": envelope.event.value,
        "dedup_key": _key_of(envelope),
    }
    if envelope.event is Event.TRIGGER:
        event["payload"] = {
            "summary": envelope.title[:_SUMMARY_MAX],
            "source": envelope.address,
            "severity": _SEVERITIES.get(envelope.severity or 2, "error"),
            "timestamp": clock.now().isoformat(),
            "custom_details": {"lines": list(envelope.lines), "incident": envelope.incident_id},
        }
        if envelope.url:
            event["links"] = [{"href": envelope.url, "text": "HRX-AI"}]
    return event
