"""The day from which a rule says it is in force (施行日). Proposed to a person, never set."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Final

from hrx.app.people.employees.importing.dates import DateRefused, parse_day

_DAY: Final = (
    r"((?:令和|平成|昭和)\s*(?:元|\d{1,2})年\s*\d{1,2}月\s*\d{1,2}日"
    r"|\d{4}\s*[年/.-]\s*\d{1,2}\s*[月/.-]\s*\d{1,2}\s*日?)"
)
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_ENGLISH_DAY = re.compile(r"([A-Za-z]+)\s+(\d{1,2}),?\s+(\d{4})")
_PATTERNS: Final = (
    re.compile(rf"{_DAY}\s*(?:から|より)?\s*(?:、)?\s*(?:施行|適用|実施)"),
    re.compile(rf"(?:施行日|適用開始日|実施日|施行期日)\s*[:|]?\s*{_DAY}"),
    re.compile(rf"(?:effective|in force)(?:\s+(?:date|from|as of|on))*\s*:?\s*{_DAY}", re.IGNORECASE),
)


def find_effective_day(body: str) -> date | None:
    """The latest such day: each amendment adds a line to the supplementary provisions."""
    text = unicodedata.normalize("NFKC", body)
    found = [
        day for pattern in _PATTERNS for match in pattern.finditer(text) if (day := read_day(match.group(1)))
    ]
    return max(found, default=None)


def read_day(raw: str) -> date | None:
    """A day as people write it, or None."""
    try:
        return parse_day(raw.strip())
    except DateRefused:
        pass
    match = _ENGLISH_DAY.fullmatch(raw.strip())
    if match is None or match.group(1).title() not in _MONTHS:
        return None
    try:
        return date(int(match.group(3)), _MONTHS.index(match.group(1).title()) + 1, int(match.group(2)))
    except ValueError:
        return None
