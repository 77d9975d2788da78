"""Files made for people to download: written whole to a temporary file first, then sent.

So a failure is still an error document, not a file that ends in the middle; a slow reader holds no database
connection, and memory stays small however long the file is."""

from __future__ import annotations

import asyncio
import csv
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from hrx.app.people.employees.importing.cells import guard_formula
from hrx.kit.errors import Text, Unavailable

CSV_MEDIA_TYPE: Final = "text/csv"
XLSX_MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BATCH: Final = 1_000


class NoRoomForDownload(Unavailable):
    """The temporary folder is full or cannot be written."""

    code = "download.no_room"


def new_temporary_file(*, suffix: str) -> Path:
    """An empty file that only this process's user can read. Raises NoRoomForDownload."""
    try:
        descriptor, name = tempfile.mkstemp(prefix="hrx-", suffix=suffix)
    except OSError as error:
        raise no_room() from error
    os.close(descriptor)
    return Path(name)


def send_file(path: Path, *, file_name: str, media_type: str) -> FileResponse:
    """Send a finished temporary file, then delete it."""
    return FileResponse(
        path,
        media_type=media_type,
        filename=file_name,
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
        background=BackgroundTask(_delete, path),
    )


async def write_csv(
    rows: AsyncIterator[Sequence[str]], *, encoding: str = "utf-8-sig", errors: str = "strict"
) -> Path:
    """A CSV file of these rows (CRLF, as Excel has it), formulas made harmless. Raises NoRoomForDownload."""
    path = new_temporary_file(suffix=".csv")
    try:
        with await asyncio.to_thread(
            path.open, "w", encoding=encoding, errors=errors, newline="", buffering=1 << 16
        ) as stream:
            # Every cell in quotes: a cell that holds the separator of another country (; or a tab) would fall
            # apart there, and its second half could begin with a formula.
            writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
            batch: list[list[str]] = []
            async for row in rows:
                batch.append([guard_formula(cell) for cell in row])
                if len(batch) == _BATCH:
                    await asyncio.to_thread(writer.writerows, batch)
                    batch.clear()
            await asyncio.to_thread(writer.writerows, batch)
    except OSError as error:
        _delete(path)
        raise no_room() from error
    except BaseException:
        _delete(path)
        raise
    return path


def no_room() -> NoRoomForDownload:
    return NoRoomForDownload(
        Text(ja="ファイルを作成できません。", en="The file cannot be made."),
        hint=Text(
            ja="ディスクの空き容量を管理者に確認してください。",
            en="Ask the administrator about free disk space.",
        ),
    )


def _delete(path: Path) -> None:
    path.unlink(missing_ok=True)
