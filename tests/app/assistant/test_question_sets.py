"""Question sets: who keeps them, what is refused, files, and questions that people share."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Role, TenantId
from tests.app.assistant.asking import ask
from tests.app.assistant.shelf import CONDOLENCE, LEAVE, TRAVEL, shelve, take_away
from tests.app.clients import Browser
from tests.app.conftest import SignIn

pytestmark = pytest.mark.req("R2-6")
PATH = "/assistant/evaluation"


async def make_set(browser: Browser, name: str = "就業規則", **given: Any) -> int:
    answer = await browser.post(f"{PATH}/sets", {"name": name, **given})
    assert answer.status_code == 201, answer.text
    found: int = answer.json()["id"]
    return found


async def upload(browser: Browser, set_id: int, content: bytes) -> Any:
    return await browser.request("POST", f"{PATH}/sets/{set_id}/import", files={"file": ("q", content)})


async def list_questions(browser: Browser, set_id: int) -> list[dict[str, Any]]:
    answer = await browser.get(f"{PATH}/sets/{set_id}/questions")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_hr_keeps_questions_auditors_read_them_and_nobody_else_sees_any(
    database: Database, tenant: TenantId, sign_in: SignIn
) -> None:
    document = await shelve(database, tenant, LEAVE, TRAVEL)
    hr, auditor, employee = [await sign_in(role) for role in (Role.HR, Role.AUDITOR, Role.EMPLOYEE)]
    set_id = await make_set(hr)
    given = [
        {"question": "有給は何日", "expected": [{"document_id": document, "quote": "10日の年次有給休暇"}]},
        {"question": "Where may I park?", "expects": "not_found"},
    ]
    path = f"{PATH}/sets/{set_id}/questions"
    assert (await hr.post(path, {"questions": given})).status_code == 201
    for reader in (hr, auditor):
        first, second = await list_questions(reader, set_id)
        assert (first["language"], first["expects"], first["source"]) == ("ja", "found", "written")
        assert first["expected"] == [
            {"document_id": document, "title": "就業規則", "quote": "10日の年次有給休暇"}
        ]
        assert (second["language"], second["expects"], second["expected"]) == ("en", "not_found", [])
    for other in (auditor, employee):
        assert (await other.post(path, {"questions": given})).status_code == 403
        assert (await other.delete(f"{PATH}/sets/{set_id}")).status_code == 403
    assert (await employee.get(path)).status_code == 403
    assert (await employee.get(f"{PATH}/runs")).status_code == 403
    trail = await auditor.get("/audit", params={"action": "question_set.filled"})
    assert "question_set.filled" in trail.text
    assert "有給" not in trail.text


async def test_what_cannot_be_asked_is_refused_by_field_and_nothing_is_kept(
    database: Database, tenant: TenantId, sign_in: SignIn
) -> None:
    document = await shelve(database, tenant, LEAVE)
    hr = await sign_in(Role.HR)
    set_id = await make_set(hr)
    given = [
        {"question": "有給は何日", "expected": [{"document_id": document, "quote": "20日の年次有給休暇"}]},
        {"question": "駐車場は", "expects": "not_found", "expected": [{"document_id": document}]},
        {"question": "日当は", "expected": [{"document_id": 2**40}]},
        {"question": "育休は", "expected": []},
        {"question": "有給は何日", "expected": [{"document_id": document}]},
    ]
    answer = await hr.post(f"{PATH}/sets/{set_id}/questions", {"questions": given})
    assert answer.status_code == 422
    fields = {(one["field"], one["code"]) for one in answer.json()["errors"]}
    assert fields == {
        ("questions.0.expected.0.quote", "quote_not_in_document"),
        ("questions.0.question", "question_twice"),
        ("questions.1.expected", "expected_wrong"),
        ("questions.2.expected.0.document_id", "unknown_document"),
        ("questions.3.expected", "expected_wrong"),
        ("questions.4.question", "question_twice"),
    }
    assert await list_questions(hr, set_id) == []
    again = await hr.post(f"{PATH}/sets", {"name": "就業規則"})
    assert (again.status_code, again.json()["code"]) == (409, "question_set_name")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932"])
async def test_a_spreadsheet_of_questions_is_imported_whole_or_not_at_all(
    database: Database, tenant: TenantId, sign_in: SignIn, encoding: str
) -> None:
    document = await shelve(database, tenant, LEAVE, title="休暇規程")
    await shelve(database, tenant, TRAVEL, title="旅費規程")
    await shelve(database, tenant, CONDOLENCE, title="旅費規程")
    hr = await sign_in(Role.HR)
    set_id = await make_set(hr)
    head = "質問,言語,期待,文書,該当箇所\r\n"
    rows = [
        "有給は何日,,,休暇規程,10日の年次有給休暇",
        f"有給は何日,,,{document},2年間で時効",
        "駐車場は,,見つからない,,",
    ]
    wrong = (head + "\r\n".join([*rows, "日当は,,,旅費規程,", "賞与は,,,賞与規程,"])).encode(encoding)
    answer = await upload(hr, set_id, wrong)
    assert answer.status_code == 422
    assert {(one["field"], one["code"]) for one in answer.json()["errors"]} == {
        ("questions.2.expected.0.document", "document_ambiguous"),
        ("questions.3.expected.0.document", "unknown_document"),
    }
    assert await list_questions(hr, set_id) == []
    for _ in range(2):
        answer = await upload(hr, set_id, (head + "\r\n".join(rows)).encode(encoding))
        assert (answer.status_code, answer.json()) == (201, {"questions": 2})
    first, second = await list_questions(hr, set_id)
    assert [one["quote"] for one in first["expected"]] == ["10日の年次有給休暇", "2年間で時効"]
    assert (second["expects"], second["source"]) == ("not_found", "imported")


async def test_json_is_imported_and_what_is_no_file_of_questions_is_refused(
    database: Database, tenant: TenantId, sign_in: SignIn
) -> None:
    await shelve(database, tenant, LEAVE, title="休暇規程")
    hr = await sign_in(Role.HR)
    set_id = await make_set(hr)
    told = [{"question": "有給は何日", "expected": [{"document": "休暇規程", "quote": "10日"}]}]
    answer = await upload(hr, set_id, json.dumps({"questions": told}).encode())
    assert (answer.status_code, answer.json()) == (201, {"questions": 1})
    for content in (b"", b"{", b"[1]", b'{"a": 1}', b"a,b\n1,2\n", b"\xff\xfe\x00", b"question\n\n", b"[]"):
        answer = await upload(hr, set_id, content)
        assert (answer.status_code, answer.json()["code"]) == (422, "evaluation_questions.wrong"), content


async def test_a_question_is_shared_only_by_whoever_asked_it_and_hr_takes_it_over(
    database: Database, tenant: TenantId, sign_in: SignIn
) -> None:
    document = await shelve(database, tenant, CONDOLENCE, LEAVE)
    hr, employee = await sign_in(Role.HR), await sign_in(Role.EMPLOYEE)
    for question, verdict, share in (
        ("年次有給休暇は何日ですか", "up", False),
        ("忌引は何日ですか", "up", True),
        ("社用車の駐車場はどこですか", "down", True),
    ):
        meta = (await ask(employee, question)).only("meta")
        for _ in range(2):
            path = f"/assistant/answers/{meta['answer_id']}/feedback"
            given = {"verdict": verdict, "share": share}
            assert (await employee.post(path, given)).status_code == 204
    found = (await hr.get(f"{PATH}/shared")).json()["items"]
    assert [(one["question"], one["verdict"]) for one in found] == [
        ("忌引は何日ですか", "up"),
        ("社用車の駐車場はどこですか", "down"),
    ]
    assert [one["document_id"] for one in found[0]["expected"]] == [document]
    assert found[1]["expected"] == []
    assert (await employee.get(f"{PATH}/shared")).status_code == 403
    set_id = await make_set(hr)
    path = f"{PATH}/questions/{found[0]['id']}/accept"
    wrong = await hr.post(path, {"set_id": set_id, "expected": []})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "evaluation_questions.wrong")
    taken = {"set_id": set_id, "expected": [{"document_id": document, "quote": "7日とする"}]}
    assert (await employee.post(path, taken)).status_code == 403
    assert (await hr.post(path, taken)).status_code == 204
    assert (await hr.delete(f"{PATH}/questions/{found[1]['id']}")).status_code == 204
    [kept] = await list_questions(hr, set_id)
    assert (kept["source"], kept["expected"][0]["quote"]) == ("feedback", "7日とする")
    assert (await hr.get(f"{PATH}/shared")).json()["items"] == []


async def test_words_of_a_document_that_is_gone_are_gone_from_the_question(
    database: Database, tenant: TenantId, sign_in: SignIn
) -> None:
    document = await shelve(database, tenant, LEAVE)
    hr = await sign_in(Role.HR)
    set_id = await make_set(hr)
    given = {"question": "有給は", "expected": [{"document_id": document, "quote": "2年間で時効"}]}
    await hr.post(f"{PATH}/sets/{set_id}/questions", {"questions": [given]})
    await take_away(database, tenant, document, "deleted_at = now()")
    answer = await hr.get(f"{PATH}/sets/{set_id}/questions")
    assert "時効" not in answer.text
    assert answer.json()["items"][0]["expected"] == []


async def test_a_question_is_changed_in_place_and_in_other_words_is_another(
    database: Database, tenant: TenantId, sign_in: SignIn
) -> None:
    document = await shelve(database, tenant, LEAVE, TRAVEL)
    hr, auditor = await sign_in(Role.HR), await sign_in(Role.AUDITOR)
    set_id = await make_set(hr)
    given = [
        {"question": "有給は何日", "expected": [{"document_id": document}]},
        {"question": "駐車場は", "expects": "not_found"},
    ]
    await hr.post(f"{PATH}/sets/{set_id}/questions", {"questions": given})
    first, second = await list_questions(hr, set_id)
    path = f"{PATH}/questions/{first['id']}"
    expected = [{"document_id": document, "quote": "10日の年次有給休暇"}]
    assert (await auditor.put(path, {"question": "有給は何日", "expected": expected})).status_code == 403
    same = await hr.put(path, {"question": "有給は何日", "expected": expected})
    assert (same.status_code, same.json()["id"]) == (200, first["id"])
    assert same.json()["expected"][0]["quote"] == "10日の年次有給休暇"
    wrong = await hr.put(path, {"question": "有給は何日", "expected": []})
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (422, "expected_wrong")
    twice = await hr.put(path, {"question": "駐車場は", "expects": "not_found"})
    assert (twice.status_code, twice.json()["errors"][0]["code"]) == (422, "question_twice")
    other = await hr.put(path, {"question": "年次有給休暇は何日か", "expected": expected})
    assert other.status_code == 200
    assert other.json()["id"] not in {first["id"], second["id"]}
    assert [one["question"] for one in await list_questions(hr, set_id)] == [
        "駐車場は",
        "年次有給休暇は何日か",
    ]
    assert (await hr.put(path, {"question": "有給は何日", "expected": expected})).status_code == 404
    trail = await auditor.get("/audit", params={"action": "question_set.question_changed"})
    assert len(trail.json()["items"]) == 2
