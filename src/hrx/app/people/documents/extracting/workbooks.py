"""Excel's xlsx and xlsm: each sheet under its name, each row with the row that names its columns.

calamine reads the cells; what it does not tell, which rows, columns and sheets are hidden, is read from
the XML first. That pass also refuses cells in far corners, for which calamine would lay out gigabytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

from python_calamine import CalamineError, CalamineWorkbook

from hrx.app.people.documents.extracting import archives
from hrx.app.people.documents.extracting.shapes import FileKind, Notice, OnPage, Reading
from hrx.app.people.documents.problems import FileUnreadable

_S: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_R: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_MAIN: Final = "xl/workbook.xml"
#: Rows up to 999,999 and columns up to ZZ (702) may be addressed.
_FAR_CELL = re.compile(rb"""\sr\s*=\s*["'](?:[A-Za-z]{3,}\d+|[A-Za-z]+\d{7,}|\d{7,})["']""")
MAX_ROWS: Final = 100_000


@dataclass(slots=True)
class _Sheet:
    """What is hidden in a sheet; rows and columns count from 0."""

    is_hidden: bool = False
    rows: set[int] = field(default_factory=set)
    columns: set[int] = field(default_factory=set)


def read_workbook(path: Path, on_page: OnPage) -> Reading:
    """A sheet is a page. Raises FileUnreadable."""
    reading = Reading(kind=FileKind.WORKBOOK)
    with archives.opened(path) as archive:
        if archives.has_macros(archive):
            reading.notices.append(Notice(code="file.macros"))
        sheets = dict(_look(archive))
    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            names = list(book.sheet_names)
            reading.pages_total = len(names)
            for number, name in enumerate(names, start=1):
                if name in sheets:
                    grid = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
                    _read_sheet(reading, grid, name=name, number=number, sheet=sheets[name])
                on_page(number, len(names))
    except CalamineError as error:
        raise FileUnreadable("file.corrupt") from error
    return reading


def _look(archive: ZipFile) -> Iterator[tuple[str, _Sheet]]:
    parts = archives.related_parts(archive, _MAIN)
    for each in archives.read_xml(archive, _MAIN).iter(f"{_S}sheet"):
        part = parts.get(each.get(f"{_R}id") or "")
        if part is None or not part.startswith("xl/worksheets/"):
            continue
        if _FAR_CELL.search(archives.read_part(archive, part)):
            raise archives.bomb()
        sheet = _Sheet(is_hidden=each.get("state") in ("hidden", "veryHidden"))
        root = archives.read_xml(archive, part)
        for column in root.iter(f"{_S}col"):
            if column.get("hidden") in ("1", "true"):
                last = min(int(column.get("max", 1)), 702)
                sheet.columns.update(range(int(column.get("min", 1)) - 1, last))
        for at, row in enumerate(root.iter(f"{_S}row")):
            if row.get("hidden") in ("1", "true"):
                sheet.rows.add(int(row.get("r") or at + 1) - 1)
        yield each.get("name") or "", sheet


def _read_sheet(reading: Reading, grid: list[list[Any]], *, name: str, number: int, sheet: _Sheet) -> None:
    if len(grid) > MAX_ROWS:
        raise FileUnreadable("file.too_long", pages=3_000, characters=10_000_000)
    if sheet.is_hidden:
        count = sum(1 for row in grid for cell in row if cell != "")
        if count:
            reading.notices.append(Notice(code="hidden.sheet", page=number, count=count, value=name))
        return
    hidden = 0
    shown: list[list[str]] = []
    for at, row in enumerate(grid):
        is_hidden = at in sheet.rows
        hidden += sum(1 for n, cell in enumerate(row) if cell != "" and (is_hidden or n in sheet.columns))
        if not is_hidden:
            shown.append([_as_text(cell) for n, cell in enumerate(row) if n not in sheet.columns])
    reading.note_hidden("hidden.cells", hidden, page=number)
    if any(any(row) for row in shown):
        reading.add_heading(name, level=1, page=number)
        reading.add_table(_trimmed(shown), page=number)


def _trimmed(rows: list[list[str]]) -> Iterator[list[str]]:
    """Lines above the table (a title) are not its header: they stay alone in their cell."""
    for row in rows:
        while row and not row[-1]:
            row.pop()
        yield row


def _as_text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime) and (cell.hour, cell.minute, cell.second) == (0, 0, 0):
        return cell.date().isoformat()
    if isinstance(cell, datetime | date):
        return cell.isoformat(sep=" ") if isinstance(cell, datetime) else cell.isoformat()
    return str(cell)
