"""What happens to documents when workers die, scanners are silent and files are cleared away."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from fastapi import FastAPI

from hrx.app.people.documents import scanning
from hrx.app.people.documents.jobs import tidy_documents
from hrx.app.people.documents.problems import FileUnreadable
from hrx.app.people.employees.importing.jobs import forget_old_imports
from hrx.app.platform import jobs
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import TenantId, system_principal
from hrx.kit import clock
from tests.app.data.conftest import Facts, csv_bytes
from tests.app.data.test_import_faults import worker_process
from tests.app.documents import files
from tests.app.documents.conftest import Library
from tests.conftest import PostgresServer
from tests.servers.clamd import clamd

pytestmark = [pytest.mark.req("R2-5"), pytest.mark.timeout(600)]
#: How long a killed worker's job may wait to be missed; 90 s were too few on a busy machine.
_DEADLINE_S = 240


async def test_a_worker_that_is_killed_while_it_reads_leaves_nothing_and_the_next_one_reads_once(
    library: Library, facts: Facts, app: FastAPI
) -> None:
    await library.post(files.pages_of_text(900, lines=10), name="long.pdf")
    with worker_process(app.state.parts.settings) as worker:
        await _until(facts, "SELECT count(*) FROM app.document_version WHERE pages_done > 0", 1)
        os.kill(worker.pid, signal.SIGKILL)
    assert await facts.one("SELECT count(*) FROM app.document_passage") == 0
    assert await facts.one("SELECT state FROM app.document_version") == "reading"
    with worker_process(app.state.parts.settings):
        await _until(facts, "SELECT count(*) FROM app.document_version WHERE state = 'ready'", 1)
    assert await facts.one("SELECT count(*) FROM app.document_text") == 1
    passages = await facts.one("SELECT passages FROM app.document_version")
    assert await facts.one("SELECT count(*) FROM app.document_passage") == passages > 0


async def test_files_of_documents_and_of_imports_do_not_clear_each_other_away(
    library: Library, database: Database, tenant: TenantId, stored: Path
) -> None:
    await library.add(files.MARKDOWN.encode())
    answer = await library.browser.post(
        "/imports", files={"file": ("a.csv", csv_bytes("社員番号,氏名", "1,佐藤 健"))}
    )
    assert answer.status_code == 201
    imports = stored.parent / "files"
    for folder in (stored, imports):
        (folder / "strayfile").write_bytes(b"left behind")
        _age(folder)
    async with database.transaction(system_principal(tenant)) as session:
        await jobs.enqueue(session, forget_old_imports)
        await jobs.enqueue(session, tidy_documents)
    await library.queue.work_until_idle()
    left = {folder: await asyncio.to_thread(os.listdir, folder) for folder in (stored, imports)}
    assert [(len(names), "strayfile" in names) for names in left.values()] == [(1, False), (1, False)]


async def test_the_release_before_documents_clears_none_of_their_files_away(
    library: Library, facts: Facts, stored: Path
) -> None:
    # Its worker deletes every old file of t*/files that no import names.
    await library.add(files.MARKDOWN.encode())
    key = await facts.one("SELECT file_key FROM app.document_version")
    assert (stored.parents[1] / key).is_file()
    assert not (stored.parents[1] / key).is_relative_to(stored.parent / "files")


async def test_a_version_whose_job_was_lost_is_read_by_the_hourly_tidying(
    library: Library, database: Database, tenant: TenantId, facts: Facts, postgres: PostgresServer
) -> None:
    await library.post(files.MARKDOWN.encode())
    version = await facts.one("SELECT id FROM app.document_version")
    url = postgres.admin_url.replace("/postgres", "/hrx")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin:
        await admin.execute(
            "DELETE FROM jobs.procrastinate_jobs WHERE task_name = 'documents.read'"
            " AND args->>'version_id' = %s",
            [str(version)],
        )
        await admin.execute(
            "UPDATE app.document_version SET created_at = now() - interval '2 hours' WHERE id = %s", [version]
        )
    await library.queue.work_until_idle()
    assert await facts.one("SELECT state FROM app.document_version") == "waiting"
    async with database.transaction(system_principal(tenant)) as session:
        await jobs.enqueue(session, tidy_documents)
    await library.queue.work_until_idle()
    assert await facts.one("SELECT state FROM app.document_version") == "ready"


async def test_a_file_is_scanned_before_it_is_read_where_a_scanner_is_set_up(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * 600_000)
    with clamd() as server:
        assert await scanning.scan(path, address=server.address) is True
        assert server.received == b"x" * 600_000
        path.write_bytes(server.VIRUS)
        with pytest.raises(FileUnreadable) as refused:
            await scanning.scan(path, address=server.address)
        assert (refused.value.stable_code, "Eicar" in refused.value.message.en) == ("file.virus", True)
    with pytest.raises(scanning.ScannerUnavailable):
        await scanning.scan(path, address=server.address)


async def test_without_a_scanner_each_version_says_that_it_was_not_scanned(library: Library) -> None:
    document = await library.add(files.MARKDOWN.encode())
    assert "virus.not_scanned" in {each["code"] for each in document["versions"][0]["warnings"]}


def _age(folder: Path) -> None:
    """Make every file of a folder older than any upload takes."""
    old = (clock.now() - timedelta(days=3)).timestamp()
    for each in folder.iterdir():
        os.utime(each, (old, old))


async def _until(facts: Facts, question: str, expected: int) -> None:
    """Returns once the database gives the expected answer."""
    for _ in range(_DEADLINE_S * 10):
        if await facts.one(question) == expected:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"not within {_DEADLINE_S} s: {question}")
