"""A checked plan is kept for the commit that mostly follows within minutes, so that nothing is planned twice.

It counts only while nothing of the record has changed since it was read, and only in the process that made
it: another worker, or this one after a crash, reads the file and plans anew, with the same result."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.importing.queries import ImportRow
from hrx.app.people.employees.importing.state import ImportPlan, Record

#: Long enough to read a check's result; a plan takes about 2 kB of memory for a row.
KEEP_S: Final = 900.0
MAX_ROWS: Final = 30_000

_STATE = text(
    "SELECT app.tenant_today(),"
    " (SELECT version FROM app.data_version WHERE tenant_id = app.current_tenant()),"
    " coalesce(nullif(current_setting('hrx.moment_before', true), ''),"
    "          (SELECT moment::text FROM app.knowledge_clock WHERE tenant_id = app.current_tenant()), 'none')"
)


class RecordState(NamedTuple):
    """Equal as long as nobody changed anything that a plan rests on: every change raises one of the two."""

    today: date
    data_version: int | None
    #: When the newest fact became known, apart from what the reading transaction itself records.
    moment: str


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """A plan and the record it was made against."""

    record: Record
    plan: ImportPlan


async def read_state(session: AsyncSession) -> RecordState:
    """The state as now committed; to be read before the record, so that a change in between is noticed."""
    today, data_version, moment = (await session.execute(_STATE)).one()
    return RecordState(today, data_version, moment)


#: Tenant, import, its revision, and the state of the record.
_Key = tuple[int, int, int, RecordState]


class Shelf:
    """Holds one plan, the newest: a person waits for it, and memory is not for keeping people's data."""

    def __init__(self) -> None:
        self._key: _Key | None = None
        self._kept: KeptPlan | None = None
        self._timer: asyncio.TimerHandle | None = None

    def put(self, found: ImportRow, state: RecordState, kept: KeptPlan) -> None:
        """Keep a plan for a while, unless it is large."""
        self.clear()
        if len(kept.plan.actions) <= MAX_ROWS:
            self._key, self._kept = _key(found, state), kept
            self._timer = asyncio.get_running_loop().call_later(KEEP_S, self.clear)

    def holds(self, found: ImportRow) -> bool:
        """Whether there is a plan of this import's check, be it still good or not."""
        return self._key is not None and self._key[:-1] == _key(found, self._key[-1])[:-1]

    def take(self, found: ImportRow, state: RecordState) -> KeptPlan | None:
        """The plan of this import's check when the record is still what it was."""
        if self._kept is None or self._key != _key(found, state):
            return None
        kept = self._kept
        self.clear()
        return kept

    def clear(self) -> None:
        """Forget it."""
        if self._timer is not None:
            self._timer.cancel()
        self._key = self._kept = self._timer = None


def _key(found: ImportRow, state: RecordState) -> _Key:
    return (found["tenant_id"], found["id"], found["revision"], state)
