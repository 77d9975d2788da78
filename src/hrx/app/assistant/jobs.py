"""Work of the assistant that nobody waits for."""

from __future__ import annotations

from typing import Final

from hrx.app.assistant.conversations.actions import CLEARING_BATCH, clear_conversations
from hrx.app.assistant.evaluation import jobs as evaluation_jobs
from hrx.app.platform import jobs
from hrx.app.platform.jobs import JobContext

#: Named, so that the tasks registered there are not lost as an unused import.
TASKS: Final = (evaluation_jobs,)


@jobs.every_tenant("assistant.clear_conversations", cron="17 * * * *")
async def clear_old_conversations(job: JobContext) -> None:
    """Conversations end after the days that the tenant keeps them (app.ai_policy), 90 unless told."""
    while True:
        async with job.transaction() as session:
            if await clear_conversations(session) < CLEARING_BATCH:
                return
