"""From a file to people: what is created, changed, kept, refused; all of it or nothing."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest

from tests.app.data.conftest import Facts, Importer, csv_bytes

pytestmark = pytest.mark.req("R2-2")

HEADER = "社員番号,氏名,フリガナ,メール,部署,役職,上長,入社日,適用日"


async def test_new_people_come_with_units_positions_managers_and_history(
    importer: Importer, facts: Facts
) -> None:
    done = await importer.load(
        csv_bytes(
            HEADER,
            "00001,髙橋 美咲,ﾀｶﾊｼ ﾐｻｷ,misaki@example.co.jp,本社,社長,,平成22年4月1日,",
            "00002,﨑山 健,サキヤマ ケン,ken@example.co.jp,本社/営業部,課長,00001,2015/4/1,",
            "00002,﨑山 健,サキヤマ ケン,,本社/製造部,部長,,2015/4/1,H31.4.1",
        )
    )
    assert done["counts"] == {"create": 3, "update": 0, "unchanged": 0, "error": 0}
    assert done["creations"]["units"] == ["本社", "本社/営業部", "本社/製造部"]
    assert await facts.posts("00002") == [
        ("primary", "営業部", "課長", "00001", date(2015, 4, 1), date(2019, 4, 1)),
        ("primary", "製造部", "部長", "00001", date(2019, 4, 1), None),
    ]
    assert await facts.all(
        "SELECT employee_number, family_kanji, given_kana, hired_on FROM app.person ORDER BY 1"
    ) == [("00001", "髙橋", "ミサキ", date(2010, 4, 1)), ("00002", "﨑山", "ケン", date(2015, 4, 1))]


async def test_changes_are_shown_field_by_field_and_reservations_stay(
    importer: Importer, facts: Facts
) -> None:
    await importer.load(
        csv_bytes(
            HEADER,
            "1,佐藤 健,サトウ ケン,a@example.co.jp,本社,主任,,2015-04-01,",
            "1,,,,本社/営業部,課長,,2015-04-01,2099-04-01",
        )
    )
    done = await importer.check(
        csv_bytes("社員番号,氏名,メール,部署,適用日", "1,佐藤 賢,b@example.co.jp,本社/製造部,2024-10-01")
    )
    assert done["counts"] == {"create": 0, "update": 1, "unchanged": 0, "error": 0}
    (row,) = await importer.rows(done["id"], only="changes")
    assert [(change["field"], change["before"], change["after"]) for change in row["changes"]] == [
        ("given_kanji", "健", "賢"),
        ("work_email", "a@example.co.jp", "b@example.co.jp"),
        ("org_unit", "本社", "本社/製造部"),
    ]
    await importer.commit(done["id"])
    assert await facts.posts("1") == [
        ("primary", "本社", "主任", None, date(2015, 4, 1), date(2024, 10, 1)),
        ("primary", "製造部", "主任", None, date(2024, 10, 1), date(2099, 4, 1)),
        ("primary", "営業部", "課長", None, date(2099, 4, 1), None),
    ]
    names = await facts.all(
        "SELECT given_kanji, lower(valid) IS NULL, upper(valid) IS NULL FROM app.person_version"
        " WHERE upper_inf(known) ORDER BY lower(valid) NULLS FIRST"
    )
    assert names == [("健", True, False), ("賢", False, True)]
    closed = await facts.one("SELECT count(*) FROM app.assignment WHERE NOT upper_inf(known)")
    assert closed == 1, "what was known before stays known"


async def test_leaving_coming_back_and_second_posts(importer: Importer, facts: Facts) -> None:
    await importer.load(csv_bytes(HEADER, "1,佐藤 健,,,本社,,,2015-04-01,"))
    await importer.load(csv_bytes("社員番号,退職日", "1,2020-03-31"))
    done = await importer.load(
        csv_bytes(
            "社員番号,部署,役職,入社日,主務・兼務,適用日,適用終了日",
            "1,本社/営業部,課長,2022-04-01,主務,,",
            "1,本社,参与,2022-04-01,兼務,2023-04-01,2024-03-31",
        )
    )
    assert done["counts"]["update"] == 2
    assert await facts.posts("1") == [
        ("primary", "本社", None, None, date(2015, 4, 1), date(2020, 4, 1)),
        ("primary", "営業部", "課長", None, date(2022, 4, 1), None),
        ("concurrent", "本社", "参与", None, date(2023, 4, 1), date(2024, 4, 1)),
    ]
    spells = await facts.all(
        "SELECT lower(employed), upper(employed) FROM app.employment_version"
        " WHERE upper_inf(known) ORDER BY 1"
    )
    assert spells == [
        (date(2015, 4, 1), date(2020, 4, 1)),
        (date(2022, 4, 1), None),
    ]


@pytest.mark.parametrize(
    ("rows", "column", "code"),
    [
        (["1,佐藤 健,,,本社,,,,"], "入社日", "cell.required"),
        (["1,佐藤 健,,,,,,2020-04-01,"], "部署", "cell.required"),
        (["1,,,,本社,,,2020-04-01,"], "氏名", "cell.required"),
        ([",佐藤 健,,,本社,,,2020-04-01,"], "社員番号", "cell.required"),
        (["1,佐藤健,,,本社,,,2020-04-01,"], "氏名", "name.no_space"),
        (["1,佐藤 健,,,本社,,,2020-04-01,2019-04-01"], "適用日", "date.before_hire"),
        (["1,佐藤 健,,,本社,,1,2020-04-01,"], "上長", "manager.self"),
        (["1,佐藤 健,,,本社,,99,2020-04-01,"], "上長", "manager.unknown"),
        (["1,佐藤 健,,,本社,,,2020-04-01,余分,x"], "", "row.too_many_cells"),
        (["1,佐藤 健"], "", "row.too_few_cells"),
        (["1,佐藤 健,,,本社,,,2020-04-01,"] * 2, "", "row.duplicate"),
        (
            ["1,佐藤 健,,,本社,,,2020-04-01,", "1,鈴木 健,,,営業部,,,2020-04-01,2021-04-01"],
            "氏名",
            "row.contradicts",
        ),
        (
            ["1,佐藤 健,,x@example.jp,本社,,,2020-04-01,", "2,鈴木 愛,,x@example.jp,本社,,,2020-04-01,"],
            "メール",
            "email.duplicate_in_file",
        ),
        (
            ["1,佐藤 健,,,本社,,2,2020-04-01,", "2,鈴木 愛,,,本社,,1,2020-04-01,"],
            "上長",
            "manager.cycle",
        ),
        (["1,佐藤 健,,,本社,,,2020-04-01,昨日"], "適用日", "date.unknown"),
    ],
)
async def test_what_is_wrong_is_said_at_its_cell(
    importer: Importer, facts: Facts, rows: list[str], column: str, code: str
) -> None:
    done = await importer.check(csv_bytes(HEADER, *rows))
    errors = [error for row in await importer.rows(done["id"], only="errors") for error in row["errors"]]
    assert (column, code) in [(error["column"], error["code"]) for error in errors]
    assert all(error["message"] for error in errors)
    refused = await importer.browser.post(f"/imports/{done['id']}/commit", {})
    assert refused.status_code == 409
    assert refused.json()["code"] == "import.has_errors"
    assert await facts.one("SELECT count(*) FROM app.person") == 0


async def test_a_cell_that_cannot_be_read_is_not_said_to_be_missing_too(importer: Importer) -> None:
    done = await importer.check(csv_bytes("社員番号,氏名,所属,入社日", "1,佐藤 健,本社,いつか"))
    (row,) = await importer.rows(done["id"], only="errors")
    assert [error["column"] for error in row["errors"]] == ["入社日"]
    assert row["errors"][0]["code"] != "cell.required"


async def test_units_that_do_not_exist_are_errors_unless_they_may_be_created(importer: Importer) -> None:
    file = csv_bytes(HEADER, "1,佐藤 健,,,本社,主任,,2020-04-01,")
    done = await importer.check(file, creates=False)
    (row,) = await importer.rows(done["id"], only="errors")
    assert row["errors"][0]["code"] == "org_unit.unknown"
    assert "2020-04-01" in row["errors"][0]["message"]


async def test_a_name_that_two_units_share_is_never_guessed(importer: Importer) -> None:
    await importer.load(
        csv_bytes(
            HEADER, "1,佐藤 健,,,東日本/総務課,,,2020-04-01,", "2,鈴木 愛,,,西日本/総務課,,,2020-04-01,"
        )
    )
    done = await importer.check(csv_bytes(HEADER, "3,高木 翼,,,総務課,,,2021-04-01,"))
    (row,) = await importer.rows(done["id"], only="errors")
    assert row["errors"][0]["code"] == "org_unit.ambiguous"
    assert "東日本/総務課" in row["errors"][0]["message"]


async def test_rows_with_errors_may_be_left_out_but_only_when_somebody_says_so(
    importer: Importer, facts: Facts
) -> None:
    done = await importer.check(
        csv_bytes(
            HEADER,
            "1,佐藤 健,,,本社,,,2020-04-01,",
            "2,鈴木 愛,,,営業部,,,いつか,",
            "3,高木 翼,,,営業部,,2,2020-04-01,",
            "4,伊藤 凛,,,本社,,1,2020-04-01,",
        )
    )
    assert done["counts"] == {"create": 2, "update": 0, "unchanged": 0, "error": 2}
    codes = [row["errors"][0]["code"] for row in await importer.rows(done["id"], only="errors")]
    assert codes == ["date.unknown", "manager.has_errors"]
    committed = await importer.commit(done["id"], skip_errors=True)
    assert committed["state"] == "committed"
    assert await facts.all("SELECT employee_number FROM app.person ORDER BY 1") == [("1",), ("4",)]
    units = await facts.all("SELECT name_ja FROM app.org_unit_version")
    assert units == [("本社",)], "units of refused rows are not created"


async def test_committing_twice_is_harmless(importer: Importer, facts: Facts) -> None:
    done = await importer.load(csv_bytes(HEADER, "1,佐藤 健,,,本社,,,2020-04-01,"))
    again = await importer.commit(done["id"])
    assert again["state"] == "committed"
    assert again["committed_at"] == done["committed_at"]
    assert await facts.one("SELECT count(*) FROM app.assignment") == 1


async def test_a_change_since_the_check_stops_the_commit(importer: Importer, facts: Facts) -> None:
    await importer.load(csv_bytes(HEADER, "1,佐藤 健,,,本社,,,2020-04-01,"))
    first = await importer.check(csv_bytes("社員番号,部署,適用日", "1,営業部,2021-04-01"))
    second = await importer.check(csv_bytes("社員番号,部署,適用日", "1,製造部,2021-04-01"))
    assert (await importer.commit(first["id"]))["state"] == "committed"
    stopped = await importer.commit(second["id"])
    assert stopped["state"] == "mapped"
    assert stopped["problem"]["code"] == "import.drifted"
    assert "確認" in stopped["problem"]["hint"]
    assert (await facts.posts("1"))[-1][1] == "営業部"
    assert (await importer.recheck(second["id"]))["counts"]["update"] == 1
    assert (await importer.commit(second["id"]))["state"] == "committed"
    assert (await facts.posts("1"))[-1][1] == "製造部"


async def test_every_row_names_the_import_and_every_person_has_an_audit_entry(
    importer: Importer, facts: Facts
) -> None:
    done = await importer.load(csv_bytes(HEADER, "1,佐藤 健,,,本社,,,2020-04-01,"))
    order = await facts.one("SELECT kind, state, reason FROM app.change_order")
    assert order == ("import", "applied", "社員.csv")
    assert await facts.one("SELECT change_order_id = opened_by FROM app.assignment")
    actions = await facts.all(
        "SELECT action, actor_user_id IS NOT NULL FROM app.audit_entry"
        " WHERE action LIKE '%import%' ORDER BY id"
    )
    assert ("person.imported", True) in actions
    assert ("import.committed", True) in actions
    assert done["change_order_id"] is not None


async def test_imported_formulas_stay_text_and_are_flagged(importer: Importer, facts: Facts) -> None:
    done = await importer.load(
        csv_bytes(HEADER + ",番地", '1,佐藤 健,,,本社,,,2020-04-01,,"=HYPERLINK(""x"")"')
    )
    (row,) = await importer.rows(done["id"], only="warnings")
    assert row["errors"][0]["code"] == "cell.formula"
    assert row["errors"][0]["is_warning"]
    assert await facts.one("SELECT line1 FROM app.person_private") == '=HYPERLINK("x")'


async def test_errors_can_be_taken_away_as_a_file(importer: Importer) -> None:
    done = await importer.check(csv_bytes(HEADER, "=1,佐藤 健,,,本社,,,昨日,"))
    answer = await importer.browser.get(f"/imports/{done['id']}/errors.csv")
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert lines[0] == ["行", "列", "値", "内容", "種類"]
    assert lines[1][:3] == ["2", "社員番号", "'=1"]
    assert lines[2][:3] == ["2", "入社日", "昨日"]
    assert lines[2][3].startswith("「昨日」は日付として読めません")
