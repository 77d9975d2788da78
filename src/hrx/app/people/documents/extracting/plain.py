"""Text and CSV: the encoding is found strictly, nothing is replaced by a question mark."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hrx.app.people.documents.extracting.outlines import add_lines
from hrx.app.people.documents.extracting.shapes import BlockKind, FileKind, OnPage, Reading
from hrx.app.people.documents.problems import FileUnreadable
from hrx.app.people.employees.importing import delimited
from hrx.app.people.employees.importing.problems import FileProblem

_UTF16_SHARE: Final = 0.3


def read_characters(path: Path) -> str:
    """The whole file as text, line ends made LF. Raises FileUnreadable."""
    data = path.read_bytes()
    try:
        text = delimited.decode(data, encoding=_detect(data))
    except FileProblem as error:
        code = "file.unknown_kind" if error.stable_code == "file.binary" else "file.encoding"
        raise FileUnreadable(code) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _detect(data: bytes) -> str:
    """As the import of people does it, and UTF-16 that lost its mark besides."""
    sample = data[:4_000]
    for encoding, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[0::2])):
        if zeros and not data.startswith((b"\xff\xfe", b"\xfe\xff")) and len(data) % 2 == 0:
            others = sample[0::2] if encoding == "utf-16-le" else sample[1::2]
            if zeros.count(0) > len(zeros) * _UTF16_SHARE and others.count(0) * 20 < len(others):
                return encoding
    return delimited.detect_encoding(data)


def read_text(path: Path, on_page: OnPage) -> Reading:
    """Plain text."""
    reading = Reading(kind=FileKind.TEXT)
    add_lines(reading, read_characters(path).split("\n"))
    on_page(1, 1)
    return reading


def read_table(path: Path, on_page: OnPage) -> Reading:
    """CSV or TSV; what cannot be read as a table is read as text."""
    text = read_characters(path)
    reading = Reading(kind=FileKind.TABLE)
    try:
        reading.add_table(delimited.iter_rows(text, delimiter=delimited.detect_delimiter(text)))
    except FileProblem:
        reading.blocks.clear()
        for line in text.split("\n"):
            reading.add(line, kind=BlockKind.PARAGRAPH)
    on_page(1, 1)
    return reading
