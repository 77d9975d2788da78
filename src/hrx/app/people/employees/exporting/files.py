"""Export files: the header and every row as text, into CSV or XLSX on disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import xlsxwriter
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.exporting.encodings import Fitter, OnUnencodable
from hrx.app.people.employees.exporting.queries import Scope, get_asked_day, load_units, stream_people
from hrx.app.people.employees.importing.downloads import new_temporary_file, no_room, write_csv
from hrx.app.people.employees.importing.fields import Field
from hrx.app.people.employees.importing.references import UnitIndex
from hrx.app.people.employees.importing.templates import TEMPLATE_FIELDS
from hrx.app.people.employees.queries.asked import Asked
from hrx.kit.errors import Language

_BATCH: Final = 1_000
_NUMBER_AT: Final = [field.name for field in TEMPLATE_FIELDS].index("employee_number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What is asked for."""

    asked: Asked
    scope: Scope
    language: Language


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFile:
    """A finished file, how many rows it has, and how many characters were replaced."""

    path: Path
    rows: int
    replaced: int = 0


@dataclass(slots=True)
class _Counter:
    rows: int = 0


async def export_csv(
    session: AsyncSession, export: Export, *, encoding: str, on_unencodable: OnUnencodable
) -> ExportFile:
    """A CSV file. Raises CharactersDoNotFit when the encoding lacks characters and none may be replaced."""
    fitter = Fitter(encoding, on_unencodable)
    counter = _Counter()

    async def fitted() -> AsyncIterator[list[str]]:
        async for row in _lines(session, export, counter):
            yield fitter.fit(row, who=row[_NUMBER_AT])

    path = await write_csv(fitted(), encoding=encoding)
    try:
        fitter.refuse_if_missing()
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return ExportFile(path=path, rows=counter.rows, replaced=fitter.replaced)


async def export_xlsx(session: AsyncSession, export: Export) -> ExportFile:
    """A workbook; every cell is text, so nothing is run as a formula and no zero is lost."""
    path = new_temporary_file(suffix=".xlsx")
    counter = _Counter()
    try:
        book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_formulas": False})
        sheet = book.add_worksheet("社員" if export.language == "ja" else "People")
        sheet.freeze_panes(1, 1)
        batch: list[list[str]] = []
        at = 0
        async for row in _lines(session, export, counter):
            batch.append(row)
            if len(batch) == _BATCH:
                await asyncio.to_thread(_write_batch, sheet, batch, at)
                at += len(batch)
                batch.clear()
        await asyncio.to_thread(_write_batch, sheet, batch, at)
        await asyncio.to_thread(book.close)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise no_room() from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return ExportFile(path=path, rows=counter.rows)


def _write_batch(sheet: xlsxwriter.worksheet.Worksheet, rows: list[list[str]], at: int) -> None:
    for offset, row in enumerate(rows):
        for column, cell in enumerate(row):
            if cell:
                sheet.write_string(at + offset, column, cell)


async def _lines(session: AsyncSession, export: Export, counter: _Counter) -> AsyncIterator[list[str]]:
    yield [field.label.in_language(export.language) for field in TEMPLATE_FIELDS]
    units = await load_units(session, asked=export.asked)
    day = await get_asked_day(session)
    async for row in stream_people(session, asked=export.asked, scope=export.scope):
        counter.rows += 1
        on = day if export.scope is Scope.DAY else row["valid_from"] or day
        yield [_cell(row, field, units, on, export.language) for field in TEMPLATE_FIELDS]


def _cell(row: RowMapping, field: Field, units: UnitIndex, on: date, language: Language) -> str:
    if field.name in ("org_unit", "org_unit_code"):
        unit_id = row["org_unit_id"]
        if unit_id is None:
            return ""
        return units.code_of(unit_id) if field.name == "org_unit_code" else units.label(unit_id, on)
    value = row[field.name]
    if value is None:
        return ""
    for choice in field.choices:
        if choice.code == value:
            return choice.label.in_language(language)
    return value.isoformat() if isinstance(value, date) else str(value)
