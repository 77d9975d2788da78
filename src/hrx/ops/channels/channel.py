"""What every channel offers: send one message, and say exactly what became of it.

A channel keeps nothing and retries nothing: that is the sender's affair, which has the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from hrx.kit.errors import Language, Text, Unavailable
from hrx.kit.secrets import MASK, mask_text

#: How much of an answer is worth keeping.
_SAYS_LENGTH: Final = 300


class ChannelKind(StrEnum):
    """The ways there are."""

    SLACK = "slack"
    EMAIL = "email"
    PAGERDUTY = "pagerduty"
    WEBHOOK = "webhook"


class Event(StrEnum):
    """What a message means to a channel that keeps state of its own (PagerDuty)."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One message to one address, ready to be rendered.

    `thread` names what messages belong together (`incident:7`); `thread_ref` is the channel's own id of the
    first of them, from its receipt. `url` is where to read more; `actions` what can be done in place."""

    dedup_key: str
    address: str
    language: Language
    purpose: str
    title: str
    lines: tuple[str, ...] = ()
    url: str | None = None
    actions: tuple[str, ...] = ()
    thread: str | None = None
    thread_ref: str | None = None
    severity: int | None = None
    incident_id: int | None = None
    event: Event = Event.TRIGGER
    recipient: str = ""
    #: Where one click ends these messages; set for readers outside, who are no operators.
    unsubscribe_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The other side's word that it has the message. `ref` is its id there, for threads."""

    says: str
    ref: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


class DeliveryFailed(Unavailable):
    """The message was not taken. Permanent: the same message will never be taken there."""

    code = "channel.delivery_failed"

    def __init__(self, says: str, *, is_permanent: bool, retry_after_s: float | None = None) -> None:
        said = tidy(says)
        super().__init__(Text(ja=f"送れませんでした: {said}", en=f"Not delivered: {said}"))
        self.says = said
        self.is_permanent = is_permanent
        self.retry_after_s = retry_after_s


class Channel(Protocol):
    """One way to reach people."""

    @property
    def kind(self) -> ChannelKind: ...

    def send(self, envelope: Envelope) -> Receipt:
        """Deliver within the time limit. Raises DeliveryFailed."""
        ...

    def close(self) -> None: ...


def tidy(says: str, *, secrets: tuple[str, ...] = ()) -> str:
    """What somebody said as one short line without credentials, ours by value and others by their look."""
    for secret in secrets:
        says = says.replace(secret, MASK) if secret else says
    return mask_text(" ".join(says.split()))[:_SAYS_LENGTH]


#: HTTP answers worth another try: time-outs, conflicts of moments, overload, and faults of the other side.
_RETRYABLE: Final = frozenset({408, 409, 425, 429})


def judge_status(code: int, says: str, *, retry_after: str | None = None) -> DeliveryFailed:
    """The failure that an HTTP status means."""
    is_permanent = code < 500 and code not in _RETRYABLE
    return DeliveryFailed(
        f"HTTP {code} {says}", is_permanent=is_permanent, retry_after_s=read_retry_after(retry_after)
    )


def read_retry_after(value: str | None) -> float | None:
    """Seconds of a Retry-After header, an hour at most; None when it says none (dates are not used here)."""
    try:
        return min(max(float(value), 0.0), 3600.0) if value else None
    except ValueError:
        return None
