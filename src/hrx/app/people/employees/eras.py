"""Japanese eras for display: 1989-01-08 is 平成元年1月8日. Dates are stored in the common calendar only.

Pure. Days before the Gregorian calendar came to Japan (1873-01-01, 明治6年) are given by the common calendar,
because their lunar months would need a table that no HR record uses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Era:
    """One era with its first day."""

    name: str
    latin: str
    letter: str
    from_on: date


#: Newest first. First days: Cabinet Order 143 of 2019 (令和), 1 of 1989 (平成); imperial edicts before.
ERAS: Final = (
    Era(name="令和", latin="Reiwa", letter="R", from_on=date(2019, 5, 1)),
    Era(name="平成", latin="Heisei", letter="H", from_on=date(1989, 1, 8)),
    Era(name="昭和", latin="Shōwa", letter="S", from_on=date(1926, 12, 25)),
    Era(name="大正", latin="Taishō", letter="T", from_on=date(1912, 7, 30)),
    Era(name="明治", latin="Meiji", letter="M", from_on=date(1868, 1, 25)),
)
_GREGORIAN_FROM: Final = date(1873, 1, 1)


def era_of(day: date) -> Era | None:
    """The era that a day lies in; None before 明治 or before Japan used this calendar."""
    if day < _GREGORIAN_FROM:
        return None
    return next((era for era in ERAS if day >= era.from_on), None)


def format_era_year(day: date) -> str:
    """The year alone: 昭和64年, 平成元年; 1870年 where no era applies."""
    era = era_of(day)
    if era is None:
        return f"{day.year}年"
    year = day.year - era.from_on.year + 1
    return f"{era.name}{'元' if year == 1 else year}年"


def format_era(day: date) -> str:
    """The day in Japanese: 令和元年5月1日."""
    return f"{format_era_year(day)}{day.month}月{day.day}日"


def format_era_short(day: date) -> str:
    """The day as forms abbreviate it: R1.5.1."""
    era = era_of(day)
    if era is None:
        return f"{day.year}.{day.month}.{day.day}"
    return f"{era.letter}{day.year - era.from_on.year + 1}.{day.month}.{day.day}"
