"""From what a protocol brought to what its reader would see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from hrx.ops.channels.slack import ACKNOWLEDGE_ACTION
from hrx.ops.inbox.box import Message, StandIn

_SEVERITY: Final = re.compile(r"SEV([1-4])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button of a message: a link, or something to press."""

    text: str
    url: str | None
    incident: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A message as shown."""

    id: int
    at: datetime
    stand_in: StandIn
    to: str
    address: str
    title: str
    lines: tuple[str, ...]
    buttons: tuple[Button, ...]
    is_reply: bool
    note: str
    severity: str | None
    raw: str
    ts: str


def see(message: Message, *, names: Mapping[str, str]) -> Seen:
    """The message for its page."""
    title, lines, buttons, note = _READERS[message.stand_in](message)
    found = _SEVERITY.search(title)
    return Seen(
        id=message.id,
        at=datetime.fromisoformat(message.at).astimezone(),
        stand_in=message.stand_in,
        to=names.get(message.to, message.to),
        address=message.to,
        title=title,
        lines=lines,
        buttons=buttons,
        is_reply=message.stand_in is StandIn.SLACK and bool(message.key),
        note=note,
        severity=found.group(1) if found else None,
        raw=orjson.dumps(message.body, option=orjson.OPT_INDENT_2).decode(),
        ts=str(message.body.get("ts", "")),
    )


_Parts = tuple[str, tuple[str, ...], tuple[Button, ...], str]


def _slack(message: Message) -> _Parts:
    title, lines, buttons = message.title, list[str](), list[Button]()
    for block in _blocks(message.body.get("blocks")):
        text = block.get("text")
        said = str(text.get("text", "")) if isinstance(text, dict) else ""
        if block.get("type") == "header":
            title = said
        elif block.get("type") == "section":
            lines += [_unescape(line) for line in said.splitlines()]
        elif block.get("type") == "actions":
            buttons += [_button(one) for one in block.get("elements", []) if isinstance(one, dict)]
    return title, tuple(lines), tuple(buttons), ""


def _button(element: dict[str, Any]) -> Button:
    text = element.get("text")
    is_ours = element.get("action_id") == ACKNOWLEDGE_ACTION
    return Button(
        text=str(text.get("text", "")) if isinstance(text, dict) else "",
        url=element.get("url"),
        incident=str(element.get("value")) if is_ours else None,
    )


def _pagerduty(message: Message) -> _Parts:
    payload = message.body.get("payload") or {}
    details = payload.get("custom_details") or {}
    links = tuple(
        Button(text=str(one.get("text", "")), url=one.get("href"), incident=None)
        for one in message.body.get("links", [])
    )
    lines = tuple(str(line) for line in details.get("lines", ()))
    note = f"{message.body.get('event_action')} · {message.key}"
    return str(payload.get("summary") or message.title), lines, links, note


def _email(message: Message) -> _Parts:
    headers = message.body.get("headers", {})
    lines = tuple(str(message.body.get("text", "")).splitlines())
    return message.title, lines, (), f"From: {headers.get('From', '')}"


def _webhook(message: Message) -> _Parts:
    body = message.body
    buttons = (Button(text="URL", url=body["url"], incident=None),) if body.get("url") else ()
    mark = f"SEV{body['severity']} " if body.get("severity") else ""
    is_right = "✓" if body.get("signature_is_right") else "✗"
    lines = tuple(str(line) for line in body.get("lines") or ())
    return f"{mark}{message.title}", lines, buttons, f"HMAC {is_right} · {message.key}"


_READERS: Final = {
    StandIn.SLACK: _slack,
    StandIn.PAGERDUTY: _pagerduty,
    StandIn.EMAIL: _email,
    StandIn.WEBHOOK: _webhook,
}


def _blocks(found: Any) -> list[dict[str, Any]]:
    """Slack's libraries send blocks as JSON, or as JSON inside a form field."""
    if isinstance(found, str):
        found = orjson.loads(found)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
