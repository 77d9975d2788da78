"""PDF by PDFium: text with its lines and sizes, page by page, without what is drawn unseen."""

from __future__ import annotations

import ctypes
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pypdfium2
import pypdfium2.raw as pdfium

from hrx.app.people.documents.extracting import outlines
from hrx.app.people.documents.extracting.shapes import FileKind, Notice, OnPage, Reading
from hrx.app.people.documents.problems import FileUnreadable

MAX_PAGES: Final = 3_000
#: Smaller than this, in points, nobody reads on paper.
_TINY_PT: Final = 2.5
_WHITE: Final = 245
_INVISIBLE_MODE: Final = 3
#: A page that is covered by one image this far is a scan, and its invisible text is what OCR found.
_SCAN_SHARE: Final = 0.7
_LARGER: Final = 1.15


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    size: int
    page: int


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    bottom: float
    right: float
    top: float

    def holds_middle_of(self, other: _Box) -> bool:
        x, y = (other.left + other.right) / 2, (other.bottom + other.top) / 2
        return self.left <= x <= self.right and self.bottom <= y <= self.top


def read_pdf(path: Path, on_page: OnPage) -> Reading:
    """Raises FileUnreadable for passwords, damage, scans without text and too many pages."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        is_locked = (
            getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD or "password" in str(error).lower()
        )
        raise FileUnreadable("file.encrypted" if is_locked else "file.corrupt") from error
    reading = Reading(kind=FileKind.PDF, pages_total=len(document))
    if len(document) > MAX_PAGES:
        raise FileUnreadable("file.too_long", pages=MAX_PAGES, characters=10_000_000)
    lines: list[_Line] = []
    empty = 0
    for number in range(1, len(document) + 1):
        found = _read_page(document, number, reading)
        empty += not found
        lines.extend(found)
        on_page(number, len(document))
    if not lines:
        raise FileUnreadable("file.scanned_only", pages=len(document))
    if empty:
        reading.notices.append(Notice(code="pages.without_text", count=empty))
    reading.title = " ".join((document.get_metadata_value("Title") or "").split())[:300]
    _add_lines(reading, lines)
    return reading


def _read_page(document: Any, number: int, reading: Reading) -> list[_Line]:
    try:
        page = document[number - 1]
        text_page = page.get_textpage()
    except pypdfium2.PdfiumError as error:
        raise FileUnreadable("file.corrupt") from error
    hidden = _find_hidden(page)
    text = text_page.get_text_range()
    if hidden:
        reading.note_hidden("hidden.text", _count_hidden(text_page, hidden), page=number)
    lines = []
    start = 0
    for raw in text.splitlines(keepends=True):
        # Characters outside the BMP take one place here, as in PDFium's own counting.
        kept = _without_hidden(text_page, raw, start, hidden) if hidden else raw
        if kept.strip():
            size = round(pdfium.FPDFText_GetFontSize(text_page, start + len(raw) - len(raw.lstrip())) * 2)
            lines.append(_Line(kept.strip("\r\n"), size, number))
        start += len(raw)
    text_page.close()
    page.close()
    return lines


def _find_hidden(page: Any) -> frozenset[int]:
    """Addresses of the page's text objects that cannot be seen."""
    width, height = page.get_size()
    sheet = _Box(0, 0, width, height)
    painted: list[_Box] = []
    hidden: list[int] = []
    is_scan = False
    raw_page = page.raw
    for at in range(pdfium.FPDFPage_CountObjects(raw_page)):
        item = pdfium.FPDFPage_GetObject(raw_page, at)
        match pdfium.FPDFPageObj_GetType(item):
            case pdfium.FPDF_PAGEOBJ_TEXT:
                if _is_hidden(item, sheet=sheet, painted=painted, is_scan=is_scan):
                    hidden.append(ctypes.addressof(item.contents))
            case pdfium.FPDF_PAGEOBJ_PATH:
                if not _is_white(item) and (box := _box(item)):
                    painted.append(box)
            case pdfium.FPDF_PAGEOBJ_IMAGE:
                if box := _box(item):
                    painted.append(box)
                    area = (box.right - box.left) * (box.top - box.bottom)
                    is_scan = is_scan or area > _SCAN_SHARE * width * height
    return frozenset(hidden)


def _is_hidden(item: Any, *, sheet: _Box, painted: list[_Box], is_scan: bool) -> bool:
    if pdfium.FPDFTextObj_GetTextRenderMode(item) == _INVISIBLE_MODE:
        return not is_scan
    box = _box(item)
    if box is None:
        return False
    if box.right < sheet.left or box.left > sheet.right or box.top < sheet.bottom or box.bottom > sheet.top:
        return True
    if 0 < box.top - box.bottom < _TINY_PT and _font_size(item) < _TINY_PT:
        return True
    return _is_white(item) and not any(each.holds_middle_of(box) for each in painted)


def _font_size(item: Any) -> float:
    """In points on the page: the font's size times the scale of its matrix."""
    size = ctypes.c_float()
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFTextObj_GetFontSize(item, size)
    if not pdfium.FPDFPageObj_GetMatrix(item, matrix):
        return size.value
    return size.value * float((matrix.c**2 + matrix.d**2) ** 0.5)


def _is_white(item: Any) -> bool:
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    if not pdfium.FPDFPageObj_GetFillColor(item, red, green, blue, alpha):
        return False
    return alpha.value < 10 or min(red.value, green.value, blue.value) >= _WHITE


def _box(item: Any) -> _Box | None:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not pdfium.FPDFPageObj_GetBounds(item, left, bottom, right, top):
        return None
    return _Box(left.value, bottom.value, right.value, top.value)


def _is_char_hidden(text_page: Any, at: int, hidden: frozenset[int]) -> bool:
    item = pdfium.FPDFText_GetTextObject(text_page, at)
    return bool(item) and ctypes.addressof(item.contents) in hidden


def _count_hidden(text_page: Any, hidden: frozenset[int]) -> int:
    return sum(_is_char_hidden(text_page, at, hidden) for at in range(text_page.count_chars()))


def _without_hidden(text_page: Any, raw: str, start: int, hidden: frozenset[int]) -> str:
    return "".join(
        character
        for at, character in enumerate(raw, start=start)
        if character in "\r\n" or not _is_char_hidden(text_page, at, hidden)
    )


def _add_lines(reading: Reading, lines: list[_Line]) -> None:
    """Lines as blocks: larger type makes headings; paragraphs end where a line is short or a mark begins."""
    sizes = Counter[int]()
    for line in lines:
        sizes[line.size] += len(line.text)
    usual = sizes.most_common(1)[0][0]
    larger = sorted((size for size in sizes if size > usual * _LARGER), reverse=True)
    width = max((len(line.text) for line in lines if line.size == usual), default=80)
    pending: list[str] = []
    page = lines[0].page
    for line in lines:
        text = " ".join(line.text.split())
        if line.page != page:
            outlines.add_lines(reading, pending, page=page, joins=True)
            pending, page = [], line.page
        if line.size in larger and outlines.may_be_heading(text):
            outlines.add_lines(reading, pending, page=page, joins=True)
            pending = []
            level = min(larger.index(line.size) + 1, 6)
            found = outlines.find_heading(text)
            reading.add_heading(text, level=found.level if found else level, page=line.page)
            continue
        pending.append(text)
        # A line much shorter than the widest ends its paragraph.
        if len(text) < width * 0.6:
            pending.append("")
    outlines.add_lines(reading, pending, page=page, joins=True)
