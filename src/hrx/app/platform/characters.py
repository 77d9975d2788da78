"""Characters that nobody sees: controls, directions, joiners without anything to join.

They make two names look like one, or a line read backwards. Pure. What carries meaning stays: combining
marks, variation selectors (葛󠄀 is not 葛), and the joiners that Indic and Arabic scripts are written with."""

from __future__ import annotations

import unicodedata
from typing import Final

#: Controls, surrogates, private use, separators of lines and paragraphs: no text of one line.
_NO_TEXT: Final = frozenset({"Cc", "Cs", "Co", "Zl", "Zp"})
_FIRST_KANJI, _LAST_KANJI = 0x20000, 0x3FFFD
_NON_JOINER, _JOINER = "\u200c", "\u200d"
#: Canonical combining class of a virama, after which joiners change what is written (RFC 5892, A.1 and A.2).
_VIRAMA: Final = 9


def has_hidden(text: str, *, allowed: str = "") -> bool:
    """Whether the text holds a character that cannot be seen and has no business there.

    `allowed`: such characters that are welcome all the same, say line breaks in a note."""
    return any(
        _is_hidden(character, before=before)
        for before, character in zip((None, *text), text, strict=False)
        if character not in allowed
    )


def _is_hidden(character: str, *, before: str | None) -> bool:
    if character.isprintable():
        return False
    category = unicodedata.category(character)
    if category == "Cn":
        # The planes of kanji are still being filled: a later Unicode than this Python's names more of them.
        return not _FIRST_KANJI <= ord(character) <= _LAST_KANJI
    if category in _NO_TEXT:
        return True
    return category == "Cf" and not _joins(character, before)


def _joins(character: str, before: str | None) -> bool:
    if before is None or character not in (_NON_JOINER, _JOINER):
        return False
    is_arabic = unicodedata.bidirectional(before) == "AL"
    return unicodedata.combining(before) == _VIRAMA or (character == _NON_JOINER and is_arabic)
