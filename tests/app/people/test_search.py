"""The directory's search on real rows: everyone is found by every way of writing them, and nobody else is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from hrx.app.people.employees.queries.asked import Asked
from hrx.app.people.employees.queries.directory import Listing, Status, list_people
from hrx.app.people.employees.search import search_grams
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Role, system_principal
from tests.app.conftest import SignIn
from tests.app.people.company import Company
from tests.conftest import MakeTenant

pytestmark = pytest.mark.req("R2-2")

PEOPLE: dict[str, dict[str, Any]] = {
    "shimizu": {
        "family_kanji": "清水",
        "given_kanji": "翔子",
        "family_kana": "シミズ",
        "given_kana": "ショウコ",
        "family_latin": "Shimizu",
        "given_latin": "Shoko",
        "work_email": "s.shimizu@example.co.jp",
        "employee_number": "A-00123",
    },
    "takahashi": {
        "family_kanji": "髙橋",
        "given_kanji": "純一郎",
        "family_kana": "ﾀｶﾊｼ",
        "given_kana": "ジュンイチロウ",
        "family_latin": "",
        "given_latin": "",
        "work_email": "jt@example.co.jp",
        "employee_number": "20456",
    },
    "ono": {
        "family_kanji": "大野",
        "given_kanji": "梅子",
        "family_kana": "オオノ",
        "given_kana": "ウメコ",
        "family_latin": "Ohno",
        "given_latin": "Umeko",
        "work_email": "umeko@example.co.jp",
        "employee_number": "B7",
    },
    "facello": {
        "family_kanji": "",
        "given_kanji": "",
        "family_kana": "",
        "given_kana": "",
        "family_latin": "O'Brien-Façello",
        "given_latin": "Georgi",
        "work_email": "georgi@example.com",
        "employee_number": "10001",
    },
}

CASES = [
    ("清水", {"shimizu"}),
    ("清水翔子", {"shimizu"}),
    ("清水　翔子", {"shimizu"}),
    ("翔子 清水", {"shimizu"}),
    ("清", {"shimizu"}),
    ("しみず", {"shimizu"}),
    ("シミ", {"shimizu"}),
    ("ｼﾐｽﾞ", {"shimizu"}),
    ("みず", {"shimizu"}),
    ("shimizu", {"shimizu"}),
    ("SIMIZU", {"shimizu"}),
    ("shim", {"shimizu"}),
    ("sh", {"shimizu", "takahashi"}),
    ("Shōko", {"shimizu"}),
    ("shouko shimi", {"shimizu"}),
    ("shokoshimizu", {"shimizu"}),
    ("しみz", {"shimizu"}),
    ("a-00123", {"shimizu"}),
    ("Ａ－００１２３", {"shimizu"}),
    ("00123", {"shimizu"}),
    ("s.shimizu@", {"shimizu"}),
    ("EXAMPLE.CO.JP", {"shimizu", "takahashi", "ono"}),
    ("高橋", {"takahashi"}),
    ("髙橋", {"takahashi"}),
    ("たかはし", {"takahashi"}),
    ("takahasi", {"takahashi"}),
    ("junichiro", {"takahashi"}),
    ("zyunitirou", {"takahashi"}),
    ("jun'ichiro", {"takahashi"}),
    ("ono", {"ono"}),
    ("oono", {"ono"}),
    ("ōno", {"ono"}),
    ("umeko", {"ono"}),
    ("ohno umeko", {"ono"}),
    ("b7", {"ono"}),
    ("georgi", {"facello"}),
    ("facello georgi", {"facello"}),
    ("Façello", {"facello"}),
    ("obrien", {"facello"}),
    ("o'brien", {"facello"}),
    ("10001", {"facello"}),
    ("佐", set()),
    ("清水 梅子", set()),
    ("水翔 子清", set()),
    ("%", set()),
    ("_", set()),
    ("'", set()),
    ("\\", set()),
    ("' | 's", set()),
    ("🙂", set()),
]


@pytest.mark.timeout(120)
async def test_everyone_is_found_by_every_way_of_writing_them(company: Company) -> None:
    unit = await company.unit()
    ids = {key: await company.hire(unit, **given) for key, given in PEOPLE.items()}
    names = {person_id: key for key, person_id in ids.items()}
    wrong = {}
    for q, expected in CASES:
        async with company.acting() as session:
            page = await list_people(session, Listing(asked=Asked(), q=q, status=Status.ALL))
        found = {names[card["id"]] for card in page.items}  # type: ignore[index]
        if found != expected or page.total != len(expected):
            wrong[q] = (found, page.total)
    assert wrong == {}


@pytest.mark.parametrize("q", ["\u0000", "a" * 101])
async def test_text_that_cannot_be_searched_is_refused_not_failed(
    sign_in: SignIn, company: Company, q: str
) -> None:
    hr = await sign_in(Role.HR)
    answer = await hr.get("/people", params={"q": q})
    assert answer.status_code == 422 or answer.json()["items"] == []


async def test_a_cursor_of_another_order_or_a_forged_one_is_refused(
    sign_in: SignIn, company: Company
) -> None:
    hr = await sign_in(Role.HR)
    unit = await company.unit()
    for _ in range(3):
        await company.hire(unit)
    cursor = (await hr.get("/people", params={"limit": 1, "sort": "number"})).json()["next_cursor"]
    for bad in ({"sort": "kana", "cursor": cursor}, {"sort": "number", "cursor": cursor[:-3] + "AAA"}):
        answer = await hr.get("/people", params=bad)
        assert answer.status_code == 422
        assert answer.json()["code"] == "cursor.invalid"


@given(
    st.text(
        st.characters(blacklist_characters="\x00", blacklist_categories=["Cs"])
        | st.sampled_from("'\\\n 山a"),
        min_size=1,
        max_size=40,
    ).filter(lambda text: text.strip("\n"))
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_bulk_loads_bring_the_grams_that_the_database_would_make(
    database: Database, folded: str
) -> None:
    async with database.transaction(None) as session:
        assert await session.scalar(
            text("SELECT CAST(:ours AS tsvector) = app.search_grams(:folded)"),
            {"ours": search_grams(folded), "folded": folded},
        )


async def test_grams_follow_the_text_whoever_writes_it(database: Database, make_tenant: MakeTenant) -> None:
    async with database.transaction(system_principal(await make_tenant())) as session:
        await session.execute(
            text(
                "INSERT INTO app.person (employee_number, family_kanji, search_text, kana_key)"
                " VALUES ('1', '佐藤', '佐藤', '佐藤')"
            )
        )
        same = text("SELECT search_grams = app.search_grams(search_text) FROM app.person")
        assert await session.scalar(same)
        await session.execute(text("UPDATE app.person SET search_text = '山田'"))
        assert await session.scalar(same)
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with database.transaction(system_principal(await make_tenant())) as session:
            await session.execute(text("UPDATE app.person SET search_grams = ''"))
