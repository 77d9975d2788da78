"""A person's name in its scripts, and the order in which each language says it.

Pure: knows no table and no request."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass
from typing import Final, Literal

Locale = Literal["ja", "en"]
#: A letter with the voicing mark that stands for itself: か + ゛.
_IN_TWO_PARTS: Final = re.compile(".[\u3099\u309a]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Family and given name in kanji, kana and Latin letters; empty text where there is none."""

    family_kanji: str = ""
    given_kanji: str = ""
    family_kana: str = ""
    given_kana: str = ""
    family_latin: str = ""
    given_latin: str = ""

    @property
    def kanji(self) -> str:
        return _join(self.family_kanji, self.given_kanji)

    @property
    def kana(self) -> str:
        return _join(self.family_kana, self.given_kana)

    @property
    def latin(self) -> str:
        """Given name first, as European languages write it."""
        return _join(self.given_latin, self.family_latin)

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def display_name(*, kanji: str, latin: str, locale: Locale) -> str:
    """The name to show: family name first in Japanese, given name first in English.

    Each language falls back on the other script: a person without kanji is shown in Latin letters."""
    return (kanji or latin) if locale == "ja" else (latin or kanji)


def compose_kana(text: str) -> str:
    """Join か + ゛ into が without touching any other character, unlike NFC (which would alter 神 to 神)."""
    return _IN_TWO_PARTS.sub(lambda match: unicodedata.normalize("NFC", match.group()), text)


def _join(first: str, second: str) -> str:
    return f"{first} {second}" if first and second else first or second
