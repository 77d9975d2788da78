"""Imports and exports as people use them: through the API, with a worker's queue that runs on demand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import text

from hrx.app.people.employees.importing import jobs as import_jobs
from hrx.app.platform import jobs
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Role, TenantId, system_principal
from tests.app.clients import Browser
from tests.app.conftest import MakeSettings, SignIn, running, working

assert import_jobs.check_import.name == "imports.check"

CreateUnits = Callable[..., Awaitable[dict[str, int]]]


@pytest_asyncio.fixture(scope="session")
async def app(
    make_settings: MakeSettings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[FastAPI]:
    """The API with a storage folder of its own."""
    folder = tmp_path_factory.mktemp("storage")
    async with running(make_settings(storage_url=f"file:{folder}")) as started:
        yield started


@pytest_asyncio.fixture(scope="session")
async def queue(app: FastAPI, database: Database) -> AsyncIterator[jobs.Queue]:
    """The job queue on the same storage; `work_until_idle` runs what waits."""
    async with working(database, app.state.parts.settings) as opened:
        yield opened


@dataclass(slots=True, kw_only=True)
class Importer:
    """An HR user's browser with shortcuts for the steps of an import."""

    browser: Browser
    queue: jobs.Queue

    async def upload(self, content: bytes, *, name: str = "社員.csv") -> dict[str, Any]:
        answer = await self.browser.post("/imports", files={"file": (name, content)})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def refuse(self, content: bytes, *, name: str = "社員.csv") -> dict[str, Any]:
        """The problem document of a file that is not taken."""
        answer = await self.browser.post("/imports", files={"file": (name, content)})
        assert answer.status_code in {413, 422}, answer.text
        problem: dict[str, Any] = answer.json()
        return problem

    async def check(
        self,
        content: bytes,
        *,
        name: str = "社員.csv",
        mapping: dict[str, str | None] | None = None,
        creates: bool = True,
    ) -> dict[str, Any]:
        """Upload, map (as guessed unless given) and run the dry run."""
        found = await self.upload(content, name=name)
        body = {
            "mapping": mapping or found["mapping"],
            "may_create_units": creates,
            "may_create_positions": creates,
        }
        answer = await self.browser.put(f"/imports/{found['id']}/mapping", body)
        assert answer.status_code == 200, answer.text
        return await self.recheck(found["id"])

    async def recheck(self, import_id: int) -> dict[str, Any]:
        answer = await self.browser.post(f"/imports/{import_id}/check")
        assert answer.status_code == 202, answer.text
        await self.queue.work_until_idle()
        return await self.get(import_id)

    async def commit(self, import_id: int, *, skip_errors: bool = False) -> dict[str, Any]:
        answer = await self.browser.post(f"/imports/{import_id}/commit", {"skip_errors": skip_errors})
        assert answer.status_code == 202, answer.text
        await self.queue.work_until_idle()
        return await self.get(import_id)

    async def load(self, content: bytes, **given: Any) -> dict[str, Any]:
        """Check and commit a file that must be clean."""
        checked = await self.check(content, **given)
        assert checked["state"] == "checked", checked
        assert checked["counts"]["error"] == 0, await self.rows(checked["id"], only="errors")
        committed = await self.commit(checked["id"])
        assert committed["state"] == "committed", committed
        return committed

    async def get(self, import_id: int) -> dict[str, Any]:
        answer = await self.browser.get(f"/imports/{import_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def rows(self, import_id: int, *, only: str = "all") -> list[dict[str, Any]]:
        answer = await self.browser.get(f"/imports/{import_id}/rows", params={"only": only, "limit": 200})
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


@pytest_asyncio.fixture
async def importer(sign_in: SignIn, queue: jobs.Queue) -> Importer:
    """A signed-in HR user of the fresh tenant."""
    return Importer(browser=await sign_in(Role.HR), queue=queue)


@dataclass(frozen=True, slots=True)
class Facts:
    """Looks into the tenant's tables, past the API."""

    database: Database
    tenant_id: TenantId

    async def all(self, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
        async with self.database.transaction(system_principal(self.tenant_id)) as session:
            rows = await session.execute(text(statement), parameters)
            return [tuple(row) for row in rows.all()]

    async def one(self, statement: str, **parameters: object) -> Any:
        rows = await self.all(statement, **parameters)
        assert len(rows) == 1, rows
        return rows[0][0] if len(rows[0]) == 1 else rows[0]

    async def posts(self, number: str) -> list[tuple[Any, ...]]:
        """Posts of a person as known now: kind, unit, position, manager, first and last+1 day."""
        return await self.all(
            "SELECT a.kind, v.name_ja, pv.title_ja, m.employee_number, lower(a.valid), upper(a.valid)"
            " FROM app.assignment AS a JOIN app.person AS p ON p.id = a.person_id"
            " JOIN app.org_unit_version AS v ON v.org_unit_id = a.org_unit_id AND upper_inf(v.known)"
            "  AND v.valid @> lower(a.valid)"
            " LEFT JOIN app.position_version AS pv ON pv.position_id = a.position_id AND upper_inf(pv.known)"
            "  AND pv.valid @> lower(a.valid)"
            " LEFT JOIN app.person AS m ON m.id = a.manager_person_id"
            " WHERE p.employee_number = :number AND upper_inf(a.known)"
            " ORDER BY lower(a.valid), a.kind DESC",
            number=number,
        )


@pytest.fixture
def facts(database: Database, tenant: TenantId) -> Facts:
    """The fresh tenant's tables."""
    return Facts(database, tenant)


def csv_bytes(*rows: str, encoding: str = "utf-8") -> bytes:
    """Lines as a file."""
    return "".join(row + "\r\n" for row in rows).encode(encoding)
