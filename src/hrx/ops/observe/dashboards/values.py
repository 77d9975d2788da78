"""Figures as people read them, and scales whose steps are round numbers in the unit that is shown."""

from __future__ import annotations

import math
from typing import Final

from hrx.kit.errors import Language
from hrx.ops.runbook.watch.dashboards import Unit

_BYTES: Final = ("B", "KB", "MB", "GB", "TB")
#: A scale is cut into four; these tops give round quarters.
_TOPS: Final = (1.0, 2.0, 4.0, 6.0, 8.0, 10.0)
QUARTERS: Final = 4


def format_value(value: float | None, unit: Unit, *, language: Language) -> str:
    """`–`, `120 ms`, `5 %`, `12.3/s` (`12.3/秒`), `84 MB`, `3`, `$1.20`, `12 d` (`12 日`)."""
    if value is None:
        return "–"
    if math.isinf(value):
        return "∞"
    is_ja = language == "ja"
    if unit is Unit.SECONDS:
        return _format_seconds(value, is_ja=is_ja)
    if unit is Unit.RATIO:
        return f"{_digits(value * 100)} %"
    if unit is Unit.PER_SECOND:
        return f"{_digits(value)}/{'秒' if is_ja else 's'}"
    if unit is Unit.BYTES:
        return _format_bytes(value)
    if unit is Unit.BYTES_PER_SECOND:
        return f"{_format_bytes(value)}/{'秒' if is_ja else 's'}"
    if unit is Unit.DOLLARS:
        return f"${value:,.2f}"
    if unit is Unit.DAYS:
        return f"{_digits(value)} {'日' if is_ja else 'd'}"
    return _digits(value)


def find_top(largest: float, unit: Unit) -> float:
    """The upper end of a scale that holds `largest`, whose quarters are round where they are read."""
    if largest <= 0 or not math.isfinite(largest):
        return 1.0
    if unit is Unit.COUNT and largest <= QUARTERS:
        return float(QUARTERS)
    divisor = _divisor(largest, unit)
    shown = largest / divisor
    power = 10.0 ** math.floor(math.log10(shown))
    step = next((top for top in _TOPS if shown <= top * power * 1.0001), 10.0)
    return step * power * divisor


def sparkline(values: tuple[float | None, ...], *, width: int = 24) -> str:
    """The values as block characters from zero to the largest, for a terminal; a gap is a space."""
    blocks = "▁▂▃▄▅▆▇█"
    cut = _thin(values, width)
    largest = max((value for value in cut if value is not None), default=0.0)
    return "".join(
        " "
        if value is None
        else blocks[min(len(blocks) - 1, int(value / largest * len(blocks)))]
        if largest > 0 and value > 0
        else blocks[0]
        for value in cut
    )


def _thin(values: tuple[float | None, ...], width: int) -> list[float | None]:
    """The largest of each stretch: a peak must not fall between two characters."""
    if len(values) <= width:
        return list(values)
    found: list[float | None] = []
    for at in range(width):
        stretch = values[at * len(values) // width : (at + 1) * len(values) // width]
        known = [value for value in stretch if value is not None]
        found.append(max(known) if known else None)
    return found


def _format_seconds(value: float, *, is_ja: bool) -> str:
    size = abs(value)
    if size < 0.9995:
        return (
            f"{_digits(value * 1000)} {'ミリ秒' if is_ja else 'ms'}"
            if size
            else f"0 {'秒' if is_ja else 's'}"
        )
    for limit, divisor, ja, en in (
        (120.0, 1.0, "秒", "s"),
        (7200.0, 60.0, "分", "min"),
        (172_800.0, 3600.0, "時間", "h"),
    ):
        if size < limit:
            return f"{_digits(value / divisor)} {ja if is_ja else en}"
    return f"{_digits(value / 86_400)} {'日' if is_ja else 'd'}"


def _format_bytes(value: float) -> str:
    power = min(len(_BYTES) - 1, int(math.log(max(abs(value), 1), 1024)))
    return f"{_digits(value / 1024**power)} {_BYTES[power]}"


def _divisor(value: float, unit: Unit) -> float:
    """What one shown unit is worth: a megabyte, a minute."""
    if unit in (Unit.BYTES, Unit.BYTES_PER_SECOND):
        return float(1024 ** min(len(_BYTES) - 1, int(math.log(max(value, 1), 1024))))
    if unit is Unit.SECONDS:
        return next(
            (size for limit, size in ((120.0, 1.0), (7200.0, 60.0), (172_800.0, 3600.0)) if value < limit),
            86_400.0,
        )
    return 1.0


def _digits(value: float) -> str:
    """Three figures that mean something; no trailing zeros."""
    size = abs(value)
    if size >= 100 or size == 0:
        return f"{value:,.0f}"
    places = 1 if size >= 10 else 2 if size >= 0.1 else 3
    said = f"{value:.{places}f}".rstrip("0").rstrip(".")
    return said if said not in ("0", "-0") else f"{value:.1g}"
