"""Japanese postal addresses for display: largest part first in Japanese, smallest first in English.

Pure. Nothing is looked up: what was entered is shown, in the order that each language expects."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

_SEVEN_DIGITS = re.compile(r"^\d{7}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address in its parts; empty text where there is none.

    `line1` is 町名・番地 (street and number), `line2` the building."""

    postal_code: str = ""
    prefecture: str = ""
    city: str = ""
    line1: str = ""
    line2: str = ""

    @property
    def is_empty(self) -> bool:
        return not any((self.postal_code, self.prefecture, self.city, self.line1, self.line2))


def format_postal_code(written: str) -> str:
    """〒 numbers as 100-0001, however they were typed (１０００００１, 100 0001, 〒100-0001).

    What is not seven digits (a foreign code) comes back trimmed and otherwise unchanged."""
    folded = unicodedata.normalize("NFKC", written).strip().removeprefix("〒").strip()
    digits = re.sub(r"[\s\-‐‑–—−ー]", "", folded)
    return f"{digits[:3]}-{digits[3:]}" if _SEVEN_DIGITS.match(digits) else folded


def format_address(address: Address, *, locale: Literal["ja", "en"]) -> str:
    """The address on one line."""
    code = format_postal_code(address.postal_code)
    if locale == "ja":
        street = f"{address.prefecture}{address.city}{address.line1}"
        is_domestic = bool(_SEVEN_DIGITS.match(code.replace("-", "")))
        parts = [f"〒{code}" if is_domestic else code, street, address.line2]
        return " ".join(part for part in parts if part)
    region = " ".join(part for part in (address.prefecture, code) if part)
    return ", ".join(part for part in (address.line2, address.line1, address.city, region) if part)
