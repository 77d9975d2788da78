"""Sentences of Japanese and English texts with their places, so that a quote is a piece of its source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

#: A list that a sentence announces belongs to it, up to so many characters.
LONGEST_LIST: Final = 700
#: A paragraph is short up to so many columns, a letter of Japanese takes two: a few lines on a phone.
SHORT_COLUMNS: Final = 240
_WIDE_FROM: Final = "\u2e80"
_LINE: Final = re.compile(r"[^\n]+")
#: Ends of sentences; closing brackets and quotes still belong to them.
_END: Final = re.compile(r"[。！？](?:[」』）)\]]*)|[.!?](?=[\s\"”)\]]|$)[\"”)\]]*")
#: No sentence ends here, though there is a full stop.
_ABBREVIATION: Final = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|No|Mr|Ms|Mrs|Dr|Art|Sec|vs|Inc|Ltd|U\.S)|\b[A-Z])\.$"
)
_MARKER: Final = re.compile(r"[ \t　]*(?:[-*+・●○]|\(?\d{1,3}[.)）]|[（(]\d{1,3}[)）]|#{1,6}|>)[ \t　]+")
_ITEM: Final = re.compile(r"[ \t　]*(?:[-*+・●○|]|\(?\d{1,3}[.)）]|[（(][\d一二三四五六七八九十]{1,3}[)）])")
_ANNOUNCES: Final = re.compile(
    r"(?:次の|以下|下記|左記|つぎの|下表)[^。]*[。:：]?$|[:：]$"
    r"|\b(?:following|as follows|below)\b[^.]*[.:]?$",
    re.I,
)
_HEADING: Final = re.compile(r"[ \t　]*#{1,6}[ \t　]")
_BRACKETS: Final = ("（）", "()", "「」", "『』", "[]")
_RULE: Final = re.compile(r"[\s|:\-=_*#　]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """text == source[start:end]."""

    text: str
    start: int
    end: int


def list_sentences(source: str) -> list[Sentence]:
    """Sentences in their order; a list that one announces is part of it. Headings and rules are none."""
    found = [one for line in _LINE.finditer(source) for one in _of_line(source, line)]
    return [_with_list(source, one) for one in found]


def split_sentences(text: str) -> list[str]:
    """The sentences of plain text, as they stand."""
    return [one.text for line in _LINE.finditer(text) for one in _of_line(text, line)]


def with_short_paragraph(source: str, sentence: Sentence) -> Sentence:
    """The sentences of its line as one where the line is short and announces no list, else the sentence
    itself."""
    if "\n" in sentence.text:
        return sentence
    start = source.rfind("\n", 0, sentence.start) + 1
    line = _LINE.match(source, start)
    if line is None or sum(2 if letter >= _WIDE_FROM else 1 for letter in line[0]) > SHORT_COLUMNS:
        return sentence
    of_line = list(_of_line(source, line))
    if any(_ANNOUNCES.search(one.text) for one in of_line):
        return sentence
    first, last = of_line[0].start, of_line[-1].end
    return Sentence(text=source[first:last], start=first, end=last)


def find_end(text: str) -> int:
    """Where the first whole sentence of a text that still grows ends; -1 when none is known to be whole."""
    for met in _END.finditer(text):
        end = met.end()
        # What comes next may still be part of it: a closing bracket, or the number of a source.
        if end < len(text) and not _ABBREVIATION.search(text[:end]):
            after = re.match(r"(?:[ \t]*\[[\d,、 ]+\])+", text[end:])
            place = end + (after.end() if after else 0)
            rest = text[place:]
            if rest and not re.fullmatch(r"[ \t]*(?:\[[\d,、 ]*)?", rest):
                return place
    line = text.find("\n")
    return line + 1 if line >= 0 else -1


def _of_line(source: str, line: re.Match[str]) -> Iterator[Sentence]:
    if _HEADING.match(line[0]) or _RULE.fullmatch(line[0]):
        return
    marker = _MARKER.match(line[0])
    start = line.start() + (marker.end() if marker else 0)
    for met in _END.finditer(source, start, line.end()):
        said = source[start : met.end()]
        if met.end() < line.end() and (_ABBREVIATION.search(said) or _is_inside(source[start : met.start()])):
            continue
        yield from _trimmed(source, start, met.end())
        start = met.end()
    yield from _trimmed(source, start, line.end())


def _is_inside(text: str) -> bool:
    """Whether a bracket or a quote is still open: a sentence in it does not end the one around it."""
    return any(text.count(opens) > text.count(closes) for opens, closes in _BRACKETS)


def _trimmed(source: str, start: int, end: int) -> Iterator[Sentence]:
    text = source[start:end]
    start += len(text) - len(text.lstrip())
    text = text.strip()
    if text and any(letter.isalnum() for letter in text):
        yield Sentence(text=text, start=start, end=start + len(text))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _with_list(source: str, sentence: Sentence) -> Sentence:
    if not _ANNOUNCES.search(sentence.text):
        return sentence
    own = source[source.rfind("\n", 0, sentence.start) + 1 : sentence.start]
    end = sentence.end
    for line in _LINE.finditer(source, sentence.end):
        is_next = source[end : line.start()].strip() == "" and _ITEM.match(line[0])
        # An item as far left as the announcement itself, where that is one, is the next of its own list.
        is_below = not own.strip() or _indent(line[0]) > _indent(own)
        if not is_next or not is_below or line.end() - sentence.start > LONGEST_LIST:
            break
        end = line.end()
    return Sentence(text=source[sentence.start : end], start=sentence.start, end=end)
