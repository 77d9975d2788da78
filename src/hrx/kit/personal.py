"""What a log line may not say about people: recognised by its form, masked, whoever wrote the line.

A net, not a licence: callers log ids. Names cannot be recognised by form, so they must never get this far;
what quotes somebody's input (a database's complaint, a query string) is masked as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from hrx.kit.secrets import MASK, is_secret_name, mask_text

# A line is somebody's input: no expression may begin again within what it has just looked through.
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+(?:@|%40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
)
# Japanese numbers with their hyphens, mobile and fixed ones without, and the international form.
_PHONE = re.compile(
    r"(?<![\w.+-])(?:\+81[- ]?\(?0?\)?\d{1,4}[- ]\d{1,4}[- ]\d{3,4}|0\d{1,4}[-‐－ー]\d{1,4}[-‐－ー]\d{3,4}"
    r"|0\d{1,4}\(\d{1,4}\)\d{3,4}|0[5-9]0\d{8}|0[1-9]\d{8}|\+\d{10,14})(?![\w-])"
)
_TWELVE = re.compile(r"(?<![\w.-])\d{4}([- ]?)\d{4}\1\d{4}(?![\w.-])")
_ACCOUNT = re.compile(
    r"(?P<word>(?:口座(?:番号)?|(?:bank[ _-]?)?account(?:[ _-]?(?:no|number))?)\"?\D{0,12}?)"
    r"(?<!\d)\d{6,8}(?!\d)",
    re.I,
)
_TOKEN = re.compile(
    r"\beyJ(?:(?!-eyJ)[\w-]){8,}\.[\w-]{8,}\.[\w-]*|\bxox[abeoprs]-[\w-]{8,}"
    r"|\b(?:sk|pk|rk)[-_](?:live|test|proj|ant)[-_][\w-]{8,}"
    r"|\bAKIA[0-9A-Z]{16}\b|\bgh[oprsu]_\w{20,}"
)
_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S)
_QUERY = re.compile(r"(?P<before>[?&][A-Za-z0-9_.\[\]-]{1,60}=)[^\s&#\"'<>)]+")
# What PostgreSQL and its driver quote is what somebody typed. In JSON a line break is `\\n`.
_END: Final = r"(?:\\n|\n|$)"
_QUOTING: Final = (
    (r"Key \(.{1,200}?\)=\(", r"\)(?= (?:already|is not|is still|conflicts)|\.|" + _END + ")"),
    (r"invalid input (?:syntax|value) for [^:\n]{1,80}: \\?\"", r"\\?\"" + _END),
    (r"Failing row contains \(", r"\)\.?" + _END),
    (r"\[parameters: ", r"\]" + _END),
    (r"CONTEXT:\s+COPY [^:\n]{1,200}: \\?\"", r"\\?\"" + _END),
)
_DATABASE: Final = tuple(
    re.compile(rf"(?P<before>{before})[^\n]*?(?P<after>{after}|(?=\n)|\Z)") for before, after in _QUOTING
)
_PERSONAL_KEY = re.compile(
    r"(^|_)(e?mail|phone|tel|mobile|my_?number|birth(day|_date|_on)?|family_name|given_name|full_name|kana|"
    r"postal(_code)?|street|bank|account_(no|number))($|_)",
    re.I,
)
# One look decides whether the closer ones are worth their time; dates, our addresses and ids of
# requests must not make it look twice. Plain words first: one expression of everything took 118 µs a line.
_MARKS: Final = """
@ %40 ? & 口座 account eyj xox sk- sk_ pk- pk_ rk- rk_ akia gho_ ghp_ ghr_ ghs_ ghu_ passw passphr secret
token api_key apikey api-key bearer authorization cookie credential totp phone mail birth my_number mynumber
_name kana postal street bank mobile parameters: failing
"""
_PHRASES: Final = ("basic ", "private key", "private_key", "key (", "invalid input", "copy ", '"tel')
_WORDS: Final = (*_MARKS.split(), *_PHRASES)
_NUMBERS: Final = (
    re.compile(r"(?<!\d)0\d{1,4}[-‐－ー(]\d"),
    re.compile(r"(?<![\w.])0\d{9}"),
    re.compile(r"\+(?:81|\d{8})"),
    re.compile(r"(?<![\w.-])\d{4}[- ]?\d{4}[- ]?\d{4}(?![\w.-])"),
)


def may_need_masking(text: str) -> bool:
    """Whether a line could hold anything to mask; quick, and errs on the side of yes."""
    low = text.lower()
    return any(word in low for word in _WORDS) or any(form.search(text) for form in _NUMBERS)


def mask_line(text: str) -> str:
    """The text without secrets, mail addresses, phone, individual and account numbers, and quoted input."""
    if not may_need_masking(text):
        return text
    text = _KEY_BLOCK.sub(MASK, mask_text(text))
    for pattern in _DATABASE:
        text = pattern.sub(rf"\g<before>{MASK}\g<after>", text)
    text = _QUERY.sub(rf"\g<before>{MASK}", text)
    text = _TOKEN.sub(MASK, _EMAIL.sub(MASK, text))
    text = _ACCOUNT.sub(rf"\g<word>{MASK}", text)
    return _PHONE.sub(MASK, _TWELVE.sub(_mask_individual, text))


def list_personal(text: str) -> Iterator[tuple[int, int, str]]:
    """Where mail addresses, phone and individual numbers stand: begin, end, and which of the three."""
    for kind, pattern in (("EMAIL", _EMAIL), ("PHONE", _PHONE), ("NUMBER", _TWELVE)):
        for found in pattern.finditer(text):
            if kind != "NUMBER" or is_individual_number(found.group()):
                yield found.start(), found.end(), kind


def mask_fields(values: Mapping[str, object]) -> dict[str, object]:
    """A copy with values under names of secrets and personal data masked, and every text as `mask_line`."""
    return {
        key: MASK if _is_private_name(key) and value is not None else _mask_value(value)
        for key, value in values.items()
    }


# The names of fields are few and come again with every line.
@lru_cache(maxsize=4096)
def _is_private_name(name: str) -> bool:
    return is_secret_name(name) or _PERSONAL_KEY.search(name) is not None


def _mask_value(value: object) -> object:
    if isinstance(value, str):
        return mask_line(value)
    if isinstance(value, Mapping):
        return mask_fields({str(key): item for key, item in value.items()})
    if isinstance(value, list | tuple):
        return [_mask_value(item) for item in value]
    return value


def _mask_individual(found: re.Match[str]) -> str:
    """Twelve digits are an individual number when their check digit says so; else a figure."""
    return MASK if is_individual_number(found.group()) else found.group()


#: Weights of the eleven digits, the last one first (Ministry order 85 of 2014, article 5).
_WEIGHTS: Final = (2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6)


def is_individual_number(text: str) -> bool:
    """Whether these are twelve digits with the check digit of a Japanese individual number (my number)."""
    digits = [int(one) for one in text if one.isdigit()]
    if len(digits) != 12:
        return False
    rest = sum(digit * weight for digit, weight in zip(reversed(digits[:11]), _WEIGHTS, strict=True)) % 11
    return digits[11] == (0 if rest <= 1 else 11 - rest)
