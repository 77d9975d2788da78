"""Work of the assistant that nobody waits for."""

from __future__ import annotations

import logging
from typing import Final

from hrx.app.assistant.conversations.actions import (
    CLEARING_BATCH,
    FORGETTING_BATCH,
    clear_conversations,
    forget_lost_quotes,
)
from hrx.app.assistant.evaluation import jobs as evaluation_jobs
from hrx.app.assistant.indexing import jobs as indexing_jobs
from hrx.app.platform import jobs
from hrx.app.platform.jobs import JobContext

_logger = logging.getLogger("hrx.assistant")
#: Named, so that the tasks registered there are not lost as an unused import.
TASKS: Final = (evaluation_jobs, indexing_jobs)


@jobs.every_tenant("assistant.clear_conversations", cron="17 * * * *")
async def clear_old_conversations(job: JobContext) -> None:
    """Conversations end after the days that the tenant keeps them (app.ai_policy), 90 unless told."""
    while True:
        async with job.transaction() as session:
            if await clear_conversations(session) < CLEARING_BATCH:
                return


# 03:10 in Japan. What is deleted takes its quotes along at once; copies and repairs work without triggers.
@jobs.every_tenant("assistant.forget_quotes", cron="10 18 * * *")
async def forget_quotes(job: JobContext) -> None:
    """What conversations still quote of documents that are gone is deleted."""
    if forgotten := await forget_all_quotes(job):
        _logger.info("Quotes of deleted documents forgotten", extra={"fields": {"rows": forgotten}})


async def forget_all_quotes(job: JobContext, *, batch: int = FORGETTING_BATCH) -> int:
    """Look through all answers of the tenant, a batch a transaction; gives the rows that went."""
    after_id, forgotten = 0, 0
    while True:
        async with job.transaction() as session:
            found = await forget_lost_quotes(session, after_id=after_id, batch=batch)
        if found is None:
            return forgotten
        after_id, forgotten = found.last_id, forgotten + found.forgotten
