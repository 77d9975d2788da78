"""Days and periods as people write them, in Japanese and English. Pure."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"), ("february", "feb"), ("march", "mar"), ("april", "apr"), ("may",),
            ("june", "jun"), ("july", "jul"), ("august", "aug"), ("september", "sep", "sept"),
            ("october", "oct"), ("november", "nov"), ("december", "dec"),
        ),
        start=1,
    )
    for name in names
}  # fmt: skip
_NAMED: Final = "|".join(sorted(_MONTHS, key=len, reverse=True))
#: First year of an era, less one.
_ERAS: Final = {"令和": 2018, "平成": 1988, "昭和": 1925}
_YEAR: Final = r"(?:(?P<era>令和|平成|昭和)(?P<nth>\d{1,2}|元)|(?P<year>(?:19|20)\d{2}))"
_DAY: Final = re.compile(
    rf"{_YEAR}年(?P<month>\d{{1,2}})月(?P<day>\d{{1,2}})日"
    r"|(?P<iso_year>(?:19|20)\d{2})[-/](?P<iso_month>\d{1,2})[-/](?P<iso_day>\d{1,2})"
    rf"|\b(?P<en_month>{_NAMED})\.? (?P<en_day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<en_year>(?:19|20)\d{{2}})\b"
    rf"|\b(?P<uk_day>\d{{1,2}})(?:st|nd|rd|th)? (?P<uk_month>{_NAMED})\.? (?P<uk_year>(?:19|20)\d{{2}})\b"
)
_MONTH: Final = re.compile(
    rf"{_YEAR}年(?P<month>\d{{1,2}})月|\b(?P<en_month>{_NAMED})\.? (?:of )?(?P<en_year>(?:19|20)\d{{2}})\b"
)
_WHOLE_YEAR: Final = re.compile(
    rf"{_YEAR}(?P<fiscal>年度)?(?:年)?|\bfiscal (?:year )?(?P<fy>(?:19|20)\d{{2}})\b"
)
_RELATIVE: Final = (
    (re.compile(r"昨年度|前年度|last fiscal year"), "fiscal", -1),
    (re.compile(r"今年度|本年度|当年度|this fiscal year"), "fiscal", 0),
    (re.compile(r"一昨年|おととし"), "year", -2),
    (re.compile(r"去年|昨年|前年|\blast year\b"), "year", -1),
    (re.compile(r"今年|本年|\bthis year\b"), "year", 0),
    (re.compile(r"先月|前月|\blast month\b"), "month", -1),
    (re.compile(r"今月|当月|\bthis month\b"), "month", 0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Both days are within."""

    since: date
    until: date


def find_day(text: str) -> date | None:
    """The day that a folded text names; None where it names none that exists."""
    met = _DAY.search(text)
    if met is None:
        return None
    part = met.groupdict()
    month = part["month"] or part["iso_month"] or _MONTHS.get(part["en_month"] or part["uk_month"] or "", 0)
    year = part["iso_year"] or part["en_year"] or part["uk_year"] or _year_of(part)
    try:
        return date(
            int(year), int(month), int(part["day"] or part["iso_day"] or part["en_day"] or part["uk_day"])
        )
    except ValueError:
        return None


def find_period(text: str, *, today: date) -> Period | None:
    """The period that a folded text names: a month, a year (fiscal ones begin in April), years from … to."""
    for form, unit, step in _RELATIVE:
        if form.search(text):
            return _relative(unit, step, today)
    met = _MONTH.search(text)
    if met is not None:
        part = met.groupdict()
        year = int(part["en_year"] or _year_of(part))
        return _month(year, int(part["month"] or _MONTHS[part["en_month"]]))
    years = [_whole_year(one) for one in _WHOLE_YEAR.finditer(text)]
    if not years:
        return None
    return Period(since=min(one.since for one in years), until=max(one.until for one in years))


def _year_of(part: dict[str, str | None]) -> int:
    era = part.get("era")
    if era:
        nth = part["nth"] or "1"
        return _ERAS[era] + (1 if nth == "元" else int(nth))
    return int(part["year"] or 0)


def _whole_year(met: re.Match[str]) -> Period:
    part = met.groupdict()
    if part["fy"]:
        return _fiscal(int(part["fy"]))
    year = _year_of(part)
    return _fiscal(year) if part["fiscal"] else Period(since=date(year, 1, 1), until=date(year, 12, 31))


def _fiscal(year: int) -> Period:
    return Period(since=date(year, 4, 1), until=date(year + 1, 3, 31))


def _month(year: int, month: int) -> Period | None:
    if not 1 <= month <= 12:
        return None
    return Period(since=date(year, month, 1), until=date(year, month, monthrange(year, month)[1]))


def _relative(unit: str, step: int, today: date) -> Period | None:
    if unit == "fiscal":
        return _fiscal((today.year if today.month >= 4 else today.year - 1) + step)
    if unit == "year":
        return Period(since=date(today.year + step, 1, 1), until=date(today.year + step, 12, 31))
    day = today if step == 0 else today.replace(day=1) - timedelta(days=1)
    return _month(day.year, day.month)
