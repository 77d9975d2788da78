"""From an upload to an answer: what is found is what was read, and nothing of it once it is gone."""

from __future__ import annotations

from datetime import date

import pytest

from hrx.app.assistant.retrieval.finding import Found, find_passages
from hrx.app.assistant.retrieval.retriever import Retriever
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Principal, Role, TenantId
from tests.app.data.conftest import Facts
from tests.app.documents import files
from tests.app.documents.conftest import Library

pytestmark = pytest.mark.req("R2-5", "R2-6")

RETRIEVER = Retriever()
QUESTION = "年次有給休暇は何日もらえますか"


async def find(database: Database, tenant: TenantId, *, on: date | None = None) -> Found:
    asker = Principal(tenant_id=tenant, user_id=None, person_id=None, roles=frozenset({Role.EMPLOYEE}))
    async with database.transaction(asker) as session:
        return await find_passages(session, QUESTION, on=on, retriever=RETRIEVER)


async def index_rows(facts: Facts) -> int:
    count = await facts.one("SELECT count(*) FROM search.passages_g1")
    assert isinstance(count, int)
    return count


async def test_an_uploaded_rule_is_found_by_its_words_and_opens_at_the_passage(
    library: Library, database: Database, tenant: TenantId
) -> None:
    document = await library.add(files.MARKDOWN.encode(), name="kisoku.md", effective_from="2020-04-01")
    best = (await find(database, tenant)).passages[0]
    assert best.document_id == document["id"]
    assert best.headings == ("就業規則", "第1章 総則", "第2条 年次有給休暇")
    answer = await library.browser.get(
        f"/documents/{best.document_id}/versions/{best.version_id}/text",
        params={"start": best.start_char, "end": best.end_char},
    )
    assert answer.json()["body"] == best.body


async def test_each_day_finds_the_version_in_force_and_a_replaced_one_leaves_the_index(
    library: Library, database: Database, tenant: TenantId, facts: Facts
) -> None:
    old = await library.add(files.MARKDOWN.encode(), effective_from="2020-04-01")
    rows = await index_rows(facts)
    new = files.MARKDOWN.replace("10日の", "12日の").encode()
    await library.add_version(old["id"], new, effective_from="2024-04-01")
    assert await index_rows(facts) == 2 * rows
    assert "10日の" in (await find(database, tenant, on=date(2023, 1, 1))).passages[0].body
    assert "12日の" in (await find(database, tenant, on=date(2025, 1, 1))).passages[0].body
    await library.add_version(old["id"], files.MARKDOWN.encode(), effective_from="2020-04-01")
    assert await index_rows(facts) == rows


async def test_a_deleted_document_answers_nothing_and_its_index_rows_go(
    library: Library, database: Database, tenant: TenantId, facts: Facts
) -> None:
    document = await library.add(files.MARKDOWN.encode())
    await library.browser.delete(f"/documents/{document['id']}")
    gone = await find(database, tenant)
    assert (gone.passages, gone.searched_passages) == ((), 0)
    await library.queue.work_until_idle()
    assert await index_rows(facts) == 0


async def test_a_file_that_cannot_be_read_never_answers(
    library: Library, database: Database, tenant: TenantId, facts: Facts
) -> None:
    await library.add(files.pages_of_text(3)[:300], name="cut.pdf")
    assert (await find(database, tenant)).passages == ()
    assert await index_rows(facts) == 0
