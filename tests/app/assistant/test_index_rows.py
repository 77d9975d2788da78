"""The index follows the passages: written with them, taken out with them, counted right whatever happens."""

from __future__ import annotations

import pytest

from hrx.app.platform.db import fetch_dicts
from hrx.app.platform.search_index import remove_document, remove_version
from hrx.app.platform.tenancy import system_principal
from hrx.ops.release.indexes.building import building_session, count_behind
from hrx.ops.release.indexes.generations import list_generations
from tests.app.assistant.library import Library
from tests.conftest import PostgresServer

pytestmark = pytest.mark.req("R2-6")
_COUNTS = "SELECT place, language, passages FROM search.passages_g1_df ORDER BY 1, 2"


async def count(library: Library, sql: str) -> list[dict[str, object]]:
    async with library.database.transaction(system_principal(library.tenant_id)) as session:
        return await fetch_dicts(session, sql, {})


async def test_rows_written_by_the_product_are_those_that_a_build_would_write(
    library: Library, postgres: PostgresServer
) -> None:
    with building_session(postgres.owner_url, "passages") as session:
        [generation] = list_generations(session, "passages")
        # What other tests left.
        before = count_behind(session, generation)
        await library.shelve("年次有給休暇は入社日から付与する。", "Annual leave is granted on day one.")
        assert count_behind(session, generation) == before
        late = await library.shelve("出張旅費は実費を支給する。", indexed=False)
        assert count_behind(session, generation) == before + len(late.passages)


async def test_counts_of_terms_follow_every_write_and_removal(library: Library) -> None:
    kept = await library.shelve("年次有給休暇は入社日から付与する。")
    before = await count(library, _COUNTS)
    other = await library.shelve("年次有給休暇の申請", "Leave requests", "年次有給休暇の繰越")
    assert len(await count(library, _COUNTS)) > len(before)
    async with library.database.transaction(system_principal(library.tenant_id)) as session:
        await remove_version(session, other.version_id)
        await remove_version(session, other.version_id)
    assert await count(library, _COUNTS) == before
    async with library.database.transaction(system_principal(library.tenant_id)) as session:
        await remove_document(session, kept.document_id)
    assert await count(library, _COUNTS) == []
