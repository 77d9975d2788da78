"""Which reader takes which kind of file. Its library is loaded only when such a file comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from hrx.app.people.documents.extracting.shapes import FileKind, Reader


def _pdf() -> Reader:
    from hrx.app.people.documents.extracting.pdf import read_pdf

    return read_pdf


def _word() -> Reader:
    from hrx.app.people.documents.extracting.word import read_word

    return read_word


def _slides() -> Reader:
    from hrx.app.people.documents.extracting.slides import read_slides

    return read_slides


def _workbook() -> Reader:
    from hrx.app.people.documents.extracting.workbooks import read_workbook

    return read_workbook


def _html() -> Reader:
    from hrx.app.people.documents.extracting.pages import read_html

    return read_html


def _markdown() -> Reader:
    from hrx.app.people.documents.extracting.markdown import read_markdown

    return read_markdown


def _table() -> Reader:
    from hrx.app.people.documents.extracting.plain import read_table

    return read_table


def _text() -> Reader:
    from hrx.app.people.documents.extracting.plain import read_text

    return read_text


READERS: Final[Mapping[FileKind, Callable[[], Reader]]] = {
    FileKind.PDF: _pdf,
    FileKind.WORD: _word,
    FileKind.SLIDES: _slides,
    FileKind.WORKBOOK: _workbook,
    FileKind.HTML: _html,
    FileKind.MARKDOWN: _markdown,
    FileKind.TABLE: _table,
    FileKind.TEXT: _text,
}
