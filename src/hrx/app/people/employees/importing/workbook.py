"""Reading XLSX safely: the archive is weighed before anything is unpacked, cells come out as text.

calamine is fast but lays a sheet out as a full grid, so one cell in the last corner of a sheet would ask for
the memory of 17 billion cells. The sheet's XML is therefore scanned for addresses beyond the limits first."""

from __future__ import annotations

import copy
import re
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from hrx.app.people.employees.importing.dates import from_workbook
from hrx.app.people.employees.importing.problems import FileProblem, FileTooLarge
from hrx.kit.errors import Text

#: A workbook of 100,000 people unpacks to about 120 MB; a bomb unpacks to gigabytes.
MAX_UNPACKED_BYTES: Final = 600 * 1024 * 1024
MAX_ARCHIVE_ENTRIES: Final = 2_000
#: Rows up to 999,999 and columns up to ZZ (702) may be addressed; `reading` has the narrower limits.
_FAR_CELL = re.compile(rb"""\sr\s*=\s*["'](?:[A-Za-z]{3,}\d+|[A-Za-z]+\d{7,}|\d{7,})["']""")
_SCAN_CHUNK_BYTES: Final = 1 << 20
#: Longer than any cell address with its attribute, so that a match cannot hide between two chunks.
_SCAN_OVERLAP_BYTES: Final = 64
_ZERO_PADDED = re.compile(r"0{2,20}$")
_FORMAT_SAMPLE_ROWS: Final = 30

Cell = str | int | float | bool | time | date | datetime | timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkbookSheet:
    """The first visible sheet that holds anything: its name and its rows as text."""

    name: str
    rows: list[list[str]]


def read_workbook(path: Path) -> WorkbookSheet:
    """All rows of the first visible sheet with cells, as text. Raises FileProblem, FileTooLarge."""
    weigh_archive(path)
    try:
        with CalamineWorkbook.from_path(path) as book:
            for sheet_name in _visible_sheets(book):
                grid = book.get_sheet_by_name(sheet_name).to_python(skip_empty_area=False)
                if grid:
                    widths = _zero_padded_columns(path, sheet_name)
                    return WorkbookSheet(name=sheet_name, rows=list(_as_text(grid, widths)))
    except CalamineError as error:
        raise _unreadable() from error
    return WorkbookSheet(name="", rows=[])


def weigh_archive(path: Path) -> None:
    """Refuse what is no plain workbook before unpacking it: macros, passwords, bombs, far-away cells."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = {entry.filename for entry in entries}
            if "xl/workbook.xml" not in names:
                raise _unreadable()
            _refuse_bomb(entries)
            _read_every_part(archive, entries)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, OSError) as error:
        raise _unreadable() from error
    except RuntimeError as error:
        # The standard library reports an encrypted member this way.
        raise _unreadable() from error


def _refuse_bomb(entries: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES or len(entries) > MAX_ARCHIVE_ENTRIES:
        raise _bomb()


def _read_every_part(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
    """Read all XML once, as far as it goes: sizes in the archive's directory may lie.

    The reader that comes after trusts no size either, and would keep what it unpacks in memory."""
    left = MAX_UNPACKED_BYTES
    for entry in entries:
        if not entry.filename.endswith((".xml", ".rels")):
            continue
        honest = copy.copy(entry)
        honest.file_size = left + 1
        is_sheet = entry.filename.startswith("xl/worksheets/")
        tail = b""
        with archive.open(honest) as stream:
            while chunk := stream.read(_SCAN_CHUNK_BYTES):
                left -= len(chunk)
                if left < 0:
                    raise _bomb()
                # A sheet in UTF-16 would slip past the pattern; Excel never writes one.
                if is_sheet and (b"\x00" in chunk or _FAR_CELL.search(tail + chunk)):
                    raise _far_cells()
                tail = chunk[-_SCAN_OVERLAP_BYTES:]


def _bomb() -> FileTooLarge:
    return FileTooLarge(
        Text(
            ja=f"展開すると大きすぎるブックです（上限 {MAX_UNPACKED_BYTES // 2**20} MB）。",
            en=f"This workbook unpacks to too much (limit {MAX_UNPACKED_BYTES // 2**20} MB).",
        ),
        hint=Text(
            ja="必要なシートだけを新しいブックに写すか、CSVで保存してください。",
            en="Copy the sheet you need into a new workbook, or save it as CSV.",
        ),
        code="file.bomb",
    )


def _far_cells() -> FileTooLarge:
    return FileTooLarge(
        Text(
            ja="表の範囲が広すぎます。端の方に値の入ったセルがあります。",
            en="The table is too wide or too long: a cell far from the others holds a value.",
        ),
        hint=Text(
            ja="使う範囲だけを新しいブックに貼り付けて保存してください。",
            en="Paste the part you need into a new workbook and save that.",
        ),
        code="file.far_cells",
    )


def _visible_sheets(book: CalamineWorkbook) -> Iterator[str]:
    for sheet in book.sheets_metadata:
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible:
            yield sheet.name


def _as_text(grid: list[list[Cell]], zero_widths: dict[int, int]) -> Iterator[list[str]]:
    for row in grid:
        cells = [value if type(value) is str else _cell_text(value) for value in row]
        for column, width in zero_widths.items():
            if column < len(cells) and cells[column].isdigit() and not isinstance(row[column], str):
                cells[column] = cells[column].zfill(width)
        yield cells


def _cell_text(value: Cell) -> str:
    """The text a person would have typed: 1234 rather than 1234.0, days in ISO form."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else _plain_decimal(value)
    if isinstance(value, datetime | date):
        return from_workbook(value)
    return str(value)


def _plain_decimal(value: float) -> str:
    return format(Decimal(repr(value)), "f")


def _zero_padded_columns(path: Path, sheet_name: str) -> dict[int, int]:
    """Columns shown with leading zeros by a number format such as 00000: index → digits.

    Excel keeps such an employee number as the number 123; what people see and mean is 00123."""
    widths: dict[int, int] = {}
    try:
        # Opened here: openpyxl refuses paths that do not end in .xlsx, and stored files have no ending.
        with (
            path.open("rb") as stream,
            closing(load_workbook(stream, read_only=True, data_only=True)) as book,
        ):
            for row in book[sheet_name].iter_rows(max_row=_FORMAT_SAMPLE_ROWS):
                for cell in row:
                    shown_as = getattr(cell, "number_format", "")
                    if _ZERO_PADDED.fullmatch(shown_as or "") and isinstance(cell.value, int | float):
                        widths[cell.column - 1] = max(widths.get(cell.column - 1, 0), len(shown_as))
    except (InvalidFileException, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise _unreadable() from error
    return widths


def _unreadable() -> FileProblem:
    return FileProblem(
        Text(
            ja="Excelブックとして読めません（壊れているか、パスワードが付いているか、別の形式です）。",
            en="This cannot be read as a workbook: it is damaged, locked by a password, or another format.",
        ),
        hint=Text(
            ja="Excelで開いて「Excelブック (.xlsx)」で保存し直すか、CSVで保存してください。",
            en="Open it in Excel and save it as a workbook (.xlsx), or save it as CSV.",
        ),
        code="file.workbook",
    )
