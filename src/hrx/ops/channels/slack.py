"""Slack: Block Kit messages, one thread an incident, a button that acknowledges; and proof that it was Slack
who called back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.signature import Clock, SignatureVerifier

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.kit.secrets import list_accepted
from hrx.ops.channels.channel import (
    ChannelKind,
    DeliveryFailed,
    Envelope,
    Receipt,
    judge_status,
    read_retry_after,
    tidy,
)

#: `action_id` of the button; its value is the incident's number.
ACKNOWLEDGE_ACTION: Final = "hrx_acknowledge"
#: Answers with `ok: false` that will be the same tomorrow unless somebody changes something.
_PERMANENT: Final = frozenset(
    {
        "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "no_permission",
        "missing_scope", "channel_not_found", "not_in_channel", "is_archived", "msg_too_long", "no_text",
        "invalid_blocks", "user_not_found", "restricted_action",
    }
)  # fmt: skip
_BUTTON: Final = Text(ja="対応を開始(受領)", en="Acknowledge")
_OPEN: Final = Text(ja="画面を開く", en="Open")
_MARKS: Final = {1: "🔴", 2: "🟠", 3: "🟡", 4: "⚪"}
#: Slack takes 3,000 characters in a section and 50 blocks in a message.
_TEXT_MAX: Final = 2900
_SECTIONS_MAX: Final = 40


class SlackChannel:
    """Slack's Web API. The address is the id of a channel or of a person."""

    kind = ChannelKind.SLACK

    def __init__(self, *, token: str, api_url: str, timeout_s: float) -> None:
        self._token = token
        # Retries are the sender's; the library's would hide the answer and hold the lease.
        self._client = WebClient(
            token=token, base_url=api_url, timeout=max(1, round(timeout_s)), retry_handlers=[]
        )
        # The library reads proxies from the environment; ours are settings or none.
        self._client.proxy = None

    def send(self, envelope: Envelope) -> Receipt:
        try:
            answer = self._client.chat_postMessage(
                channel=envelope.address,
                text=f"{_MARKS.get(envelope.severity or 0, '')} {envelope.title}".strip(),
                blocks=to_blocks(envelope),
                thread_ts=envelope.thread_ref,
                # What is no mere update must be seen by those who do not follow the thread.
                reply_broadcast=bool(envelope.thread_ref) and envelope.purpose in ("notice", "call"),
                unfurl_links=False,
                # The message's key, so that a duplicate can be recognised in Slack itself.
                metadata={"event_type": "hrx_message", "event_payload": {"delivery": envelope.dedup_key}},
            )
        except SlackApiError as error:
            raise self._judge(error) from error
        except (SlackClientError, OSError, ValueError) as error:
            raise DeliveryFailed(
                self._tidy(f"{type(error).__name__}: {error}"), is_permanent=False
            ) from error
        ref = str(answer.get("ts", ""))
        return Receipt(says="ok", ref=ref, facts={"channel": str(answer.get("channel", "")), "ts": ref})

    def close(self) -> None:
        """Nothing is held open between messages."""

    def _judge(self, error: SlackApiError) -> DeliveryFailed:
        answer = error.response
        code = int(getattr(answer, "status_code", 0) or 0)
        headers = {str(k).lower(): str(v) for k, v in (getattr(answer, "headers", None) or {}).items()}
        data = getattr(answer, "data", None)
        reason = str(data.get("error", "")) if isinstance(data, dict) else ""
        if code == 200:
            return DeliveryFailed(
                self._tidy(reason or "ok: false"),
                is_permanent=reason in _PERMANENT,
                retry_after_s=read_retry_after(headers.get("retry-after")),
            )
        return judge_status(code or 503, self._tidy(reason), retry_after=headers.get("retry-after"))

    def _tidy(self, says: str) -> str:
        return tidy(says, secrets=(self._token,))


# `Any`: Block Kit is JSON.
def to_blocks(envelope: Envelope) -> list[dict[str, Any]]:
    """The message as Block Kit: title, what is known, and buttons."""
    mark = _MARKS.get(envelope.severity or 0, "")
    head = f"{mark} SEV{envelope.severity} · {envelope.title}" if envelope.severity else envelope.title
    blocks: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": head[:150]}}]
    for text in _sections(envelope.lines):
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": text}})
    buttons = _buttons(envelope)
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    return blocks


def _sections(lines: Sequence[str]) -> list[str]:
    """The lines in as few sections as hold them all: what is cut off a bundle is a page that nobody gets."""
    sections: list[str] = []
    for line in lines:
        text = _escape(line)[:_TEXT_MAX]
        if sections and len(sections[-1]) + 1 + len(text) <= _TEXT_MAX:
            sections[-1] += "\n" + text
        else:
            sections.append(text)
    return sections[:_SECTIONS_MAX]


def _buttons(envelope: Envelope) -> list[dict[str, Any]]:
    buttons: list[dict[str, Any]] = []
    if "acknowledge" in envelope.actions and envelope.incident_id is not None:
        buttons.append(
            {
                "type": "button",
                "action_id": ACKNOWLEDGE_ACTION,
                "style": "primary",
                "text": {"type": "plain_text", "text": _BUTTON.in_language(envelope.language)},
                "value": str(envelope.incident_id),
            }
        )
    if envelope.url:
        buttons.append(
            {
                "type": "button",
                "action_id": "hrx_open",
                "text": {"type": "plain_text", "text": _OPEN.in_language(envelope.language)},
                "url": envelope.url,
            }
        )
    return buttons


def _escape(text: str) -> str:
    """Slack's three control characters; a title may hold anything."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class _OurClock(Clock):
    def now(self) -> float:
        return clock.now().timestamp()


def is_from_slack(secret: str, *, timestamp: str, signature: str, body: bytes) -> bool:
    """Whether Slack signed these bytes in the last five minutes; an older call could be a replay.

    `secret` may be a list, of which each counts while it is rotated."""
    if not timestamp.isdigit():
        return False
    verifiers = [SignatureVerifier(one, clock=_OurClock()) for one in list_accepted(secret)]
    return any(verifier.is_valid(body, timestamp, signature) for verifier in verifiers)


def sign_like_slack(secret: str, *, timestamp: str, body: bytes) -> str:
    """The signature that Slack would send; for the stand-in and for tests."""
    return SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body) or ""
