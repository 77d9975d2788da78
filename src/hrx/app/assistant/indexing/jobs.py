"""The worker's part in building an index: rows have their words, and get their vectors batch by batch.

What lacks a vector is written in the row itself, so that a worker that is killed leaves nothing behind but
work; no transaction is open while an encoder or a vendor is waited for. Search goes on by the generation
before, or by words where this one answers already."""

from __future__ import annotations

import logging
from typing import Final

from prometheus_client import CollectorRegistry

from hrx.app.assistant.indexing.making import Maker, open_maker
from hrx.app.assistant.parts import build_assistant
from hrx.app.gateway.door import NotConfigured
from hrx.app.gateway.ledger import BudgetSpent, CallsTooFast
from hrx.app.platform import jobs
from hrx.app.platform.ai_figures import AiFigures
from hrx.app.platform.jobs import JobContext
from hrx.app.platform.search_index import (
    EMBED,
    IndexGeneration,
    give_vectors,
    is_late,
    list_generations,
    list_lacking,
)
from hrx.kit.search.encoders.describing import Description, find_description

_logger = logging.getLogger("hrx.assistant")
TIMEOUT_S: Final = 7_200.0


@jobs.every_tenant(EMBED.name, cron="*/5 * * * *", timeout_s=TIMEOUT_S)
async def embed_passages(job: JobContext) -> None:
    """Make the vectors that rows lack. Enqueued by whoever writes such rows, and now and then for those that
    the builder of an index writes; with nothing to do it is two small questions to the database."""
    await embed_lacking(job)


async def embed_lacking(job: JobContext) -> None:
    """Raises what a vendor's absence raises; what is done by then stays done."""
    for generation, description in await _list_lacking_generations(job):
        # Figures of its own, like the night's evaluation: what it costs is in the ledger.
        registry = CollectorRegistry()
        assistant = build_assistant(
            job.settings, database=job.database, ai=AiFigures(registry), registry=registry
        )
        try:
            maker = open_maker(description, gateway=assistant.gateway, by=job.principal)
            await fill(job, generation, maker)
        except (BudgetSpent, CallsTooFast, NotConfigured) as error:
            # Nothing is wrong with the job; the next one looks again.
            fields = {"encoder": description.revision, "error": error.stable_code}
            _logger.warning("Passages wait for their vectors", extra={"fields": fields})
        finally:
            await assistant.gateway.close()


async def fill(job: JobContext, generation: IndexGeneration, maker: Maker) -> int:
    """Give every row that lacks it its vector, a batch a transaction; gives how many were looked at."""
    after, filled = 0, 0
    while True:
        async with job.transaction() as session:
            # One that was dropped meanwhile has no table to ask any more.
            if all(one.number != generation.number for one in await list_generations(session)):
                return filled
            rows = await list_lacking(session, generation, after=after, limit=maker.batch)
        if not rows:
            break
        vectors = await maker.make([row.passage for row in rows])
        async with job.transaction() as session:
            await give_vectors(session, generation, rows, vectors)
        after, filled = rows[-1].key, filled + len(rows)
    if filled:
        fields = {"generation": generation.number, "encoder": generation.dense, "rows": filled}
        _logger.info("Passages got their vectors", extra={"fields": fields})
    return filled


async def _list_lacking_generations(job: JobContext) -> list[tuple[IndexGeneration, Description]]:
    found = []
    async with job.transaction() as session:
        for one in await list_generations(session):
            if not is_late(one) or not await list_lacking(session, one, after=0, limit=1):
                continue
            description = find_description(job.settings.encoders_dir, one.dense)
            if description is None:
                fields = {"generation": one.number, "encoder": one.dense}
                _logger.warning("The encoder of an index is not here", extra={"fields": fields})
                continue
            found.append((one, description))
    return found
