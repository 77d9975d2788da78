"""How fresh the contacts are: an entry that nobody has confirmed for long may reach nobody."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Final

import orjson

from hrx.kit import clock
from hrx.kit.errors import NotFound, Text
from hrx.ops.ledger.contact_checks import ContactCheck, list_checks, save_check
from hrx.ops.ledger.entries import Kind
from hrx.ops.ledger.store import Connection
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.contacts import Contact, Contacts, Vendor

#: Where vendors' names stand apart from people's in the ledger.
_VENDOR: Final = "vendor:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """One entry: when it was last confirmed, by whom, and when it must be again. `id` is `vendor:…` for a
    vendor's. `checked_by` is None when the date stands in the file."""

    id: str
    entry: Contact | Vendor
    checked_on: date
    checked_by: str | None
    due_on: date

    @property
    def is_person(self) -> bool:
        return isinstance(self.entry, Contact)

    def is_stale(self, today: date) -> bool:
        return today > self.due_on


def list_freshness(plane: Plane, connection: Connection) -> tuple[Freshness, ...]:
    """Every person and vendor of the runbook, the one that is due first first."""
    contacts, checks = plane.content.contacts, list_checks(connection)
    found = [_judge(plane, contacts, one.id, one, checks) for one in contacts.people]
    found += [_judge(plane, contacts, f"{_VENDOR}{one.id}", one, checks) for one in contacts.vendors]
    return tuple(sorted(found, key=lambda one: (one.due_on, one.id)))


def list_stale_people(plane: Plane, connection: Connection) -> frozenset[str]:
    """Ids of people whose entry is too old to be trusted with one channel. Examples are nobody's."""
    if plane.content.contacts.is_example:
        return frozenset()
    today = today_of(plane)
    return frozenset(
        one.id for one in list_freshness(plane, connection) if one.is_person and one.is_stale(today)
    )


def confirm(plane: Plane, contact_id: str, *, actor: Actor) -> Freshness:
    """Stand by an entry as it is now: it was called, and it answered. Raises NotFound."""
    require(actor, Permission.PLAN_AND_RUN)
    with plane.ledger.store.write() as connection:
        found = next((one for one in list_freshness(plane, connection) if one.id == contact_id), None)
        if found is None:
            names = " ".join(sorted(one.id for one in list_freshness(plane, connection)))
            raise NotFound(
                Text(ja=f"連絡先 {contact_id} はありません", en=f"There is no contact {contact_id}"),
                hint=Text(ja=f"次のいずれかです: {names}", en=f"One of: {names}"),
                code="contact.not_found",
            )
        check = ContactCheck(
            contact=contact_id,
            checked_at=clock.now(),
            checked_by=actor.name,
            digest=digest_of(found.entry),
        )
        save_check(connection, check)
        plane.ledger.append_within(
            connection,
            Kind.CONTACT_CHECKED,
            actor=actor.name,
            subject=f"contact:{contact_id}",
            body={
                "digest": check.digest,
                "message": {
                    "ja": f"連絡先 {contact_id} が正しいことを確認しました",
                    "en": f"Confirmed that contact {contact_id} is right",
                },
            },
        )
        return next(one for one in list_freshness(plane, connection) if one.id == contact_id)


def today_of(plane: Plane) -> date:
    """The office's day."""
    return clock.now().astimezone(plane.content.respond.calendar.zone).date()


def digest_of(entry: Contact | Vendor) -> str:
    """What was confirmed; the date in the file is no part of it."""
    values = {key: value for key, value in asdict(entry).items() if key != "checked_on"}
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _judge(
    plane: Plane,
    contacts: Contacts,
    name: str,
    entry: Contact | Vendor,
    checks: Mapping[str, ContactCheck],
) -> Freshness:
    check = checks.get(name)
    zone = plane.content.respond.calendar.zone
    checked_on, checked_by = entry.checked_on, None
    if check is not None and check.digest == digest_of(entry):
        day = check.checked_at.astimezone(zone).date()
        if day >= checked_on:
            checked_on, checked_by = day, check.checked_by
    every = contacts.people_every if isinstance(entry, Contact) else contacts.vendors_every
    return Freshness(
        id=name, entry=entry, checked_on=checked_on, checked_by=checked_by, due_on=checked_on + every
    )
