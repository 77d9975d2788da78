"""What is left of deleted documents goes: scores, passages, texts, proposals, files, at last their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.platform import search_index

#: Children first.
_TABLES: Final = (
    "model_score",
    "document_proposal",
    "document_passage",
    "document_text",
    "document_version",
    "document_reader",
)
BATCH: Final = 200


async def list_deleted(session: AsyncSession, *, limit: int = BATCH) -> Sequence[int]:
    """Documents that were deleted and are still in the tables."""
    found = await session.scalars(
        text("SELECT id FROM app.document WHERE deleted_at IS NOT NULL ORDER BY id LIMIT :limit"),
        {"limit": limit},
    )
    return found.all()


async def list_files(session: AsyncSession, *, document_ids: Sequence[int]) -> Sequence[str]:
    """Keys of the files of all versions of some documents."""
    found = await session.scalars(
        text(
            "SELECT file_key FROM app.document_version WHERE document_id = ANY(:ids) AND file_key IS NOT NULL"
        ),
        {"ids": list(document_ids)},
    )
    return found.all()


async def forget_documents(session: AsyncSession, *, document_ids: Sequence[int]) -> None:
    """Delete the rows of deleted documents; that they were there is in the audit trail."""
    for document_id in document_ids:
        await search_index.remove_document(session, document_id)
    for table in _TABLES:
        await session.execute(
            text(f"DELETE FROM app.{table} WHERE document_id = ANY(:ids)"),  # noqa: S608
            {"ids": list(document_ids)},
        )
    await session.execute(text("DELETE FROM app.document WHERE id = ANY(:ids)"), {"ids": list(document_ids)})
