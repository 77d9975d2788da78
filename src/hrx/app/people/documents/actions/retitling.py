"""A renamed document: its passages stand under the new title, and are found by it instead of by the old one.

A passage never changes: it is written anew, in the one transaction that takes the old one out of the index.
Citations name places in the text of a version, which stays as it is."""

from __future__ import annotations

from typing import Final

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.platform import search_index
from hrx.app.platform.search_index import PassageRow
from hrx.kit.search.passages import PassageText

_LOCK: Final = text("SELECT title FROM app.document WHERE id = :id AND deleted_at IS NULL FOR UPDATE")
# The first heading of a path is the title that the document had.
_STALE: Final = text(
    "SELECT v.id, v.state FROM app.document_version AS v WHERE v.document_id = :id AND EXISTS"
    " (SELECT 1 FROM app.document_passage AS p"
    "  WHERE p.version_id = v.id AND p.headings[1] IS DISTINCT FROM CAST(:title AS text))"
    " ORDER BY v.id"
)
_TAKE_OUT: Final = text(
    "DELETE FROM app.document_passage WHERE version_id = :version_id"
    " RETURNING ordinal, language, page, array_prepend(CAST(:title AS text), headings[2:]) AS headings,"
    " start_char, end_char, body, body_sha256"
)
_PUT_BACK: Final = text(
    "INSERT INTO app.document_passage (document_id, version_id, ordinal, language, page, headings,"
    "  start_char, end_char, body, body_sha256)"
    " SELECT :document_id, :version_id, each.ordinal, each.language, each.page, each.headings,"
    "  each.start_char, each.end_char, each.body, each.body_sha256"
    " FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS each (ordinal int, language text, page int,"
    "  headings text[], start_char int, end_char int, body text, body_sha256 text)"
    " RETURNING id, headings, body, language"
)


async def retitle_passages(session: AsyncSession, *, document_id: int) -> None:
    """Put every passage under the title that its document has now. Background work; harmless to repeat."""
    title = await session.scalar(_LOCK, {"id": document_id})
    if title is None:
        return
    stale = (await session.execute(_STALE, {"id": document_id, "title": title})).all()
    indexed: list[PassageRow] = []
    for version_id, state in stale:
        rows = await _rewrite(session, document_id=document_id, version_id=version_id, title=title)
        if state == "ready":
            indexed += rows
    for version_id, _ in stale:
        await search_index.remove_version(session, version_id)
    # Last: from here on other writers of the tenant's index wait for this transaction.
    await search_index.put_passages(session, indexed)


async def _rewrite(
    session: AsyncSession, *, document_id: int, version_id: int, title: str
) -> list[PassageRow]:
    taken = await session.execute(_TAKE_OUT, {"version_id": version_id, "title": title})
    rows = [dict(row) for row in taken.mappings()]
    put = await session.execute(
        _PUT_BACK,
        {"document_id": document_id, "version_id": version_id, "rows": orjson.dumps(rows).decode()},
    )
    return [
        PassageRow(
            id=row.id,
            document_id=document_id,
            version_id=version_id,
            passage=PassageText(headings=row.headings, body=row.body, language=row.language),
        )
        for row in put.all()
    ]
