"""A commit uses what the check planned, as long as nothing has changed; otherwise it reads and plans anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from hrx.app.people.employees.importing import jobs as import_jobs
from hrx.app.people.employees.importing import kept
from hrx.app.people.employees.importing.reading import Table, read_table
from hrx.app.platform.db import Database
from hrx.app.platform.live import EventKind, publish
from hrx.app.platform.tenancy import TenantId, system_principal
from tests.app.data.conftest import Facts, Importer, csv_bytes

pytestmark = pytest.mark.req("R2-2")

FILE = csv_bytes(
    "社員番号,氏名,部署,上長,入社日", "1,佐藤 健,本社,,2020-04-01", "2,鈴木 花,本社,1,2020-04-01"
)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every file that a job reads from here on."""
    read: list[Path] = []

    def remember(path: Path) -> Table:
        read.append(path)
        return read_table(path)

    monkeypatch.setattr(import_jobs, "read_table", remember)
    return read


async def test_a_commit_after_a_check_does_not_read_the_file_again(
    importer: Importer, facts: Facts, reads: list[Path]
) -> None:
    done = await importer.load(FILE)
    assert len(reads) == 1
    assert done["counts"]["create"] == 2
    assert await facts.one("SELECT count(*) FROM app.assignment WHERE upper_inf(known)") == 2


async def test_any_change_in_between_makes_the_commit_plan_anew(
    importer: Importer, facts: Facts, database: Database, tenant: TenantId, reads: list[Path]
) -> None:
    checked = await importer.check(FILE)
    async with database.transaction(system_principal(tenant)) as session:
        await publish(session, kind=EventKind.PEOPLE_CHANGED)
    committed = await importer.commit(checked["id"])
    assert (len(reads), committed["state"]) == (2, "committed")


async def test_a_fact_recorded_without_an_event_is_noticed_too(
    importer: Importer, facts: Facts, reads: list[Path]
) -> None:
    checked = await importer.check(FILE)
    await facts.all("SELECT app.new_moment()")
    assert (await importer.commit(checked["id"]))["state"] == "committed"
    assert len(reads) == 2


async def test_a_worker_that_has_forgotten_plans_anew(
    importer: Importer, facts: Facts, reads: list[Path]
) -> None:
    checked = await importer.check(FILE)
    import_jobs._shelf.clear()
    assert (await importer.commit(checked["id"]))["state"] == "committed"
    assert len(reads) == 2


async def test_large_plans_are_not_kept(
    importer: Importer, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MAX_ROWS", 1)
    await importer.load(FILE)
    assert len(reads) == 2
