"""How far a long step has come, told to browsers a few times a second while the work goes on.

The work may run in a thread and inside a transaction that nobody else can see into; progress is therefore
written by short transactions of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from hrx.app.people.employees.importing.outcomes import report_progress
from hrx.app.platform.jobs import JobContext

REPORT_EVERY_S: Final = 0.4


@dataclass(slots=True)
class Progress:
    """The share of the work that is done, in rows of the file. Only ever grows."""

    rows_total: int
    rows_done: int = 0

    def stage(self, *, start: float, end: float, units: int) -> Callable[[int], None]:
        """A counter for one stage that goes from share `start` to `end`; it hears the units done."""

        def hear(done: int) -> None:
            share = start + (end - start) * min(done / units, 1.0) if units else end
            self.rows_done = max(self.rows_done, int(self.rows_total * share))

        return hear

    def steps(self, *, start: float, end: float, units: int) -> Callable[[int], None]:
        """As `stage`, but hears how many more units are done."""
        hear = self.stage(start=start, end=end, units=units)
        done = 0

        def hear_more(more: int) -> None:
            nonlocal done
            done += more
            hear(done)

        return hear_more


@asynccontextmanager
async def reporting(
    job: JobContext, *, import_id: int, state: str, rows_total: int
) -> AsyncIterator[Progress]:
    """Report a step's progress while the block runs."""
    progress = Progress(rows_total)
    reporter = asyncio.create_task(_report(job, progress, import_id=import_id, state=state))
    try:
        yield progress
    finally:
        reporter.cancel()
        with suppress(asyncio.CancelledError):
            await reporter


async def _report(job: JobContext, progress: Progress, *, import_id: int, state: str) -> None:
    told = 0
    while True:
        await asyncio.sleep(REPORT_EVERY_S)
        if progress.rows_done > told:
            told = progress.rows_done
            async with job.transaction() as session:
                await report_progress(session, import_id=import_id, state=state, rows_done=told)
