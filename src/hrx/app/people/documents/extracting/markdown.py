"""Markdown as its reader sees it: marks, links' addresses and comments are left out, structure is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from hrx.app.people.documents.extracting.pages import html_to_text
from hrx.app.people.documents.extracting.plain import read_characters
from hrx.app.people.documents.extracting.shapes import Block, BlockKind, FileKind, Notice, OnPage, Reading

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n(?:---|\.\.\.)\n", re.DOTALL)
#: Marks of site generators: {% … %} and {{ … }} say something to a program, not to a reader.
_LINK_TEMPLATE = re.compile(r"\]\(\s*\{[%{].*?[%}]\}[^)]*\)")
_TEMPLATE = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_FRONT_DATES: Final = ("effective_from", "effective", "effective_date", "施行日", "適用日")
_FRONT_BYTES: Final = 20_000


def read_markdown(path: Path, on_page: OnPage) -> Reading:
    """CommonMark with tables."""
    text = read_characters(path)
    reading = Reading(kind=FileKind.MARKDOWN)
    if match := _FRONT_MATTER.match(text):
        _read_front(reading, match.group(1))
        text = text[match.end() :]
    text = _TEMPLATE.sub("", _LINK_TEMPLATE.sub("](#)", text))
    _Walk(reading).walk(MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text))
    on_page(1, 1)
    return reading


def _read_front(reading: Reading, front: str) -> None:
    if len(front) > _FRONT_BYTES or re.search(r"(?m)[&*]\w+", front):
        return
    try:
        values = yaml.safe_load(front)
    except yaml.YAMLError:
        return
    if not isinstance(values, dict):
        return
    title = values.get("title")
    if isinstance(title, str):
        reading.title = " ".join(title.split())[:300]
    for name in _FRONT_DATES:
        if name in values:
            reading.notices.append(Notice(code="effective.proposed", value=str(values[name])[:40]))
            return


class _Walk:
    """One pass over the tokens of a document."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        #: Open lists: the next number, or None for bullets.
        self._lists: list[int | None] = []
        self._mark = ""
        self._row: list[str] = []
        self._is_cell = False
        self._rows: list[list[str]] = []

    def walk(self, tokens: Iterable[Token]) -> None:
        level = 0
        for token in tokens:
            match token.type:
                case "heading_open":
                    level = int(token.tag[1:])
                case "heading_close":
                    level = 0
                case "bullet_list_open":
                    self._lists.append(None)
                case "ordered_list_open":
                    self._lists.append(int(token.attrGet("start") or 1))
                case "bullet_list_close" | "ordered_list_close":
                    self._lists.pop()
                case "list_item_open":
                    self._open_item()
                case "tr_open":
                    self._row = []
                case "tr_close":
                    self._rows.append(self._row)
                case "table_open":
                    self._rows = []
                case "table_close":
                    self._reading.add_table(self._rows)
                    self._rows = []
                case "th_open" | "td_open":
                    self._row.append("")
                    self._is_cell = True
                case "inline":
                    self._inline(_plain(token.children or ()), level)
                case "fence" | "code_block":
                    self._reading.add(token.content)
                case "html_block":
                    self._html(token.content)
                case _:
                    pass

    def _open_item(self) -> None:
        number = self._lists[-1]
        self._mark = "- " if number is None else f"{number}. "
        if number is not None:
            self._lists[-1] = number + 1

    def _inline(self, text: str, level: int) -> None:
        if level:
            self._reading.add_heading(text, level=level)
            self._reading.title = self._reading.title or (text if level == 1 else "")
        elif self._is_cell:
            self._row[-1] = text
            self._is_cell = False
        elif self._lists:
            indent = "  " * (len(self._lists) - 1)
            body = f"{indent}{self._mark or '  '}{text}"
            self._mark = ""
            self._add_item(body)
        else:
            self._reading.add(text)

    def _add_item(self, body: str) -> None:
        # The blank space in front shows how deep an item lies; Reading.add would take it away.
        if body.strip():
            self._reading.blocks.append(Block(text=body.rstrip(), kind=BlockKind.ITEM))

    def _html(self, source: str) -> None:
        text, hidden = html_to_text(source)
        self._reading.note_hidden("hidden.text", hidden)
        for line in text.split("\n"):
            self._reading.add(line)


def _plain(children: Iterable[Token]) -> str:
    parts: list[str] = []
    for child in children:
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif child.type == "image":
            parts.append(child.content)
        elif child.type == "html_inline" and child.content.lower().startswith("<br"):
            parts.append("\n")
    return "".join(parts).strip()
