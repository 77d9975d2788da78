"""Rōmaji in one spelling: Hepburn, Kunrei and what people type meet in the same letters.

    shi si → SI · tsu tu → TU · fu hu → HU · ji zi di → ZI · sha sya → SYA · Satō Satou Satoh Sato → SATO

Pure. The folded form is for comparing only; it is never shown."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_ROWS: Final = {
    "": "あいうえお",
    "k": "かきくけこ",
    "g": "がぎぐげご",
    "s": "さしすせそ",
    "z": "ざじずぜぞ",
    "t": "たちつてと",
    "d": "だ*づでど",
    "n": "なにぬねの",
    "h": "はひふへほ",
    "b": "ばびぶべぼ",
    "p": "ぱぴぷぺぽ",
    "m": "まみむめも",
    "r": "らりるれろ",
}
_SINGLE: Final = (
    {
        kana: consonant + vowel
        for consonant, row in _ROWS.items()
        for kana, vowel in zip(row, "aiueo", strict=True)
        if kana != "*"
    }
    | {"や": "ya", "ゆ": "yu", "よ": "yo", "わ": "wa", "ゐ": "i", "ゑ": "e", "を": "o", "ん": "n"}
    | {"ぢ": "zi", "づ": "zu", "ゔ": "bu", "ー": ""}
)
_SMALL_Y: Final = {"ゃ": "ya", "ゅ": "yu", "ょ": "yo"}
_SMALL_VOWELS: Final = {"ぁ": "a", "ぃ": "i", "ぅ": "u", "ぇ": "e", "ぉ": "o"}

_LONG_VOWEL: Final = re.compile(r"([aiue])\1+")
_LONG_O: Final = re.compile(r"o[ou]+")
#: Satoh, Ohno, Yuhki: an h that only lengthens. Before a vowel it is a sound of its own: Ohara.
_LENGTHENING_H: Final = re.compile(r"([ou])h(?![aeiouy])")
_NOT_A_LETTER: Final = re.compile(r"[^a-z]")
#: In this order; plain replacement, for an import folds eight pieces of every person's name.
_SPELLINGS: Final = (
    ("dz", "z"),
    ("du", "zu"),
    ("j", "zy"),
    ("sh", "sy"),
    ("ch", "ty"),
    ("ts", "t"),
    ("f", "h"),
    ("v", "b"),
)
_DOUBLE_Y: Final = re.compile(r"y+")
_SILENT_Y: Final = re.compile(r"(?<=[szt])y(?=[ie])")
_M_BEFORE_LIPS: Final = re.compile(r"m(?=[bpm])")


@lru_cache(maxsize=8_192)
def kana_to_romaji(hiragana: str) -> str:
    """Letters for hiragana; anything else (Latin letters, kanji) stays as it is."""
    letters: list[str] = []
    doubles_next = False
    for kana in hiragana:
        if kana == "っ":
            doubles_next = True
            continue
        if (kana in _SMALL_Y or kana in _SMALL_VOWELS) and letters and letters[-1][-1:] in "aiueo":
            letters[-1] = _contract(letters[-1], kana)
            continue
        sound = _SINGLE.get(kana) or _SMALL_Y.get(kana) or _SMALL_VOWELS.get(kana)
        if sound is None:
            sound = "" if kana == "ー" else kana
        letters.append(sound[:1] + sound if doubles_next and sound[:1] not in "aiueon" else sound)
        doubles_next = False
    return "".join(letters)


@lru_cache(maxsize=8_192)
def fold_romaji(letters: str, *, is_unfinished: bool = False) -> str:
    """The one spelling, in capitals. `is_unfinished`: the last consonant may be half typed (sh, ts, ch)."""
    folded = _NOT_A_LETTER.sub("", letters.lower())
    for spelling, replacement in _SPELLINGS:
        folded = folded.replace(spelling, replacement)
    if "y" in folded:
        folded = _SILENT_Y.sub("", _DOUBLE_Y.sub("y", folded))
    folded = _M_BEFORE_LIPS.sub("n", folded)
    folded = _LENGTHENING_H.sub(r"\1", folded)
    folded = _LONG_VOWEL.sub(r"\1", _LONG_O.sub("o", folded))
    if is_unfinished and len(folded) > 1:
        folded = re.sub(r"(?<=[szt])y$", "", folded)
    return folded.upper()


def _contract(sound: str, small: str) -> str:
    """き + ゃ → kya, ふ + ぁ → ha, て + ぃ → ti."""
    vowel = _SMALL_Y.get(small) or _SMALL_VOWELS[small]
    return sound[:-1] + vowel
