"""Questions about people: typed queries under the asker's own rights, never more than they may see."""

from __future__ import annotations

from datetime import date

import pytest
from fastapi import FastAPI

from hrx.app.assistant.asking_people.intents import Kind
from hrx.app.assistant.asking_people.recognising import recognise
from hrx.app.people.employees.queries.units import Unit, UnitTree
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Role, TenantId
from tests.app.assistant.asking import ask
from tests.app.assistant.shelf import LEAVE, shelve
from tests.app.conftest import SignIn
from tests.app.people.company import Company

pytestmark = pytest.mark.req("R2-6")
TODAY = date(2026, 11, 27)
TREE = UnitTree(
    [
        Unit(id=1, code="1", name_ja="本社", name_en="Head Office", parent_id=None, kind="x", head_id=None),
        Unit(id=2, code="2", name_ja="営業部", name_en="Sales", parent_id=1, kind="x", head_id=None),
        Unit(id=3, code="3", name_ja="大阪支店", name_en="Osaka Branch", parent_id=1, kind="x", head_id=None),
        Unit(
            id=4, code="4", name_ja="大阪営業部", name_en="Osaka Sales", parent_id=3, kind="x", head_id=None
        ),
    ]
)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("大阪でPythonができる人は誰ですか?", Kind.SKILLED, {"unit_ids": (3, 4), "skill": "python"}),
        ("Who in Osaka can do bookkeeping?", Kind.SKILLED, {"unit_ids": (3, 4), "skill": "bookkeeping"}),
        ("簿記の資格を持つ人は?", Kind.SKILLED, {"unit_ids": (), "skill": "簿記"}),
        (
            "２０２４年に入社したのは何人?",
            Kind.JOINED,
            {"since": date(2024, 1, 1), "until": date(2024, 12, 31)},
        ),
        ("How many people joined in April 2024?", Kind.JOINED, {"since": date(2024, 4, 1)}),
        (
            "昨年度に退職した人は何人ですか",
            Kind.LEFT,
            {"since": date(2025, 4, 1), "until": date(2026, 3, 31)},
        ),
        ("令和5年に入社した社員の一覧", Kind.JOINED, {"since": date(2023, 1, 1)}),
        ("営業部の部長は誰ですか", Kind.HEAD, {"unit_ids": (2,)}),
        ("who leads Osaka Sales?", Kind.HEAD, {"unit_ids": (4,)}),
        ("2024年4月1日時点で営業部は何人ですか", Kind.STAFF, {"unit_ids": (2,), "on": date(2024, 4, 1)}),
        ("How many employees do we have?", Kind.STAFF, {"unit_ids": ()}),
        ("大阪営業部には誰がいますか", Kind.STAFF, {"unit_ids": (4,)}),
    ],
)
def test_a_question_about_people_is_recognised(text: str, kind: Kind, expected: dict[str, object]) -> None:
    found = recognise(text, tree=TREE, today=TODAY, on=None)
    assert found is not None
    assert found.kind is kind
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    "text",
    [
        "年次有給休暇は何日もらえますか",
        "育児休業の申請は誰に出しますか",
        "営業部の旅費の上限は",
        "面接官は何人必要ですか",
        "2024年に入社した人の有給休暇は何日?",
        "Who approves my leave?",
        "who can I contact about benefits?",
        "How many days of leave do I get in 2024?",
        "'; DROP TABLE app.person; -- 何人",
    ],
)
def test_a_question_for_the_rules_is_left_to_the_documents(text: str) -> None:
    assert recognise(text, tree=TREE, today=TODAY, on=None) is None


async def test_who_may_not_be_seen_is_not_counted(
    app: FastAPI, database: Database, tenant: TenantId, sign_in: SignIn
) -> None:
    company = Company(database=database, tenant_id=tenant)
    office = await company.unit("本社")
    branch = await company.unit("大阪支店", parent_id=office)
    head = await company.hire(office, hired_on=date(2015, 4, 1))
    one = await company.hire(branch, hired_on=date(2024, 4, 1), manager_id=head)
    other = await company.hire(branch, hired_on=date(2024, 7, 1), manager_id=head)
    for person, skill in (
        (one, "日商簿記検定2級の資格を取得。月次決算を担当した。"),
        (other, "Pythonで分析を担当。"),
    ):
        await shelve(
            database, tenant, skill, kind="resume", audience="person", person_id=person, title="職務経歴書"
        )
    hr, manager = await sign_in(Role.HR), await sign_in(Role.MANAGER, person_id=head)
    colleague = await sign_in(Role.EMPLOYEE, person_id=other)
    joined = "2024年に入社したのは何人?"
    assert (await ask(hr, joined)).only("people")["total"] == 2
    heard = await ask(hr, "大阪で簿記ができる人は誰ですか")
    assert [found["id"] for found in heard.only("people")["items"]] == [one]
    assert "簿記" in heard.only("citation")["quote"]
    assert "閲覧できる" in heard.all("sentence")[0]["text"]
    # The manager sees the line's résumés, the colleague their own alone.
    assert (await ask(manager, "大阪で簿記ができる人は誰ですか")).only("people")["total"] == 1
    heard = await ask(colleague, "簿記ができる人は誰ですか")
    assert (heard.only("people")["total"], heard.all("citation")) == (0, [])
    assert "日商" not in heard.everything


async def test_an_answer_about_people_is_asked_again_when_it_is_shown(
    database: Database, tenant: TenantId, sign_in: SignIn
) -> None:
    company = Company(database=database, tenant_id=tenant)
    sales = await company.unit("営業部")
    first = await company.hire(sales, hired_on=date(2020, 4, 1))
    hr = await sign_in(Role.HR)
    heard = await ask(hr, "営業部は何人ですか", on="2023-04-01")
    assert (heard.only("people")["total"], heard.only("people")["as_of"]) == (1, "2023-04-01")
    await company.hire(sales, hired_on=date(2022, 4, 1))
    path = f"/assistant/conversations/{heard.only('meta')['conversation_id']}"
    [kept] = (await hr.get(path)).json()["answers"]
    assert (kept["mode"], kept["people"]["total"]) == ("people", 2)
    assert first in [found["id"] for found in kept["people"]["items"]]


async def test_what_is_no_skill_of_anybodys_is_looked_for_in_the_documents(
    database: Database, tenant: TenantId, sign_in: SignIn
) -> None:
    await shelve(database, tenant, LEAVE, "テレワークができる社員は、入社後6か月を経過した者とする。")
    browser = await sign_in(Role.EMPLOYEE)
    heard = await ask(browser, "テレワークができる社員は?")
    assert heard.only("done")["mode"] == "quotes"
    assert "6か月を経過" in heard.text
