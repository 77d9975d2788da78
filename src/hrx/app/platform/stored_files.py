"""Which stored files still belong to something: whoever deletes strays has to ask for all of them, not
only for its own kind of file. A new kind of file is added here and to the view seam.stored_file."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_KEYS: Final = text(
    "SELECT file_key FROM app.data_import WHERE file_key IS NOT NULL"
    " UNION ALL SELECT file_key FROM app.document_version WHERE file_key IS NOT NULL"
)


async def list_file_keys(session: AsyncSession) -> set[str]:
    """The keys of every file that a row of this tenant still names; for background work, which sees all."""
    return set(await session.scalars(_KEYS))
