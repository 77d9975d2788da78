"""E-mail over SMTP: encrypted when the server offers it, in the reader's language, with a Message-ID that
comes from the message's key, so that a duplicate is recognised by mail programs."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.channels.channel import ChannelKind, DeliveryFailed, Envelope, Receipt, tidy

_SIGNATURE: Final = Text(
    ja="このメールは HRX-AI の運用コンソールが送りました。返信しても受領にはなりません。",
    en="Sent by HRX-AI's operations console. Replying does not acknowledge.",
)
_SUBSCRIBED: Final = Text(
    ja="HRX-AI 稼働状況の購読をやめるには、次を開いてください。",
    en="To stop mail from HRX-AI status, open this:",
)
_SENDER_NAME: Final = "HRX-AI"


class EmailChannel:
    """An SMTP server. The address is a mailbox."""

    kind = ChannelKind.EMAIL

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        user: str | None,
        password: str | None,
        timeout_s: float,
    ) -> None:
        self._host, self._port, self._sender = host, port, sender
        self._user, self._password = user, password
        self._timeout_s = timeout_s

    def send(self, envelope: Envelope) -> Receipt:
        message = to_message(envelope, sender=self._sender)
        try:
            with smtplib.SMTP(self._host, self._port, timeout=self._timeout_s) as server:
                server.ehlo()
                is_encrypted = server.has_extn("starttls")
                if is_encrypted:
                    server.starttls(context=ssl.create_default_context())
                    server.ehlo()
                self._sign_in(server, is_encrypted=is_encrypted)
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            raise self._refused(error) from error
        except smtplib.SMTPResponseException as error:
            raise self._judge(error.smtp_code, error.smtp_error) from error
        except (smtplib.SMTPException, ssl.SSLError, OSError) as error:
            raise DeliveryFailed(
                self._tidy(f"{type(error).__name__}: {error}"), is_permanent=False
            ) from error
        message_id = str(message["Message-ID"])
        facts = {"message_id": message_id, "encrypted": "yes" if is_encrypted else "no"}
        return Receipt(says="250 accepted", ref=message_id, facts=facts)

    def close(self) -> None:
        """A connection lives as long as one message."""

    def _sign_in(self, server: smtplib.SMTP, *, is_encrypted: bool) -> None:
        if self._user is None or self._password is None:
            return
        if not is_encrypted:
            raise DeliveryFailed("the server offers no STARTTLS; no password is sent", is_permanent=True)
        server.login(self._user, self._password)

    def _refused(self, error: smtplib.SMTPRecipientsRefused) -> DeliveryFailed:
        code, says = next(iter(error.recipients.values()), (550, b""))
        return self._judge(code, says)

    def _judge(self, code: int, says: bytes | str) -> DeliveryFailed:
        text = says.decode("utf-8", "replace") if isinstance(says, bytes) else says
        return DeliveryFailed(self._tidy(f"SMTP {code} {text}"), is_permanent=500 <= code < 600)

    def _tidy(self, says: str) -> str:
        return tidy(says, secrets=(self._password or "",))


def to_message(envelope: Envelope, *, sender: str) -> EmailMessage:
    """The message as people read it; header values hold no line breaks, whatever a title holds."""
    domain = sender.rpartition("@")[2] or "localhost"
    message = EmailMessage()
    mark = f"[SEV{envelope.severity}] " if envelope.severity else ""
    message["Subject"] = " ".join(f"{mark}{envelope.title}".split())[:180]
    message["From"] = formataddr((_SENDER_NAME, sender))
    message["To"] = envelope.address
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = f"<{_digest(envelope.dedup_key)}@{domain}>"
    message["Content-Language"] = envelope.language
    # Mail servers' answers to absence must not come back as mail.
    message["Auto-Submitted"] = "auto-generated"
    if envelope.thread:
        root = f"<{_digest(envelope.thread)}@{domain}>"
        message["References"], message["In-Reply-To"] = root, root
    signature = _SIGNATURE.in_language(envelope.language)
    if envelope.unsubscribe_url:
        # RFC 8058: mail programs show a button that needs one click.
        message["List-Unsubscribe"] = f"<{envelope.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        signature = _SUBSCRIBED.in_language(envelope.language) + "\n" + envelope.unsubscribe_url
    body = [envelope.title, "", *envelope.lines, *(["", envelope.url] if envelope.url else []), "", signature]
    message.set_content("\n".join(body) + "\n")
    return message


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]
