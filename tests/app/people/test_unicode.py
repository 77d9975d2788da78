"""Names and notes of every kind through the API: kept to the character, or refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from hrx.app.platform.tenancy import Role
from tests.app.clients import Browser
from tests.app.conftest import SignIn
from tests.app.people.company import Company

pytestmark = pytest.mark.req("R2-2")


def hire(unit: int, **given: Any) -> dict[str, Any]:
    return {
        "employee_number": "U-1",
        "family_kanji": "佐藤",
        "hired_on": "2020-04-01",
        "org_unit_id": unit,
        **given,
    }


async def shown(hr: Browser, number: str) -> dict[str, Any]:
    cards = (await hr.get("/people", params={"q": number})).json()["items"]
    assert len(cards) == 1, cards
    person: dict[str, Any] = (await hr.get(f"/people/{cards[0]['id']}")).json()
    return person


KEPT = [
    ("𠮷野家", "𠮷野家"),
    ("葛\U000e0100城", "葛\U000e0100城"),
    ("\ufa19谷", "\ufa19谷"),
    ("か\u3099んば", "がんば"),
    ("  髙﨑  ", "髙﨑"),
    ("محمد", "محمد"),
    ("נתן", "נתן"),
    ("あ" * 100, "あ" * 100),
    ("𠮷" * 100, "𠮷" * 100),
    ("'; DROP TABLE app.person; --", "'; DROP TABLE app.person; --"),
    ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ("=HYPERLINK(1)", "=HYPERLINK(1)"),
    ("%_\\", "%_\\"),
]


async def test_names_are_kept_to_the_character(sign_in: SignIn, company: Company) -> None:
    hr = await sign_in(Role.HR)
    unit = await company.unit()
    for at, (typed, kept) in enumerate(KEPT):
        number = f"KEPT{at:03}"
        answer = await hr.post("/people", hire(unit, employee_number=number, family_kanji=typed))
        assert answer.status_code == 201, (typed, answer.text)
        assert (await shown(hr, number))["names"]["family_kanji"] == kept


@pytest.mark.parametrize("locale", ["ja", "en"])
async def test_what_cannot_be_seen_or_stored_is_refused_at_its_field(
    sign_in: SignIn, company: Company, locale: str
) -> None:
    hr = await sign_in(Role.HR, locale=locale)
    unit = await company.unit()
    for hidden in ("\x00", "\n", "\u200b", "\u202e", "\ufeff", "\u2028", "\U000e0041", "\ue000"):
        for field in ("family_kanji", "given_latin", "employee_number", "grade", "reason"):
            if hidden == "\n" and field == "reason":
                continue
            answer = await hr.post("/people", hire(unit, **{field: f"佐{hidden}藤"}))
            assert answer.status_code == 422, (repr(hidden), field)
            (problem,) = answer.json()["errors"]
            assert (problem["field"], problem["code"]) == (field, "text_not_printable")
            assert problem["message"].isascii() is (locale == "en")
    for field, value in (
        ("family_kanji", "あ" * 101),
        ("employee_number", "9" * 51),
        ("reason", "あ" * 2001),
    ):
        answer = await hr.post("/people", hire(unit, **{field: value}))
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert (await hr.get("/people")).json()["total"] == 0


async def test_half_a_character_is_refused_wherever_it_comes(sign_in: SignIn, company: Company) -> None:
    hr = await sign_in(Role.HR)
    unit = await company.unit()
    json = {"Content-Type": "application/json"}
    for raw in (
        b'{"employee_number":"1","family_kanji":"\\ud842","hired_on":"2020-04-01","org_unit_id":%d}' % unit,
        b'{"employee_number":"1","family_kanji":"a","hired_on":"2020-04-01","reason":"\\udfb7","org_unit_id":1}',
        b'{"employee_number":"1","family_kanji":"\xed\xa0\x80","hired_on":"2020-04-01","org_unit_id":1}',
    ):
        answer = await hr.request("POST", "/people", content=raw, headers=json)
        assert answer.status_code in {400, 422}, answer.text
        assert answer.json()["detail"]
    for query in (b"q=%00", b"q=%ED%A0%80", b"q=%F0%A0%AE", b"q=%E2%80%AE", b"q=" + b"%E3%81%82" * 300):
        found = await hr.http.get(b"/api/v1/people?".decode() + query.decode())
        assert found.status_code in {200, 422}, (query, found.text)


async def test_the_same_number_in_full_width_is_the_same_number(sign_in: SignIn, company: Company) -> None:
    hr = await sign_in(Role.HR)
    unit = await company.unit()
    assert (await hr.post("/people", hire(unit, employee_number="A001"))).status_code == 201
    answer = await hr.post("/people", hire(unit, employee_number="Ａ００１"))
    assert (answer.status_code, answer.json()["code"]) == (409, "person_number_is_unique")
    assert answer.json()["detail"] == "この社員番号はすでに使われています。"


async def test_accounts_and_units_refuse_hidden_characters_too(sign_in: SignIn) -> None:
    owner = await sign_in(Role.OWNER, Role.HR)
    for email, name in (("a\u200bb@example.jp", "佐藤"), ("ab@example.jp", "佐\u202e藤")):
        answer = await owner.post("/users", {"email": email, "display_name": name, "roles": ["employee"]})
        assert answer.status_code == 422, answer.text
    unit = {"code": "U1", "name_ja": "営業\u200b部", "effective_on": "2020-04-01"}
    assert (await owner.post("/org-units", unit)).status_code == 422
