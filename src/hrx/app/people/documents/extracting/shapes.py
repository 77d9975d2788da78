"""What a reader of files gives: blocks in reading order, and what somebody should know about the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class FileKind(StrEnum):
    """What a file is by its content; its name is not believed."""

    PDF = "pdf"
    WORD = "docx"
    SLIDES = "pptx"
    WORKBOOK = "xlsx"
    HTML = "html"
    MARKDOWN = "md"
    TABLE = "csv"
    TEXT = "txt"


class BlockKind(StrEnum):
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    ROW = "row"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One heading, paragraph, list item or row of a table. `page` counts from 1 where there are pages."""

    text: str
    kind: BlockKind = BlockKind.PARAGRAPH
    page: int | None = None
    #: Of a heading: 1 is the outermost.
    level: int = 0
    #: Of a row: the row that names the columns.
    header: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to know about a file that was read. `count`: characters, cells or pages, as the code says."""

    code: str
    page: int | None = None
    count: int = 0
    value: str = ""


@dataclass(slots=True, kw_only=True)
class Reading:
    """A file as it was read."""

    kind: FileKind
    blocks: list[Block] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    pages_total: int | None = None
    #: What the file calls itself, where it does.
    title: str = ""

    def add(self, text: str, *, kind: BlockKind = BlockKind.PARAGRAPH, page: int | None = None) -> None:
        if text.strip():
            self.blocks.append(Block(text=text.strip(), kind=kind, page=page))

    def add_heading(self, text: str, *, level: int, page: int | None = None) -> None:
        line = " ".join(part.strip() for part in text.split("\n") if part.strip())
        if line:
            self.blocks.append(Block(text=line, kind=BlockKind.HEADING, level=level, page=page))

    def add_table(self, rows: Iterable[Iterable[str]], *, page: int | None = None) -> None:
        """Rows with anything in them; the first one names the columns of the others."""
        header = ""
        for cells in rows:
            line = " | ".join(" ".join(cell.split()) for cell in cells)
            if not line.strip(" |"):
                continue
            self.blocks.append(Block(text=line, kind=BlockKind.ROW, page=page, header=header))
            header = header or line

    def note_hidden(self, code: str, count: int, *, page: int | None = None) -> None:
        if count:
            self.notices.append(Notice(code=code, count=count, page=page))


#: Hears (pages done, pages in all).
OnPage = Callable[[int, int], None]
Reader = Callable[[Path, OnPage], Reading]
