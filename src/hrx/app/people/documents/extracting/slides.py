"""PowerPoint's pptx and pptm, straight from their XML: a slide is a page, its title a heading."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hrx.app.people.documents.extracting import archives
from hrx.app.people.documents.extracting.shapes import BlockKind, FileKind, Notice, OnPage, Reading
from hrx.app.people.documents.problems import FileUnreadable

_A: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P: Final = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_MAIN: Final = "ppt/presentation.xml"
MAX_SLIDES: Final = 3_000
_TITLES: Final = frozenset({"title", "ctrTitle"})
#: Hundredths of a point.
_TINY: Final = 300


def read_slides(path: Path, on_page: OnPage) -> Reading:
    """Hidden slides, and shapes outside the slide, are told and left out."""
    reading = Reading(kind=FileKind.SLIDES)
    with archives.opened(path) as archive:
        if archives.has_macros(archive):
            reading.notices.append(Notice(code="file.macros"))
        main = archives.read_xml(archive, _MAIN)
        parts = archives.related_parts(archive, _MAIN)
        names = [
            parts[ref]
            for each in main.iter(f"{_P}sldId")
            if (ref := each.get(f"{_R}id")) is not None and ref in parts
        ]
        if len(names) > MAX_SLIDES:
            raise FileUnreadable("file.too_long", pages=MAX_SLIDES, characters=10_000_000)
        size = main.find(f"{_P}sldSz")
        sheet = (int(size.get("cx", 0)), int(size.get("cy", 0))) if size is not None else (0, 0)
        reading.pages_total = len(names)
        for number, name in enumerate(names, start=1):
            _read_slide(reading, archives.read_xml(archive, name), number=number, sheet=sheet)
            on_page(number, len(names))
    return reading


def _read_slide(reading: Reading, slide: Any, *, number: int, sheet: tuple[int, int]) -> None:
    if slide.get("show") in ("0", "false"):
        count = sum(len(text.text or "") for text in slide.iter(f"{_A}t"))
        reading.note_hidden("hidden.slide", count, page=number)
        return
    hidden = 0
    shapes = sorted(slide.iter(f"{_P}sp"), key=lambda shape: not _is_title(shape))
    for shape in shapes:
        if _is_away(shape, sheet):
            hidden += sum(len(text.text or "") for text in shape.iter(f"{_A}t"))
        elif _is_title(shape):
            reading.add_heading(" ".join(_paragraphs(shape)), level=1, page=number)
        else:
            for paragraph in shape.iter(f"{_A}p"):
                shown, away = _runs(paragraph)
                hidden += away
                kind = BlockKind.PARAGRAPH if len(shapes) == 1 else BlockKind.ITEM
                reading.add(shown, kind=kind, page=number)
    for table in slide.iter(f"{_A}tbl"):
        reading.add_table(_rows(table), page=number)
    reading.note_hidden("hidden.text", hidden, page=number)


def _is_title(shape: Any) -> bool:
    place = shape.find(f"{_P}nvSpPr/{_P}nvPr/{_P}ph")
    return place is not None and place.get("type") in _TITLES


def _is_away(shape: Any, sheet: tuple[int, int]) -> bool:
    """Hidden by its author, or lying wholly outside the slide."""
    properties = shape.find(f"{_P}nvSpPr/{_P}cNvPr")
    if properties is not None and properties.get("hidden") in ("1", "true"):
        return True
    offset, extent = shape.find(f"{_P}spPr/{_A}xfrm/{_A}off"), shape.find(f"{_P}spPr/{_A}xfrm/{_A}ext")
    if offset is None or extent is None or not sheet[0]:
        return False
    x, y = int(offset.get("x", 0)), int(offset.get("y", 0))
    wide, high = int(extent.get("cx", 0)), int(extent.get("cy", 0))
    return x >= sheet[0] or y >= sheet[1] or x + wide <= 0 or y + high <= 0


def _runs(paragraph: Any) -> tuple[str, int]:
    """The paragraph's text, and how much of it is too small to see."""
    shown, hidden = [], 0
    for element in paragraph.iter(f"{_A}t", f"{_A}br"):
        if element.tag == f"{_A}br":
            shown.append("\n")
            continue
        properties = element.getparent().find(f"{_A}rPr")
        size = properties.get("sz") if properties is not None else None
        if size and size.isdigit() and int(size) < _TINY:
            hidden += len(element.text or "")
        else:
            shown.append(element.text or "")
    return "".join(shown), hidden


def _paragraphs(shape: Any) -> Iterator[str]:
    for paragraph in shape.iter(f"{_A}p"):
        yield _runs(paragraph)[0]


def _rows(table: Any) -> Iterator[list[str]]:
    for row in table.iter(f"{_A}tr"):
        yield [" ".join(text.text or "" for text in cell.iter(f"{_A}t")) for cell in row.iter(f"{_A}tc")]
