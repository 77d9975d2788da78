"""Documents as people use them: through the API, with a worker's queue that runs on demand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from fastapi import FastAPI

from hrx.app.people.documents import jobs as document_jobs
from hrx.app.platform import jobs
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Role, TenantId
from tests.app.clients import Browser
from tests.app.conftest import MakeSettings, SignIn, running, working
from tests.app.data.conftest import Facts
from tests.app.documents.scored import process, scored, version
from tests.conftest import PostgresServer

__all__ = ("process", "scored", "version")

assert document_jobs.read_document.name == "documents.read"


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
class Library:
    """Somebody's browser with shortcuts for documents."""

    browser: Browser
    queue: jobs.Queue

    async def post(self, content: bytes, *, name: str = "就業規則.md", **form: Any) -> dict[str, Any]:
        """Upload; what the API says."""
        answer = await self.browser.request(
            "POST", "/documents", files={"file": (name, content)}, data={"audience": "everyone", **form}
        )
        assert answer.status_code == 202, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def refuse(self, content: bytes, *, name: str, status: int = 422, **form: Any) -> dict[str, Any]:
        """The problem document of an upload that is not taken."""
        answer = await self.browser.request(
            "POST", "/documents", files={"file": (name, content)}, data={"audience": "everyone", **form}
        )
        assert answer.status_code == status, answer.text
        problem: dict[str, Any] = answer.json()
        return problem

    async def add(self, content: bytes, *, name: str = "就業規則.md", **form: Any) -> dict[str, Any]:
        """Upload one file, let it be read, and show the document."""
        found = await self.post(content, name=name, **form)
        await self.queue.work_until_idle()
        return await self.get(found["items"][0]["id"])

    async def add_version(
        self, document_id: int, content: bytes, *, name: str = "v2.md", **form: Any
    ) -> dict[str, Any]:
        answer = await self.browser.request(
            "POST", f"/documents/{document_id}/versions", files={"file": (name, content)}, data=form
        )
        assert answer.status_code == 202, answer.text
        await self.queue.work_until_idle()
        return await self.get(document_id)

    async def get(self, document_id: int) -> dict[str, Any]:
        answer = await self.browser.get(f"/documents/{document_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def text(self, document: dict[str, Any]) -> dict[str, Any]:
        version = document["versions"][0]["id"]
        answer = await self.browser.get(f"/documents/{document['id']}/versions/{version}/text")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def ids(self) -> set[int]:
        """Documents in the caller's list."""
        answer = await self.browser.get("/documents", params={"limit": 200})
        assert answer.status_code == 200, answer.text
        return {item["id"] for item in answer.json()["items"]}


@pytest_asyncio.fixture
async def library(sign_in: SignIn, queue: jobs.Queue, postgres: PostgresServer) -> AsyncIterator[Library]:
    """A signed-in HR user of the fresh tenant."""
    yield Library(browser=await sign_in(Role.HR), queue=queue)
    # What a test leaves waiting (it may be millions of letters) is not read in the time of the next one.
    url = postgres.admin_url.replace("/postgres", "/hrx")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin:
        await admin.execute("DELETE FROM jobs.procrastinate_jobs WHERE status = 'todo'")


@pytest.fixture
def facts(database: Database, tenant: TenantId) -> Facts:
    """The fresh tenant's tables."""
    return Facts(database, tenant)


@pytest.fixture
def stored(app: FastAPI, tenant: TenantId) -> Path:
    """The folder of the tenant's documents."""
    return Path(app.state.parts.settings.storage_url.removeprefix("file:")) / f"t{tenant}" / "documents"
