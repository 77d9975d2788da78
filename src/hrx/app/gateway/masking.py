"""Personal data is replaced before a question leaves, and put back in the answer.

Names are those of the directory, given by the caller; mail addresses, phone and individual numbers and postal
addresses are recognised by their form. It is a net: a nickname or a description of a person passes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from hrx.kit.personal import list_personal

#: One letter for one letter, so that places in the text stay what they are.
_HALF_WIDTH: Final = str.maketrans("０１２３４５６７８９－‐−＠．（）", "0123456789---@.()")
_ADDRESS: Final = re.compile(
    r"(?:〒\s?\d{3}-\d{4}\s*)?(?:東京都|北海道|京都府|大阪府|[一-龥]{2,3}県)"
    r"[一-龥ぁ-んァ-ヶーヶケ々]{1,30}[\d一二三四五六七八九十]{1,4}(?:丁目|番地|番|号|-)?"
    r"(?:[\d一二三四五六七八九十]{1,4}(?:丁目|番地|番|号|-)?){0,4}"
)
_POSTAL: Final = re.compile(r"〒\s?\d{3}-?\d{4}")
_HONORIFIC: Final = (
    "さん", "様", "氏", "君", "くん", "ちゃん", "先生", "部長", "課長", "係長", "社長", "主任", "室長",
    "本部長",
)  # fmt: skip
_OPENS, _CLOSES = "⟦", "⟧"
_PLACEHOLDER: Final = re.compile(r"⟦[A-Z]+\d+⟧")
_LONGEST_PLACEHOLDER: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonName:
    """A name of the directory, in one script."""

    family: str
    given: str

    def forms(self) -> Iterator[str]:
        """How people write it: together, with a space of either width, the other way round in Latin."""
        if self.family and self.given:
            for gap in ("", " ", "　"):
                if gap or not self.family.isascii():
                    yield f"{self.family}{gap}{self.given}"
            if self.family.isascii():
                yield f"{self.given} {self.family}"
        if self.family and not self.family.isascii():
            for title in _HONORIFIC:
                yield f"{self.family}{title}"


class NameIndex:
    """Finds names in a text by their first letter: 10,000 names cost no more than ten."""

    def __init__(self, names: Sequence[PersonName]) -> None:
        self._forms = {form.casefold() for name in names for form in name.forms() if len(form) > 1}
        self._lengths: dict[str, list[int]] = {}
        for form in self._forms:
            lengths = self._lengths.setdefault(form[0], [])
            if len(form) not in lengths:
                lengths.append(len(form))
        for lengths in self._lengths.values():
            lengths.sort(reverse=True)

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Places of names, the longest where several begin."""
        folded, place = text.casefold(), 0
        if len(folded) != len(text):
            folded = text
        while place < len(folded):
            for length in self._lengths.get(folded[place], ()):
                if folded[place : place + length] in self._forms and _is_word(folded, place, length):
                    yield place, place + length
                    place += length - 1
                    break
            place += 1


def _is_word(text: str, place: int, length: int) -> bool:
    """Latin names are words of their own: no `Ann Lee` within `Joann Leeds`."""
    if not text[place].isascii():
        return True
    before, after = text[place - 1 : place], text[place + length : place + length + 1]
    return not (before.isascii() and before.isalnum()) and not (after.isascii() and after.isalnum())


class Mask:
    """The replacements of one call: the same value gets the same placeholder, in every message of it."""

    def __init__(self, names: NameIndex) -> None:
        self._names = names
        self._placeholders: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def mask(self, text: str) -> str:
        """The text with placeholders such as ⟦PERSON1⟧."""
        parts: list[str] = []
        end = 0
        for begin, stop, kind in sorted(self._find(text), key=lambda one: (one[0], -one[1])):
            if begin < end:
                continue
            parts += [text[end:begin], self._placeholder(kind, text[begin:stop])]
            end = stop
        return "".join([*parts, text[end:]])

    def unmask(self, text: str, *, is_json: bool = False) -> str:
        """The text with the values back, escaped within JSON; a placeholder nobody gave stays as it is."""
        if _OPENS not in text:
            return text

        def value_of(found: re.Match[str]) -> str:
            value = self._values.get(found.group(), found.group())
            return orjson.dumps(value).decode()[1:-1] if is_json else value

        return _PLACEHOLDER.sub(value_of, text)

    def _find(self, text: str) -> Iterator[tuple[int, int, str]]:
        plain = text.translate(_HALF_WIDTH)
        for begin, end, kind in list_personal(plain):
            yield begin, end, kind
        for pattern in (_ADDRESS, _POSTAL):
            for found in pattern.finditer(plain):
                yield found.start(), found.end(), "ADDRESS"
        for begin, end in self._names.find(text):
            yield begin, end, "PERSON"

    def _placeholder(self, kind: str, value: str) -> str:
        known = self._placeholders.get((kind, value))
        if known is None:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            known = f"{_OPENS}{kind}{self._counts[kind]}{_CLOSES}"
            self._placeholders[kind, value] = known
            self._values[known] = value
        return known


class Unmasking:
    """Puts values back while an answer comes, however its placeholders are cut."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._held = ""

    def take(self, text: str) -> str:
        """What can be shown now; the beginning of a placeholder waits for its end."""
        text = self._held + text
        opened = text.rfind(_OPENS)
        is_open = opened >= 0 and _CLOSES not in text[opened:] and len(text) - opened < _LONGEST_PLACEHOLDER
        self._held = text[opened:] if is_open else ""
        return self._mask.unmask(text[:opened] if is_open else text)

    def rest(self) -> str:
        """What is still held at the end, or before everything begins anew."""
        rest, self._held = self._held, ""
        return rest
