"""Hand-offs: who takes over and who is relieved both hear of it, with what is still open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.channels.opening import list_configured
from hrx.ops.ledger.incidents import Incident, list_unresolved
from hrx.ops.ledger.notifications import enqueue, is_enqueued
from hrx.ops.ledger.on_call import list_changes
from hrx.ops.ledger.store import Connection
from hrx.ops.paging.people import usable_reaches
from hrx.ops.paging.roster_words import name_person, say_moment
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.contacts import Contact
from hrx.ops.schedules.on_call import find_on_call, list_shifts
from hrx.ops.schedules.rotation import OnCallChange, Rotation

#: A hand-off that happened while nobody ran is told late, but not when it is old news.
LATE: Final = timedelta(hours=2)
_LISTED: Final = 5

# `Any` below: messages are JSON of the outbox.


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOff:
    """At `at` a rotation went from one person (None: nobody) to another."""

    rotation: Rotation
    at: datetime
    giver: str | None
    taker: str

    def key_for(self, person: str) -> str:
        """Names the message to one of the two, so that it is written once."""
        return f"hand-off:{self.rotation.id}:{self.at:%Y%m%dT%H%M%SZ}:{self.giver}>{self.taker}:{person}"


def tell_hand_offs(plane: Plane) -> None:
    """Tell both sides of every hand-off that has just been. A round of the ticker; writes only news."""
    now = clock.now()
    with plane.ledger.store.read() as connection:
        changes = list_changes(connection, ending_after=now - LATE)
        fresh = [
            one
            for one in list_hand_offs(plane, start=now - LATE, end=now, changes=changes)
            if not is_enqueued(connection, one.key_for(one.taker))
        ]
    if not fresh:
        return
    with plane.ledger.store.write() as connection:
        open_now = list_unresolved(connection)
        for one in fresh:
            _tell(plane, connection, one, open_now=open_now, changes=changes)


def list_hand_offs(
    plane: Plane, *, start: datetime, end: datetime, changes: list[OnCallChange]
) -> Iterator[HandOff]:
    """Every hand-off in (start, end]."""
    instant = timedelta(seconds=1)
    for rotation in plane.content.on_call.rotations:
        shifts = list_shifts(rotation, start=start, end=end + instant, changes=changes)
        for before, after in pairwise(shifts):
            if after.start <= end and after.person != before.person:
                giver = before.person if before.end == after.start else None
                yield HandOff(rotation=rotation, at=after.start, giver=giver, taker=after.person)


def _tell(
    plane: Plane,
    connection: Connection,
    one: HandOff,
    *,
    open_now: list[Incident],
    changes: list[OnCallChange],
) -> None:
    taker = plane.content.contacts.find(one.taker)
    giver = plane.content.contacts.find(one.giver) if one.giver else None
    if taker is not None:
        shift = find_on_call(one.rotation, at=one.at, changes=changes)
        until = shift.end if shift else None
        _send(
            plane,
            connection,
            one,
            to=taker,
            message=_to_taker(plane, one, taker, until=until, open_now=open_now),
        )
    if giver is not None:
        _send(plane, connection, one, to=giver, message=_to_giver(plane, one))


def _send(
    plane: Plane, connection: Connection, one: HandOff, *, to: Contact, message: dict[str, Any]
) -> None:
    ways = usable_reaches(to.channels, list_configured(plane.settings))
    if ways:
        enqueue(
            connection,
            dedup_key=one.key_for(to.id),
            recipient=to.id,
            channel=ways[0].kind.value,
            purpose="notice",
            message=message,
        )


def _to_taker(
    plane: Plane, one: HandOff, taker: Contact, *, until: datetime | None, open_now: list[Incident]
) -> dict[str, Any]:
    title = one.rotation.title
    lines: list[Text] = []
    if until is not None:
        said = f"{say_moment(until, zone=taker.time_zone)} ({taker.time_zone})"
        lines.append(Text(ja=f"次の交代: {said}", en=f"Until {said}"))
    if one.giver is not None:
        name = name_person(plane.content, one.giver)
        lines.append(Text(ja=f"前の当番: {name.ja}", en=f"You take over from {name.en}"))
    if open_now:
        lines.append(Text(ja=f"対応中の障害: {len(open_now)} 件", en=f"Open incidents: {len(open_now)}"))
        lines += [
            Text(
                ja=f"• #{found.id} {found.severity.label} {found.title.ja}",
                en=f"• #{found.id} {found.severity.label} {found.title.en}",
            )
            for found in open_now[:_LISTED]
        ]
    else:
        lines.append(Text(ja="対応中の障害はありません。", en="No incident is open."))
    return _message(Text(ja=f"当番です: {title.ja}", en=f"You are on call: {title.en}"), lines)


def _to_giver(plane: Plane, one: HandOff) -> dict[str, Any]:
    name, title = name_person(plane.content, one.taker), one.rotation.title
    return _message(
        Text(ja=f"当番を交代しました: {title.ja}", en=f"You are relieved: {title.en}"),
        [Text(ja=f"次の当番: {name.ja}", en=f"{name.en} is on call now")],
    )


def _message(title: Text, lines: list[Text]) -> dict[str, Any]:
    return {
        "title": {"ja": title.ja, "en": title.en},
        "lines": [{"ja": line.ja, "en": line.en} for line in lines],
        "url_path": "/on-call",
    }
