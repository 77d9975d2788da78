"""Text to numbers: which words of the closed list occur, after what tells who somebody is was taken out.

Two walls: the list itself, and the removal of what a record knows of the person. The second is for names that
are words of the list (a Ruby, a Java), which the first would let through."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from hrx.app.models.lexicon import VOCABULARY
from hrx.app.models.tracing_text import TracedText, fold, fold_traced

_ASCII: Final = re.compile(r"[\x20-\x7e]+")
#: What tells a person's age, sex, birth and home, in the ways that CVs write them.
_TELLING: Final = re.compile(
    r"\d{1,3}\s*(?:歳|才)"
    r"|\b\d{1,3}\s*(?:years old|year-old)"
    r"|(?:明治|大正|昭和|平成|令和)?\s*\d{1,4}年\s*\d{1,2}月\s*\d{1,2}日\s*生?(?:まれ)?"
    r"|(?:性別|sex|gender)\s*[:：]?\s*(?:男性?|女性?|その他|male|female|other)"
    r"|〒?\s*\d{3}-\d{4}"
    r"|(?:氏名|名前|name|住所|address|生年月日|date of birth|年齢|age)\s*[:：][^\n]*"
)

_APART: Final = r"[\s・,、.]*"


def _version() -> str:
    """Changes with the list and this code's number; a model is served only by what it was trained with."""
    return f"skills-1-{hashlib.sha256('|'.join(VOCABULARY).encode()).hexdigest()[:8]}"


VERSION: Final = _version()


def _pattern(word: str) -> re.Pattern[str]:
    # Japanese writes no spaces between words; Latin words must stand alone (java is not javascript).
    quoted = re.escape(word)
    return re.compile(rf"(?<![a-z0-9]){quoted}(?![a-z0-9])" if _ASCII.fullmatch(word) else quoted)


_PATTERNS: Final = tuple(_pattern(word) for word in VOCABULARY)


def blind(text: str, protected: Iterable[str] = ()) -> str:
    """The folded text without what tells who somebody is. `protected`: what is known of the person (whole
    names in every spelling, address, birthday), each taken out wherever it stands as a whole."""
    return _blind(text, protected).text


def find_features(text: str, protected: Iterable[str] = ()) -> list[float]:
    """1 or 0 for each word of the vocabulary: somebody who repeats a word has not more of the skill."""
    shown = blind(text, protected)
    return [float(one.search(shown) is not None) for one in _PATTERNS]


def find_words(text: str, protected: Iterable[str] = ()) -> dict[str, list[tuple[int, int]]]:
    """Words of the vocabulary that count, each with its places in `text` (start, end, in characters)."""
    shown = _blind(text, protected)
    places = {word: list(shown.find_places(one)) for word, one in zip(VOCABULARY, _PATTERNS, strict=True)}
    return {word: found for word, found in places.items() if found}


def row_of(words: Mapping[str, object] | Iterable[str]) -> list[float]:
    """The features of a text that holds these words of the vocabulary."""
    held = set(words)
    return [float(word in held) for word in VOCABULARY]


def _blind(text: str, protected: Iterable[str]) -> TracedText:
    found = fold_traced(text)
    told = {tuple(fold(one).split()) for one in protected}
    for words in sorted(told, key=lambda words: (-sum(map(len, words)), words)):
        if sum(map(len, words)) > 1:
            found = found.without(_as_a_whole(words))
    return found.without(_TELLING)


def _as_a_whole(words: Sequence[str]) -> re.Pattern[str]:
    """A name in either order, however its parts are held apart.

    Not its parts alone: where somebody called Java writes Java, they mean the language more often than
    themselves, and would be thought to know less than the same person of another name."""
    orders = {_APART.join(re.escape(one) for one in way) for way in (words, tuple(reversed(words)))}
    return re.compile("|".join(sorted(orders)))


def rank_matches(people: Sequence[Sequence[float]], role: Sequence[float]) -> list[int]:
    """Places of people, the best for the role first; `people` and `role` are scores by skill (0–1).

    Equal matches keep the order in which they came."""
    weights = [sum(a * b for a, b in zip(one, role, strict=True)) for one in people]
    return sorted(range(len(people)), key=lambda at: -weights[at])
