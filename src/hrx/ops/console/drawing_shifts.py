"""The coming weeks of every rotation as SVG: one strip each, one colour a person, gaps hatched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from hrx.kit.errors import Language
from hrx.ops.paging.roster import RotationShifts
from hrx.ops.schedules.spans import Span, subtract

_DAY: Final = 31
_LABEL: Final = 170
_HEAD: Final = 34
_ROW: Final = 34
_BAR: Final = 24
#: A name is written where about so many pixels a letter fit.
_LETTER: Final = {"ja": 13.0, "en": 7.4}
_WEEKDAYS: Final = {"ja": "月火水木金土日", "en": "MTWTFSS"}
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class _Sheet:
    start: datetime
    days: int
    zone: ZoneInfo

    def x(self, moment: datetime) -> float:
        return round(_LABEL + (moment - self.start) / timedelta(days=1) * _DAY, 1)


def draw_shifts(
    rotations: Sequence[RotationShifts],
    *,
    start: datetime,
    days: int,
    zone: str,
    now: datetime,
    colours: Mapping[str, int],
    names: Mapping[str, str],
    language: Language,
) -> Markup:
    """`days` days from `start` (a midnight of the zone). `colours`: person → number of a colour."""
    sheet = _Sheet(start=start, days=days, zone=ZoneInfo(zone))
    width, height = _LABEL + days * _DAY, _HEAD + len(rotations) * _ROW + 4
    rows = "".join(
        _row(sheet, one, y=_HEAD + at * _ROW, colours=colours, names=names, language=language)
        for at, one in enumerate(rotations)
    )
    x = sheet.x(now)
    label = "これからの当番" if language == "ja" else "Who is on call in the coming weeks"
    # Numbers of ours and escaped names only.
    return Markup(  # noqa: S704
        f'<svg class="shifts" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{label}"><defs><pattern id="gap" width="6" height="6" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect width="3" height="6"/></pattern></defs>'
        f"{_days(sheet, height=height, language=language)}{rows}"
        f'<line class="now" x1="{x}" x2="{x}" y1="{_HEAD - 8}" y2="{height}"/></svg>'
    )


def _days(sheet: _Sheet, *, height: int, language: Language) -> str:
    drawn = []
    for number in range(sheet.days):
        # By the wall clock: a day of a change of the clocks is not 24 hours long.
        day = (sheet.start.astimezone(sheet.zone) + timedelta(days=number)).date()
        x = _LABEL + number * _DAY
        kind = "rest" if day.weekday() >= _SATURDAY else "work"
        word = f"{day.month}/{day.day}" if number == 0 or day.day == 1 or day.weekday() == 0 else str(day.day)
        drawn.append(
            f'<rect class="{kind}" x="{x}" y="{_HEAD}" width="{_DAY}" height="{height - _HEAD}"/>'
            f'<text class="day" x="{x + _DAY / 2}" y="14">{word}</text>'
            f'<text class="weekday" x="{x + _DAY / 2}" y="27">{_WEEKDAYS[language][day.weekday()]}</text>'
        )
    return "".join(drawn)


def _row(
    sheet: _Sheet,
    one: RotationShifts,
    *,
    y: int,
    colours: Mapping[str, int],
    names: Mapping[str, str],
    language: Language,
) -> str:
    title = escape(one.rotation.title.in_language(language))
    drawn = [f'<text class="name" x="0" y="{y + 21}">{title}</text>']
    for shift in one.shifts:
        name = names.get(shift.person, shift.person)
        span = Span(shift.start, shift.end)
        kind = f"c{colours.get(shift.person, 0)}" + (" override" if shift.layer is None else "")
        drawn.append(_bar(sheet, span, y=y, kind=kind, name=name, language=language))
    whole = Span(sheet.start.astimezone(UTC), (sheet.start + timedelta(days=sheet.days)).astimezone(UTC))
    nobody = "誰もいない" if language == "ja" else "nobody"
    for gap in subtract(whole, [Span(shift.start, shift.end) for shift in one.shifts]):
        drawn.append(_bar(sheet, gap, y=y, kind="gap", name=nobody, language=language))
    return "".join(drawn)


def _bar(sheet: _Sheet, span: Span, *, y: int, kind: str, name: str, language: Language) -> str:
    left, right = sheet.x(span.start), sheet.x(span.end)
    width = max(round(right - left - 1, 1), 1)
    begins, ends = (moment.astimezone(sheet.zone) for moment in (span.start, span.end))
    told = f"{name} {begins:%m-%d %H:%M} – {ends:%m-%d %H:%M}"
    fits = len(name) * _LETTER[language] + 12 < width
    text = f'<text x="{left + 8}" y="{y + 21}">{escape(name)}</text>' if fits else ""
    return (
        f'<g class="{kind}"><title>{escape(told)}</title>'
        f'<rect x="{left}" y="{y + 5}" width="{width}" height="{_BAR}" rx="4"/>{text}</g>'
    )
