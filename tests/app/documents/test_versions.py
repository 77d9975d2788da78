"""Versions by day: which one is in force, replaced at once, and safe when two become ready together."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from hrx.app.people.documents import reading
from hrx.app.people.documents.actions import keeping
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import TenantId, system_principal
from tests.app.data.conftest import Facts
from tests.app.documents import files
from tests.app.documents.conftest import Library
from tests.conftest import PostgresServer

pytestmark = pytest.mark.req("R2-5")

V2 = files.MARKDOWN.replace("10日の", "12日の").encode()


def days_of(document: dict[str, Any]) -> dict[int, tuple[str, str | None, str | None]]:
    return {
        each["number"]: (each["state"], each["effective_from"], each["effective_to"])
        for each in document["versions"]
    }


async def test_a_later_version_narrows_the_one_before_and_both_answer_on_their_days(
    library: Library, facts: Facts
) -> None:
    first = await library.add(files.MARKDOWN.encode(), effective_from="2020-04-01")
    document = await library.add_version(first["id"], V2, effective_from="2024-04-01")
    assert days_of(document) == {1: ("ready", "2020-04-01", "2024-03-31"), 2: ("ready", "2024-04-01", None)}
    then = await facts.one(
        "SELECT number FROM app.document_version WHERE state = 'ready' AND effective @> date '2023-05-01'"
    )
    assert then == 1


async def test_a_version_for_the_same_days_replaces_the_one_before(library: Library) -> None:
    first = await library.add(files.MARKDOWN.encode(), effective_from="2020-04-01")
    document = await library.add_version(first["id"], V2, effective_from="2020-04-01")
    assert days_of(document) == {1: ("replaced", "2020-04-01", None), 2: ("ready", "2020-04-01", None)}


async def test_a_version_that_ends_says_from_when_on_none_is_in_force(library: Library) -> None:
    first = await library.add(files.MARKDOWN.encode(), effective_from="2020-04-01")
    document = await library.add_version(
        first["id"], V2, effective_from="2024-04-01", effective_to="2024-12-31"
    )
    assert days_of(document)[1] == ("ready", "2020-04-01", "2024-03-31")
    (gap,) = [each for each in document["versions"][0]["warnings"] if each["code"] == "effective.gap"]
    assert gap["value"] == "2025-01-01"


async def test_a_version_that_fails_leaves_the_one_before_in_force(library: Library) -> None:
    first = await library.add(files.MARKDOWN.encode(), effective_from="2020-04-01")
    document = await library.add_version(first["id"], files.encrypted_pdf(), effective_from="2021-04-01")
    assert days_of(document)[1] == ("ready", "2020-04-01", None)
    assert days_of(document)[2][0] == "failed"


async def test_the_last_day_cannot_lie_before_the_first(library: Library) -> None:
    problem = await library.refuse(
        files.MARKDOWN.encode(), name="a.md", effective_from="2024-04-01", effective_to="2024-03-31"
    )
    assert problem["errors"][0]["field"] == "effective_to", problem


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
async def test_versions_that_become_ready_together_share_the_days_by_their_numbers(
    library: Library,
    facts: Facts,
    database: Database,
    tenant: TenantId,
    tmp_path: Any,
    order: tuple[int, ...],
) -> None:
    first = await library.post(files.MARKDOWN.encode(), effective_from="2020-04-01")
    document_id = first["items"][0]["id"]
    for day in ("2022-04-01", "2021-04-01"):
        answer = await library.browser.request(
            "POST",
            f"/documents/{document_id}/versions",
            files={"file": ("v.md", V2)},
            data={"effective_from": day},
        )
        assert answer.status_code == 202
    path = tmp_path / "v.md"
    path.write_bytes(V2)
    found = await reading.read_file(path, name="v.md", document_kind="policy", on_progress=lambda *_: None)
    ids = dict(await facts.all("SELECT number, id FROM app.document_version"))

    async def keep(number: int) -> None:
        async with database.transaction(system_principal(tenant)) as session:
            await keeping.keep_reading(session, version_id=ids[number], found=found)

    await asyncio.gather(*(keep(number) for number in order))
    # The jobs that wait find nothing to do, and a second run changes nothing.
    await library.queue.work_until_idle()
    rows = await facts.all(
        "SELECT number, state, lower(effective), upper(effective) FROM app.document_version"
    )
    ready = {number: (first, after) for number, state, first, after in rows if state == "ready"}
    # Number 3 begins before number 2 and has no end: nothing is left of 2.
    assert ready == {1: (date(2020, 4, 1), date(2021, 4, 1)), 3: (date(2021, 4, 1), None)}
    assert await facts.one("SELECT count(*) FROM app.document_text") == 3


async def test_the_same_place_again_is_a_new_version_only_when_something_is_new(library: Library) -> None:
    place = {"source_path": "handbook/leave.md"}
    first = (await library.post(files.MARKDOWN.encode(), **place))["items"][0]
    await library.queue.work_until_idle()
    same = (await library.post(files.MARKDOWN.encode(), **place))["items"][0]
    assert (same["id"], same["outcome"], same["version"]["number"]) == (first["id"], "unchanged", 1)
    dated = (await library.post(files.MARKDOWN.encode(), effective_from="2020-01-01", **place))["items"][0]
    assert (dated["id"], dated["outcome"]) == (first["id"], "new_version")
    await library.queue.work_until_idle()
    other = (await library.post(V2, **place))["items"][0]
    assert (other["id"], other["outcome"]) == (first["id"], "new_version")


async def test_a_deleted_document_is_gone_at_once_and_cleared_away_after(
    library: Library, facts: Facts, stored: Any
) -> None:
    document = await library.add(files.MARKDOWN.encode(), source_path="a/b.md")
    version = document["versions"][0]["id"]
    assert len(list(stored.iterdir())) == 1
    assert (await library.browser.delete(f"/documents/{document['id']}")).status_code == 204
    for path in ("", "/proposals", f"/versions/{version}/text", f"/versions/{version}/file"):
        assert (await library.browser.get(f"/documents/{document['id']}{path}")).status_code == 404
    assert await library.ids() == set()
    await library.queue.work_until_idle()
    assert list(stored.iterdir()) == []
    for table in ("document", "document_version", "document_text", "document_passage"):
        assert await facts.one(f"SELECT count(*) FROM app.{table}") == 0, table
    # The place is free again.
    again = await library.post(files.MARKDOWN.encode(), source_path="a/b.md")
    assert again["items"][0]["outcome"] == "created"


async def test_a_document_deleted_while_it_is_read_never_answers(
    library: Library, facts: Facts, database: Database, tenant: TenantId, tmp_path: Any
) -> None:
    found = await library.post(files.MARKDOWN.encode())
    path = tmp_path / "v.md"
    path.write_bytes(V2)
    content = await reading.read_file(path, name="v.md", document_kind="policy", on_progress=lambda *_: None)
    await library.browser.delete(f"/documents/{found['items'][0]['id']}")
    async with database.transaction(system_principal(tenant)) as session:
        version = await session.scalar(text("SELECT id FROM app.document_version"))
        assert await keeping.keep_reading(session, version_id=version, found=content) is False
    await library.queue.work_until_idle()
    assert await facts.one("SELECT count(*) FROM app.document_passage") == 0


async def test_what_the_database_cannot_store_fails_the_version_and_says_so(
    library: Library, facts: Facts, postgres: PostgresServer
) -> None:
    url = postgres.admin_url.replace("/postgres", "/hrx")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin:
        await admin.execute(
            "ALTER TABLE app.document_passage ADD CONSTRAINT nobody_stores_this"
            " CHECK (body NOT LIKE '%QZX-7741%') NOT VALID"
        )
        try:
            document = await library.add("# 規程\n\nQZX-7741 は保存できない。\n".encode())
        finally:
            await admin.execute("ALTER TABLE app.document_passage DROP CONSTRAINT nobody_stores_this")
    [version] = document["versions"]
    assert (version["state"], version["problem"]["code"]) == ("failed", "file.not_kept")
    assert version["problem"]["hint"]
    assert await facts.one("SELECT count(*) FROM app.document_text") == 0


async def test_a_renamed_document_is_found_by_its_new_title_and_by_the_old_one_no_more(
    library: Library, facts: Facts
) -> None:
    document = await library.add(files.MARKDOWN.encode(), title="ゼルコバ規程", effective_from="2020-04-01")
    later = await library.add_version(document["id"], V2, effective_from="2024-04-01")
    before = await facts.all("SELECT start_char, end_char, body FROM app.document_passage ORDER BY id")
    assert await passages_found(facts, "ゼルコバ") > 0
    answer = await library.browser.request(
        "PATCH", f"/documents/{document['id']}", json={"title": "アカマツ規程"}
    )
    assert answer.status_code == 200
    await library.queue.work_until_idle()
    assert (await passages_found(facts, "ゼルコバ"), await passages_found(facts, "アカマツ") > 0) == (0, True)
    titles = await facts.all("SELECT DISTINCT headings[1] FROM app.document_passage")
    assert [tuple(row) for row in titles] == [("アカマツ規程",)]
    # Its text and places are what they were: citations open as before.
    after = await facts.all("SELECT start_char, end_char, body FROM app.document_passage ORDER BY id")
    assert sorted(map(tuple, after)) == sorted(map(tuple, before))
    assert days_of(await library.get(document["id"])) == days_of(later)


async def passages_found(facts: Facts, word: str) -> int:
    """How many rows of the live index hold a word."""
    from hrx.app.platform.search_index import find_live
    from hrx.kit.search.analysis import analyse
    from hrx.kit.search.weights import place_of

    async with facts.database.transaction(system_principal(facts.tenant_id)) as session:
        live = await find_live(session)
        assert live is not None
        places = "{" + ",".join(f"{place_of(term)}:1" for term in sorted(analyse(word).terms)) + "}"
        found = await session.scalar(
            text(
                f"SELECT count(*) FROM search.passages_g{live.number}"
                " WHERE tenant_id = app.current_tenant() AND"
                " (terms OPERATOR(public.<#>) CAST(:asked AS public.sparsevec)) < 0"
            ),
            {"asked": f"{places}/1000000000"},
        )
    return int(found or 0)
