"""What a look at a copy found: one finding for each kind of check, well or not."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hrx.kit import clock
from hrx.kit.errors import Text

#: How many examples a sentence names.
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check. `code` is stable; `figures` are counts and positions, never values of rows.

    `seconds` is what the check took. A finding that is not well names the tables or rules it is about. What
    could not be looked at here is not `is_checked`, which is no word about the copy, good or bad."""

    code: str
    is_well: bool
    title: Text
    said: Text
    figures: Mapping[str, int | float | str] = field(default_factory=dict)
    seconds: float = 0.0
    is_checked: bool = True

    def as_dict(self) -> dict[str, object]:
        """Plain JSON, for proofs beside a backup and for the ledger."""
        return {
            "code": self.code,
            "is_well": self.is_well,
            "is_checked": self.is_checked,
            "title": {"ja": self.title.ja, "en": self.title.en},
            "said": {"ja": self.said.ja, "en": self.said.en},
            "figures": dict(self.figures),
            "seconds": self.seconds,
        }


def timed(look: Callable[[], Finding]) -> Finding:
    """The finding with the seconds that it took, rounded up to a millisecond."""
    began = clock.monotonic_s()
    found = look()
    return replace(found, seconds=math.ceil((clock.monotonic_s() - began) * 1000) / 1000)


def name_some(names: Sequence[str]) -> Text:
    """The first few of them, and how many more there are."""
    shown = names[:_NAMED]
    more = len(names) - len(shown)
    return Text(
        ja="、".join(shown) + (f" ほか {more} 件" if more else ""),
        en=", ".join(shown) + (f" and {more} more" if more else ""),
    )


def mark_of(told: Mapping[str, object]) -> str:
    """What stands before a finding (as `as_dict` gave it): well, not well, not looked at."""
    if not told.get("is_checked", True):
        return "–"
    return "✓" if told["is_well"] else "✗"
