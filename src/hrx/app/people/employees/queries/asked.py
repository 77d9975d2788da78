"""The day and the moment that a reader asks about, and how statements say so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.kit import clock

_ASK = text("SELECT set_config('hrx.as_of', :day, true)")
#: Time zones begin their days on quarter hours of UTC, so "today" cannot change inside one.
_QUARTER_S: Final = 900
#: Pieces of statements hold pieces, at most so deep.
_NESTING: Final = 3
_KNOWN: Final = re.compile(r"\{known:(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`as_of` None: the tenant's today. `as_known` None: as known now."""

    as_of: date | None = None
    as_known: datetime | None = None

    @property
    def is_present(self) -> bool:
        return self.as_of is None and self.as_known is None

    @property
    def parameters(self) -> dict[str, object]:
        return {} if self.as_known is None else {"as_known": self.as_known}

    @property
    def key(self) -> tuple[str, str]:
        """What a cached answer depends on; "today" is told by the quarter of an hour."""
        day = f"q{int(clock.now().timestamp()) // _QUARTER_S}" if self.as_of is None else str(self.as_of)
        return day, "" if self.as_known is None else self.as_known.isoformat()

    def fill(self, template: str, **words: str) -> str:
        """A statement from constant pieces; nothing that a caller sent is ever part of its text.

        `{word}` is replaced by its piece, which may hold further words. `{known:x}`: rows of alias x that
        were known at the asked moment. `{day}`: the asked day."""
        return _fill(template, tuple(words.items()), self.as_known is not None)


@lru_cache(maxsize=512)
def _fill(template: str, words: tuple[tuple[str, str], ...], is_at_a_moment: bool) -> str:
    for _ in range(_NESTING):
        for word, piece in words:
            template = template.replace(f"{{{word}}}", piece)
    for alias in set(_KNOWN.findall(template)):
        # `upper_inf` and not "known at now()": a row recorded since this transaction began is known now.
        known = f"{alias}.known @> CAST(:as_known AS timestamptz)"
        template = template.replace(
            f"{{known:{alias}}}", known if is_at_a_moment else f"upper_inf({alias}.known)"
        )
    return template.replace("{day}", "(SELECT app.asked_on())")


NOW: Final = Asked()


async def ask_about(session: AsyncSession, asked: Asked) -> None:
    """Tell PostgreSQL which day is asked about, for policies judge access on that day; nothing for today."""
    if asked.as_of is not None:
        await session.execute(_ASK, {"day": asked.as_of.isoformat()})
