"""Readers outside: their addresses are sealed at rest and opened only at the moment of sending."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from hrx.kit.errors import Language, Text, Unavailable
from hrx.kit.sealing import derive, is_same, seal, tag, unseal
from hrx.ops.channels.channel import ChannelKind
from hrx.ops.ledger.store import Connection
from hrx.ops.ledger.subscribers import Subscriber, SubscriberState, find_subscriber, set_subscriber_state
from hrx.ops.paging.people import Recipient
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.contacts import Reach

#: How a recipient that is a reader outside begins.
SUBSCRIBER: Final = "subscriber:"
_ADDRESS: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def spool_folder(var_dir: Path) -> Path:
    """Where the public process drops sealed requests, and finds the key to seal them with."""
    return var_dir / "status" / "spool"


def find_secret(plane: Plane) -> str | None:
    """The key of the settings; None when no subscribers are taken."""
    key = plane.settings.subscriber_key
    return key.get_secret_value() if key else None


def spool_key(secret: str) -> bytes:
    """The private key that opens what the public process dropped."""
    return derive(secret, "status-spool")


def digest_of(secret: str, address: str) -> str:
    """By which an address is found again, and by nobody without the key."""
    return tag(derive(secret, "subscriber-digest"), address.strip().lower())


def seal_address(secret: str, address: str, *, digest: str) -> bytes:
    return seal(derive(secret, "subscriber-address"), address.strip().encode(), about=digest)


def make_token(secret: str, number: int, *, verb: str) -> str:
    """What a link in a mail carries: it does one thing for one reader."""
    return f"{number}.{tag(derive(secret, 'subscriber-link'), f'{verb}:{number}')}"


def read_token(secret: str, token: str, *, verb: str) -> int | None:
    """The reader's number; None when the token is not ours."""
    number, _, _ = token.partition(".")
    if not number.isdigit() or len(number) > 12:
        return None
    return int(number) if is_same(token, make_token(secret, int(number), verb=verb)) else None


def find_reader(plane: Plane, recipient: str) -> Recipient | None:
    """Address and language of `subscriber:7`; None when they have left."""
    secret = find_secret(plane)
    if secret is None:
        return None
    with plane.ledger.store.read() as connection:
        found = find_subscriber(connection, number=int(recipient.removeprefix(SUBSCRIBER)))
    if found is None or found.state is SubscriberState.BOUNCED:
        return None
    language: Language = "en" if found.language == "en" else "ja"
    reach = Reach(kind=ChannelKind.EMAIL, address=open_address(secret, found))
    return Recipient(id=recipient, language=language, reaches=(reach,))


def open_address(secret: str, found: Subscriber) -> str:
    return unseal(derive(secret, "subscriber-address"), found.address, about=found.digest).decode()


def unsubscribe_url(plane: Plane, recipient: str) -> str | None:
    """The link that ends a reader's mail with one click; None for anybody else."""
    secret = find_secret(plane)
    if secret is None or not recipient.startswith(SUBSCRIBER):
        return None
    token = make_token(secret, int(recipient.removeprefix(SUBSCRIBER)), verb="leave")
    return f"{public_url(plane)}/leave?token={token}"


def public_url(plane: Plane) -> str:
    """The status page's address as readers see it."""
    settings = plane.settings
    return (settings.status_public_url or f"http://127.0.0.1:{settings.status_port}").rstrip("/")


def mark_bounced(connection: Connection, recipient: str) -> None:
    """Their mail server will never take it: nothing more is sent there."""
    number = int(recipient.removeprefix(SUBSCRIBER))
    set_subscriber_state(connection, number, SubscriberState.BOUNCED)


def hide_addresses(says: str) -> str:
    """What a mail server said, without whom it said it about."""
    return _ADDRESS.sub("•••@•••", says)


def require_secret(plane: Plane) -> str:
    """Raises Unavailable naming the setting."""
    secret = find_secret(plane)
    if secret is None:
        raise Unavailable(
            Text(ja="購読は有効になっていません", en="Subscriptions are not turned on"),
            hint=Text(ja="HRX_SUBSCRIBER_KEY を設定してください。", en="Set HRX_SUBSCRIBER_KEY."),
            code="subscribers.off",
        )
    return secret
