"""What a runner asks before it goes on: somebody's word, and whether the calendar holds it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hrx.kit.errors import Text
from hrx.ops.release.pipeline.stages import Records, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Whether somebody's word counts now. `by` is empty while nobody's does; `says` is who gave it, or whose
    is needed and why a former one is void."""

    by: str
    says: Text

    @property
    def counts(self) -> bool:
        return bool(self.by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why production waits. `until` is None when nobody can say; `ids` name the reasons, for whoever lets it
    go on despite them."""

    reason: Text
    ids: frozenset[str]
    until: datetime | None = None


class Gate(Protocol):
    """Asked again whenever something may have changed; must answer within seconds."""

    def ask_word(self, run: Run, records: Records) -> Word:
        """Whether exactly what is planned now was approved."""
        ...

    def find_hold(self, run: Run) -> Hold | None:
        """Why nothing may go to production now; None when it may."""
        ...
