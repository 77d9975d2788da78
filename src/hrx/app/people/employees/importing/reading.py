"""A file as a table: header, rows as text, how it was read, and every limit said with its figure.

Pure but for opening the local file it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.app.people.employees.importing import delimited
from hrx.app.people.employees.importing.mapping import count_known_headers
from hrx.app.people.employees.importing.problems import FileProblem, FileTooLarge
from hrx.app.people.employees.importing.workbook import read_workbook
from hrx.kit.errors import Text

MAX_COLUMNS: Final = 200
MAX_ROWS: Final = 200_000
SAMPLE_COUNT: Final = 5
#: Titles and notes above the header are skipped when the header is among the first rows.
_HEADER_SEARCH_ROWS: Final = 10
_ZIP_MARK: Final = b"PK\x03\x04"
_OLD_EXCEL_MARK: Final = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What a file says. `first_row_number` is the number Excel shows beside the first data row."""

    header: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    first_row_number: int
    #: utf-8, utf-8-sig, cp932 … or "xlsx".
    encoding: str
    #: "," and so on; empty for a workbook.
    delimiter: str
    sheet: str = ""

    def samples(self, column: int) -> list[str]:
        """The first few different values of a column that are not blank."""
        found: dict[str, None] = {}
        for row in self.rows[:500]:
            if column < len(row) and row[column].strip():
                found[row[column].strip()[:80]] = None
                if len(found) == SAMPLE_COUNT:
                    break
        return list(found)


def read_table(path: Path) -> Table:
    """The table in a CSV or XLSX file. Raises FileProblem or FileTooLarge with what to do."""
    with path.open("rb") as stream:
        mark = stream.read(4)
    if not mark:
        raise _empty()
    if mark == _OLD_EXCEL_MARK:
        raise _old_excel()
    if mark == _ZIP_MARK:
        sheet = read_workbook(path)
        return _table(sheet.rows, encoding="xlsx", delimiter="", sheet=sheet.name)
    data = path.read_bytes()
    encoding = delimited.detect_encoding(data)
    text = delimited.decode(data, encoding=encoding)
    del data
    delimiter = delimited.detect_delimiter(text)
    return _table(_read_delimited(text, delimiter), encoding=encoding, delimiter=delimiter)


def _read_delimited(text: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    for row in delimited.iter_rows(text, delimiter=delimiter):
        rows.append(row)
        if len(rows) > MAX_ROWS + _HEADER_SEARCH_ROWS:
            raise _too_many_rows()
    return rows


def _table(rows: list[list[str]], *, encoding: str, delimiter: str, sheet: str = "") -> Table:
    at = _find_header(rows)
    if at is None:
        raise _empty()
    header = _name_columns(rows[at])
    if len(header) > MAX_COLUMNS:
        raise FileTooLarge(
            Text(
                ja=f"列が多すぎます（{len(header):,}列。上限は{MAX_COLUMNS}列）。",
                en=f"There are too many columns ({len(header):,}; the limit is {MAX_COLUMNS}).",
            ),
            hint=Text(ja="取り込む列だけを残してください。", en="Keep only the columns to be imported."),
            code="file.too_many_columns",
        )
    body = rows[at + 1 :]
    while body and not any(cell.strip() for cell in body[-1]):
        body.pop()
    if not body:
        raise _header_only()
    if len(body) > MAX_ROWS:
        raise _too_many_rows()
    return Table(
        header=header,
        rows=body,
        first_row_number=at + 2,
        encoding=encoding,
        delimiter=delimiter,
        sheet=sheet,
    )


def _find_header(rows: list[list[str]]) -> int | None:
    """The row of the first ten that names most known fields; else the first that is not blank."""
    candidates = [
        index for index, row in enumerate(rows[:_HEADER_SEARCH_ROWS]) if any(c.strip() for c in row)
    ]
    if not candidates:
        candidates = [index for index, row in enumerate(rows) if any(cell.strip() for cell in row)][:1]
    if not candidates:
        return None
    best = max(candidates, key=lambda index: count_known_headers(rows[index]))
    return best if count_known_headers(rows[best]) >= 2 else candidates[0]


def _name_columns(cells: list[str]) -> tuple[str, ...]:
    """Header names made unique; blank trailing ones dropped, blank inner ones called by their number."""
    trimmed = [" ".join(cell.replace("\x00", "").split()) for cell in cells]
    while trimmed and not trimmed[-1]:
        trimmed.pop()
    seen: dict[str, int] = {}
    named: list[str] = []
    for number, name in enumerate(trimmed, start=1):
        base = name[:200] or f"#{number}"
        seen[base] = seen.get(base, 0) + 1
        named.append(base if seen[base] == 1 else f"{base} ({seen[base]})")
    return tuple(named)


def _empty() -> FileProblem:
    return FileProblem(
        Text(ja="ファイルが空です。", en="The file is empty."),
        hint=Text(
            ja="テンプレートをダウンロードし、見出しの下に社員を入力してください。",
            en="Download the template and enter people below its header.",
        ),
        code="file.empty",
    )


def _header_only() -> FileProblem:
    return FileProblem(
        Text(ja="見出しだけで、データの行がありません。", en="There is a header but no rows below it."),
        hint=Text(ja="見出しの下に社員を入力してください。", en="Enter people below the header."),
        code="file.no_rows",
    )


def _too_many_rows() -> FileTooLarge:
    return FileTooLarge(
        Text(
            ja=f"行が多すぎます（上限は{MAX_ROWS:,}行）。",
            en=f"There are too many rows (limit {MAX_ROWS:,}).",
        ),
        hint=Text(ja="ファイルを分けて取り込んでください。", en="Split the file and import the parts."),
        code="file.too_many_rows",
    )


def _old_excel() -> FileProblem:
    return FileProblem(
        Text(
            ja="古い形式（.xls）か、パスワード付きのブックです。",
            en="This is an old workbook (.xls) or one with a password.",
        ),
        hint=Text(
            ja="Excelで「Excelブック (.xlsx)」として、パスワードなしで保存し直してください。",
            en="Save it again in Excel as a workbook (.xlsx) without a password.",
        ),
        code="file.old_excel",
    )
