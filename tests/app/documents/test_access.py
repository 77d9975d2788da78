"""Who sees which document: every audience for every kind of colleague, today and after they moved or left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from hrx.app.people.employees.actions import hiring
from hrx.app.people.employees.inputs import Rehire
from hrx.app.platform import jobs
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Principal, Role, TenantId
from tests.app.conftest import MakeUser, SignIn
from tests.app.data.conftest import Facts
from tests.app.documents import files
from tests.app.documents.conftest import Library
from tests.app.people.company import Company

pytestmark = pytest.mark.req("R2-5", "R2-1")

#: audience (and who is named) → who may read it.
EXPECTED = {
    "everyone": {"hr", "auditor", "manager", "member", "other"},
    "managers": {"hr", "auditor", "manager"},
    "hr": {"hr", "auditor"},
    "person": {"hr", "auditor", "manager", "member"},
    "chosen_person": {"hr", "auditor", "other"},
    "chosen_unit": {"hr", "auditor", "manager", "member"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Sales with a head and a member, development with one; and a document for each audience."""

    company: Company
    people: dict[str, int]
    units: dict[str, int]
    libraries: dict[str, Library]
    documents: dict[str, int]

    async def readers_of(self, name: str) -> set[str]:
        found = set()
        for who, library in self.libraries.items():
            answers = await all_answers(library, self.documents[name], await self._version(name))
            assert len(set(answers)) == 1, (who, name, answers)
            is_listed = self.documents[name] in await library.ids()
            assert is_listed == (answers[0] == 200), (who, name)
            if is_listed:
                found.add(who)
        return found

    async def _version(self, name: str) -> int:
        shown = await self.libraries["hr"].get(self.documents[name])
        version: int = shown["versions"][0]["id"]
        return version


async def all_answers(library: Library, document_id: int, version_id: int) -> list[int]:
    """Status of every way to look at a document."""
    at = f"/documents/{document_id}"
    paths = (at, f"{at}/proposals", f"{at}/versions/{version_id}/text", f"{at}/versions/{version_id}/file")
    return [(await library.browser.get(path)).status_code for path in paths]


@pytest_asyncio.fixture
async def office(
    database: Database, tenant: TenantId, sign_in: SignIn, make_user: MakeUser, queue: jobs.Queue
) -> AsyncIterator[Office]:
    company = Company(database=database, tenant_id=tenant)
    sales, development = await company.unit("営業部"), await company.unit("開発部")
    head = await company.hire(sales)
    people = {
        "manager": head,
        "member": await company.hire(sales, manager_id=head),
        "other": await company.hire(development),
    }
    roles = {"manager": Role.MANAGER, "member": Role.EMPLOYEE, "other": Role.EMPLOYEE}
    libraries = {
        who: Library(browser=await sign_in(user=await make_user(roles[who], person_id=person)), queue=queue)
        for who, person in people.items()
    }
    for who, role in (("hr", Role.HR), ("auditor", Role.AUDITOR)):
        libraries[who] = Library(browser=await sign_in(role), queue=queue)
    given: dict[str, dict[str, Any]] = {
        "everyone": {"audience": "everyone"},
        "managers": {"audience": "managers"},
        "hr": {"audience": "hr"},
        "person": {"audience": "person", "person_id": people["member"], "kind": "resume"},
        "chosen_person": {"audience": "chosen", "reader_person_ids": [people["other"]]},
        "chosen_unit": {"audience": "chosen", "reader_unit_ids": [sales]},
    }
    documents = {}
    for name, form in given.items():
        documents[name] = (await libraries["hr"].post(files.MARKDOWN.encode(), **form))["items"][0]["id"]
    await queue.work_until_idle()
    yield Office(
        company=company,
        people=people,
        units={"sales": sales, "development": development},
        libraries=libraries,
        documents=documents,
    )


async def test_each_audience_is_read_by_those_it_names_and_nobody_else(office: Office) -> None:
    assert {name: await office.readers_of(name) for name in EXPECTED} == EXPECTED


async def test_whoever_moves_leaves_the_documents_of_the_unit_behind(office: Office) -> None:
    await office.company.transfer(
        office.people["member"], date(2024, 1, 1), org_unit_id=office.units["development"], manager_id=None
    )
    assert await office.readers_of("chosen_unit") == {"hr", "auditor", "manager"}
    assert await office.readers_of("person") == {"hr", "auditor", "member"}


async def test_whoever_left_reads_nothing_of_the_company_any_more(office: Office) -> None:
    for who in ("manager", "member", "other"):
        await office.company.depart(office.people[who], date(2024, 3, 31))
    after = {name: await office.readers_of(name) for name in EXPECTED}
    # What is about themselves stays theirs.
    assert after == {name: {"hr", "auditor"} for name in EXPECTED} | {"person": {"hr", "auditor", "member"}}


@pytest.mark.parametrize(
    ("hired", "left", "reads"),
    [(-400, -1, False), (-400, 0, True), (-400, None, True), (0, None, True), (1, None, True)],
    ids=["left yesterday", "last day", "employed", "first day", "begins tomorrow"],
)
async def test_the_last_day_is_the_last_on_which_company_documents_are_read(
    office: Office, hired: int, left: int | None, reads: bool
) -> None:
    company = office.company
    today = await company.today()
    person = await company.hire(office.units["sales"], hired_on=today + timedelta(hired))
    if left is not None:
        await company.depart(person, today + timedelta(left))
    for roles in ((Role.EMPLOYEE,), (Role.MANAGER,)):
        expected = {"everyone", "managers"} if Role.MANAGER in roles else {"everyone"}
        seen = await _named(office, company.principal(*roles, person_id=person))
        assert seen & {"everyone", "managers"} == (expected if reads else set())


async def test_who_came_back_and_who_is_no_employee_have_not_left(office: Office) -> None:
    company, person = office.company, office.people["other"]
    today = await company.today()
    await company.depart(person, date(2024, 3, 31))
    assert await _named(office, company.principal(Role.EMPLOYEE, person_id=person)) == set()
    again = Rehire(hired_on=today, org_unit_id=office.units["sales"])
    async with company.acting() as session:
        await hiring.rehire_employee(session, person_id=person, asked=again)
    assert "everyone" in await _named(office, company.principal(Role.EMPLOYEE, person_id=person))
    assert await _named(office, company.principal(Role.EMPLOYEE)) == {"everyone"}


async def _named(office: Office, asker: Principal) -> set[str]:
    """The documents that somebody reads, by their names in EXPECTED."""
    async with office.company.acting(asker) as session:
        found = set(await session.scalars(text("SELECT id FROM app.document")))
    return {name for name, document in office.documents.items() if document in found}


async def test_a_change_of_audience_counts_at_once(office: Office) -> None:
    hr = office.libraries["hr"].browser
    changed = await hr.request(
        "PATCH", f"/documents/{office.documents['everyone']}", json={"audience": "hr", "title": "内規"}
    )
    assert (changed.status_code, changed.json()["title"]) == (200, "内規")
    assert await office.readers_of("everyone") == {"hr", "auditor"}


async def test_what_is_not_read_yet_is_seen_by_those_who_look_after_it(office: Office) -> None:
    made = await office.libraries["hr"].post(files.MARKDOWN.encode(), audience="everyone")
    document_id = made["items"][0]["id"]
    for who, library in office.libraries.items():
        assert (document_id in await library.ids()) == (who in {"hr", "auditor"}), who


async def test_employees_bring_in_their_own_resume_and_nothing_else(office: Office, facts: Facts) -> None:
    member = office.libraries["member"]
    own = {"audience": "person", "kind": "resume", "person_id": office.people["member"]}
    document = await member.add("氏名 佐藤 健\n".encode(), name="履歴書.txt", **own)
    assert document["may_delete"] is True
    for form in (
        {**own, "person_id": office.people["other"]},
        {**own, "audience": "everyone"},
        {**own, "kind": "policy"},
    ):
        assert (await member.refuse(b"x", name="a.txt", status=403, **form))["code"] == "forbidden"
    for who in ("other", "manager"):
        answer = await office.libraries[who].browser.delete(f"/documents/{document['id']}")
        assert answer.status_code == (404 if who == "other" else 403), who
    assert (await member.browser.delete(f"/documents/{document['id']}")).status_code == 204
    assert document["id"] not in await member.ids()
    assert await facts.one("SELECT count(*) FROM app.document WHERE deleted_at IS NOT NULL") == 1


async def test_opening_a_file_or_a_persons_text_is_on_record(office: Office, facts: Facts) -> None:
    await office.readers_of("person")
    rows = await facts.all(
        "SELECT action, count(*) FROM app.audit_entry WHERE subject_person_id = :person GROUP BY action",
        person=office.people["member"],
    )
    found = dict(rows)
    assert found["document.text_read"] == found["document.downloaded"] == 4
