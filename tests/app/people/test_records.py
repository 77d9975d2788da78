"""Employees' records through the API: hired, moved, corrected, left, come back; shown at any day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from hrx.app.people.employees.routes.shapes import (
    ChangeOrder,
    ChangeOrderPage,
    History,
    PersonDetail,
    PersonPage,
    Preview,
)
from hrx.app.platform.tenancy import Role
from tests.app.clients import Browser
from tests.app.conftest import SignIn
from tests.app.people.company import Company

pytestmark = pytest.mark.req("R2-2")
HIRE: dict[str, Any] = {
    "employee_number": "A-001",
    "family_kanji": "清水",
    "given_kanji": "翔子",
    "family_kana": "シミズ",
    "given_kana": "ショウコ",
    "family_latin": "Shimizu",
    "given_latin": "Shoko",
    "work_email": "Shoko.Shimizu@example.co.jp",
    "hired_on": "2020-04-01",
    "grade": "G3",
    "reason": "新卒採用",
}


async def _hire(hr: Browser, **given: Any) -> int:
    answer = await hr.post("/people", {**HIRE, **given})
    assert answer.status_code == 201, answer.text
    order = ChangeOrder.model_validate(answer.json())
    assert order.person is not None
    return order.person.id


async def _person(browser: Browser, person_id: int, **params: Any) -> PersonDetail:
    answer = await browser.get(f"/people/{person_id}", params=params)
    assert answer.status_code == 200, answer.text
    return PersonDetail.model_validate_json(answer.content)


async def test_a_hire_shows_the_person_with_names_unit_and_an_applied_order(
    sign_in: SignIn, company: Company
) -> None:
    hr = await sign_in(Role.HR)
    root = await company.unit("本社")
    unit = await company.unit("開発部", parent_id=root)
    person_id = await _hire(hr, org_unit_id=unit)
    found = await _person(hr, person_id)
    assert found.name.display == "清水 翔子"
    assert found.name.latin == "Shoko Shimizu"
    assert found.work_email == "shoko.shimizu@example.co.jp"
    assert found.org_unit is not None
    assert found.org_unit.path == ["本社", "開発部"]
    assert found.employments[0].hired_on == date(2020, 4, 1)
    assert found.assignments[0].grade == "G3"
    assert found.access == "full"
    orders = ChangeOrderPage.model_validate_json((await hr.get("/change-orders")).content)
    hire = next(order for order in orders.items if order.kind == "hire")
    assert hire.state == "applied"
    assert hire.summary == "入社 清水 翔子: 開発部"


async def test_a_transfer_to_come_is_a_reservation_and_history_keeps_the_old_unit(
    sign_in: SignIn, company: Company
) -> None:
    hr = await sign_in(Role.HR)
    sales, research = await company.unit("営業部"), await company.unit("研究部")
    person_id = await _hire(hr, org_unit_id=sales)
    day = await company.today() + timedelta(days=30)
    body = {"effective_on": day.isoformat(), "org_unit_id": research, "reason": "組織強化"}
    tried = await hr.post(f"/people/{person_id}/transfers?dry_run=true", body)
    assert tried.status_code == 200, tried.text
    preview = Preview.model_validate_json(tried.content)
    assert [a.org_unit.name for a in preview.before] == ["営業部"]
    assert [(a.org_unit.name, a.valid_from) for a in preview.after] == [
        ("営業部", date(2020, 4, 1)),
        ("研究部", day),
    ]
    assert (await _person(hr, person_id)).reservations == []
    answer = await hr.post(f"/people/{person_id}/transfers", body)
    assert answer.status_code == 201, answer.text
    order = ChangeOrder.model_validate_json(answer.content)
    assert order.state == "reserved"
    assert [(c.field, c.before, c.after) for c in order.changes] == [("org_unit", "営業部", "研究部")]
    now = await _person(hr, person_id)
    assert now.org_unit is not None
    assert now.org_unit.name == "営業部"
    assert [r.id for r in now.reservations] == [order.id]
    then = await _person(hr, person_id, as_of=day.isoformat())
    assert then.org_unit is not None
    assert then.org_unit.name == "研究部"
    history = History.model_validate_json((await hr.get(f"/people/{person_id}/history")).content)
    assert [(a.org_unit.name, a.valid_to) for a in history.items] == [("研究部", None), ("営業部", day)]


async def test_cancelling_a_reservation_brings_back_what_it_displaced(
    sign_in: SignIn, company: Company
) -> None:
    hr = await sign_in(Role.HR)
    sales, research = await company.unit("営業部"), await company.unit("研究部")
    person_id = await _hire(hr, org_unit_id=sales)
    before = (await hr.get(f"/people/{person_id}/history")).json()["items"]
    day = await company.today() + timedelta(days=30)
    body = {"effective_on": day.isoformat(), "org_unit_id": research}
    order = (await hr.post(f"/people/{person_id}/transfers", body)).json()
    known_at = datetime.now(UTC)
    cancelled = await hr.post(f"/change-orders/{order['id']}/cancel", {"note": "中止"})
    assert cancelled.status_code == 200, cancelled.text
    assert cancelled.json()["state"] == "cancelled"
    after = (await hr.get(f"/people/{person_id}/history")).json()["items"]
    facts = ("org_unit", "valid_from", "valid_to", "grade", "fte", "change_order_id")
    assert [[item[f] for f in facts] for item in after] == [[item[f] for f in facts] for item in before]
    # What was known while the reservation stood is still known as having been known.
    meanwhile = await _person(hr, person_id, as_of=day.isoformat(), as_known=known_at.isoformat())
    assert meanwhile.org_unit is not None
    assert meanwhile.org_unit.name == "研究部"
    everything = {"include_superseded": "true"}
    for asked in (everything, {**everything, "as_known": known_at.isoformat()}):
        history = await hr.get(f"/people/{person_id}/history", params=asked)
        assert history.status_code == 200, history.text
        names = {item.org_unit.name for item in History.model_validate_json(history.content).items}
        assert names == {"営業部", "研究部"}
    again = await hr.post(f"/change-orders/{order['id']}/cancel", {})
    assert again.status_code == 409


async def test_a_correction_leaves_yesterdays_report_byte_for_byte_as_it_was(
    sign_in: SignIn, company: Company
) -> None:
    hr = await sign_in(Role.HR)
    sales, research = await company.unit("営業部"), await company.unit("研究部")
    person_id = await _hire(hr, org_unit_id=sales)
    await company.hire(sales, manager_id=person_id)
    known_at = datetime.now(UTC).isoformat()
    report = f"/people?as_of=2021-01-01&as_known={known_at.replace('+', '%2B')}"
    chart = f"/org-chart?people=true&as_of=2021-01-01&as_known={known_at.replace('+', '%2B')}"
    yesterday = [(await hr.get(path)).content for path in (report, chart)]
    corrected = await hr.post(
        f"/people/{person_id}/corrections",
        {"valid_from": "2020-10-01", "valid_to": "2021-04-01", "org_unit_id": research, "grade": "G4"},
    )
    assert corrected.status_code == 201, corrected.text
    renamed = await hr.put(
        f"/people/{person_id}/names",
        {"family_kanji": "志水", "given_kanji": "翔子", "family_kana": "シミズ", "is_correction": True},
    )
    assert renamed.status_code == 200, renamed.text
    assert [(await hr.get(path)).content for path in (report, chart)] == yesterday
    now = await _person(hr, person_id, as_of="2021-01-01")
    assert now.org_unit is not None
    assert now.org_unit.name == "研究部"
    assert now.name.display == "志水 翔子"
    periods = [
        (a.org_unit.name, str(a.valid_from), str(a.valid_to))
        for a in History.model_validate_json((await hr.get(f"/people/{person_id}/history")).content).items
    ]
    assert periods == [
        ("営業部", "2021-04-01", "None"),
        ("研究部", "2020-10-01", "2021-04-01"),
        ("営業部", "2020-04-01", "2020-10-01"),
    ]


async def test_who_leaves_and_comes_back_has_two_spells(sign_in: SignIn, company: Company) -> None:
    hr = await sign_in(Role.HR)
    unit = await company.unit()
    person_id = await _hire(hr, org_unit_id=unit)
    left = await hr.post(f"/people/{person_id}/departures", {"left_on": "2022-03-31", "reason": "転職"})
    assert left.status_code == 201, left.text
    gone = await _person(hr, person_id)
    assert gone.employment_status == "left"
    assert gone.employments[0].left_on == date(2022, 3, 31)
    assert gone.assignments == []
    listed = PersonPage.model_validate_json((await hr.get("/people?status=active")).content)
    assert person_id not in {card.id for card in listed.items}
    too_early = await hr.post(f"/people/{person_id}/rehires", {"hired_on": "2022-03-31", "org_unit_id": unit})
    assert too_early.status_code == 409, too_early.text
    back = await hr.post(f"/people/{person_id}/rehires", {"hired_on": "2023-04-01", "org_unit_id": unit})
    assert back.status_code == 201, back.text
    found = await _person(hr, person_id)
    assert found.employment_status == "active"
    assert [(e.hired_on.year, e.left_on and e.left_on.year) for e in found.employments] == [
        (2020, 2022),
        (2023, None),
    ]


async def test_a_concurrent_post_stands_beside_the_primary_one_until_it_ends(
    sign_in: SignIn, company: Company
) -> None:
    hr = await sign_in(Role.HR)
    sales, project = await company.unit("営業部"), await company.unit("特命室")
    person_id = await _hire(hr, org_unit_id=sales)
    body = {"from_on": "2021-04-01", "org_unit_id": project, "fte": "0.2"}
    added = await hr.post(f"/people/{person_id}/concurrent-posts", body)
    assert added.status_code == 201, added.text
    assert (await hr.post(f"/people/{person_id}/concurrent-posts", body)).status_code == 409
    found = await _person(hr, person_id)
    assert found.is_concurrent_elsewhere
    post = next(a for a in found.assignments if a.kind == "concurrent")
    assert post.fte == 0.2
    in_project = PersonPage.model_validate_json(
        (await hr.get("/people", params={"org_unit_id": project})).content
    )
    assert [card.id for card in in_project.items] == [person_id]
    ended = await hr.post(
        f"/people/{person_id}/concurrent-post-ends",
        {"assignment_id": post.id, "ends_on": "2022-03-31"},
    )
    assert ended.status_code == 201, ended.text
    assert not (await _person(hr, person_id)).is_concurrent_elsewhere
    assert (await _person(hr, person_id, as_of="2022-03-31")).is_concurrent_elsewhere


async def test_personal_facts_are_shown_to_hr_with_era_and_address_and_reading_is_audited(
    sign_in: SignIn, company: Company
) -> None:
    hr = await sign_in(Role.HR)
    owner = await sign_in(Role.OWNER)
    person_id = await _hire(hr, org_unit_id=await company.unit())
    body = {
        "birth_on": "1989-01-07",
        "gender": "female",
        "personal_email": "private@example.com",
        "personal_phone": "090-1234-5678",
        "address": {
            "postal_code": "１００-０００１",
            "prefecture": "東京都",
            "city": "千代田区",
            "line1": "千代田1-1",
        },
    }
    answer = await hr.put(f"/people/{person_id}/private", body)
    assert answer.status_code == 200, answer.text
    private = (await _person(hr, person_id)).private
    assert private is not None
    assert private.birth_era == "昭和64年1月7日"
    assert private.address is not None
    assert private.address.display == "〒100-0001 東京都千代田区千代田1-1"
    partly = await hr.put(f"/people/{person_id}/private", {"gender": None})
    assert partly.json()["private"]["gender"] is None
    assert partly.json()["private"]["personal_email"] == "private@example.com"
    trail = (await owner.get("/audit", params={"subject_person_id": person_id})).json()["items"]
    actions = [entry["action"] for entry in trail]
    assert actions.count("person.private_read") == 1
    assert "person.private_changed" in actions
    assert "1989" not in str(trail)


async def test_a_name_change_keeps_the_earlier_name_for_earlier_days(
    sign_in: SignIn, company: Company
) -> None:
    hr = await sign_in(Role.HR)
    person_id = await _hire(hr, org_unit_id=await company.unit())
    changed = await hr.put(
        f"/people/{person_id}/names",
        {
            "family_kanji": "佐藤",
            "given_kanji": "翔子",
            "family_kana": "サトウ",
            "given_kana": "ショウコ",
            "effective_on": "2023-06-01",
        },
    )
    assert changed.status_code == 200, changed.text
    assert (await _person(hr, person_id)).name.display == "佐藤 翔子"
    assert (await _person(hr, person_id, as_of="2023-05-31")).name.display == "清水 翔子"
    found = (await hr.get("/people", params={"q": "satou"})).json()
    assert [card["id"] for card in found["items"]] == [person_id]
    assert (await hr.get("/people", params={"q": "清水"})).json()["total"] == 0
    future = (await company.today() + timedelta(days=1)).isoformat()
    refused = await hr.put(f"/people/{person_id}/names", {"family_kanji": "田中", "effective_on": future})
    assert refused.status_code == 422


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("transfers", {"effective_on": "2019-01-01", "grade": "G9"}, "effective_on"),
        ("transfers", {"effective_on": "9999-12-31", "grade": "G9"}, "effective_on"),
        ("transfers", {"effective_on": "2021-01-01", "org_unit_id": 2**62}, "org_unit_id"),
        ("transfers", {"effective_on": "2021-01-01", "position_id": 2**62}, "position_id"),
        ("transfers", {"effective_on": "2021-01-01", "manager_id": 2**62}, "manager_id"),
        ("transfers", {"effective_on": "2021-01-01", "fte": 1.5}, "fte"),
        ("transfers", {"effective_on": "2021-01-01", "unknown": 1}, "unknown"),
        ("corrections", {"valid_from": "2021-02-01", "valid_to": "2021-01-01", "grade": "G9"}, "valid_to"),
        (
            "concurrent-posts",
            {"from_on": "2021-02-01", "to_on": "2021-01-01", "org_unit_id": 0},
            "org_unit_id",
        ),
        ("departures", {"left_on": "2020-03-31"}, "left_on"),
    ],
)
async def test_nonsense_is_refused_with_the_field_named_in_japanese(
    sign_in: SignIn, company: Company, path: str, body: dict[str, Any], field: str
) -> None:
    hr = await sign_in(Role.HR)
    person_id = await _hire(hr, org_unit_id=await company.unit())
    answer = await hr.post(f"/people/{person_id}/{path}", body)
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert field in {error["field"] for error in problem["errors"]}
    assert not problem["errors"][0]["message"].isascii()


async def test_pages_of_the_directory_meet_without_gaps_in_every_order(
    sign_in: SignIn, company: Company
) -> None:
    hr = await sign_in(Role.HR)
    unit = await company.unit()
    people = {await company.hire(unit, hired_on=date(2020, 1, 1 + at % 5)) for at in range(23)}
    for sort in ("number", "kana", "hired_on"):
        seen: list[int] = []
        cursor = None
        while True:
            params = {"sort": sort, "limit": 5, **({"cursor": cursor} if cursor else {})}
            page = PersonPage.model_validate_json((await hr.get("/people", params=params)).content)
            assert page.total == len(people)
            seen += [card.id for card in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert len(seen) == len(people)
        assert set(seen) == people


async def test_a_day_to_come_warns_of_a_manager_who_leaves_and_a_later_reservation(
    sign_in: SignIn, company: Company
) -> None:
    hr = await sign_in(Role.HR)
    unit, other = await company.unit(), await company.unit("総務部")
    manager = await company.hire(unit)
    person_id = await company.hire(unit)
    today = await company.today()
    await company.depart(manager, today + timedelta(days=90))
    await company.transfer(person_id, today + timedelta(days=200), org_unit_id=other)
    body = {"effective_on": (today + timedelta(days=10)).isoformat(), "manager_id": manager}
    preview = (await hr.post(f"/people/{person_id}/transfers?dry_run=true", body)).json()
    assert {warning["code"] for warning in preview["warnings"]} == {"manager_ends", "later_change_stays"}
