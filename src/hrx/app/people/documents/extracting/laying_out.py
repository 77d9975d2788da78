"""Blocks as one text, and the text as passages: each is a piece of it, from one character to another.

Pure. A passage never crosses a heading; long ones are cut between list items, rows and sentences. The row
that names a table's columns is a heading of every passage that does not hold it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from hrx.app.people.documents.extracting.shapes import Block, BlockKind

#: In Japanese characters; a character of other scripts counts for less, as 500 are to 1,200.
FULL: Final = 400.0
LONGEST: Final = 500.0
_LATIN_WEIGHT: Final = 500.0 / 1_200.0
MAX_HEADING_CHARS: Final = 200
MAX_HEADINGS: Final = 8
_SENTENCE_END = re.compile(r"(?<=[。！？])|(?<=[.!?])\s+|\n")
_WIDE = re.compile(
    "[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff9f\u3001-\u3003]|[\U00020000-\U0003fffd]"
)
_JAPANESE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f]|[\U00020000-\U0003fffd]")
_LETTER = re.compile(r"[^\W\d_]")
_ADDRESS = re.compile(r"https?://\S+")
_JAPANESE_SHARE: Final = 0.15
#: Nobody sees these, so a text must not be found by them: controls, directions, zero width, tags. Variation
#: selectors are none of them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff0-\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
#: Of these a file may hold thousands for reasons of typesetting; they are taken out without a word.
_HARMLESS: Final = frozenset("\x02\x0b\x0c\x1f\u200b\u2060\ufeff\ufffe")

LanguageCode = Literal["ja", "en"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A piece of a version's text; `body` is the text from `start` up to `end`."""

    language: LanguageCode
    page: int | None
    headings: tuple[str, ...]
    start: int
    end: int
    body: str
    sha256: str


@dataclass(frozen=True, slots=True)
class _Span:
    block: Block
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidOut:
    """The whole text, where each page of it begins, and the characters that were taken out of it."""

    body: str
    page_starts: tuple[int, ...]
    passages: tuple[Passage, ...]
    unseen: int


def lay_out(blocks: Sequence[Block]) -> LaidOut:
    """The text of a reading with its passages."""
    parts: list[str] = []
    spans: list[_Span] = []
    starts: list[int] = []
    at = unseen = 0
    before: Block | None = None
    for block in blocks:
        text, taken = clean(block.text)
        unseen += taken
        if not text.strip():
            continue
        gap = "" if before is None else _gap(before, block)
        parts.append(gap)
        at += len(gap)
        if block.page is not None:
            while len(starts) < block.page:
                starts.append(at)
        spans.append(_Span(block, at, at + len(text), weigh(text)))
        parts.append(text)
        at += len(text)
        before = block
    body = "".join(parts)
    return LaidOut(body=body, page_starts=tuple(starts), passages=tuple(_cut(spans, body)), unseen=unseen)


def clean(text: str) -> tuple[str, int]:
    """The text without characters that nobody sees, and how many of those were suspicious."""
    suspicious = sum(1 for match in _UNSEEN.finditer(text) if match.group() not in _HARMLESS)
    return _UNSEEN.sub("", text).rstrip(), suspicious


def weigh(text: str) -> float:
    """The length of a text in Japanese characters."""
    wide = len(_WIDE.findall(text))
    return wide + (len(text) - wide) * _LATIN_WEIGHT


def language_of(text: str) -> LanguageCode:
    """By the share of kana and kanji among the letters; addresses of the web say nothing."""
    text = _ADDRESS.sub("", text)
    japanese, letters = len(_JAPANESE.findall(text)), len(_LETTER.findall(text))
    return "ja" if japanese and japanese >= letters * _JAPANESE_SHARE else "en"


def _gap(before: Block, block: Block) -> str:
    is_same = before.kind is block.kind and block.kind in (BlockKind.ITEM, BlockKind.ROW)
    return "\n" if is_same else "\n\n"


def _cut(spans: list[_Span], body: str) -> Iterator[Passage]:
    path: list[tuple[int, str]] = []
    pending: list[_Span] = []
    bare: _Span | None = None
    for span in spans:
        if span.block.kind is BlockKind.HEADING:
            yield from _flush(pending, path, body)
            # A heading with nothing below it is a passage of its own, or nobody would find it.
            if bare is not None and span.block.level <= bare.block.level:
                yield _passage([bare], path[:-1], body)
            path = [each for each in path if each[0] < span.block.level]
            path.append((span.block.level, body[span.start : span.end][:MAX_HEADING_CHARS]))
            bare = span
            continue
        bare = None
        for piece in _pieces(span, body):
            weight = sum(each.weight for each in pending)
            if pending and (
                weight + piece.weight > LONGEST or (weight > FULL and piece.block is not pending[-1].block)
            ):
                yield from _flush(pending, path, body)
            pending.append(piece)
    yield from _flush(pending, path, body)
    if bare is not None:
        yield _passage([bare], path[:-1], body)


def _flush(pending: list[_Span], path: list[tuple[int, str]], body: str) -> Iterator[Passage]:
    if pending:
        yield _passage(pending, path, body)
        pending.clear()


def _passage(spans: list[_Span], path: list[tuple[int, str]], body: str) -> Passage:
    start, end = spans[0].start, spans[-1].end
    text = body[start:end]
    headings = [heading for _, heading in path]
    header = spans[0].block.header
    if header:
        headings.append(clean(header)[0][:MAX_HEADING_CHARS])
    return Passage(
        language=language_of(text),
        page=spans[0].block.page,
        headings=tuple(headings[-MAX_HEADINGS:]),
        start=start,
        end=end,
        body=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def _pieces(span: _Span, body: str) -> Iterator[_Span]:
    """The block itself, or its sentences joined up to the longest, each cut hard where it is longer still."""
    if span.weight <= LONGEST:
        yield span
        return
    start = span.start
    for stop in _stops(body, span):
        while weigh(body[start:stop]) > LONGEST:
            cut = _hard_cut(body, start, stop)
            yield _Span(span.block, start, cut, weigh(body[start:cut]))
            start = _skip_blanks(body, cut, stop)
        if weigh(body[start:stop]) > FULL * 0.75 or stop == span.end:
            if body[start:stop].strip():
                yield _Span(span.block, start, stop, weigh(body[start:stop]))
            start = _skip_blanks(body, stop, span.end)


def _stops(body: str, span: _Span) -> Iterator[int]:
    """Where sentences end, the end of the block last; never two that are more than one passage apart
    unless a single sentence is that long."""
    last = span.start
    start = span.start
    for match in _SENTENCE_END.finditer(body, span.start, span.end):
        stop = match.start()
        if weigh(body[start:stop]) > LONGEST and last > start:
            yield last
            start = last
        last = stop
    if last > start and weigh(body[start : span.end]) > LONGEST:
        yield last
    yield span.end


def _hard_cut(body: str, start: int, stop: int) -> int:
    """As many characters as one passage may hold, ending at a blank when there is one near."""
    weight, at = 0.0, start
    while at < stop and weight < FULL:
        weight += 1.0 if _WIDE.match(body, at) else _LATIN_WEIGHT
        at += 1
    blank = max(body.rfind(" ", start, at), body.rfind("\n", start, at), body.rfind("、", start, at) + 1)
    return blank if blank > start + (at - start) // 2 else at


def _skip_blanks(body: str, start: int, stop: int) -> int:
    while start < stop and body[start].isspace():
        start += 1
    return start
