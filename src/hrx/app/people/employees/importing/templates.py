"""Empty files to fill in: the header of every field, and a sheet that explains them.

No example rows: a row that is left in by mistake would become a person."""

from __future__ import annotations

import csv
import io
from typing import Final

import xlsxwriter

from hrx.app.people.employees.importing.fields import FIELDS, Field, FieldKind
from hrx.kit.errors import Language, Text

TEMPLATE_FIELDS: Final = tuple(field for field in FIELDS if field.is_template)
#: Kinds that spreadsheets would "correct": leading zeros go, 1-2 becomes a day.
_TEXT_KINDS: Final = frozenset(
    {FieldKind.CODE, FieldKind.PHONE, FieldKind.POSTAL_CODE, FieldKind.DATE, FieldKind.END_DATE}
)
_EXPLAINED_ROWS: Final = 10_000

_SHEET: Final = Text(ja="社員", en="People")
_HELP_SHEET: Final = Text(ja="説明", en="Help")
_HELP_HEADER: Final = (
    Text(ja="列", en="Column"),
    Text(ja="例", en="Example"),
    Text(ja="選べる値", en="Choices"),
)
_NOTES: Final = (
    Text(
        ja="空欄は「変更しない」という意味です。値を消すには (なし) と書いてください。",
        en="A blank cell changes nothing. To empty a value, write (none).",
    ),
    Text(
        ja="異動の履歴は、同じ社員番号の行を適用日ごとに並べてください。",
        en="For a history of posts, use several rows with the same employee number, one per effective date.",
    ),
    Text(
        ja="日付は 2024-04-01、2024/4/1、令和6年4月1日、R6.4.1 のいずれでも読めます。",
        en="Dates may be written 2024-04-01, 2024/4/1, 令和6年4月1日 or R6.4.1.",
    ),
)


def template_csv(*, language: Language) -> bytes:
    """The header line, with the byte order mark that Excel needs to read it as UTF-8."""
    stream = io.StringIO(newline="")
    csv.writer(stream).writerow(field.label.in_language(language) for field in TEMPLATE_FIELDS)
    return stream.getvalue().encode("utf-8-sig")


def template_xlsx(*, language: Language) -> bytes:
    """A workbook whose columns keep leading zeros and dates as typed, with choices to pick from."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        bold = book.add_format({"bold": True, "bg_color": "#E8EEF7", "border": 1})
        as_text = book.add_format({"num_format": "@"})
        sheet = book.add_worksheet(_SHEET.in_language(language))
        sheet.freeze_panes(1, 1)
        for column, field in enumerate(TEMPLATE_FIELDS):
            label = field.label.in_language(language)
            sheet.set_column(column, column, 16, as_text if field.kind in _TEXT_KINDS else None)
            sheet.write_string(0, column, label, bold)
            if field.choices:
                choices = [choice.label.in_language(language) for choice in field.choices]
                sheet.data_validation(
                    1, column, _EXPLAINED_ROWS, column, {"validate": "list", "source": choices}
                )
        _write_help(book, bold, language)
    return stream.getvalue()


def _write_help(book: xlsxwriter.Workbook, bold: object, language: Language) -> None:
    sheet = book.add_worksheet(_HELP_SHEET.in_language(language))
    sheet.set_column(0, 2, 28)
    for at, note in enumerate(_NOTES):
        sheet.write_string(at, 0, note.in_language(language))
    top = len(_NOTES) + 1
    for column, title in enumerate(_HELP_HEADER):
        sheet.write_string(top, column, title.in_language(language), bold)
    for at, field in enumerate(TEMPLATE_FIELDS, start=top + 1):
        for column, value in enumerate(_help_line(field, language)):
            sheet.write_string(at, column, value)


def _help_line(field: Field, language: Language) -> tuple[str, str, str]:
    choices = " / ".join(choice.label.in_language(language) for choice in field.choices)
    return field.label.in_language(language), field.example, choices
