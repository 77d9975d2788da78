"""Readers who want the page's news by mail: asked twice, told in batches, gone with one click.

The public process only drops sealed requests; here they are opened, and nothing but a number is ever written
down openly."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from hrx.kit import clock
from hrx.kit.errors import LANGUAGES, Text
from hrx.kit.sealing import NotOpened, open_sealed, public_of
from hrx.ops.channels.channel import ChannelKind
from hrx.ops.channels.opening import list_configured
from hrx.ops.ledger.communications import Audience, Notice, get_notice
from hrx.ops.ledger.notifications import enqueue
from hrx.ops.ledger.store import Connection
from hrx.ops.ledger.subscribers import (
    SubscriberState,
    add_subscriber,
    count_subscribers,
    delete_subscribers,
    find_subscriber,
    list_active,
    list_forgotten,
    renew_pending,
    set_subscriber_state,
)
from hrx.ops.ledger.timers import Timer, set_timer
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.paging.subscribers import (
    SUBSCRIBER,
    digest_of,
    find_secret,
    make_token,
    public_url,
    read_token,
    require_secret,
    seal_address,
    spool_folder,
    spool_key,
)
from hrx.ops.run.plane import Plane

TELL: Final = "communication.tell_subscribers"
#: So many mails are handed to the outbox at once, and so often: 600 a minute.
BATCH: Final = 100
BATCH_EVERY: Final = timedelta(seconds=10)
#: A reader who has not opened the link by then is forgotten; before, no second mail goes to that address.
PENDING_FOR: Final = timedelta(hours=24)
_SPOOL_AT_ONCE: Final = 50
_KEY_FILE: Final = "public.key"
_ABOUT: Final = "status-request"
_log = logging.getLogger("hrx.ops.communication")


def is_open(plane: Plane) -> bool:
    """Whether readers can subscribe: there is a key to seal with and a way to send mail."""
    return find_secret(plane) is not None and ChannelKind.EMAIL in list_configured(plane.settings)


def take_requests(plane: Plane) -> None:
    """Do what readers asked for on the public page; a file is deleted once that is kept."""
    secret = find_secret(plane)
    if secret is None or not is_open(plane):
        return
    folder = spool_folder(plane.settings.var_dir)
    _lay_key(folder, public_of(spool_key(secret)))
    for path in sorted(folder.glob("*.request"))[:_SPOOL_AT_ONCE]:
        try:
            asked = orjson.loads(open_sealed(spool_key(secret), path.read_bytes(), about=_ABOUT))
        except (NotOpened, ValueError, OSError):
            # Sealed for a key that is no longer ours, or no request at all.
            path.unlink(missing_ok=True)
            continue
        with plane.ledger.store.write() as connection:
            _do(plane, connection, secret, asked if isinstance(asked, dict) else {})
        path.unlink(missing_ok=True)


def tell_later(plane: Plane, connection: Connection, notice: Notice, *, change: str = "") -> None:
    """Have every reader told of a notice, in batches, beginning now."""
    if notice.audience is Audience.CUSTOMERS and is_open(plane):
        set_timer(
            connection,
            kind=TELL,
            subject=f"notice:{notice.id}",
            name=change,
            due_at=clock.now(),
            payload={"after": 0},
        )


def tell_batch(plane: Plane, connection: Connection, timer: Timer) -> None:
    """The decision of a batch: hand over the next readers' mails, and set the timer for those after them."""
    notice = get_notice(connection, int(timer.subject.removeprefix("notice:")))
    after = int(timer.payload.get("after", 0))
    readers = list_active(connection, after=after, limit=BATCH)
    message = _say(plane, notice, change=timer.name)
    for one in readers:
        enqueue(
            connection,
            dedup_key=f"reader:{notice.id}:{timer.name}:{one.id}",
            recipient=f"{SUBSCRIBER}{one.id}",
            channel=ChannelKind.EMAIL.value,
            purpose="news",
            message=message,
        )
    if len(readers) == BATCH:
        set_timer(
            connection,
            kind=TELL,
            subject=timer.subject,
            name=timer.name,
            due_at=clock.now() + BATCH_EVERY,
            payload={"after": readers[-1].id},
        )


def forget_unconfirmed(plane: Plane) -> int:
    """Delete those who never opened their link; gives how many."""
    with plane.ledger.store.read() as connection:
        found = list_forgotten(connection, before=clock.now() - PENDING_FOR, limit=500)
    if not found:
        return 0
    with plane.ledger.store.write() as connection:
        return delete_subscribers(connection, found)


def forget(plane: Plane, address: str, *, actor: Actor) -> bool:
    """Delete a reader by address, as they may ask anybody to; gives whether there was one."""
    require(actor, Permission.PLAN_AND_RUN)
    secret = require_secret(plane)
    with plane.ledger.store.write() as connection:
        found = find_subscriber(connection, digest=digest_of(secret, address))
        return found is not None and delete_subscribers(connection, [found.id]) > 0


def count(plane: Plane) -> dict[str, int]:
    """How many readers there are in each state."""
    with plane.ledger.store.read() as connection:
        return count_subscribers(connection)


# `Any`: JSON of the public page.
def _do(plane: Plane, connection: Connection, secret: str, asked: Mapping[str, Any]) -> None:
    verb = asked.get("verb")
    if verb == "subscribe":
        _subscribe(plane, connection, secret, asked)
        return
    if verb not in ("confirm", "leave"):
        return
    number = read_token(secret, str(asked.get("token", "")), verb=str(verb))
    found = find_subscriber(connection, number=number) if number is not None else None
    if found is None:
        return
    if verb == "leave":
        delete_subscribers(connection, [found.id])
        _log.info("subscribers.left", extra={"fields": {"subscriber": found.id}})
    elif found.state is SubscriberState.PENDING:
        set_subscriber_state(connection, found.id, SubscriberState.ACTIVE)
        _log.info("subscribers.confirmed", extra={"fields": {"subscriber": found.id}})


# `Any`: JSON of the public page.
def _subscribe(plane: Plane, connection: Connection, secret: str, asked: Mapping[str, Any]) -> None:
    address = str(asked.get("address", "")).strip()
    language = "en" if asked.get("language") == "en" else "ja"
    digest = digest_of(secret, address)
    known = find_subscriber(connection, digest=digest)
    if known is not None and known.state is SubscriberState.BOUNCED:
        delete_subscribers(connection, [known.id])
        known = None
    if known is not None:
        is_old = clock.now() - known.made_at >= PENDING_FOR
        if known.state is SubscriberState.ACTIVE or not is_old:
            # One mail a day at most to an address that has not said yes.
            return
        renew_pending(connection, known.id)
        number = known.id
    else:
        sealed = seal_address(secret, address, digest=digest)
        number = add_subscriber(connection, digest=digest, address=sealed, language=language)
    link = f"{public_url(plane)}/confirm?token={make_token(secret, number, verb='confirm')}"
    enqueue(
        connection,
        dedup_key=f"reader:confirm:{number}:{clock.now():%Y%m%d%H%M%S}",
        recipient=f"{SUBSCRIBER}{number}",
        channel=ChannelKind.EMAIL.value,
        purpose="confirmation",
        message={
            "title": {"ja": "HRX-AI 稼働状況の購読の確認", "en": "Please confirm: HRX-AI status by mail"},
            "lines": [
                {
                    "ja": "次を開いて「購読する」を押すと、障害とメンテナンスのお知らせが届きます。",
                    "en": "Open this and press “Subscribe” to get news of incidents and maintenance.",
                },
                {"ja": link, "en": link},
                {
                    "ja": "心当たりがなければ何もしないでください。24 時間でアドレスは消えます。",
                    "en": "If this was not you, do nothing: the address is deleted within 24 hours.",
                },
            ],
        },
    )


def _say(plane: Plane, notice: Notice, *, change: str) -> dict[str, object]:
    link, change = public_url(plane), change.partition(".")[0]
    mark = _CHANGES.get(change, Text(ja="", en=""))
    where = {one: f"{link}/index.{one}.html" for one in LANGUAGES}
    lines: list[object] = [{"ja": notice.text.ja, "en": notice.text.en}]
    starts_at, ends_at = notice.due_at, notice.ends_at
    if change == "extended" and starts_at is not None and ends_at is not None:
        zone = plane.content.communication.zone
        span = " – ".join(at.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z") for at in (starts_at, ends_at))
        lines.append({"ja": span, "en": span})
    return {
        "title": {"ja": mark.ja + notice.title.ja, "en": mark.en + notice.title.en},
        "lines": [*lines, where],
        # Readers' own thread: no number of ours.
        "thread": f"notice:{notice.incident_id or notice.id}",
    }


_CHANGES: Final = {
    "reminded": Text(ja="【まもなく】", en="[Soon] "),
    "extended": Text(ja="【延長】", en="[Extended] "),
    "cancelled": Text(ja="【中止】", en="[Cancelled] "),
    "ended": Text(ja="【終了】", en="[Done] "),
}


def _lay_key(folder: Path, public: bytes) -> None:
    """Where the public process finds the key to seal with; rewritten only when it is another."""
    path = folder / _KEY_FILE
    try:
        if path.read_bytes() == public:
            return
    except OSError:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = folder / f".{_KEY_FILE}.{os.getpid()}.new"
    draft.write_bytes(public)
    draft.replace(path)
