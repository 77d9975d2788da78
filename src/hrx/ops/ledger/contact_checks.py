"""The last word that an entry of the contacts is right: who gave it, when, and for which entry exactly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from hrx.ops.ledger.respond_tables import contact_check
from hrx.ops.ledger.tables import to_moment


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactCheck:
    """`digest` is of the entry as it was: a changed entry has not been checked."""

    contact: str
    checked_at: datetime
    checked_by: str
    digest: str


def save_check(connection: Connection, check: ContactCheck) -> None:
    """Keep the newest word about a contact; the older ones are in the chained entries."""
    connection.execute(delete(contact_check).where(contact_check.c.contact == check.contact))
    connection.execute(
        insert(contact_check).values(
            contact=check.contact,
            checked_at=to_moment(check.checked_at),
            checked_by=check.checked_by,
            digest=check.digest,
        )
    )


def list_checks(connection: Connection) -> dict[str, ContactCheck]:
    """The newest word about each contact, by its id."""
    return {
        row.contact: ContactCheck(
            contact=row.contact,
            checked_at=datetime.fromisoformat(row.checked_at),
            checked_by=row.checked_by,
            digest=row.digest,
        )
        for row in connection.execute(select(contact_check))
    }
