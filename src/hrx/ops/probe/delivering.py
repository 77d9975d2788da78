"""How a call leaves the probe: straight to the channel, with nothing of the plane in between."""

from __future__ import annotations

from typing import Final

import orjson

from hrx.kit.errors import Text, Unavailable
from hrx.ops.observe.standby import Reach
from hrx.ops.probe.calling import Call
from hrx.ops.probe.fetching import FETCH_ERRORS, fetch

_TIMEOUT_S: Final = 5.0


def deliver_by_webhook(reach: Reach, call: Call) -> None:
    """POST the call to the address of `reach`. Raises Unavailable when it was not taken."""
    body = orjson.dumps(
        {
            "dedup_key": call.dedup_key,
            "recipient": reach.recipient,
            "title": call.title.in_language(reach.language),
            "line": call.line.in_language(reach.language),
            "since": call.since.isoformat(),
        }
    )
    try:
        answer = fetch(
            reach.address,
            timeout_s=_TIMEOUT_S,
            method="POST",
            body=body,
            headers={"Content-Type": "application/json"},
        )
    except FETCH_ERRORS as error:
        raise _not_taken(reach, type(error).__name__) from error
    if answer.status >= 300:
        raise _not_taken(reach, f"HTTP {answer.status}")


def _not_taken(reach: Reach, said: str) -> Unavailable:
    return Unavailable(
        Text(
            ja=f"{reach.channel} に届きません({said})",
            en=f"{reach.channel} did not take the message ({said})",
        ),
        code="probe.not_delivered",
    )
