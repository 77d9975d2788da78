"""The long steps of an import: the dry run and the commit.

Both may be killed at any moment and run again: the dry run writes its findings in one last transaction, the
commit writes people and the import's end in one. A commit plans anew inside its transaction, unless the
record is provably what it was at the check, and stops when the plan is not the one that was checked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.importing import outcomes
from hrx.app.people.employees.importing.kept import KeptPlan, Shelf, read_state
from hrx.app.people.employees.importing.planning import group_numbers, plan_import
from hrx.app.people.employees.importing.progress import Progress, reporting
from hrx.app.people.employees.importing.queries import ImportRow, find_import
from hrx.app.people.employees.importing.reading import Table, read_table
from hrx.app.people.employees.importing.recorded import load_record
from hrx.app.people.employees.importing.state import ImportPlan
from hrx.app.people.employees.importing.validating import ParsedRow, parse_rows
from hrx.app.people.employees.importing.writing import PlanWriter, RecordMovedOn
from hrx.app.platform import jobs
from hrx.app.platform.jobs import JobContext
from hrx.app.platform.problems import explain_database_error
from hrx.app.platform.storage import open_storage
from hrx.app.platform.stored_files import list_file_keys
from hrx.app.platform.tenancy import Principal, Role, UserId
from hrx.kit import clock
from hrx.kit.errors import HrxError, Text, Unavailable

#: 100,000 rows take about a minute; a machine under load may need several.
TIMEOUT_S: Final = 3_600.0
#: Files and rows hold personal data; they go this long after the import was uploaded.
KEEP: Final = timedelta(days=30)
#: Longer than any upload takes, from its first byte to its commit.
STRAY_AFTER: Final = timedelta(days=1)

_shelf: Final = Shelf()


@jobs.task("imports.check", timeout_s=TIMEOUT_S)
async def check_import(job: JobContext, *, import_id: int, revision: int) -> None:
    """The dry run: nothing of the record is changed, every row says what it would do."""
    async with job.transaction() as session:
        found = await find_import(session, import_id=import_id)
    if found is None or (found["state"], found["revision"]) != ("checking", revision):
        return
    async with (
        _stopping(job, found),
        reporting(job, import_id=import_id, state="checking", rows_total=found["rows_total"]) as progress,
    ):
        table, rows = await _read(job, found, progress)
        async with _long_transaction(job) as session:
            state = await read_state(session)
            planned = await _plan(session, found, rows, progress)
        _shelf.put(found, state, planned)
        async with _long_transaction(job) as session:
            await outcomes.save_check(session, found=found, table=table, rows=rows, plan=planned.plan)


@jobs.task("imports.commit", timeout_s=TIMEOUT_S)
async def commit_import(job: JobContext, *, import_id: int) -> None:
    """Everything or nothing, in one transaction that ends with the import marked as committed."""
    async with job.transaction() as session:
        found = await find_import(session, import_id=import_id)
    if found is None or found["state"] != "committing":
        return
    async with (
        _stopping(job, found),
        reporting(job, import_id=import_id, state="committing", rows_total=found["rows_total"]) as progress,
    ):
        # Nobody has to wait for the reading of a file.
        rows = None if _shelf.holds(found) else (await _read(job, found, progress))[1]
        async with _long_transaction(job, on_behalf_of=found["committed_by"]) as session:
            await _commit(job, session, found, rows, progress)


@jobs.every_tenant("imports.forget", cron="20 18 * * *")
async def forget_old_imports(job: JobContext) -> None:
    """Delete files and rows of imports uploaded long ago, and files nothing knows; the line stays."""
    storage = open_storage(job.settings.storage_url)
    async with job.transaction() as session:
        # Files go before the commit that forgets their keys: a job killed in between finds them again.
        for key in await outcomes.forget_before(session, moment=clock.now() - KEEP):
            await storage.delete(key)
        await storage.delete_strays(
            tenant_id=job.principal.tenant_id,
            kept=await list_file_keys(session),
            stored_before=clock.now() - STRAY_AFTER,
        )


async def _read(job: JobContext, found: ImportRow, progress: Progress) -> tuple[Table, list[ParsedRow]]:
    """Read and parse in a thread: the worker's other jobs and its heartbeat go on."""
    path = open_storage(job.settings.storage_url).local_path(found["file_key"])
    table = await asyncio.to_thread(read_table, path)
    hear = progress.stage(start=0.0, end=0.3, units=len(table.rows))
    rows = await asyncio.to_thread(parse_rows, table, found["mapping"], on_progress=hear)
    return table, rows


async def _plan(
    session: AsyncSession, found: ImportRow, rows: list[ParsedRow], progress: Progress
) -> KeptPlan:
    record = await load_record(
        session,
        numbers=group_numbers(rows),
        may_create_units=found["may_create_units"],
        may_create_positions=found["may_create_positions"],
    )
    hear = progress.stage(start=0.3, end=0.5, units=len(rows))
    plan = await asyncio.to_thread(plan_import, rows, record=record, on_progress=hear)
    return KeptPlan(record, plan)


async def _commit(
    job: JobContext,
    session: AsyncSession,
    found: ImportRow,
    rows: list[ParsedRow] | None,
    progress: Progress,
) -> None:
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('hrx.import', :id))"), {"id": found["id"]}
    )
    again = await find_import(session, import_id=found["id"])
    if again is None or again["state"] != "committing":
        return
    # From here on writers of this tenant take turns: what is read stays true until the commit.
    await session.execute(text("SELECT app.new_moment()"))
    planned = _shelf.take(again, await read_state(session))
    if planned is None:
        if rows is None:
            _, rows = await _read(job, again, progress)
        planned = await _plan(session, again, rows, progress)
    _refuse_drift(again, planned.plan)
    await _write(session, again, planned, progress)


async def _write(session: AsyncSession, found: ImportRow, planned: KeptPlan, progress: Progress) -> None:
    order_id = await outcomes.open_order(
        session,
        reason=found["file_name"],
        payload={"import_id": found["id"]},
        effective_on=planned.record.today,
        requested_by=found["uploaded_by"],
        approved_by=found["committed_by"],
    )
    units = planned.plan.count_writes()
    writer = PlanWriter(
        session,
        planned.plan,
        planned.record,
        order_id=order_id,
        import_id=found["id"],
        on_progress=progress.steps(start=0.5, end=0.99, units=units),
    )
    await outcomes.commit_plan(session, found=found, writer=writer)


def _refuse_drift(found: ImportRow, plan: ImportPlan) -> None:
    if plan.digest != found["plan_digest"]:
        raise RecordMovedOn(
            Text(
                ja="確認した後に社員や組織の記録が変わりました。何も取り込んでいません。",
                en="The record of people or units changed after the check. Nothing was imported.",
            ),
            hint=Text(
                ja="もう一度「確認」を実行し、結果を見てから取り込んでください。",
                en="Run the check again, look at its result, then commit.",
            ),
        )


@asynccontextmanager
async def _stopping(job: JobContext, found: ImportRow) -> AsyncIterator[None]:
    """Turn what stops a step into the import's own problem; what may pass is left to the queue's retry."""
    try:
        yield
    except Unavailable:
        raise
    except HrxError as error:
        await _note(job, found, error)
    except DBAPIError as error:
        explained = explain_database_error(error)
        if explained is None:
            raise
        if isinstance(explained, Unavailable) or explained.stable_code == "busy":
            raise Unavailable(explained.message, code=explained.stable_code) from error
        await _note(job, found, explained)


async def _note(job: JobContext, found: ImportRow, error: HrxError) -> None:
    state = "mapped" if isinstance(error, RecordMovedOn) else "failed"
    async with job.transaction() as session:
        await outcomes.stop_import(
            session, import_id=found["id"], revision=found["revision"], state=state, error=error
        )


@asynccontextmanager
async def _long_transaction(
    job: JobContext, *, on_behalf_of: int | None = None
) -> AsyncIterator[AsyncSession]:
    """A transaction without the limits meant for requests; the job has one of its own.

    With `on_behalf_of`, audit entries name that user: the job only carries out what they asked for."""
    principal = Principal(
        tenant_id=job.principal.tenant_id,
        user_id=None if on_behalf_of is None else UserId(on_behalf_of),
        person_id=None,
        roles=frozenset({Role.SYSTEM}),
    )
    async with job.database.transaction(principal) as session:
        await session.execute(
            text(
                "SELECT set_config('statement_timeout', '0', true),"
                " set_config('idle_in_transaction_session_timeout', '0', true),"
                " set_config('lock_timeout', '60s', true)"
            )
        )
        yield session
