"""A webhook: JSON, signed, to a URL of the settings; for SMS gateways, chat systems and phones of others.

Receivers check `X-HRX-Signature: t=<unix seconds>,v1=<hex>`, an HMAC-SHA256 over `<t>.<body>`, refuse old
moments, and take a message with a known `X-HRX-Delivery` as a duplicate."""

from __future__ import annotations

import hashlib
import hmac

import httpx
import orjson

from hrx.kit import clock
from hrx.ops.channels.channel import (
    ChannelKind,
    DeliveryFailed,
    Envelope,
    Receipt,
    judge_status,
    tidy,
)


class WebhookChannel:
    """One receiver. The address is passed on in the body: a number, a name, whatever the receiver knows."""

    kind = ChannelKind.WEBHOOK

    def __init__(self, *, url: str, secret: str, timeout_s: float) -> None:
        self._url, self._secret = url, secret
        self._client = httpx.Client(timeout=timeout_s, trust_env=False, follow_redirects=False)

    def send(self, envelope: Envelope) -> Receipt:
        body = orjson.dumps(
            {
                "delivery": envelope.dedup_key,
                "to": envelope.address,
                "purpose": envelope.purpose,
                "event": envelope.event.value,
                "title": envelope.title,
                "lines": envelope.lines,
                "url": envelope.url,
                "incident": envelope.incident_id,
                "severity": envelope.severity,
                "language": envelope.language,
            }
        )
        at = str(int(clock.now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "hrx-ops",
            "X-HRX-Delivery": envelope.dedup_key,
            "X-HRX-Signature": f"t={at},v1={sign(self._secret, at=at, body=body)}",
        }
        try:
            answer = self._client.post(self._url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            says = tidy(f"{type(error).__name__}: {error}", secrets=(self._secret,))
            raise DeliveryFailed(says, is_permanent=False) from error
        if not answer.is_success:
            says = tidy(answer.text, secrets=(self._secret,))
            raise judge_status(answer.status_code, says, retry_after=answer.headers.get("retry-after"))
        return Receipt(says=f"{answer.status_code} accepted", ref=envelope.dedup_key)

    def close(self) -> None:
        self._client.close()


def sign(secret: str, *, at: str, body: bytes) -> str:
    """The signature in hex."""
    return hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
