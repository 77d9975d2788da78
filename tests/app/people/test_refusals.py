"""Days that run backwards, periods that meet, rings in the tree and among managers: refused in words, by
every door, and nothing of it is kept."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from hrx.app.platform.tenancy import Role
from tests.app.clients import Browser
from tests.app.conftest import SignIn
from tests.app.people.company import Company

pytestmark = pytest.mark.req("R2-2")


async def _history(browser: Browser, person_id: int) -> Any:
    answer = await browser.get(f"/people/{person_id}/history", params={"include_superseded": "true"})
    assert answer.status_code == 200, answer.text
    return answer.json()


# ── managers ──────────────────────────────────────────────────────────────────────────────────────────
async def test_a_ring_of_managers_is_refused(sign_in: SignIn, company: Company) -> None:
    hr = await sign_in(Role.HR)
    unit = await company.unit()
    head = await company.hire(unit)
    middle = await company.hire(unit, manager_id=head)
    last = await company.hire(unit, manager_id=middle)
    body = {"effective_on": "2024-01-01", "manager_id": last}
    for dry_run in ("true", "false"):
        answer = await hr.post(f"/people/{head}/transfers?dry_run={dry_run}", body)
        assert answer.status_code == 422, answer.text
        assert answer.json()["code"] == "manager_chain_has_no_ring"


async def test_managers_may_change_places_but_never_form_a_ring_on_a_single_day(
    sign_in: SignIn, company: Company
) -> None:
    hr = await sign_in(Role.HR)
    unit = await company.unit()
    one = await company.hire(unit)
    other = await company.hire(unit, manager_id=one)
    early = {"effective_on": "2024-01-01", "manager_id": other}
    assert (await hr.post(f"/people/{one}/transfers", early)).status_code == 422
    free = {"effective_on": "2024-01-01", "manager_id": None}
    assert (await hr.post(f"/people/{other}/transfers", free)).status_code == 201
    assert (await hr.post(f"/people/{one}/transfers", early)).status_code == 201
    # A correction of the past that makes them each other's manager for one day only.
    wrong = {"valid_from": "2024-01-01", "valid_to": "2024-01-02", "manager_id": one}
    answer = await hr.post(f"/people/{other}/corrections", wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "manager_chain_has_no_ring")


@pytest.mark.parametrize(
    ("locale", "said"),
    [("ja", "本人を自分の上司にはできません。"), ("en", "Nobody is their own manager.")],
)
async def test_nobody_becomes_their_own_manager_by_any_door(
    sign_in: SignIn, company: Company, locale: str, said: str
) -> None:
    hr = await sign_in(Role.HR, locale=locale)
    unit = await company.unit()
    person = await company.hire(unit, hired_on=date(2020, 4, 1))
    other = await company.unit("開発部")
    for path, body in (
        ("transfers?dry_run=true", {"effective_on": "2024-01-01"}),
        ("transfers", {"effective_on": "2024-01-01"}),
        ("corrections", {"valid_from": "2021-01-01", "valid_to": "2022-01-01"}),
        ("concurrent-posts", {"from_on": "2024-01-01", "org_unit_id": other}),
    ):
        answer = await hr.post(f"/people/{person}/{path}", {**body, "manager_id": person})
        assert answer.status_code == 422, (path, answer.text)
        assert answer.json()["detail"] == said
        assert [(each["field"], each["code"]) for each in answer.json()["errors"]] == [
            ("manager_id", "manager.is_oneself")
        ]
    await company.depart(person, date(2024, 3, 31))
    again = {"hired_on": "2025-04-01", "org_unit_id": unit, "manager_id": person}
    answer = await hr.post(f"/people/{person}/rehires", again)
    assert answer.status_code == 422
    assert ("manager_id", "manager.is_oneself") in {
        (each["field"], each["code"]) for each in answer.json()["errors"]
    }


async def test_a_manager_cannot_even_propose_somebody_as_their_own_manager(
    sign_in: SignIn, company: Company
) -> None:
    unit = await company.unit()
    head = await company.hire(unit)
    report = await company.hire(unit, manager_id=head)
    manager = await sign_in(Role.MANAGER, person_id=head)
    answer = await manager.post(
        f"/people/{report}/transfers", {"effective_on": "2024-01-01", "manager_id": report}
    )
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "manager.is_oneself")
    proposed = await manager.get("/change-orders", params={"state": "proposed"})
    assert proposed.json()["items"] == []


# ── days ──────────────────────────────────────────────────────────────────────────────────────────────
#: A person employed 2020-04-01 to 2022-03-31 and again from 2023-04-01, and what cannot be said of them.
BACKWARDS: list[tuple[str, dict[str, Any], int, str, str]] = [
    (
        "concurrent-posts",
        {"from_on": "2024-02-01", "to_on": "2024-01-01", "org_unit_id": "UNIT"},
        422,
        "終わりが始まりより前になっています。",
        "The end lies before the beginning.",
    ),
    (
        "corrections",
        {"valid_from": "2024-02-01", "valid_to": "2024-02-01", "grade": "G9"},
        422,
        "終わりが始まりより前になっています。",
        "The end lies before the beginning.",
    ),
    (
        "corrections",
        {"valid_from": "2021-01-01", "hired_on": "2022-04-01"},
        422,
        "終わりが始まりより前になっています。",
        "The end lies before the beginning.",
    ),
    (
        "departures",
        {"left_on": "2022-10-01"},
        422,
        "2022-10-01 には在籍していません。",
        "The person is not employed on 2022-10-01.",
    ),
    (
        "transfers",
        {"effective_on": "2022-10-01", "grade": "G9"},
        422,
        "2022-10-01 には在籍していません。",
        "The person is not employed on 2022-10-01.",
    ),
    (
        "rehires",
        {"hired_on": "2024-01-01", "org_unit_id": "UNIT"},
        409,
        "その日以降の在籍期間がすでにあります。",
        "There is a spell of employment on or after that day already.",
    ),
    (
        "rehires",
        {"hired_on": "2021-01-01", "org_unit_id": "UNIT"},
        409,
        "その日以降の在籍期間がすでにあります。",
        "There is a spell of employment on or after that day already.",
    ),
    (
        "corrections",
        {"valid_from": "2024-01-01", "hired_on": "2022-01-01"},
        409,
        "在籍期間がほかの在籍期間と重なっています。",
        "The spell of employment overlaps another one.",
    ),
]


@pytest.mark.parametrize("locale", ["ja", "en"])
async def test_backwards_and_overlapping_days_are_refused_in_words_and_leave_no_trace(
    sign_in: SignIn, company: Company, locale: str
) -> None:
    hr = await sign_in(Role.HR, locale=locale)
    unit = await company.unit()
    person = await company.hire(unit, hired_on=date(2020, 4, 1))
    await company.depart(person, date(2022, 3, 31))
    again = {"hired_on": "2023-04-01", "org_unit_id": unit}
    assert (await hr.post(f"/people/{person}/rehires", again)).status_code == 201
    before = await _history(hr, person)
    orders = (await hr.get("/change-orders")).json()["total"]
    for path, body, status, ja, en in BACKWARDS:
        filled = {key: unit if value == "UNIT" else value for key, value in body.items()}
        answer = await hr.post(f"/people/{person}/{path}", filled)
        assert answer.status_code == status, (path, body, answer.text)
        assert answer.json()["detail"] == (ja if locale == "ja" else en)
    assert await _history(hr, person) == before
    assert (await hr.get("/change-orders")).json()["total"] == orders


async def test_the_same_post_twice_in_a_period_is_refused_even_when_the_new_one_surrounds_the_old(
    sign_in: SignIn, company: Company
) -> None:
    hr = await sign_in(Role.HR)
    unit, second = await company.unit(), await company.unit("開発部")
    person = await company.hire(unit)
    post = {"from_on": "2023-04-01", "to_on": "2023-09-30", "org_unit_id": second}
    assert (await hr.post(f"/people/{person}/concurrent-posts", post)).status_code == 201
    for from_on, to_on in (("2023-01-01", "2023-12-31"), ("2023-05-01", "2023-05-31"), ("2023-09-30", None)):
        again = {**post, "from_on": from_on, "to_on": to_on}
        answer = await hr.post(f"/people/{person}/concurrent-posts", again)
        assert (answer.status_code, answer.json()["code"]) == (409, "concurrent_posts_differ"), again
        assert answer.json()["detail"] == "同じ兼務がその期間にすでにあります。"
    after = {**post, "from_on": "2023-10-01", "to_on": None}
    assert (await hr.post(f"/people/{person}/concurrent-posts", after)).status_code == 201


# ── the tree ──────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("locale", "said"),
    [("ja", "組織を自分の配下に移すことはできません。"), ("en", "A unit cannot be moved below itself.")],
)
async def test_a_unit_never_stands_below_itself_on_any_day(
    sign_in: SignIn, company: Company, locale: str, said: str
) -> None:
    hr = await sign_in(Role.HR, locale=locale)
    top = await company.unit("本社")
    middle = await company.unit("営業本部", parent_id=top)
    low = await company.unit("営業部", parent_id=middle)
    for parent in (top, middle, low):
        body = {"parent_id": parent, "effective_on": "2024-04-01"}
        answer = await hr.post(f"/org-units/{top}/moves", body)
        assert (answer.status_code, answer.json()["detail"]) == (422, said), answer.text
    # Only from a day to come, when a reservation has moved `low` out of the way, is it no ring.
    ahead = f"{(await company.today()).year + 1}-04-01"
    out = {"parent_id": None, "effective_on": ahead}
    assert (await hr.post(f"/org-units/{low}/moves", out)).status_code == 201
    early = {"parent_id": low, "effective_on": "2024-04-01"}
    assert (await hr.post(f"/org-units/{middle}/moves", early)).status_code == 422
    assert (await hr.post(f"/org-units/{middle}/moves", {**early, "effective_on": ahead})).status_code == 201


async def test_a_unit_needs_its_parent_and_its_people_need_their_unit(
    sign_in: SignIn, company: Company
) -> None:
    hr = await sign_in(Role.HR)
    top = await company.unit("本社", since=date(2010, 1, 1))
    early = {"code": "EARLY", "name_ja": "準備室", "parent_id": top, "effective_on": "2009-01-01"}
    answer = await hr.post("/org-units", early)
    assert (answer.status_code, answer.json()["code"]) == (422, "org_parent_is_there")
    child = await company.unit("営業部", parent_id=top, since=date(2011, 1, 1))
    await company.hire(child)
    for unit in (top, child):
        answer = await hr.post(f"/org-units/{unit}/closures", {"effective_on": "2024-04-01"})
        assert (answer.status_code, answer.json()["code"]) == (409, "org_unit.not_empty")
    before = {"effective_on": "2010-06-01", "name_ja": "旧営業部"}
    answer = await hr.post(f"/org-units/{child}/renames", before)
    assert (answer.status_code, answer.json()["detail"]) == (422, "その日に存在しない組織です。")
