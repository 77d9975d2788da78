"""Headings and list items as plain text shows them, where no style says what a line is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from hrx.app.people.documents.extracting.shapes import BlockKind, Reading

_NUMBER: Final = r"[0-9０-９一二三四五六七八九十百]+"
_ARTICLE = re.compile(
    rf"第\s*{_NUMBER}\s*(編|部|章|節|款|条)(?:の{_NUMBER})?(?:\s*[（(【][^）)】]{{1,40}}[）)】])?"
)
_LEVELS: Final = {"編": 1, "部": 1, "章": 2, "節": 3, "款": 4, "条": 5}
_SUPPLEMENT = re.compile(r"附\s*則(?:\s*[（(].{1,40}[）)])?$|別表\s*\S{0,20}$")
_ENGLISH = re.compile(
    r"(?:Chapter|Section|Article|Part|Appendix)\s+(?:[0-9]+|[IVXLC]+|[A-Z])\b", re.IGNORECASE
)
_NUMBERED = re.compile(r"([0-9]{1,2}(?:\.[0-9]{1,2}){0,3})\.?\s+[A-Z][^.!?。]{2,69}$")
_ITEM = re.compile(
    r"(?:[-*+•・●○◯■□◆▪–]|[0-9０-９]{1,3}[.)．）]|[①-⑳]|[0-9０-９]{1,2}[ 　]+(?=[^\x00-\x7f])"
    r"|[(（][0-9０-９一二三四五六七八九十a-zｱ-ﾝア-ン]{1,3}[)）])\s*"
)
_HEADING_CHARS: Final = 60
_SENTENCE_ENDS: Final = ("。", "．", ".", "！", "？", "!", "?", "、", ",", "，", ";", "；")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading found at the start of a line; `is_whole` when nothing else stands in the line."""

    text: str
    level: int
    is_whole: bool


def find_heading(line: str) -> Heading | None:
    """The heading that a line is, or begins with (第5条　会社は、…)."""
    if match := _ARTICLE.match(line):
        level = _LEVELS[match.group(1)]
        is_whole = len(line) <= _HEADING_CHARS and not line.endswith(_SENTENCE_ENDS)
        # 「第5条の規定は」 is a sentence about an article, not its heading.
        if not is_whole and line[match.end() : match.end() + 1] not in (" ", "　", "\t"):
            return None
        return Heading(line if is_whole else match.group(), level, is_whole)
    if _SUPPLEMENT.match(line):
        return Heading(line, 2, True)
    if len(line) > _HEADING_CHARS + 20 or line.endswith(_SENTENCE_ENDS):
        return None
    if _ENGLISH.match(line):
        return Heading(line, 1, True)
    if match := _NUMBERED.match(line):
        return Heading(line, match.group(1).count(".") + 2, True)
    return None


def starts_item(line: str) -> bool:
    return _ITEM.match(line) is not None


def may_be_heading(line: str) -> bool:
    """Whether a line that is set in larger type can be a heading."""
    return len(line) <= _HEADING_CHARS + 40 and not line.endswith(("。", "、", ",", "，", ";"))


def add_lines(reading: Reading, lines: list[str], *, page: int | None = None, joins: bool = False) -> None:
    """Lines of plain text as blocks: headings, items, and lines that belong together as paragraphs.

    `joins`: lines were broken by the width of a page, not by whoever wrote them."""
    pending: list[str] = []
    pending_kind = BlockKind.PARAGRAPH

    def flush() -> None:
        if pending:
            reading.add(join_lines(pending) if joins else "\n".join(pending), kind=pending_kind, page=page)
            pending.clear()

    for raw in lines:
        line = raw.strip()
        heading = find_heading(line) if line else None
        if not line or heading:
            flush()
            pending_kind = BlockKind.PARAGRAPH
        if heading:
            reading.add_heading(heading.text, level=heading.level, page=page)
            if not heading.is_whole:
                pending.append(line)
        elif line:
            if starts_item(line):
                flush()
                pending_kind = BlockKind.ITEM
            pending.append(line)
    flush()


def join_lines(lines: list[str]) -> str:
    """Lines that were broken by the width of a page; no blank between Japanese characters."""
    joined = lines[0]
    for line in lines[1:]:
        is_wide = ord(joined[-1]) > 0x2E7F or ord(line[0]) > 0x2E7F
        if joined.endswith(("\u00ad", "\ufffe", "\x02")):
            joined = joined[:-1] + line
        else:
            joined += line if is_wide else f" {line}"
    return joined
