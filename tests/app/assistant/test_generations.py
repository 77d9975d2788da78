"""Another generation of the passages is built beside the live one: search goes on, writes reach both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from hrx.app.platform.db import fetch_dicts, open_database
from hrx.app.platform.search_index import remove_document
from hrx.app.platform.tenancy import system_principal
from hrx.ops.release.indexes.building import build, building_session, count_behind
from hrx.ops.release.indexes.definitions import ENCODERS, get_definition
from hrx.ops.release.indexes.preparing import prepare_indexes
from hrx.ops.release.indexes.switching import find_before, switch
from tests.app.assistant.library import Library
from tests.app.assistant.test_finding import find
from tests.app.people.company import create_tenant
from tests.conftest import ROOT, PostgresServer

pytestmark = [pytest.mark.req("R2-6"), pytest.mark.req("R3.4-1")]
COUNTS = "SELECT place, language, passages FROM search.passages_g{}_df ORDER BY 1, 2"
KEYS = "SELECT key FROM search.passages_g{} ORDER BY 1"


@pytest_asyncio.fixture
async def own(postgres: PostgresServer) -> AsyncIterator[tuple[Library, str]]:
    """A library in a database of its own, and the URL of its owner."""
    server = postgres.create_migrated_database("passages_anew")
    database = open_database(server.app_url, pool_size=2)
    tenant = await create_tenant(database)
    yield Library(database=database, tenant_id=tenant), server.owner_url
    await database.close()


async def rows(library: Library, sql: str) -> list[dict[str, object]]:
    async with library.database.transaction(system_principal(library.tenant_id)) as session:
        return await fetch_dicts(session, sql, {})


async def test_search_goes_on_while_a_generation_is_built_stopped_switched_to_and_taken_back(
    own: tuple[Library, str],
) -> None:
    library, owner_url = own
    # Made with the database; what answers already is not made again.
    assert not prepare_indexes(owner_url)
    old = await library.shelve(*(f"第{n}条 年次有給休暇" for n in range(6)))
    definition = replace(get_definition(ROOT / "runbook", "passages"), where="t.ordinal >= 0")
    told: list[int] = []
    with building_session(owner_url, "passages") as session:
        half = build(
            session,
            definition,
            ENCODERS["passages"],
            batch_rows=2,
            tell=lambda one: told.append(one.rows_done),
            is_stopped=lambda: bool(told),
        )
    assert (half.number, half.is_finished, half.rows_done) == (2, False, 2)
    new = await library.shelve("出張旅費は実費を支給する。", "宿泊費の上限")
    assert [one["key"] for one in await rows(library, KEYS.format(2))] == [*old.passages[:2], *new.passages]
    assert (await find(library, "出張旅費")).passages[0].id == new.passages[0]
    with building_session(owner_url, "passages") as session:
        made = build(session, definition, ENCODERS["passages"], batch_rows=2)
        switch(session, made, by="test")
        assert count_behind(session, made) == 0
    assert await rows(library, COUNTS.format(2)) == await rows(library, COUNTS.format(1))
    assert (await find(library, "出張旅費")).passages[0].id == new.passages[0]
    async with library.database.transaction(system_principal(library.tenant_id)) as session:
        await remove_document(session, old.document_id)
    assert [one["key"] for one in await rows(library, KEYS.format(1))] == list(new.passages)
    with building_session(owner_url, "passages") as session:
        switch(session, find_before(session, "passages"), by="test")
    assert (await find(library, "宿泊費")).passages[0].id == new.passages[1]
