"""HTML as a browser would show it without running anything: what is not displayed is counted, not taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lxml import etree
from lxml import html as lxml_html

from hrx.app.people.documents.extracting.plain import read_characters
from hrx.app.people.documents.extracting.shapes import Block, BlockKind, FileKind, OnPage, Reading
from hrx.app.people.documents.problems import FileUnreadable

_NEVER_SHOWN: Final = frozenset(
    {
        "script",
        "style",
        "template",
        "noscript",
        "head",
        "iframe",
        "object",
        "svg",
        "math",
        "select",
        "textarea",
    }
)
_BLOCKS: Final = frozenset(
    {"p", "div", "section", "article", "main", "header", "footer", "nav", "aside", "ul", "ol", "dl", "dt",
     "dd", "blockquote", "pre", "figure", "figcaption", "address", "form", "fieldset", "body", "html", "hr",
     "details", "summary"}
)  # fmt: skip
_HEADING = re.compile(r"h[1-6]$")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_SIMPLE_SELECTOR = re.compile(r"(?:\.|#)?[\w-]+$")
#: Declarations that keep text from being seen. Text in white counts where nothing says it stands on a colour.
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$|!)"
    r"|font-size\s*:\s*(?:0|1)(?:\.\d+)?(?:px|pt|em|rem|%)?\s*(?:;|$|!)"
    r"|(?:left|top|text-indent|margin-left)\s*:\s*-\d{3,}(?:px|em|pt|rem)|clip\s*:\s*rect\(\s*0",
    re.IGNORECASE,
)
_WHITE = re.compile(
    r"(?:^|;|\s)color\s*:\s*(?:#fff(?:fff)?\b|white\b|transparent\b|rgba?\(\s*255\s*,\s*255\s*,\s*255)",
    re.IGNORECASE,
)
_BACKGROUND = re.compile(
    r"background(?:-color)?\s*:\s*(?!\s*(?:#fff(?:fff)?\b|white\b|transparent\b|none\b))", re.IGNORECASE
)


def read_html(path: Path, on_page: OnPage) -> Reading:
    """A page that was saved."""
    reading = Reading(kind=FileKind.HTML)
    root = _parse(read_characters(path))
    title = root.findtext(".//title")
    reading.title = " ".join((title or "").split())[:300]
    walk = _Walk(reading, hiding=_find_hiding_rules(root))
    walk.walk(root)
    walk.flush()
    reading.note_hidden("hidden.text", walk.hidden)
    on_page(1, 1)
    return reading


def html_to_text(source: str) -> tuple[str, int]:
    """A piece of HTML as lines of text, and how many characters of it are not shown."""
    if not source.strip() or (source.lstrip().startswith("<!--") and source.rstrip().endswith("-->")):
        return "", 0
    reading = Reading(kind=FileKind.HTML)
    try:
        walk = _Walk(reading, hiding=frozenset())
        walk.walk(_parse(source))
    except FileUnreadable:
        return "", 0
    walk.flush()
    return "\n".join(block.text for block in reading.blocks), walk.hidden


def _parse(source: str) -> Any:
    # A declaration of another encoding inside would be believed by the parser: the text is decoded already.
    parser = lxml_html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False, remove_pis=True)
    try:
        return lxml_html.document_fromstring(source.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise FileUnreadable("file.no_text") from error


def _find_hiding_rules(root: Any) -> frozenset[str]:
    """Simple selectors of the page's own style sheets that hide what they name."""
    found: set[str] = set()
    for style in root.iter("style"):
        for selectors, declarations in _RULE.findall(style.text or ""):
            if _HIDING.search(declarations):
                found.update(s.strip() for s in selectors.split(",") if _SIMPLE_SELECTOR.match(s.strip()))
    return frozenset(found)


@dataclass(slots=True)
class _Walk:
    reading: Reading
    hiding: frozenset[str]
    hidden: int = 0
    _line: list[str] = field(default_factory=list)

    def walk(self, element: Any) -> None:
        """One element with everything below it; the text after it belongs to its parent."""
        if not isinstance(element.tag, str) or element.tag in _NEVER_SHOWN:
            return
        if self._hides(element):
            self.hidden += len("".join(element.itertext()).strip())
            return
        if element.tag == "table":
            self.flush()
            self.reading.add_table(self._rows(element))
        elif _HEADING.match(element.tag):
            self.flush()
            self.reading.add_heading(self._inner(element), level=int(element.tag[1]))
        elif element.tag == "li":
            self.flush()
            self._line.append("- ")
            self._children(element)
            self.flush(kind=BlockKind.ITEM)
        elif element.tag == "br":
            self._line.append("\n")
        elif element.tag in _BLOCKS:
            self.flush()
            self._children(element)
            self.flush()
        else:
            self._children(element)

    def flush(self, *, kind: BlockKind = BlockKind.PARAGRAPH) -> None:
        text = "".join(self._line)
        self._line.clear()
        lines = [" ".join(line.split()) for line in text.split("\n")]
        joined = "\n".join(line for line in lines if line)
        if joined.strip("- "):
            if joined.startswith("- "):
                kind = BlockKind.ITEM
            self.reading.blocks.append(Block(text=joined, kind=kind))

    def _children(self, element: Any) -> None:
        self._line.append(_folded(element.text))
        for child in element:
            self.walk(child)
            self._line.append(_folded(child.tail))

    def _rows(self, table: Any) -> Iterator[list[str]]:
        for row in table.iter("tr"):
            yield [self._inner(cell) for cell in row if cell.tag in ("td", "th")]

    def _inner(self, element: Any) -> str:
        """The text of a heading or a cell."""
        if self._hides(element):
            self.hidden += len("".join(element.itertext()).strip())
            return ""
        parts = [element.text or ""]
        for child in element:
            if isinstance(child.tag, str) and child.tag not in _NEVER_SHOWN:
                parts.append(" " if child.tag == "br" else self._inner(child))
            parts.append(child.tail or "")
        return "".join(parts)

    def _hides(self, element: Any) -> bool:
        style = element.get("style") or ""
        if "hidden" in element.attrib or (element.tag == "input") or _HIDING.search(style):
            return True
        if _WHITE.search(style) and not any(
            _BACKGROUND.search(each.get("style") or "") or each.get("bgcolor")
            for each in (element, *element.iterancestors())
        ):
            return True
        if not self.hiding:
            return False
        names = {
            element.tag,
            f"#{element.get('id')}",
            *(f".{c}" for c in (element.get("class") or "").split()),
        }
        return not self.hiding.isdisjoint(names)


def _folded(text: str | None) -> str:
    return re.sub(r"\s+", " ", text) if text else ""
