"""People into files: what comes out goes back in unchanged, and nobody exports more than they may see."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from hrx.app.platform.tenancy import Role
from tests.app.clients import Browser
from tests.app.conftest import MakeUser, SignIn
from tests.app.data.conftest import Facts, Importer, csv_bytes

pytestmark = pytest.mark.req("R2-2")

COMPANY = csv_bytes(
    "社員番号,氏名,フリガナ,メール,部署,役職,上長,入社日,適用日,主務・兼務,等級,稼働率,生年月日,性別,番地,雇用形態",
    "00001,髙橋 美咲,タカハシ ミサキ,m@example.co.jp,本社,社長,,2010/4/1,,主務,,,S45.3.2,女,1-2-3,役員",
    "00002,﨑山 健,サキヤマ ケン,k@example.co.jp,本社/営業部,課長,00001,2015/4/1,,主務,G5,,H1.1.8,男,,正社員",
    "00002,,,,本社/製造部,部長,,2015/4/1,2020/4/1,,,,,,,",
    "00002,,,,本社/営業部,主査,00001,2015/4/1,2021/4/1,兼務,,0.2,,,,",
    "00003,𠮷田 悠,ヨシダ ハルカ,,本社/営業部,,00002,2018/10/1,,,G2,50%,,,=1+1,パート",
)


async def export(browser: Browser, kind: str = "csv", **params: Any) -> bytes:
    answer = await browser.get(f"/exports/people.{kind}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.content


def table(content: bytes, *, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(encoding), newline="")))


async def test_what_is_exported_imports_as_unchanged(importer: Importer, facts: Facts) -> None:
    await importer.load(COMPANY)
    before = await facts.one("SELECT count(*), max(id) FROM app.assignment")
    for kind, params in (
        ("csv", {}),
        ("csv", {"encoding": "utf-8", "scope": "history"}),
        ("csv", {"encoding": "cp932", "unencodable": "plain"}),
        ("xlsx", {}),
        ("xlsx", {"scope": "history"}),
    ):
        content = await export(importer.browser, kind, **params)
        done = await importer.check(content, name=f"people.{kind}", creates=False)
        rows = await importer.rows(done["id"], only="warnings")
        if "unencodable" in params:
            # 𠮷 became 吉, and that is said as a change rather than lost.
            assert done["counts"] == {"create": 0, "update": 1, "unchanged": 3, "error": 0}
            continue
        expected = 5 if params.get("scope") == "history" else 4
        assert done["counts"] == {"create": 0, "update": 0, "unchanged": expected, "error": 0}, rows
        done = await importer.commit(done["id"])
        assert done["state"] == "committed"
    assert await facts.one("SELECT count(*), max(id) FROM app.assignment") == before


async def test_an_export_shows_the_day_that_is_asked_about(importer: Importer) -> None:
    await importer.load(COMPANY)
    then = table(await export(importer.browser, as_of="2016-01-01"))
    assert [(row["社員番号"], row["部署"], row["役職"]) for row in then] == [
        ("00001", "本社", "社長"),
        ("00002", "本社/営業部", "課長"),
    ]
    now = table(await export(importer.browser))
    assert [(row["社員番号"], row["主務・兼務"], row["部署"]) for row in now] == [
        ("00001", "主務", "本社"),
        ("00002", "主務", "本社/製造部"),
        ("00002", "兼務", "本社/営業部"),
        ("00003", "主務", "本社/営業部"),
    ]


async def test_an_export_as_known_before_the_import_is_empty(importer: Importer, facts: Facts) -> None:
    moment = (await facts.one("SELECT now()")).isoformat()
    await importer.load(COMPANY)
    assert table(await export(importer.browser, as_known=moment)) == []


async def test_formulas_are_made_harmless_in_csv_and_stay_text_in_workbooks(importer: Importer) -> None:
    await importer.load(COMPANY)
    row = table(await export(importer.browser))[3]
    assert row["番地"] == "'=1+1"
    # A quoted cell does not fall apart where ; or a tab separates: its second half could be a formula.
    content = (await export(importer.browser)).decode("utf-8-sig")
    assert all(line.startswith('"') and line.endswith('"') for line in content.splitlines())
    book = CalamineWorkbook.from_object(io.BytesIO(await export(importer.browser, "xlsx")))
    grid = book.get_sheet_by_index(0).to_python()
    assert "=1+1" in [str(cell) for cell in grid[4]]


async def test_characters_that_cp932_lacks_are_reported_not_lost(importer: Importer) -> None:
    await importer.load(COMPANY)
    answer = await importer.browser.get("/exports/people.csv", params={"encoding": "cp932"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "export.unencodable"
    assert "00003" in answer.json()["errors"][0]["message"]
    assert "𠮷" in answer.json()["detail"]
    geta = await importer.browser.get(
        "/exports/people.csv", params={"encoding": "cp932", "unencodable": "geta"}
    )
    assert geta.headers["X-HRX-Replaced-Characters"] == "1"
    assert [row["姓"] for row in table(geta.content, encoding="cp932")] == ["髙橋", "﨑山", "﨑山", "〓田"]


async def test_a_manager_exports_no_more_than_they_may_see(
    importer: Importer, facts: Facts, sign_in: SignIn, make_user: MakeUser
) -> None:
    await importer.load(COMPANY)
    person_id = await facts.one("SELECT id FROM app.person WHERE employee_number = '00002'")
    user = await make_user(Role.MANAGER, person_id=person_id)
    rows = {row["社員番号"]: row for row in table(await export(await sign_in(user=user)))}
    assert rows["00003"]["等級"] == "G2", "somebody in their line"
    assert rows["00003"]["番地"] == "", "private fields are for HR"
    assert rows["00001"]["入社日"] == "", "their own manager's employment is not theirs to see"
    assert rows["00001"]["生年月日"] == ""
    assert rows["00002"]["生年月日"] == "1989-01-08", "their own record"
    past = (date.today() - timedelta(days=3000)).isoformat()  # noqa: DTZ011
    old = await (await sign_in(user=user)).get("/exports/people.csv", params={"as_of": past})
    assert "00001" not in old.text


@pytest.mark.parametrize("role", [Role.EMPLOYEE])
async def test_an_employee_exports_nothing(sign_in: SignIn, role: Role) -> None:
    answer = await (await sign_in(role)).get("/exports/people.csv")
    assert answer.status_code == 403


async def test_exports_are_audited_without_personal_values(importer: Importer, facts: Facts) -> None:
    await importer.load(COMPANY)
    await export(importer.browser)
    details = await facts.one("SELECT details FROM app.audit_entry WHERE action = 'people.exported'")
    assert details["rows"] == 4
    assert "髙橋" not in str(details)
