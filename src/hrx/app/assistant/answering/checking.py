"""Whether a sentence stands on the passages it names. Deterministic: no model judges another.

What passes: every source is one that was given, every number stands in a cited passage, and so do most of its
words; nearly the same words with a "not" more or less do not. What cannot be seen so: right words in a wrong
relation ("A pays B" for "B pays A")."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from hrx.app.assistant.answering.sentences import list_sentences
from hrx.kit.errors import Language
from hrx.kit.search.analysis import analyse, fold, guess_language

#: Share of a sentence's terms that must stand in what it cites. Measured on two public handbooks (decision
#: 0021): of 600 sentences a language that name the wrong one of eight passages found together, 3 in 100 pass
#: in Japanese and 6 in English.
LEAST_SHARE: Final[Mapping[Language, float]] = {"ja": 0.6, "en": 0.7}
#: From here on two sentences have the same words, and a "not" more or less is another meaning.
_SAME_SHARE: Final = 0.8
_CITED: Final = re.compile(r"[ \t]*[\[［]\s*(\d{1,3}(?:\s*[,、，]\s*\d{1,3})*)\s*[\]］]")
_MARKER: Final = re.compile(r"^\s*(?:[-*+・•]|\d{1,3}[.)])\s+")
_NUMBER: Final = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_KANJI_NUMBER: Final = re.compile(
    r"[〇一二三四五六七八九十百千]+(?=[日月年か箇ヶ人回週時分円割歳才名件条項号章%])"
)
_KANJI_DIGITS: Final = {letter: value for value, letter in enumerate("〇一二三四五六七八九")}
_KANJI_UNITS: Final = {"十": 10, "百": 100, "千": 1000}
_SMALL: Final = (
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_WORDS: Final = {
    **{word: number for number, word in enumerate(_SMALL, start=2)},
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90,
}  # fmt: skip
#: "may" is a verb far more often than a month.
_MONTHS: Final = {
    "january": 1, "february": 2, "march": 3, "april": 4, "june": 6, "july": 7, "august": 8, "september": 9,
    "october": 10, "november": 11, "december": 12,
}  # fmt: skip
_WORD: Final = re.compile(r"[a-z]+")
_DUTY: Final = re.compile(
    r"(?:なけれ|なくて|ねば|ないと)[^。]{0,3}(?:ならない|なりません|なら|いけない|いけません)"
)
_NOT_JA: Final = re.compile(r"ない|なく|なかっ|ません|ませ[んぬ]|[らさわかたまばがな]ず(?:に|、|$)|不可|禁止")
_NOT_EN: Final = re.compile(r"\b(?:not|no|never|without|cannot|neither|nor)\b|n't\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A passage as it was given to whoever writes: its headings count as its words."""

    headings: Sequence[str]
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A sentence without its numbers of sources; `citations` are those that were given."""

    text: str
    citations: tuple[int, ...]
    is_supported: bool


def check_sentence(sentence: str, *, sources: Mapping[int, Source]) -> Checked:
    """The sentence as it may be shown. `sources` by their numbers, as they were given."""
    named = [int(number) for met in _CITED.finditer(sentence) for number in re.findall(r"\d+", met[1])]
    text = re.sub(r"\s+([。、.,!?])", r"\1", _CITED.sub("", sentence)).strip()
    known = tuple(dict.fromkeys(number for number in named if number in sources))
    is_supported = bool(known) and len(known) == len(set(named))
    if is_supported:
        is_supported = is_held(text, by=[sources[number] for number in known])
    return Checked(text=text, citations=known, is_supported=is_supported)


def is_held(text: str, *, by: Sequence[Source]) -> bool:
    """Whether the words and numbers of a sentence stand in these passages."""
    said = _MARKER.sub("", text)
    held = "\n".join(line for one in by for line in (*one.headings, one.body))
    if not list_numbers(said) <= list_numbers(held):
        return False
    is_said = share_of_terms(said, held) >= LEAST_SHARE[guess_language(said)]
    return is_said and not _is_turned(said, by)


def share_of_terms(text: str, held: str) -> float:
    """Which part of the terms of a text stands in another, from 0 to 1; 0 for a text without terms."""
    wanted = _terms(text)
    if not wanted:
        return 0.0
    return len(wanted & _terms(held)) / len(wanted)


def list_numbers(text: str) -> frozenset[float]:
    """Every number of a text, however it is written: １０, 10, 十日, ten; months by their number."""
    folded = fold(text)
    found = {float(number.replace(",", "")) for number in _NUMBER.findall(folded)}
    found |= {_read_kanji(number) for number in _KANJI_NUMBER.findall(folded)}
    for word in _WORD.findall(folded):
        value = _WORDS.get(word) or _MONTHS.get(word)
        if value is not None:
            found.add(float(value))
    return frozenset(found)


def _read_kanji(text: str) -> float:
    if not any(letter in _KANJI_UNITS for letter in text):
        return float("".join(str(_KANJI_DIGITS[letter]) for letter in text))
    total, digit = 0, 0
    for letter in text:
        if letter in _KANJI_UNITS:
            total += (digit or 1) * _KANJI_UNITS[letter]
            digit = 0
        else:
            digit = _KANJI_DIGITS[letter]
    return float(total + digit)


def _is_turned(text: str, by: Sequence[Source]) -> bool:
    """Whether the nearest sentence of the passages says the same with an odd number of "not" between."""
    wanted = _words(text)
    best, nearest = 0.0, ""
    for source in by:
        for one in list_sentences(source.body):
            there = _words(one.text)
            share = 2 * len(wanted & there) / ((len(wanted) + len(there)) or 1)
            if share > best:
                best, nearest = share, one.text
    return best >= _SAME_SHARE and _count_not(text) % 2 != _count_not(nearest) % 2


def _count_not(text: str) -> int:
    folded = _DUTY.sub("", fold(text))
    return len(_NOT_JA.findall(folded)) + len(_NOT_EN.findall(folded))


@lru_cache(maxsize=512)
def _terms(text: str) -> frozenset[str]:
    found = analyse(text)
    # Pairs of neighbours catch what two ways of cutting words would miss; single letters say too little.
    return frozenset(found.terms) | frozenset(gram for gram in found.grams if len(gram) > 1)


@lru_cache(maxsize=512)
def _words(text: str) -> frozenset[str]:
    return frozenset(analyse(text).terms)
