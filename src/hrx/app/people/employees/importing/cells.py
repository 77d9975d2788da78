"""One cell at a time: the text of a file becomes a value for the record, or a problem that says why.

Pure. Names keep the very characters they were typed with (髙 is not 高, 﨑 is not 崎): only kana in two parts
(か + ゛) is joined. Numbers, codes and addresses are brought to half width."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Final

import jaconv

from hrx.app.people.employees.importing.choices import Choice
from hrx.app.people.employees.importing.dates import DateRefused, parse_day, parse_end_day
from hrx.app.people.employees.importing.fields import CLEAR_MARKS, Field, FieldKind
from hrx.app.people.employees.importing.mapping import normalise_header
from hrx.app.people.employees.importing.problems import Problem
from hrx.app.people.employees.names import compose_kana
from hrx.app.platform.characters import has_hidden

Value = str | date | Decimal | None
#: Spreadsheets run a text that starts like this as a formula; Japanese ones take full width as well.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

#: Characters of one's own (外字): files of old systems hold them, and losing them would lose a name.
_GAIJI = re.compile("[\ue000-\uf8ff]")
_KANA = re.compile("[\u30a0-\u30ff \u3000・ーA-Za-z.'-]+$")
_NOT_KANA = re.compile("[^\u30a0-\u30ff \u3000・ーA-Za-z.'-]")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$")
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{3,38}[0-9]$")
_CODE = re.compile(r"\S+$")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one cell gave: a value or a problem; `warning` may accompany a value."""

    value: Value = None
    is_cleared: bool = False
    problem: Problem | None = None
    warning: Problem | None = None


class CellRefused(Exception):
    """The cell's text does not fit its field; `code` and `values` make the sentence."""

    def __init__(self, code: str, **values: str) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


def parse_cell(raw: str, *, field: Field) -> Parsed | None:
    """The meaning of a cell's text in `field`; None for a blank cell, which changes nothing."""
    if not raw.isprintable() and has_hidden(_GAIJI.sub("", raw), allowed="\t\n\r"):
        return Parsed(problem=Problem(column=field.name, code="cell.nul"))
    text = raw.strip()
    if not text:
        return None
    if text in CLEAR_MARKS:
        return Parsed(is_cleared=True)
    text = _without_guard(text)
    try:
        value = _READERS[field.kind](text, field)
    except (CellRefused, DateRefused) as refused:
        values = {key: item[:80] for key, item in refused.values.items()}
        return Parsed(problem=Problem(column=field.name, code=refused.code, values=values))
    if isinstance(value, str) and len(value) > field.max_length:
        limits = {"limit": str(field.max_length), "found": str(len(value))}
        return Parsed(problem=Problem(column=field.name, code="cell.too_long", values=limits))
    return Parsed(value=value, is_cleared=value is None, warning=_formula_warning(value, field))


def _without_guard(text: str) -> str:
    """Undo the apostrophe that exports put before a formula-like text, so that round trips keep it."""
    return text[1:] if text[0] == "'" and text[1:2] in FORMULA_STARTS else text


def _formula_warning(value: Value, field: Field) -> Problem | None:
    if field.kind is not FieldKind.PHONE and isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return Problem(column=field.name, code="cell.formula", is_warning=True)
    return None


def _read_name(text: str, field: Field) -> str:
    del field
    return " ".join(compose_kana(text).split())


def _read_kana(text: str, field: Field) -> str:
    del field
    kana = compose_kana(jaconv.hira2kata(jaconv.h2z(text, kana=True, ascii=False, digit=False)))
    kana = " ".join(kana.split())
    if not _KANA.match(kana):
        raise CellRefused("kana.not_kana", value="".join(dict.fromkeys(_NOT_KANA.findall(kana))))
    return kana


def _read_text(text: str, field: Field) -> str:
    del field
    return "\n".join(" ".join(line.split()) for line in compose_kana(text).splitlines())


def _read_code(text: str, field: Field) -> str:
    del field
    code = unicodedata.normalize("NFKC", text)
    if not _CODE.match(code):
        raise CellRefused("code.malformed")
    return code


def _read_email(text: str, field: Field) -> str:
    del field
    email = unicodedata.normalize("NFKC", text).lower()
    if not _EMAIL.match(email) or ".." in email:
        raise CellRefused("email.malformed", value=text)
    return email


def _read_phone(text: str, field: Field) -> str:
    del field
    phone = re.sub("[‐‑‒–—―−ー]", "-", unicodedata.normalize("NFKC", text))
    if not _PHONE.match(phone):
        raise CellRefused("phone.malformed", value=text)
    return phone


def _read_postal_code(text: str, field: Field) -> str:
    del field
    digits = re.sub("[〒‐‑‒–—―−ー\\s-]", "", unicodedata.normalize("NFKC", text))
    if not re.fullmatch(r"\d{7}", digits):
        raise CellRefused("postal_code.malformed")
    return f"{digits[:3]}-{digits[3:]}"


def _read_day(text: str, field: Field) -> date:
    del field
    return parse_day(text)


def _read_end_day(text: str, field: Field) -> date | None:
    del field
    return parse_end_day(text)


def _read_choice(text: str, field: Field) -> str:
    code = _choice_codes(field.choices).get(normalise_header(text))
    if code is None:
        raise CellRefused(
            "choice.unknown", value=text, choices="、".join(choice.label.ja for choice in field.choices)
        )
    return code


@cache
def _choice_codes(choices: tuple[Choice, ...]) -> dict[str, str]:
    return {
        normalise_header(name): choice.code
        for choice in choices
        for name in (choice.code, choice.label.ja, choice.label.en, *choice.synonyms)
    }


def _read_ratio(text: str, field: Field) -> Decimal:
    del field
    plain = unicodedata.normalize("NFKC", text).replace(" ", "")
    try:
        ratio = Decimal(plain.removesuffix("%")) / (100 if plain.endswith("%") else 1)
    except InvalidOperation:
        raise CellRefused("ratio.malformed") from None
    if not ratio.is_finite() or not 0 <= ratio <= 1:
        raise CellRefused("ratio.malformed")
    return ratio.quantize(Decimal("0.001"))


_READERS: Final[dict[FieldKind, Callable[[str, Field], Value]]] = {
    FieldKind.CODE: _read_code,
    FieldKind.NAME: _read_name,
    FieldKind.KANA: _read_kana,
    FieldKind.TEXT: _read_text,
    FieldKind.EMAIL: _read_email,
    FieldKind.PHONE: _read_phone,
    FieldKind.POSTAL_CODE: _read_postal_code,
    FieldKind.DATE: _read_day,
    FieldKind.END_DATE: _read_end_day,
    FieldKind.CHOICE: _read_choice,
    FieldKind.RATIO: _read_ratio,
    FieldKind.ORG_UNIT: _read_name,
}


def guard_formula(text: str) -> str:
    """A text as exports write it: an apostrophe in front keeps spreadsheets from running it as a formula.

    `parse_cell` takes the apostrophe away again."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
