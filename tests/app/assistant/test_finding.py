"""Passages are found by the words of a question, and only those that its asker may read on that day."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.retrieval.finding import Found, QuestionTooLong, find_passages
from hrx.app.assistant.retrieval.retriever import Retriever
from hrx.app.platform.db import fetch_dicts
from hrx.app.platform.search_index import remove_document
from hrx.app.platform.tenancy import PersonId, Principal, Role, system_principal
from hrx.kit.search.encoders.places import find_revision
from tests.app.assistant.library import Library, Shelved
from tests.conftest import MakeTenant

pytestmark = pytest.mark.req("R2-6")
RETRIEVER = Retriever()
LEAVE = "年次有給休暇は、入社の日から六か月を経過した者に10日を付与する。"
TRAVEL = "出張の旅費は、実費を支給する。宿泊費は一泊12,000円を上限とする。"
REMOTE = "Remote work needs the approval of the line manager, three days a week at most."


async def find(
    library: Library, question: str, *, roles: tuple[Role, ...] = (Role.EMPLOYEE,), on: date | None = None
) -> Found:
    asker = Principal(
        tenant_id=library.tenant_id, user_id=None, person_id=PersonId(1), roles=frozenset(roles)
    )
    async with library.database.transaction(asker) as session:
        return await find_passages(session, question, on=on, retriever=RETRIEVER)


async def name_as_reader(library: Library, *shelved: Shelved) -> Principal:
    """An employee of today whom the documents name."""
    async with library.database.transaction(system_principal(library.tenant_id)) as session:
        [person] = await fetch_dicts(
            session,
            "INSERT INTO app.person"
            " (employee_number, family_latin, search_text, search_grams, kana_key, employed)"
            " VALUES ('1', 'x', '', '', '', datemultirange(daterange('2000-01-01', NULL))) RETURNING id",
            {},
        )
        await session.execute(
            text(
                "INSERT INTO app.document_reader (document_id, person_id)"
                " SELECT d.id, :person FROM unnest(CAST(:documents AS bigint[])) AS d (id)"
            ),
            {"person": person["id"], "documents": [one.document_id for one in shelved]},
        )
    return Principal(
        tenant_id=library.tenant_id,
        user_id=None,
        person_id=PersonId(person["id"]),
        roles=frozenset({Role.EMPLOYEE}),
    )


async def count_looks(session: AsyncSession) -> dict[str, int]:
    """How often this transaction has looked into the tables that policies ask, so far."""
    rows = await fetch_dicts(
        session,
        "SELECT relname, coalesce(seq_scan, 0) + coalesce(idx_scan, 0) AS looks"
        " FROM pg_stat_xact_user_tables WHERE relname IN ('person', 'document_reader')",
        {},
    )
    return {row["relname"]: row["looks"] for row in rows}


async def test_each_language_finds_its_own_and_what_they_share(library: Library) -> None:
    ja = await library.shelve(LEAVE, TRAVEL, "育児休業は子が一歳に達するまで取得できる。VPNを使うこと。")
    en = await library.shelve(REMOTE, "The VPN is required outside the office.", title="Handbook")
    assert (await find(library, "有給休暇は何日もらえますか")).passages[0].id == ja.passages[0]
    assert (await find(library, "ホテル代はいくらまで出ますか")).passages[0].id == ja.passages[1]
    assert (await find(library, "How many days may I work remotely?")).passages[0].id == en.passages[0]
    shared = await find(library, "ＶＰＮ")
    assert {one.id for one in shared.passages} >= {ja.passages[2], en.passages[1]}
    assert (shared.searched_documents, shared.searched_passages) == (2, 5)


async def test_what_was_found_says_where_it_stands(library: Library) -> None:
    shelved = await library.shelve(LEAVE, until=date(2090, 1, 1))
    [one] = (await find(library, "年次有給休暇")).passages
    assert (one.document_id, one.version_id, one.title, one.headings) == (
        shelved.document_id,
        shelved.version_id,
        "就業規則",
        ("就業規則",),
    )
    assert (one.body, one.start_char, one.end_char) == (LEAVE, 0, len(LEAVE))
    assert (one.effective_from, one.effective_to) == (date(2020, 1, 1), date(2090, 1, 1))
    assert one.score == pytest.approx(1.0)


async def test_words_of_personnel_work_find_their_synonyms(library: Library) -> None:
    shelved = await library.shelve(LEAVE, TRAVEL, "賞与は六月と十二月に支給する。")
    for question, place in (("有休って何日?", 0), ("ボーナスはいつ", 2), ("paid leave", 0)):
        assert (await find(library, question)).passages[0].id == shelved.passages[place], question


async def test_the_day_decides_which_version_is_found(library: Library) -> None:
    old = await library.shelve(LEAVE, since=date(2020, 4, 1), until=date(2024, 4, 1))
    new = await library.shelve(LEAVE, since=date(2024, 4, 1))
    for day, expected in ((date(2021, 1, 1), old), (date(2024, 3, 31), old), (date(2024, 4, 1), new)):
        found = await find(library, "年次有給休暇", on=day)
        assert [one.version_id for one in found.passages] == [expected.version_id]
    assert (await find(library, "年次有給休暇", on=date(2019, 1, 1))).passages == ()


async def test_deleted_unready_and_forbidden_documents_do_not_answer_nor_count(library: Library) -> None:
    deleted = await library.shelve(LEAVE)
    await library.shelve(LEAVE, state="reading")
    secret = await library.shelve(LEAVE, audience="hr")
    await library.delete(deleted)
    nothing = await find(library, "年次有給休暇")
    assert (nothing.passages, nothing.searched_documents, nothing.searched_passages) == ((), 0, 0)
    found = await find(library, "年次有給休暇", roles=(Role.HR,))
    assert [one.id for one in found.passages] == list(secret.passages)


async def test_passages_that_may_not_be_read_take_no_place_from_those_that_may(library: Library) -> None:
    mine = await library.shelve(LEAVE, TRAVEL, "休暇の申請は所属長に行う。")
    other = await library.shelve(*(f"休暇の申請 {n}" for n in range(600)), audience="hr")
    found = await find(library, "休暇の申請")
    assert {one.id for one in found.passages} <= set(mine.passages)
    assert found.passages[0].id == mine.passages[2]
    assert (found.searched_documents, found.searched_passages) == (1, 3)
    async with library.database.transaction(system_principal(library.tenant_id)) as session:
        await remove_document(session, other.document_id)
    assert [one.id for one in (await find(library, "休暇の申請")).passages] == [
        one.id for one in found.passages
    ]


async def test_who_may_read_is_asked_three_times_and_who_is_employed_no_oftener_than_that(
    library: Library,
) -> None:
    """Once for the documents, once for versions and passages each, however many name the asker."""
    chosen = [await library.shelve(LEAVE, audience="chosen") for _ in range(40)]
    asker = await name_as_reader(library, *chosen)
    async with library.database.transaction(asker) as session:
        before = await count_looks(session)
        found = await find_passages(session, "年次有給休暇", retriever=RETRIEVER)
        after = await count_looks(session)
    assert (found.searched_documents, len(found.passages)) == (40, 8)
    assert after["document_reader"] - before["document_reader"] == 3
    # Twice in each: for the rows that name the person, and for the units in which the person stands.
    assert 0 < after["person"] - before["person"] <= 6


async def test_a_word_that_no_passage_holds_is_found_by_its_letters(library: Library) -> None:
    await library.shelve(*(f"第{n}条 この規則に定めのない事項" for n in range(520)))
    spelled = await library.shelve("ゆうきゅうきゅうかのもうしこみ")
    found = await find(library, "ゆうきゅう")
    assert found.passages[0].id == spelled.passages[0]
    assert "grams" in found.legs


@pytest.mark.parametrize(
    "question",
    ["", "   \n", "🎉🎉", "!?。、…", "%_'\";--", "{1:2}/3", "\x00", "ﷺ", "の" * 4_000, "Ａ" * 4_000],
)
async def test_questions_without_a_word_or_of_nothing_else_are_answered_soundly(
    library: Library, question: str
) -> None:
    await library.shelve(LEAVE, TRAVEL, REMOTE)
    found = await find(library, question)
    assert found.searched_documents == 1
    assert len(found.passages) <= 3


async def test_what_is_too_long_for_a_question_is_refused_with_the_limit(library: Library) -> None:
    with pytest.raises(QuestionTooLong, match="100,000"):
        await find(library, "あ" * 100_000)


async def test_another_tenant_finds_nothing(library: Library, make_tenant: MakeTenant) -> None:
    await library.shelve(LEAVE)
    other = Library(database=library.database, tenant_id=await make_tenant())
    found = await find(other, "年次有給休暇", roles=(Role.OWNER,))
    assert (found.passages, found.searched_documents) == ((), 0)


async def test_english_is_found_by_meaning_where_the_encoder_is_installed(library: Library) -> None:
    shelved = await library.shelve(
        "Purchases are refunded within ten days.",
        "Employees who fall ill inform their manager before nine o'clock.",
        "The office closes at six in the evening.",
        title="Handbook",
    )
    found = await find(library, "What must I do when I am sick?")
    if find_revision() is None:
        assert "dense" not in found.legs
    else:
        assert found.passages[0].id == shelved.passages[1]
        assert "dense" in found.legs
