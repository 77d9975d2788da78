"""A mail server for one machine: takes mail for anybody and delivers it to the box."""

from __future__ import annotations

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from hrx.ops.inbox.box import Box, Mood, StandIn
from hrx.ops.inbox.doors import HANG_S


class _Handler:
    """aiosmtpd calls `handle_DATA` with a whole message; the name is its protocol."""

    def __init__(self, box: Box) -> None:
        self._box = box

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        match self._box.mood(StandIn.EMAIL):
            case Mood.FAULT | Mood.THROTTLED:
                return "451 4.3.0 try again later"
            case Mood.HANGS:
                await asyncio.sleep(HANG_S)
            case Mood.REFUSES:
                return "550 5.1.1 no such mailbox"
            case Mood.WELL:
                pass
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        message = message_from_bytes(raw, policy=policy.default)
        self._box.add(
            StandIn.EMAIL,
            to=", ".join(envelope.rcpt_tos),
            key=str(message["Message-ID"] or ""),
            title=str(message["Subject"] or ""),
            body={
                "headers": {str(name): str(value) for name, value in message.items()},
                "text": _text_of(message),
            },
        )
        return "250 2.0.0 taken"


def open_mail_door(box: Box, *, port: int) -> Any:
    """A running mail server; `stop()` ends it. `Any`: the library has no types."""
    controller = Controller(_Handler(box), hostname="127.0.0.1", port=port)
    controller.start()
    return controller


def _text_of(message: Any) -> str:
    if isinstance(message, EmailMessage):
        body = message.get_body(preferencelist=("plain",))
        return str(body.get_content()) if body else ""
    return ""
