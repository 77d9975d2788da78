"""Reading delimited text: which encoding, which delimiter, and rows that lose nothing.

Pure: bytes in, rows out. Decoding is strict; a byte that does not fit is an error that names its place, never
a replacement character, because a name that was quietly damaged is worse than a file that was refused."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from typing import Final

from hrx.app.people.employees.importing.problems import FileProblem
from hrx.kit.errors import Text

#: Longer cells are refused: they come from an unclosed quote far more often than from a person.
MAX_CELL_CHARS: Final = 32_767
DELIMITERS: Final = (",", "\t", ";", "|")
_SAMPLE_CHARS: Final = 200_000
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HALF_KANA = re.compile("[\uff61-\uff9f]")
_WIDE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
#: What the codec cp932 gives for bytes that no Windows program writes.
_NOT_CP932 = re.compile("[\x80\xa0\uf8f0-\uf8f3]")


def detect_encoding(data: bytes) -> str:
    """The encoding of the whole file: by byte order mark, else the first that decodes every byte.

    Raises FileProblem for binary content or when nothing fits, naming the first bad byte."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return _require(data, name)
    _refuse_binary(data)
    if b"\x1b$" in data and _decodes(data, "iso2022_jp"):
        return "iso2022_jp"
    if _decodes(data, "utf-8"):
        return "utf-8"
    return _japanese_encoding(data)


def decode(data: bytes, *, encoding: str) -> str:
    """The text, with any byte order mark removed. Raises FileProblem when it does not decode."""
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise _undecodable(data, encoding, error) from None


def detect_delimiter(text: str) -> str:
    """The delimiter that gives the most columns, the same number in most of the first rows."""
    sample = text[:_SAMPLE_CHARS]
    return max(DELIMITERS, key=lambda delimiter: _score(sample, delimiter))


def iter_rows(text: str, *, delimiter: str) -> Iterator[list[str]]:
    """Rows of cells; quoted line breaks, CR, LF and CRLF are understood; blank lines come as [].

    Raises FileProblem with the row's number for an unclosed quote or a cell over MAX_CELL_CHARS."""
    csv.field_size_limit(MAX_CELL_CHARS)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    while True:
        number += 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise _broken_row(number, rows.line_num, error) from None
        yield row


def _japanese_encoding(data: bytes) -> str:
    """cp932 unless the same bytes make better Japanese as EUC-JP (which cp932 reads as half-width kana)."""
    as_cp932 = _decoded(data, "cp932")
    if as_cp932 is not None and _NOT_CP932.search(as_cp932):
        as_cp932 = None
    as_euc = _decoded(data, "euc_jp")
    if as_cp932 is not None and as_euc is not None:
        sample = as_cp932[:_SAMPLE_CHARS]
        looks_wrong = len(_HALF_KANA.findall(sample)) > 2 * len(_WIDE.findall(sample))
        return "euc_jp" if looks_wrong and _WIDE.search(as_euc) else "cp932"
    if as_cp932 is not None:
        return "cp932"
    if as_euc is not None:
        return "euc_jp"
    try:
        data.decode("utf-8" if _mostly_utf8(data) else "cp932")
    except UnicodeDecodeError as error:
        raise _undecodable(data, error.encoding, error) from None
    raise _undecodable(data, "cp932", None)


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _decodes(data: bytes, encoding: str) -> bool:
    return _decoded(data, encoding) is not None


def _mostly_utf8(data: bytes) -> bool:
    """Whether a damaged file is rather UTF-8 than cp932: few replacement characters in a lenient reading."""
    text = data[:_SAMPLE_CHARS].decode("utf-8", errors="replace")
    return text.count("\ufffd") * 20 < len(text)


def _require(data: bytes, encoding: str) -> str:
    decode(data, encoding=encoding)
    return encoding


def _refuse_binary(data: bytes) -> None:
    """More NUL bytes than slips could explain: a picture, an archive, or UTF-16 that lost its mark."""
    nul_count = data.count(b"\x00")
    if nul_count > 16 and nul_count * 200 > len(data):
        raise FileProblem(
            Text(
                ja="このファイルはCSVではないようです（文字でないデータが含まれています）。",
                en="This does not look like a CSV file: it holds data that is not text.",
            ),
            hint=Text(
                ja="Excelで開き、「CSV UTF-8」か「Excelブック (.xlsx)」で保存し直してください。",
                en="Open it in Excel and save it as “CSV UTF-8” or as a workbook (.xlsx).",
            ),
            code="file.binary",
        )


def _undecodable(data: bytes, encoding: str, error: UnicodeDecodeError | None) -> FileProblem:
    line = data[: error.start].count(b"\n") + 1 if error else 1
    byte = f"0x{data[error.start]:02X}" if error and error.start < len(data) else "?"
    return FileProblem(
        Text(
            ja=f"文字コードがわかりません。{line}行目に {encoding} として読めないバイト {byte} があります。",
            en=f"The encoding is unclear: line {line} holds byte {byte}, which is not {encoding}.",
        ),
        hint=Text(
            ja="元のファイルを「CSV UTF-8」で保存し直してください。途中で切れていないかも確認してください。",
            en="Save the original again as “CSV UTF-8”, and check that the file was not cut off.",
        ),
        code="file.encoding",
    )


def _score(sample: str, delimiter: str) -> tuple[int, int]:
    """How well a delimiter fits: rows as wide as the first, then that width."""
    widths: list[int] = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            if row:
                widths.append(len(row))
            if len(widths) == 20:
                break
    except csv.Error:
        return (0, 0)
    if not widths or max(widths) < 2:
        return (0, 0)
    usual = max(set(widths), key=widths.count)
    return (widths.count(usual) if usual > 1 else 0, usual)


def _broken_row(number: int, line: int, error: csv.Error) -> FileProblem:
    if "field larger" in str(error):
        ja = f"{number}行目に{MAX_CELL_CHARS:,}文字を超えるセルがあります。引用符を確認してください。"
        en = f"Row {number} has a cell of over {MAX_CELL_CHARS:,} characters; a quote may not be closed."
    else:
        ja = f'{number}行目（ファイルの{line}行目付近）の引用符「"」の使い方が正しくありません。'
        en = f"Row {number} (near line {line} of the file) uses quotes wrongly."
    return FileProblem(
        Text(ja=ja, en=en),
        hint=Text(
            ja='セルの中の「"」は「""」と二つ重ね、セル全体を「"」で囲んでください。',
            en='Write a quote inside a cell twice ("") and enclose the whole cell in quotes.',
        ),
        code="file.quotes",
    )
