"""From a file to people: what is created, changed, kept, refused; all of it or nothing."""

from __future__ import annotations

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
