"""Answers without a model, and what is kept of any answer."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from hrx.app.assistant.conversations.actions import clear_conversations
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Role, TenantId, system_principal
from tests.app.assistant.asking import ask
from tests.app.assistant.shelf import CONDOLENCE, LEAVE, TRAVEL, shelve, take_away
from tests.app.conftest import SignIn

pytestmark = pytest.mark.req("R2-6")


async def test_without_a_model_the_documents_are_quoted_and_that_is_said(
    database: Database, tenant: TenantId, sign_in: SignIn
) -> None:
    document = await shelve(database, tenant, CONDOLENCE, LEAVE, TRAVEL)
    browser = await sign_in(Role.EMPLOYEE)
    heard = await ask(browser, "年次有給休暇は何日ですか")
    meta, done = heard.only("meta"), heard.only("done")
    assert (meta["mode"], done["mode"], done["reason"]) == ("quotes", "quotes", "gateway.not_configured")
    assert "引用" in done["message"]
    assert meta["searched_documents"] == 1
    assert "10日の年次有給休暇を与える" in heard.all("sentence")[0]["text"]
    citation = heard.all("citation")[0]
    assert (citation["document_id"], citation["number"], citation["page"]) == (document, 1, 1)
    whole = "\n".join((CONDOLENCE, LEAVE, TRAVEL))
    assert whole[citation["start_char"] : citation["end_char"]] == LEAVE
    assert whole[citation["quote_start"] : citation["quote_end"]] == citation["quote"]
    assert heard.names.index("citation") < heard.names.index("sentence")


async def test_what_no_document_answers_is_said_not_to_be_found(
    database: Database, tenant: TenantId, sign_in: SignIn
) -> None:
    await shelve(database, tenant, CONDOLENCE, LEAVE, TRAVEL)
    browser = await sign_in(Role.EMPLOYEE)
    for question in ("社用車の駐車場はどこですか", "What is the wifi password of the Nagoya office?"):
        heard = await ask(browser, question)
        assert (heard.only("done")["mode"], heard.all("citation")) == ("not_found", []), heard.everything
        assert "1" in heard.only("sentence")["text"]


async def test_a_document_that_is_not_the_askers_does_not_exist_for_the_answer(
    database: Database, tenant: TenantId, sign_in: SignIn
) -> None:
    await shelve(database, tenant, LEAVE, audience="hr")
    employee, hr = await sign_in(Role.EMPLOYEE), await sign_in(Role.HR)
    assert (await ask(employee, "年次有給休暇は何日ですか")).only("done")["mode"] == "not_found"
    assert (await ask(hr, "年次有給休暇は何日ですか")).only("done")["mode"] == "quotes"


async def test_a_short_question_is_understood_by_the_one_before(
    database: Database, tenant: TenantId, sign_in: SignIn
) -> None:
    await shelve(database, tenant, CONDOLENCE, LEAVE, TRAVEL)
    browser = await sign_in(Role.EMPLOYEE)
    first = await ask(browser, "年次有給休暇は何日ですか")
    conversation = first.only("meta")["conversation_id"]
    heard = await ask(browser, "それはいつ消滅しますか", conversation_id=conversation)
    assert "2年間" in heard.text
    assert heard.only("meta")["conversation_id"] == conversation


@pytest.mark.parametrize(
    "change", ["deleted_at = now()", "audience = 'hr'"], ids=["deleted", "not theirs any more"]
)
async def test_what_may_not_be_seen_any_more_is_gone_from_the_conversation(
    database: Database, tenant: TenantId, sign_in: SignIn, change: str
) -> None:
    document = await shelve(database, tenant, LEAVE)
    browser = await sign_in(Role.EMPLOYEE)
    heard = await ask(browser, "年次有給休暇は何日ですか")
    path = f"/assistant/conversations/{heard.only('meta')['conversation_id']}"
    [before] = (await browser.get(path)).json()["answers"]
    assert (before["citations"][0]["quote"], before["hidden"]) == (heard.all("citation")[0]["quote"], 0)
    assert [one["text"] for one in before["sentences"]] == [one["text"] for one in heard.all("sentence")]
    await take_away(database, tenant, document, change)
    answer = await browser.get(path)
    [after] = answer.json()["answers"]
    assert (after["citations"], after["sentences"]) == ([], [])
    assert after["hidden"] >= 1
    assert "10日" not in answer.text


async def test_a_conversation_is_its_users_alone_and_auditors_are_told_counts(
    database: Database, tenant: TenantId, sign_in: SignIn
) -> None:
    await shelve(database, tenant, LEAVE)
    asker = await sign_in(Role.EMPLOYEE)
    meta = (await ask(asker, "年次有給休暇は何日ですか")).only("meta")
    path = f"/assistant/conversations/{meta['conversation_id']}"
    verdict = {"verdict": "up", "reason": "助かりました"}
    feedback = f"/assistant/answers/{meta['answer_id']}/feedback"
    for role in (Role.OWNER, Role.HR, Role.AUDITOR, Role.MANAGER):
        other = await sign_in(role)
        assert (await other.get("/assistant/conversations")).json()["items"] == []
        for answer in (await other.get(path), await other.delete(path), await other.post(feedback, verdict)):
            assert answer.status_code == 404, answer.text
        question = {"question": "続き", "conversation_id": meta["conversation_id"]}
        assert (await other.post("/assistant/questions", question)).status_code == 404
    assert (await asker.post(feedback, verdict)).status_code == 204
    days = {"since": "2020-01-01", "until": "2199-01-01"}
    auditor = await sign_in(Role.AUDITOR)
    counts = await auditor.get("/assistant/counts", params=days)
    assert counts.json()["items"] == [{"mode": "quotes", "answers": 1, "interrupted": 0, "up": 1, "down": 0}]
    assert "有給" not in counts.text
    assert (await asker.get("/assistant/counts", params=days)).status_code == 403
    trail = await auditor.get("/audit", params={"action": "assistant.asked"})
    assert "assistant.asked" in trail.text
    assert "有給" not in trail.text
    assert (await asker.delete(path)).status_code == 204
    assert (await asker.get(path)).status_code == 404


async def test_conversations_end_after_the_days_that_the_owner_set(
    database: Database, tenant: TenantId, sign_in: SignIn
) -> None:
    await shelve(database, tenant, LEAVE)
    owner = await sign_in(Role.OWNER)
    old = (await ask(owner, "年次有給休暇は何日ですか")).only("meta")["conversation_id"]
    new = (await ask(owner, "年次有給休暇は何日ですか")).only("meta")["conversation_id"]
    assert (await owner.get("/assistant/retention")).json() == {"days": 90}
    assert (await owner.put("/assistant/retention", {"days": 30})).json() == {"days": 30}
    assert owner.user is not None
    hr = await sign_in(Role.HR)
    assert (await hr.put("/assistant/retention", {"days": 1})).status_code == 403
    async with database.transaction(system_principal(tenant)) as session:
        assert await clear_conversations(session) == 0
    await _age(database, tenant, owner.user.id, old, days=31)
    async with database.transaction(system_principal(tenant)) as session:
        assert await clear_conversations(session) == 1
    kept = (await owner.get("/assistant/conversations")).json()["items"]
    assert [one["id"] for one in kept] == [new]


async def _age(database: Database, tenant: TenantId, user_id: int, conversation: int, *, days: int) -> None:
    from hrx.app.platform.tenancy import Principal, UserId

    owner = Principal(
        tenant_id=tenant, user_id=UserId(user_id), person_id=None, roles=frozenset({Role.OWNER})
    )
    async with database.transaction(owner) as session:
        await session.execute(
            text(
                "UPDATE app.conversation SET last_asked_at = now() - make_interval(days => :d) WHERE id = :id"
            ),
            {"d": days, "id": conversation},
        )


@pytest.mark.parametrize("question", ["", "   ", "？！", "あ" * 2001, "a\u202eb", "x" * 100_000])
async def test_what_is_no_question_is_refused_with_the_field(sign_in: SignIn, question: str) -> None:
    browser = await sign_in(Role.EMPLOYEE)
    answer = await browser.post("/assistant/questions", {"question": question})
    assert answer.status_code in {413, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_conversation_is_shown_page_by_page_from_its_last_answers_back(sign_in: SignIn) -> None:
    browser = await sign_in(Role.EMPLOYEE)
    asked = [f"社用車の駐車場 {number} はどこですか" for number in range(5)]
    conversation = (await ask(browser, asked[0])).only("meta")["conversation_id"]
    for question in asked[1:]:
        await ask(browser, question, conversation_id=conversation)
    path = f"/assistant/conversations/{conversation}"
    pages: list[list[str]] = []
    cursor = None
    while len(pages) < 9:
        # `Any`: what is sent differs in type.
        more: dict[str, Any] = {"cursor": cursor} if cursor else {}
        answer = (await browser.get(path, params={"limit": 2, **more})).json()
        pages.append([one["question"] for one in answer["answers"]])
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert pages == [asked[3:], asked[1:3], asked[:1]]
    assert (await browser.get(path)).json()["next_cursor"] is None
    for wrong in ({"limit": 51}, {"limit": 0}, {"cursor": "x"}):
        assert (await browser.get(path, params=wrong)).status_code == 422, wrong
