"""Word's docx and docm, straight from their XML: paragraphs, lists and tables as they stand in the text.

Deleted text of tracked changes is no text any more; macros are never read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hrx.app.people.documents.extracting import archives, outlines
from hrx.app.people.documents.extracting.shapes import BlockKind, FileKind, Notice, OnPage, Reading

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_HEADING_NAME = re.compile(r"(?:heading|見出し)\s*([1-9])$", re.IGNORECASE)
#: Half points; smaller type than 3 pt is read by nobody.
_TINY_HALF_POINTS: Final = 6
_OFF: Final = frozenset({"0", "false", "off"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Style:
    level: int = 0
    is_list: bool = False
    is_hidden: bool = False


def read_word(path: Path, on_page: OnPage) -> Reading:
    """Pages are those of the last print layout that Word left in the file; without one there are none."""
    reading = Reading(kind=FileKind.WORD)
    with archives.opened(path) as archive:
        if archives.has_macros(archive):
            reading.notices.append(Notice(code="file.macros"))
        names = set(archive.namelist())
        styles = (
            _read_styles(archives.read_xml(archive, "word/styles.xml")) if "word/styles.xml" in names else {}
        )
        body = archives.read_xml(archive, "word/document.xml").find(f"{_W}body")
    if body is not None:
        walk = _Walk(
            reading, styles, has_layout=next(body.iter(f"{_W}lastRenderedPageBreak"), None) is not None
        )
        walk.walk(body)
        reading.pages_total = walk.page if walk.has_pages else None
        for page, count in sorted(walk.hidden.items()):
            reading.note_hidden("hidden.text", count, page=page if walk.has_pages else None)
    on_page(reading.pages_total or 1, reading.pages_total or 1)
    return reading


def _read_styles(root: Any) -> dict[str, _Style]:
    own: dict[str, tuple[str | None, _Style]] = {}
    for style in root.iter(f"{_W}style"):
        name = style.find(f"{_W}name")
        match = _HEADING_NAME.match(_value(name) or "")
        outline = style.find(f"{_W}pPr/{_W}outlineLvl")
        level = int(match.group(1)) if match else int(_value(outline) or 8) + 1
        own[style.get(f"{_W}styleId") or ""] = (
            _value(style.find(f"{_W}basedOn")),
            _Style(
                level=level if level <= 6 else 0,
                is_list=style.find(f"{_W}pPr/{_W}numPr") is not None,
                is_hidden=_is_on(style.find(f"{_W}rPr/{_W}vanish")),
            ),
        )
    return {ref: _inherited(own, ref) for ref in own}


def _inherited(own: dict[str, tuple[str | None, _Style]], ref: str) -> _Style:
    level, is_list, is_hidden = 0, False, False
    seen: set[str] = set()
    at: str | None = ref
    while at is not None and at in own and at not in seen:
        seen.add(at)
        at, style = own[at]
        level, is_list, is_hidden = (
            level or style.level,
            is_list or style.is_list,
            is_hidden or style.is_hidden,
        )
    return _Style(level=level, is_list=is_list, is_hidden=is_hidden)


@dataclass(slots=True)
class _Walk:
    reading: Reading
    styles: dict[str, _Style]
    has_layout: bool
    page: int = 1
    has_pages: bool = False
    hidden: dict[int, int] = field(default_factory=dict)

    def walk(self, parent: Any) -> None:
        for element in parent:
            if element.tag == f"{_W}p":
                self._paragraph(element)
            elif element.tag == f"{_W}tbl":
                page = self.page
                self.reading.add_table(self._rows(element), page=page if self.has_layout else None)
            elif element.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}customXml"):
                self.walk(element)

    def _paragraph(self, paragraph: Any) -> None:
        properties = paragraph.find(f"{_W}pPr")
        style = _Style()
        is_list = False
        level = 0
        if properties is not None:
            style = self.styles.get(_value(properties.find(f"{_W}pStyle")) or "", style)
            is_list = properties.find(f"{_W}numPr") is not None or style.is_list
            outline = _value(properties.find(f"{_W}outlineLvl"))
            level = style.level or (
                int(outline) + 1 if outline and outline.isdigit() and int(outline) < 6 else 0
            )
        begins = self.page
        text = self._text(paragraph, style).strip()
        page = self._page_of(begins, text)
        if level:
            self.reading.add_heading(text, level=level, page=page)
        elif is_list:
            self.reading.add(f"- {text}" if text else "", kind=BlockKind.ITEM, page=page)
        elif text:
            outlines.add_lines(self.reading, text.split("\n"), page=page)

    def _page_of(self, begins: int, text: str) -> int | None:
        if not (self.has_layout or self.has_pages):
            return None
        # A break at the very start of a paragraph moves all of it to the next page.
        return self.page if not text or self._broke_first else begins

    _broke_first: bool = False

    def _text(self, parent: Any, style: _Style) -> str:
        parts: list[str] = []
        self._broke_first = False
        for element in parent.iter():
            if element.tag == f"{_W}lastRenderedPageBreak" or (
                element.tag == f"{_W}br" and element.get(f"{_W}type") == "page" and not self.has_layout
            ):
                self.page += 1
                self.has_pages = True
                self._broke_first = self._broke_first or not "".join(parts).strip()
            elif element.tag in (f"{_W}t", f"{_W}tab", f"{_W}br", f"{_W}cr", f"{_W}noBreakHyphen"):
                if any(above.tag == _FALLBACK for above in element.iterancestors()):
                    continue
                piece = _piece(element)
                if self._is_hidden(element.getparent(), style):
                    self.hidden[self.page] = self.hidden.get(self.page, 0) + len(piece.strip())
                else:
                    parts.append(piece)
        return "".join(parts)

    def _is_hidden(self, run: Any, style: _Style) -> bool:
        properties = run.find(f"{_W}rPr") if run is not None else None
        if properties is None:
            return style.is_hidden
        vanish = properties.find(f"{_W}vanish")
        if _is_on(vanish) or (style.is_hidden and vanish is None):
            return True
        size = _value(properties.find(f"{_W}sz"))
        if size and size.isdigit() and int(size) < _TINY_HALF_POINTS:
            return True
        color = (_value(properties.find(f"{_W}color")) or "").upper()
        return color in ("FFFFFF", "FEFEFE") and not _is_shaded(run)

    def _rows(self, table: Any) -> Iterator[list[str]]:
        for row in table.iter(f"{_W}tr"):
            yield [
                " ".join(self._text(paragraph, _Style()) for paragraph in cell.iter(f"{_W}p"))
                for cell in row.iter(f"{_W}tc")
            ]


def _is_shaded(run: Any) -> bool:
    """Whether white type stands on a colour: of the run, its paragraph, its cell or its row."""
    for above in (run, *run.iterancestors()):
        for name in ("rPr", "pPr", "tcPr", "tblPr"):
            properties = above.find(f"{_W}{name}")
            if properties is None:
                continue
            shade = properties.find(f"{_W}shd")
            if shade is not None and (shade.get(f"{_W}fill") or "auto").upper() not in ("AUTO", "FFFFFF"):
                return True
            if properties.find(f"{_W}highlight") is not None:
                return True
    return False


def _piece(element: Any) -> str:
    if element.tag == f"{_W}t":
        return element.text or ""
    if element.tag == f"{_W}noBreakHyphen":
        return "-"
    return "\t" if element.tag == f"{_W}tab" else "\n"


def _value(element: Any) -> str | None:
    return None if element is None else element.get(f"{_W}val")


def _is_on(element: Any) -> bool:
    return element is not None and (element.get(f"{_W}val") or "1") not in _OFF
