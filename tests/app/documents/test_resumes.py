"""What a résumé says is proposed with its place, and recorded when a person with the right accepts."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import pytest_asyncio

from hrx.app.people.documents.extracting.effective_days import read_day
from hrx.app.people.documents.extracting.resumes import find_proposals
from hrx.app.platform import jobs
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Role, TenantId
from tests.app.conftest import MakeUser, SignIn
from tests.app.data.conftest import Facts
from tests.app.documents.conftest import Library
from tests.app.people.company import Company

pytestmark = pytest.mark.req("R2-5")

RESUME = """履歴書

ふりがな：さとう けん
氏名：佐藤 健
生年月日：平成2年4月1日生（満34歳）
現住所：〒150-0001 東京都渋谷区神宮前1-2-3
電話：090-1234-5678
E-mail：ken.sato@example.com

学歴
2009年4月 東京工業大学 工学部 入学
2013年3月 東京工業大学 工学部 卒業

職歴
2013年4月 株式会社みなと精機 入社

免許・資格
2015年6月 第二種電気工事士 免許取得
"""
ENGLISH = """Curriculum vitae

Name: Maria Santos
Date of birth: May 3, 1988
Address: 1-2-3 Jingumae, Shibuya, Tokyo
Phone: +81 90-1234-5678
maria@example.com

2006 - 2010 | University of Porto, B.Sc. Physics
2010 - 2016 | Hardware Engineer, Acme Corp
2016 - present | Engineering Manager, Minato K.K.
"""


def test_facts_and_rows_are_proposed_with_their_places_in_both_languages() -> None:
    found = [(each.field, each.value) for each in find_proposals(RESUME)]
    assert found == [
        ("name_kana", "さとう けん"),
        ("name", "佐藤 健"),
        ("birth_on", "平成2年4月1日"),
        ("postal_code", "150-0001"),
        ("address", "東京都渋谷区神宮前1-2-3"),
        ("phone", "090-1234-5678"),
        ("email", "ken.sato@example.com"),
        ("education", "2009年4月 東京工業大学 工学部 入学"),
        ("education", "2013年3月 東京工業大学 工学部 卒業"),
        ("job", "2013年4月 株式会社みなと精機 入社"),
        ("qualification", "2015年6月 第二種電気工事士 免許取得"),
    ]
    english = [(each.field, each.value) for each in find_proposals(ENGLISH)]
    assert ("name", "Maria Santos") in english
    assert ("birth_on", "May 3, 1988") in english
    assert [field for field, _ in english].count("job") == 2
    assert [field for field, _ in english].count("education") == 1
    for text in (RESUME, ENGLISH):
        for each in find_proposals(text):
            assert " ".join(text[each.start : each.end].split()) == each.value


@pytest.mark.parametrize(
    ("raw", "day"),
    [
        ("May 3, 1988", date(1988, 5, 3)),
        ("平成2年4月1日", date(1990, 4, 1)),
        ("Smarch 1, 1990", None),
        ("May 40, 1988", None),
    ],
)
def test_a_day_is_read_as_people_write_it_or_not_at_all(raw: str, day: date | None) -> None:
    assert read_day(raw) == day


@pytest.mark.parametrize(
    "text",
    ["", "規程", "氏名", "氏名：\n電話：\n", "1990年 生活の記録", "2020年4月 晴れ", "住所        \n電話"],
)
def test_text_without_facts_proposes_nothing(text: str) -> None:
    assert find_proposals(text) == []


@pytest_asyncio.fixture
async def resume(
    database: Database, tenant: TenantId, sign_in: SignIn, make_user: MakeUser, queue: jobs.Queue
) -> dict[str, Any]:
    """The résumé of somebody employed, with browsers of HR, of that person, and of a colleague."""
    company = Company(database=database, tenant_id=tenant)
    unit = await company.unit("営業部")
    person, colleague = await company.hire(unit), await company.hire(unit)
    hr = Library(browser=await sign_in(Role.HR), queue=queue)
    document = await hr.add(
        RESUME.encode(), name="履歴書.txt", kind="resume", audience="person", person_id=person
    )
    answer = await hr.browser.get(f"/documents/{document['id']}/proposals")
    return {
        "path": f"/documents/{document['id']}/proposals",
        "person": person,
        "ids": {each["field"]: each["id"] for each in answer.json()["items"]},
        "hr": hr.browser,
        "self": await sign_in(user=await make_user(Role.EMPLOYEE, person_id=person)),
        "colleague": await sign_in(user=await make_user(Role.EMPLOYEE, person_id=colleague)),
    }


async def test_nothing_is_recorded_until_hr_accepts_and_then_only_that(
    resume: dict[str, Any], facts: Facts
) -> None:
    question = "SELECT birth_on, personal_phone FROM app.person_private WHERE person_id = :person"
    before = await facts.all(question, person=resume["person"])
    assert not before or before == [(None, None)]
    accepted = await resume["hr"].post(f"{resume['path']}/{resume['ids']['birth_on']}/accept")
    assert (accepted.status_code, accepted.json()["is_recorded"]) == (200, True), accepted.text
    assert await facts.all(question, person=resume["person"]) == [(date(1990, 4, 1), None)]
    kept = (await resume["hr"].post(f"{resume['path']}/{resume['ids']['education']}/accept")).json()
    assert (kept["state"], kept["is_recorded"], bool(kept["note"])) == ("accepted", False, True)
    again = await resume["hr"].post(f"{resume['path']}/{resume['ids']['birth_on']}/reject")
    assert (again.status_code, again.json()["code"]) == (409, "proposal.decided")
    actions = await facts.all(
        "SELECT action, details FROM app.audit_entry WHERE subject_person_id = :person ORDER BY id",
        person=resume["person"],
    )
    assert {"document.proposal_accepted", "person.private_changed"} <= {action for action, _ in actions}
    assert "1990" not in str(actions)


async def test_the_person_decides_too_but_does_not_write_the_record_and_colleagues_see_nothing(
    resume: dict[str, Any], facts: Facts
) -> None:
    phone = f"{resume['path']}/{resume['ids']['phone']}"
    assert (await resume["colleague"].post(f"{phone}/accept")).status_code == 404
    assert (await resume["colleague"].get(resume["path"])).status_code == 404
    own = (await resume["self"].post(f"{phone}/accept")).json()
    assert (own["state"], own["is_recorded"]) == ("accepted", False)
    rejected = await resume["self"].post(f"{resume['path']}/{resume['ids']['name']}/reject")
    assert rejected.json()["state"] == "rejected"
    phones = await facts.all("SELECT personal_phone FROM app.person_private WHERE personal_phone IS NOT NULL")
    assert phones == []
