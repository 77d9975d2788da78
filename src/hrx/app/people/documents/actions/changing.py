"""What people do to a document that is there: rename it, say who may read it, delete it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.documents import queries
from hrx.app.people.documents.actions.uploading import About, add_readers, require_uploader
from hrx.app.people.documents.models import DOCUMENT
from hrx.app.platform import audit
from hrx.app.platform.edge import not_allowed
from hrx.app.platform.live import EventKind, publish
from hrx.app.platform.tenancy import Principal


# `Any`: the values of columns, each checked by the route's own shape.
async def change_document(
    session: AsyncSession,
    *,
    document_id: int,
    values: dict[str, Any],
    reader_person_ids: tuple[int, ...] | None = None,
    reader_unit_ids: tuple[int, ...] | None = None,
) -> bool:
    """Only what is sent changes, and at once; gives whether it was renamed: its passages bear its title.

    Raises DocumentNotFound, Forbidden, Invalid."""
    principal: Principal = session.info["principal"]
    found = await queries.get_document(session, document_id=document_id)
    if not principal.may_write_people:
        raise not_allowed()
    if values:
        await session.execute(update(DOCUMENT).where(DOCUMENT.c.id == document_id).values(**values))
    audience = values.get("audience", found["audience"])
    asks_readers = reader_person_ids is not None or reader_unit_ids is not None
    if audience != "chosen" or asks_readers:
        await session.execute(
            text("DELETE FROM app.document_reader WHERE document_id = :id"), {"id": document_id}
        )
    if audience == "chosen" and (asks_readers or found["audience"] != "chosen"):
        about = About(
            kind=found["kind"],
            audience="chosen",
            reader_person_ids=reader_person_ids or (),
            reader_unit_ids=reader_unit_ids or (),
        )
        await add_readers(session, document_id=document_id, about=about)
    await audit.record(
        session,
        action="document.changed",
        subject_person_id=found["person_id"],
        details={"document_id": document_id, "fields": sorted(values), "audience": audience},
    )
    await publish(session, kind=EventKind.DOCUMENT_PROGRESS, ref_id=document_id)
    is_renamed: bool = values.get("title", found["title"]) != found["title"]
    return is_renamed


async def delete_document(session: AsyncSession, *, document_id: int) -> None:
    """From this commit on nobody finds or opens it; a job clears its rows and files away.

    Raises DocumentNotFound, Forbidden."""
    principal: Principal = session.info["principal"]
    found = await queries.get_document(session, document_id=document_id)
    require_uploader(
        principal, about=About(kind=found["kind"], audience=found["audience"], person_id=found["person_id"])
    )
    await session.execute(
        text(
            "UPDATE app.document SET deleted_at = now(), deleted_by = :user"
            " WHERE id = :id AND deleted_at IS NULL"
        ),
        {"id": document_id, "user": principal.user_id},
    )
    await audit.record(
        session,
        action="document.deleted",
        subject_person_id=found["person_id"],
        details={"document_id": document_id, "kind": found["kind"]},
    )
    await publish(session, kind=EventKind.DOCUMENT_PROGRESS, ref_id=document_id)
