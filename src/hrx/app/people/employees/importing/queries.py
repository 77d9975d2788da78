"""Reading imports: one, the newest, and the rows of one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, Literal

from sqlalchemy import RowMapping, Select, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.importing.models import DATA_IMPORT, DATA_IMPORT_ROW
from hrx.kit.errors import NotFound, Text

Only = Literal["errors", "warnings", "changes", "all"]

#: An import as its table has it.
ImportRow = RowMapping
_STREAM_ROWS: Final = 2_000


class ImportNotFound(NotFound):
    code = "import.not_found"


async def get_import(session: AsyncSession, *, import_id: int) -> ImportRow:
    """Raises ImportNotFound for absent ones and for those of others."""
    found = await find_import(session, import_id=import_id)
    if found is None:
        raise ImportNotFound(Text(ja="この取り込みは見つかりません。", en="There is no such import."))
    return found


async def find_import(session: AsyncSession, *, import_id: int) -> ImportRow | None:
    """The import, or None."""
    statement = select(DATA_IMPORT).where(DATA_IMPORT.c.id == import_id)
    return (await session.execute(statement)).mappings().one_or_none()


async def list_imports(session: AsyncSession, *, before_id: int | None, limit: int) -> Sequence[ImportRow]:
    """The newest first. Index: data_import_newest."""
    statement = select(DATA_IMPORT).order_by(DATA_IMPORT.c.id.desc()).limit(limit)
    if before_id is not None:
        statement = statement.where(DATA_IMPORT.c.id < before_id)
    return (await session.execute(statement)).mappings().all()


async def count_imports(session: AsyncSession) -> int:
    """How many imports there are."""
    return int(await session.scalar(text("SELECT count(*) FROM app.data_import")) or 0)


async def list_rows(
    session: AsyncSession, *, import_id: int, only: Only, after: int, limit: int
) -> Sequence[RowMapping]:
    """Checked rows in file order, after row number `after`. Index: data_import_row_problems or the key."""
    statement = _rows(import_id, only).where(DATA_IMPORT_ROW.c.row_number > after).limit(limit)
    rows: Sequence[RowMapping] = (await session.execute(statement)).mappings().all()
    return rows


async def stream_rows(session: AsyncSession, *, import_id: int, only: Only) -> AsyncIterator[RowMapping]:
    """All such rows, a few thousand at a time."""
    after = -1
    while batch := await list_rows(session, import_id=import_id, only=only, after=after, limit=_STREAM_ROWS):
        for row in batch:
            yield row
        after = batch[-1]["row_number"]


def _rows(import_id: int, only: Only) -> Select[Any]:
    table = DATA_IMPORT_ROW.c
    statement = (
        select(table.row_number, table.action, table.cells, table.problems, table.changes)
        .where(table.import_id == import_id)
        .order_by(table.row_number)
    )
    match only:
        case "errors":
            return statement.where(table.has_problems, table.action == "error")
        case "warnings":
            return statement.where(table.has_problems)
        case "changes":
            return statement.where(table.action.in_(("create", "update")))
        case "all":
            return statement
