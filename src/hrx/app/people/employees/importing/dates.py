"""Reading a day from a cell as Japanese offices write it: western, era, full-width, Excel serial.

Pure. A day is refused rather than guessed when its parts could be read in two orders."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from hrx.app.people.employees.importing.fields import OPEN_ENDS


class DateRefused(Exception):
    """The text is not one day; `code` and `values` make the sentence (see `problems`)."""

    def __init__(self, code: str, **values: str) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


class Era(NamedTuple):
    """A Japanese era with the year and the day it began."""

    name: str
    letter: str
    first_day: date


#: First days as proclaimed; 明治 is taken from the adoption of the solar calendar on.
ERAS: Final = (
    Era("令和", "R", date(2019, 5, 1)),
    Era("平成", "H", date(1989, 1, 8)),
    Era("昭和", "S", date(1926, 12, 25)),
    Era("大正", "T", date(1912, 7, 30)),
    Era("明治", "M", date(1873, 1, 1)),
)
#: 明治 counts its years from 1868 although its days here begin in 1873.
_FIRST_YEAR: Final = {era.letter: 1868 if era.letter == "M" else era.first_day.year for era in ERAS}
_BY_MARK: Final = {mark: era for era in ERAS for mark in (era.name, era.letter, era.name[0])}

EARLIEST: Final = date(1900, 1, 1)
LATEST: Final = date(2199, 12, 31)
#: Day 0 of Excel's 1900 calendar for every serial after its invented 29 February 1900.
EXCEL_DAY_ZERO: Final = date(1899, 12, 30)
#: Serials 20000-73050 are 1954-10-03 to 2099-12-31; other bare numbers are not taken for days.
_SERIAL_RANGE: Final = range(20_000, 73_051)

_SEPARATED = re.compile(
    r"(\d{4})\s*(?:[-/.]|年)\s*(\d{1,2})\s*(?:[-/.]|月)\s*(\d{1,2})\s*日?"
    r"(?:[T ]\s*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?$"
)
_ERA = re.compile(
    r"(令和|平成|昭和|大正|明治|[RHSTMrhstm令平昭大明])\s*\.?\s*(元|\d{1,2})\s*(?:[-/.]|年)\s*(\d{1,2})\s*"
    r"(?:[-/.]|月)\s*(\d{1,2})\s*日?$"
)
_ERA_DIGITS = re.compile(r"([RHSTMrhstm])(\d{2})(\d{2})(\d{2})$")
_AMBIGUOUS = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{1,4}$")


def parse_day(raw: str) -> date:
    """The day a cell means. Raises DateRefused with a code that says why not."""
    text = unicodedata.normalize("NFKC", raw).strip()
    if text.isdigit():
        return _in_range(_from_digits(text, raw=raw), raw=raw)
    if match := _SEPARATED.match(text):
        year, month, day = (int(part) for part in match.groups()[:3])
        return _in_range(_make(year, month, day, raw=raw), raw=raw)
    if match := _ERA.match(text) or _ERA_DIGITS.match(text):
        mark, year_text, month_text, day_text = match.groups()
        year_in_era = 1 if year_text == "元" else int(year_text)
        return _in_range(
            _from_era(mark.upper(), year_in_era, int(month_text), int(day_text), raw=raw), raw=raw
        )
    raise DateRefused("date.ambiguous" if _AMBIGUOUS.match(text) else "date.unknown", value=raw)


def parse_end_day(raw: str) -> date | None:
    """As `parse_day`, but the far-future days that other systems write for "open" give None."""
    text = unicodedata.normalize("NFKC", raw).strip().replace("/", "-")
    return None if text[:10] in OPEN_ENDS else parse_day(raw)


def from_workbook(value: date | datetime) -> str:
    """The text of a date cell of a workbook, as every other part of the import reads it."""
    return value.date().isoformat() if isinstance(value, datetime) else value.isoformat()


def _from_digits(text: str, *, raw: str) -> date:
    if len(text) == 8:
        return _make(int(text[:4]), int(text[4:6]), int(text[6:]), raw=raw)
    if len(text) == 5 and int(text) in _SERIAL_RANGE:
        return EXCEL_DAY_ZERO + timedelta(days=int(text))
    raise DateRefused("date.ambiguous" if len(text) == 6 else "date.unknown", value=raw)


def _from_era(mark: str, year_in_era: int, month: int, day: int, *, raw: str) -> date:
    """A day after its era ended (平成32年) is taken at its word: real papers carry such dates.

    A day before its era began can only be a slip, and is refused."""
    era = _BY_MARK[mark]
    if year_in_era == 0:
        raise DateRefused("date.impossible", value=raw)
    found = _make(_FIRST_YEAR[era.letter] + year_in_era - 1, month, day, raw=raw)
    if found < era.first_day:
        raise DateRefused("date.before_era", value=raw, era=era.name, start=era.first_day.isoformat())
    return found


def _make(year: int, month: int, day: int, *, raw: str) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise DateRefused("date.impossible", value=raw) from None


def _in_range(day: date, *, raw: str) -> date:
    if not EARLIEST <= day <= LATEST:
        raise DateRefused("date.out_of_range", value=raw)
    return day
