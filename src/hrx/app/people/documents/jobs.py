"""Background work on documents: reading what was uploaded, and clearing away what was deleted.

Each may be killed at any moment and run again: a version becomes ready in one last transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import RowMapping, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.documents import reading, scanning
from hrx.app.people.documents.actions import clearing, keeping, retitling
from hrx.app.people.documents.problems import NOTICES, FileUnreadable
from hrx.app.platform import jobs
from hrx.app.platform.db import DriverError
from hrx.app.platform.jobs import JobContext
from hrx.app.platform.problems import is_about_data
from hrx.app.platform.storage import open_storage

_logger = logging.getLogger("hrx.documents")
#: Above the process's own limit, so that a file that takes too long is told as such.
TIMEOUT_S: Final = reading.TIMEOUT_S + 120.0
REPORT_EVERY_S: Final = 0.4


@jobs.task("documents.read", timeout_s=TIMEOUT_S)
async def read_document(job: JobContext, *, version_id: int) -> None:
    """Read one version's file; it becomes ready, or says why it cannot be read."""
    async with job.transaction() as session:
        version = await keeping.begin_reading(session, version_id=version_id)
    if version is None:
        return
    try:
        found = await _read(job, version)
    except FileUnreadable as error:
        async with job.transaction() as session:
            await keeping.fail_reading(session, version_id=version_id, problem=_problem_json(error))
        return
    try:
        async with _long_transaction(job) as session:
            await keeping.keep_reading(session, version_id=version_id, found=found)
    except (DBAPIError, DriverError) as error:
        if not is_about_data(error):
            raise
        # Another try would end the same: without this the version would be on its way for ever.
        _logger.exception("What was read cannot be stored", extra={"fields": {"version_id": version_id}})
        async with job.transaction() as session:
            problem = _problem_json(FileUnreadable("file.not_kept"))
            await keeping.fail_reading(session, version_id=version_id, problem=problem)


@jobs.task("documents.retitle", timeout_s=TIMEOUT_S)
async def retitle_document(job: JobContext, *, document_id: int) -> None:
    """Put the passages of a renamed document, and the index, under its title."""
    async with _long_transaction(job) as session:
        await retitling.retitle_passages(session, document_id=document_id)


@jobs.task("documents.clear")
async def clear_document(job: JobContext, *, document_id: int) -> None:
    """Clear away what a deletion has left."""
    await _clear(job, [document_id])


@jobs.every_tenant("documents.tidy", cron="40 * * * *")
async def tidy_documents(job: JobContext) -> None:
    """Clear away documents whose clearing was missed, and read versions whose reading was given up."""
    async with job.transaction() as session:
        deleted = await clearing.list_deleted(session)
    if deleted:
        await _clear(job, list(deleted))
    async with job.transaction() as session:
        for version_id in await keeping.list_left_behind(session):
            await jobs.enqueue(
                session, read_document, only_once=f"documents.read:{version_id}", version_id=version_id
            )


async def _clear(job: JobContext, document_ids: list[int]) -> None:
    storage = open_storage(job.settings.storage_url)
    async with _long_transaction(job) as session:
        known = [each for each in await clearing.list_deleted(session, limit=10_000) if each in document_ids]
        # Files go before the commit that forgets their keys: a job killed in between finds them again.
        for key in await clearing.list_files(session, document_ids=known):
            await storage.delete(key)
        await clearing.forget_documents(session, document_ids=known)


async def _read(job: JobContext, version: RowMapping) -> dict[str, Any]:
    path = open_storage(job.settings.storage_url).local_path(version["file_key"])
    is_scanned = await scanning.scan(path, address=job.settings.clamd_address)
    async with _reporting(job, version) as hear:
        found = await reading.read_file(
            path, name=version["file_name"], document_kind=version["kind"], on_progress=hear
        )
    if not is_scanned:
        message = NOTICES["virus.not_scanned"]
        found["notices"].append(
            {"code": "virus.not_scanned", "page": None, "count": 0, "value": "", "message": asdict(message)}
        )
    return found


@asynccontextmanager
async def _reporting(job: JobContext, version: RowMapping) -> AsyncIterator[Any]:
    """Give a function that hears pages; what it hears is told to browsers a few times a second."""
    heard = [0, 0]

    def hear(done: int, total: int) -> None:
        heard[:] = [done, total]

    reporter = asyncio.create_task(_report(job, version, heard))
    try:
        yield hear
    finally:
        reporter.cancel()
        with suppress(asyncio.CancelledError):
            await reporter


async def _report(job: JobContext, version: RowMapping, heard: list[int]) -> None:
    told = 0
    while True:
        await asyncio.sleep(REPORT_EVERY_S)
        if heard[0] > told:
            told = heard[0]
            async with job.transaction() as session:
                await keeping.report_progress(session, version=version, done=told, total=heard[1])


def _problem_json(error: FileUnreadable) -> dict[str, Any]:
    hint = error.hint
    return {
        "code": error.stable_code,
        "message": asdict(error.message),
        "hint": asdict(hint) if hint else None,
    }


@asynccontextmanager
async def _long_transaction(job: JobContext) -> AsyncIterator[AsyncSession]:
    """A transaction without the limits meant for requests; the job has one of its own."""
    async with job.transaction() as session:
        await session.execute(
            text(
                "SELECT set_config('statement_timeout', '0', true),"
                " set_config('idle_in_transaction_session_timeout', '0', true),"
                " set_config('lock_timeout', '60s', true)"
            )
        )
        yield session
