"""Finding people by kanji, kana, rōmaji, e-mail or number: how text is folded, for storing and for asking.

Both sides are folded the same way, so that しみず, シミズ, ｼﾐｽﾞ, shimizu, simizu and Shimidzu meet. Rōmaji is
folded to one spelling (near Kunrei, long vowels short) and kept in CAPITALS: it cannot be confused with
e-mail addresses and numbers, which are kept in small letters. Pure; the index is in migration 0003."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from operator import add
from typing import Final

import jaconv

from hrx.app.people.employees.names import Names
from hrx.app.people.employees.romaji import fold_romaji, kana_to_romaji

MAX_QUERY_LENGTH: Final = 100
MAX_TERMS: Final = 6

#: Old and variant forms of characters in names, to the form that people type.
_VARIANTS: Final = str.maketrans(
    "髙﨑嵜濵濱邉邊齋齊斎澤廣國櫻龍嶋嶌眞惠德榮實藏瀨淵冨曾萬壽應圓關條靜豐增𠮷埜彌禮槇槙桒舘",
    "高崎崎浜浜辺辺斉斉斉沢広国桜竜島島真恵徳栄実蔵瀬渕富曽万寿応円関条静豊増吉野弥礼槙槙桑館",
)
_SEPARATORS: Final = re.compile(r"[\s・,、，]+")
_LATIN: Final = re.compile(r"^[a-z'’\-]+$")
_KANA_AND_LATIN: Final = re.compile(r"^[a-z'’\-ぁ-ゖー]+$")
_HAS_KANA: Final = re.compile(r"[ぁ-ゖ]")
_HAS_LATIN: Final = re.compile(r"[a-z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonIndex:
    """What `person.search_text` and `person.kana_key` must hold."""

    search_text: str
    kana_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonQuery:
    """A question for app.search_people: a tsquery over grams, and patterns that rule out its chance hits.

    `matches_nothing` when the text held nothing that could be searched for."""

    tsquery: str
    patterns: tuple[str, ...]
    #: A pattern for every word, for text that the index is not asked about.
    terms: tuple[str, ...] = ()
    matches_nothing: bool = False


def index_person(names: Names, *, work_email: str | None, employee_number: str) -> PersonIndex:
    """The folded forms of one person."""
    kana_family, kana_given = fold(names.family_kana), fold(names.given_kana)
    lines = [
        fold(names.family_kanji + names.given_kanji),
        kana_family + kana_given,
        fold(work_email or ""),
        fold(employee_number),
        *_romaji_lines(kana_to_romaji(kana_family), kana_to_romaji(kana_given)),
        *_romaji_lines(fold(names.family_latin), fold(names.given_latin)),
    ]
    different = dict.fromkeys(line for line in lines if line)
    # Whatever is found in a part is found in the whole: 山 in 山田, OTA in OTAYUMIKO.
    kept = [line for line in different if not any(line in other for other in different if other != line)]
    return PersonIndex(search_text="\n".join(kept), kana_key=_kana_key(names, kana_family, kana_given))


def search_grams(search_text: str) -> str:
    """What app.search_grams makes of a text, as PostgreSQL reads it, in a third of the time."""
    grams = set(search_text)
    for line in search_text.split("\n"):
        grams.update(map(add, line, line[1:]))
    grams.discard("\n")
    # One look at the whole text, for hardly any has something to be escaped.
    if "'" in search_text or "\\" in search_text:
        return " ".join(map(_quote, grams))
    return "'" + "' '".join(grams) + "'"


@lru_cache(maxsize=8_192)
def fold(text: str) -> str:
    """Width, case, katakana, character variants and spaces away: ＹＡＭＡＤＡ → yamada, ﾔﾏﾀﾞ → やまだ."""
    if text.isascii():
        return "".join(_SEPARATORS.split(text.lower()))
    plain = unicodedata.normalize("NFKC", text).casefold()
    without_spaces = "".join(_SEPARATORS.split(plain))
    return _without_accents(str(jaconv.kata2hira(without_spaces))).translate(_VARIANTS)


def parse_query(text: str) -> PersonQuery | None:
    """What to ask the index; None when the text is blank. Words are combined by AND, at most MAX_TERMS."""
    words = [word for word in _SEPARATORS.split(unicodedata.normalize("NFKC", text)) if word][:MAX_TERMS]
    if not words:
        return None
    terms = [alternatives for word in words if (alternatives := _alternatives(fold(word)))]
    if not terms:
        return PersonQuery(tsquery="", patterns=(), matches_nothing=True)
    return PersonQuery(
        tsquery=" & ".join(_term_query(alternatives) for alternatives in terms),
        # Up to two characters are one gram, which the index answers exactly.
        patterns=tuple(_pattern(forms) for forms in terms if max(map(len, forms)) > 2),
        terms=tuple(_pattern(forms) for forms in terms),
    )


def _pattern(forms: tuple[str, ...]) -> str:
    return "|".join(re.sub(r"([^\w])", r"\\\1", form) for form in forms)


def _kana_key(names: Names, kana_family: str, kana_given: str) -> str:
    if kana_family or kana_given:
        return f"{kana_family} {kana_given}"
    if names.family_latin or names.given_latin:
        return f"{fold(names.family_latin)} {fold(names.given_latin)}"
    return f"{fold(names.family_kanji)} {fold(names.given_kanji)}"


def _romaji_lines(family: str, given: str) -> list[str]:
    """Both orders in one piece, and each part by itself: folding may swallow a vowel at the joint."""
    if not family and not given:
        return []
    return [fold_romaji(part) for part in (family, given, family + given, given + family)]


def _alternatives(word: str) -> tuple[str, ...]:
    """The forms in which a folded word may stand in search_text."""
    is_mixed = bool(_HAS_KANA.search(word)) and bool(_HAS_LATIN.search(word))
    if is_mixed and _KANA_AND_LATIN.match(word):
        # An input method in the middle of a word: やまd.
        return _kept(fold_romaji(kana_to_romaji(word), is_unfinished=True))
    if _LATIN.match(word):
        return _kept(word, fold_romaji(word, is_unfinished=True))
    return _kept(word)


def _kept(*forms: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form for form in forms if form))


def _term_query(alternatives: tuple[str, ...]) -> str:
    return "(" + " | ".join(_grams_query(alternative) for alternative in alternatives) + ")"


def _grams_query(form: str) -> str:
    grams = [form] if len(form) == 1 else [form[at : at + 2] for at in range(len(form) - 1)]
    return "(" + " & ".join(_quote(gram) for gram in dict.fromkeys(grams)) + ")"


def _quote(gram: str) -> str:
    return "'" + gram.replace("\\", "\\\\").replace("'", "''") + "'"


def _without_accents(text: str) -> str:
    """ō → o and é → e; dakuten stay, for they are letters of their own once composed."""
    return "".join(
        unicodedata.normalize("NFD", character)[0] if "\u00c0" <= character <= "\u024f" else character
        for character in text
    )
