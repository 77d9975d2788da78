"""What people type into forms and commands, as a query: levels by their word, moments by clock or age."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Invalid, Text
from hrx.ops.observe.logs.records import LEVELS, Level

_AGE: Final = re.compile(r"(\d{1,6})\s*([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def read_level(word: str) -> Level | None:
    """The level of this word; None of an empty one. Raises Invalid."""
    if not word:
        return None
    found = LEVELS.get(word.strip().lower())
    if found is None:
        words = ", ".join(LEVELS)
        raise Invalid(
            Text(ja=f"「{word}」というレベルはありません", en=f"There is no level “{word}”"),
            hint=Text(ja=f"次のいずれかです: {words}", en=f"One of: {words}"),
            code="logs.no_level",
        )
    return found


def read_moment(text: str) -> datetime | None:
    """`15m`, `2h`, `7d` ago, or ISO 8601 (UTC when it names no zone); None of nothing. Raises Invalid."""
    text = text.strip()
    if not text:
        return None
    age = _AGE.fullmatch(text)
    if age is not None:
        return clock.now() - timedelta(**{_UNITS[age[2]]: int(age[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(
            Text(ja=f"「{text}」は時刻ではありません", en=f"“{text}” is no moment"),
            hint=Text(
                ja="15m、2h、7d(前)か、2026-11-26T09:00 のように書いてください(UTC)。",
                en="Write 15m, 2h or 7d (ago), or a moment such as 2026-11-26T09:00 (UTC).",
            ),
            code="logs.no_moment",
        ) from error
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
