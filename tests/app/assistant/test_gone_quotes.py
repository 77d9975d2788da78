"""Deleting a document takes its words out of every conversation, also out of the answer being written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.conversations.actions import (
    begin_answer,
    delete_conversation,
    finish_answer,
    forget_lost_quotes,
)
from hrx.app.assistant.conversations.models import Citation, Mode, NewAnswer, Said
from hrx.app.assistant.jobs import forget_all_quotes
from hrx.app.people.documents.actions.clearing import forget_documents
from hrx.app.platform.db import Database, fetch_dicts
from hrx.app.platform.jobs import JobContext
from hrx.app.platform.tenancy import Principal, Role, TenantId, system_principal
from tests.app.assistant.asking import ask
from tests.app.assistant.shelf import CONDOLENCE, LEAVE, TRAVEL, shelve, take_away
from tests.app.conftest import MakeSettings, MakeUser, SignIn
from tests.conftest import MakeTenant, PostgresServer

pytestmark = pytest.mark.req("R2-6")
QUESTION = "年次有給休暇は何日ですか"
#: Whoever waits is seen waiting within this time, however busy the machine is.
PATIENCE_S = 60.0


@pytest_asyncio.fixture
async def past_walls(postgres: PostgresServer) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """The same database as its owner's superuser: no policy hides a row."""
    url = postgres.admin_url.rpartition("/")[0] + "/hrx"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin:
        yield admin


async def kept(admin: psycopg.AsyncConnection[Any], tenant: TenantId) -> tuple[list[str], int]:
    """Everything that conversations of a tenant hold: sentences, and how many citations."""
    sentences = await admin.execute(
        "SELECT body FROM app.answer_sentence WHERE tenant_id = %s ORDER BY answer_id, ordinal", (tenant,)
    )
    citations = await admin.execute(
        "SELECT count(*) FROM app.answer_citation WHERE tenant_id = %s", (tenant,)
    )
    return [body for (body,) in await sentences.fetchall()], (await citations.fetchall())[0][0]


async def write_answer(session: AsyncSession, *documents: int) -> int:
    """An answer with a sentence and a citation of each document, as it is written; gives its conversation."""
    citations = []
    for number, document in enumerate(documents, start=1):
        [version] = await fetch_dicts(
            session, "SELECT id FROM app.document_version WHERE document_id = :id", {"id": document}
        )
        citations.append(
            Citation(
                number=number,
                document_id=document,
                version_id=version["id"],
                title="",
                headings=("休暇",),
                page=1,
                start_char=0,
                end_char=5,
                body_sha256="0" * 64,
                quote="x",
                quote_start=0,
                quote_end=5,
                effective_from=None,
                effective_to=None,
            )
        )
    new = NewAnswer(
        question=QUESTION,
        language="ja",
        asked_on=date(2026, 1, 1),
        mode=Mode.QUOTES,
        citations=tuple(citations),
    )
    conversation, answer = await begin_answer(session, new, conversation_id=None)
    said = [
        Said(text=f"文書 {document} より", citations=(number,), document_ids=(document,))
        for number, document in enumerate(documents, start=1)
    ]
    await finish_answer(session, answer, said, mode=Mode.QUOTES)
    return conversation


@pytest_asyncio.fixture
async def asker(make_user: MakeUser, tenant: TenantId) -> Principal:
    user = await make_user(Role.EMPLOYEE)
    return Principal(tenant_id=tenant, user_id=user.id, person_id=None, roles=frozenset({Role.EMPLOYEE}))


async def until_somebody_waits(admin: psycopg.AsyncConnection[Any]) -> None:
    """Until a session of this database waits for the lock of quotes."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await admin.execute(
                "SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database"
                " WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()"
            )
            if (await found.fetchall())[0][0]:
                return
            await asyncio.sleep(0.02)


async def test_deleting_takes_the_words_out_of_every_conversation_and_leaves_the_rest(
    database: Database,
    tenant: TenantId,
    sign_in: SignIn,
    past_walls: psycopg.AsyncConnection[Any],
) -> None:
    leave = await shelve(database, tenant, LEAVE)
    await shelve(database, tenant, TRAVEL, title="旅費規程", heading="出張")
    hr, browser, other = await sign_in(Role.HR), await sign_in(Role.EMPLOYEE), await sign_in(Role.MANAGER)
    opened = (await ask(browser, QUESTION)).only("meta")["conversation_id"]
    await ask(other, QUESTION)
    travel = (await ask(browser, "出張の日当はいくらですか")).only("meta")["conversation_id"]
    sentences, _ = await kept(past_walls, tenant)
    assert sum("10日の年次有給休暇" in one for one in sentences) == 2
    assert (await hr.delete(f"/documents/{leave}")).status_code == 204
    sentences, citations = await kept(past_walls, tenant)
    assert [one for one in sentences if "有給" in one] == []
    assert any("2,500円" in one for one in sentences)
    assert citations == 1
    # The question stays with the note that something is left out; the other answer is whole.
    [shown] = (await browser.get(f"/assistant/conversations/{opened}")).json()["answers"]
    assert (shown["question"], shown["sentences"], shown["citations"]) == (QUESTION, [], [])
    assert shown["hidden"] >= 1
    [whole] = (await browser.get(f"/assistant/conversations/{travel}")).json()["answers"]
    assert (len(whole["citations"]), whole["hidden"]) == (1, 0)


async def test_a_sentence_of_two_documents_goes_with_either(
    database: Database, tenant: TenantId, asker: Principal, past_walls: psycopg.AsyncConnection[Any]
) -> None:
    first, second = [await shelve(database, tenant, body) for body in (LEAVE, CONDOLENCE)]
    async with database.transaction(asker) as session:
        await write_answer(session, first, second)
        await session.execute(
            text(
                "INSERT INTO app.answer_sentence (answer_id, ordinal, body, is_supported, document_ids)"
                " SELECT max(id), 9, 'どちらの言葉も', true, :ids FROM app.answer"
            ),
            {"ids": [first, second]},
        )
    await take_away(database, tenant, second, "deleted_at = now()")
    assert await kept(past_walls, tenant) == ([f"文書 {first} より"], 1)


async def test_a_row_that_goes_past_the_button_takes_its_quotes_along(
    database: Database, tenant: TenantId, asker: Principal, past_walls: psycopg.AsyncConnection[Any]
) -> None:
    document, stays = [await shelve(database, tenant, body) for body in (LEAVE, TRAVEL)]
    async with database.transaction(asker) as session:
        await write_answer(session, document, stays)
    async with database.transaction(system_principal(tenant)) as session:
        await forget_documents(session, document_ids=[document])
    assert await kept(past_walls, tenant) == ([f"文書 {stays} より"], 1)


async def test_an_answer_that_is_written_meanwhile_keeps_no_quote(
    database: Database, tenant: TenantId, asker: Principal, past_walls: psycopg.AsyncConnection[Any]
) -> None:
    document, stays = [await shelve(database, tenant, body) for body in (LEAVE, TRAVEL)]
    async with database.transaction(asker) as session:
        await write_answer(session, document, stays)
        deleting = asyncio.create_task(take_away(database, tenant, document, "deleted_at = now()"))
        await until_somebody_waits(past_walls)
    await deleting
    assert await kept(past_walls, tenant) == ([f"文書 {stays} より"], 1)


async def test_an_answer_that_comes_while_a_document_is_deleted_waits_and_quotes_nothing_of_it(
    database: Database, tenant: TenantId, asker: Principal, past_walls: psycopg.AsyncConnection[Any]
) -> None:
    document, stays = [await shelve(database, tenant, body) for body in (LEAVE, TRAVEL)]

    async def answer() -> None:
        async with database.transaction(asker) as session:
            await write_answer(session, document, stays)

    async with database.transaction(system_principal(tenant)) as session:
        await session.execute(
            text("UPDATE app.document SET deleted_at = now() WHERE id = :id"), {"id": document}
        )
        answering = asyncio.create_task(answer())
        await until_somebody_waits(past_walls)
    await answering
    assert await kept(past_walls, tenant) == ([f"文書 {stays} より"], 1)


async def test_a_conversation_and_a_document_are_deleted_at_once_without_waiting_in_a_ring(
    database: Database, tenant: TenantId, asker: Principal, past_walls: psycopg.AsyncConnection[Any]
) -> None:
    document = await shelve(database, tenant, LEAVE)
    async with database.transaction(asker) as session:
        conversation = await write_answer(session, document)

    async def end() -> None:
        async with database.transaction(asker) as session:
            await delete_conversation(session, conversation)

    async with database.transaction(system_principal(tenant)) as session:
        await session.execute(
            text("UPDATE app.document SET deleted_at = now() WHERE id = :id"), {"id": document}
        )
        ending = asyncio.create_task(end())
        await until_somebody_waits(past_walls)
    await ending
    assert await kept(past_walls, tenant) == ([], 0)


async def test_a_version_that_was_replaced_is_quoted_as_long_as_it_may_be_read(
    database: Database, tenant: TenantId, sign_in: SignIn
) -> None:
    document = await shelve(database, tenant, LEAVE)
    browser = await sign_in(Role.EMPLOYEE)
    heard = await ask(browser, QUESTION)
    async with database.transaction(system_principal(tenant)) as session:
        await session.execute(
            text("UPDATE app.document_version SET state = 'replaced' WHERE document_id = :id"),
            {"id": document},
        )
    path = f"/assistant/conversations/{heard.only('meta')['conversation_id']}"
    [shown] = (await browser.get(path)).json()["answers"]
    assert (shown["citations"][0]["quote"], shown["hidden"]) == (heard.all("citation")[0]["quote"], 0)
    [version] = (await browser.get(f"/documents/{document}")).json()["versions"]
    text_path = f"/documents/{document}/versions/{version['id']}/text"
    assert (await browser.get(text_path)).status_code == 200
    # A new question is not answered from it.
    assert (await ask(browser, QUESTION)).only("done")["mode"] == "not_found"


Losing = Callable[[TenantId, int], Awaitable[None]]


@pytest.fixture
def lose(past_walls: psycopg.AsyncConnection[Any]) -> Losing:
    """Deletes a document past every trigger, as copies and repairs do."""

    async def do(tenant: TenantId, document: int) -> None:
        async with past_walls.transaction():
            await past_walls.execute("SET LOCAL session_replication_role = replica")
            await past_walls.execute(
                "UPDATE app.document SET deleted_at = now() WHERE tenant_id = %s AND id = %s",
                (tenant, document),
            )

    return do


async def test_a_daily_job_finds_what_came_past_the_triggers_and_may_run_again(
    database: Database,
    tenant: TenantId,
    asker: Principal,
    make_tenant: MakeTenant,
    make_settings: MakeSettings,
    make_user: MakeUser,
    past_walls: psycopg.AsyncConnection[Any],
    lose: Losing,
) -> None:
    lost, stays = [await shelve(database, tenant, body) for body in (LEAVE, TRAVEL)]
    other = await make_tenant()
    there = await shelve(database, other, LEAVE)
    somebody = await make_user(Role.EMPLOYEE, tenant_id=other)
    neighbour = Principal(
        tenant_id=other, user_id=somebody.id, person_id=None, roles=frozenset({Role.EMPLOYEE})
    )
    for _ in range(3):
        async with database.transaction(asker) as session:
            await write_answer(session, lost, stays)
    async with database.transaction(neighbour) as session:
        await write_answer(session, there)
    await lose(tenant, lost)
    await lose(other, there)
    before = await kept(past_walls, tenant)
    assert (len(before[0]), before[1]) == (6, 6)
    # Nobody but background work looks through conversations.
    for roles in ({Role.EMPLOYEE}, {Role.OWNER}, {Role.HR}):
        curious = Principal(tenant_id=tenant, user_id=asker.user_id, person_id=None, roles=frozenset(roles))
        async with database.transaction(curious) as session:
            assert await forget_lost_quotes(session, after_id=0, batch=2) is None
    job = JobContext(
        principal=system_principal(tenant), database=database, settings=make_settings(), attempt=1
    )
    # Three answers are more than one batch; each lost a sentence and a citation.
    for forgotten in (6, 0):
        assert await forget_all_quotes(job, batch=2) == forgotten
        assert await kept(past_walls, tenant) == ([f"文書 {stays} より"] * 3, 3)
    assert await kept(past_walls, other) == ([f"文書 {there} より"], 1)


async def test_a_deletion_touches_no_other_tenant(
    database: Database,
    tenant: TenantId,
    make_tenant: MakeTenant,
    make_user: MakeUser,
    past_walls: psycopg.AsyncConnection[Any],
) -> None:
    other = await make_tenant()
    document = await shelve(database, tenant, LEAVE)
    somebody = await make_user(Role.EMPLOYEE, tenant_id=other)
    neighbour = Principal(
        tenant_id=other, user_id=somebody.id, person_id=None, roles=frozenset({Role.EMPLOYEE})
    )
    own = await shelve(database, other, TRAVEL)
    async with database.transaction(neighbour) as session:
        await write_answer(session, own)
        # A number of another tenant's document is none here, as if there were no such document.
        await session.execute(
            text(
                "INSERT INTO app.answer_sentence (answer_id, ordinal, body, is_supported, document_ids)"
                " SELECT max(id), 5, 'x', true, :ids FROM app.answer"
            ),
            {"ids": [document]},
        )
    assert await kept(past_walls, other) == ([f"文書 {own} より"], 1)
    async with past_walls.transaction():
        await past_walls.execute("SET LOCAL session_replication_role = replica")
        await past_walls.execute(
            "UPDATE app.answer_sentence SET document_ids = %s WHERE tenant_id = %s", ([document], other)
        )
    await take_away(database, tenant, document, "deleted_at = now()")
    assert await kept(past_walls, other) == ([f"文書 {own} より"], 1)
