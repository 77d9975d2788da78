"""Roles in words, and the résumés that match them: ranked with reasons, blind to who somebody is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import text

from hrx.app.models.client import ScoringClient
from hrx.app.people.documents.score_jobs import score_all, score_while_served
from hrx.app.people.documents.skills.judging import KNOWN
from hrx.app.people.matching.matching import SCORED_AT_ONCE
from hrx.app.people.matching.ranking import match_skills, rank, weigh_skills
from hrx.app.platform.db import Database
from hrx.app.platform.jobs import JobContext
from hrx.app.platform.tenancy import Role, TenantId, system_principal
from tests.app.clients import Browser
from tests.app.conftest import MakeUser, SignIn
from tests.app.data.conftest import Facts
from tests.app.documents.conftest import Library
from tests.app.documents.scored import Scored
from tests.app.people.company import Company

pytestmark = pytest.mark.req("R2-8", "R2-3")
BODIES = {
    "payroll": "給与計算と年末調整を8年担当。源泉徴収の実務。賞与計算も。",
    "labor": "就業規則の改定と36協定の締結、労務管理を10年。",
    "both": "給与計算を5年。就業規則の改定と労務管理を2年。",
    "software": "Python と TypeScript でソフトウェア開発を6年。",
    "nothing": "チームで働くことが好きです。普通自動車免許。",
}
ROLE = {
    "title": "人事労務課 課長",
    "description": "給与計算と年末調整の責任者。就業規則の改定、36協定など労務管理も担う。",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """A head, people below them and elsewhere, each with a résumé named after its text."""

    company: Company
    library: Library
    people: dict[str, int]
    documents: dict[str, dict[str, Any]]
    manager: Browser
    employee: Browser

    async def describe(self, browser: Browser | None = None, **role: Any) -> int:
        answer = await (browser or self.library.browser).post("/role-profiles", {**ROLE, **role})
        assert answer.status_code == 201, answer.text
        made: int = answer.json()["id"]
        return made

    async def match(self, role_id: int, browser: Browser | None = None) -> dict[str, Any]:
        answer = await (browser or self.library.browser).get(f"/role-profiles/{role_id}/matches")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def names(self, told: dict[str, Any]) -> list[str]:
        by_id = {document["id"]: name for name, document in self.documents.items()}
        return [by_id[one["document_id"]] for one in told["items"]]


def resume(body: str, *, name: str, sex: str, age: int, home: str) -> bytes:
    return f"氏名: {name}\n性別: {sex}\n{age}歳\n住所: {home}\n{body}\n{name}".encode()


async def add(library: Library, name: str, content: bytes, person: int | None = None) -> dict[str, Any]:
    about = {"audience": "person", "person_id": person} if person else {"audience": "hr"}
    return await library.add(content, name=f"{name}.txt", kind="career_history", **about)


@pytest_asyncio.fixture
async def office(
    database: Database,
    tenant: TenantId,
    scored: Scored,
    library: Library,
    sign_in: SignIn,
    make_user: MakeUser,
) -> Office:
    company = Company(database=database, tenant_id=tenant)
    unit, elsewhere = await company.unit("人事部"), await company.unit("開発部")
    head = await company.hire(unit)
    people = {
        name: await company.hire(unit, manager_id=head)
        if name != "software"
        else await company.hire(elsewhere)
        for name in BODIES
    }
    documents = {name: await add(library, name, body.encode(), people[name]) for name, body in BODIES.items()}
    return Office(
        company=company,
        library=library,
        people=people,
        documents=documents,
        manager=await sign_in(user=await make_user(Role.MANAGER, person_id=head)),
        employee=await sign_in(user=await make_user(Role.EMPLOYEE, person_id=people["labor"])),
    )


async def test_the_best_match_comes_first_with_reasons_that_add_up(office: Office) -> None:
    told = await office.match(await office.describe())
    assert {one["skill"] for one in told["asked"]} >= {"payroll", "labor_law"}
    assert office.names(told)[0] == "both"
    assert set(office.names(told)[-2:]) == {"software", "nothing"}
    assert (told["counted"], told["waiting"], told["is_cut"]) == (5, 0, False)
    scores = [one["score"] for one in told["items"]]
    assert scores == sorted(scores, reverse=True)
    for one in told["items"]:
        assert sum(each["share"] for each in one["skills"]) == pytest.approx(one["score"], abs=0.001)
    [best] = [one for one in told["items"] if one["place"] == 1]
    words = {each["skill"]: each["words"] for each in best["skills"]}
    body = BODIES["both"]
    said = {body[at["start"] : at["end"]] for one in words["labor_law"] for at in one["places"]}
    assert {"就業規則", "労務管理"} <= said
    assert best["person_id"] == office.people["both"]


async def test_required_skills_count_wholly_and_a_role_that_names_none_ranks_nobody(office: Office) -> None:
    told = await office.match(
        await office.describe(description="よろしく", title="担当", skills=["software"])
    )
    assert [(one["skill"], one["asked"], one["is_required"]) for one in told["asked"]] == [
        ("software", 1.0, True)
    ]
    assert office.names(told)[0] == "software"
    told = await office.match(await office.describe(description="よろしく", title="担当"))
    assert (told["asked"], told["items"], told["counted"]) == ([], [], 0)
    refused = await office.library.browser.post("/role-profiles", {"title": "担当", "skills": ["魔法"]})
    assert (refused.status_code, refused.json()["code"]) == (422, "role_profile.skill_unknown")


async def test_a_role_may_be_a_position_of_the_organisation(office: Office) -> None:
    position = await office.company.position("労務管理課長")
    role = {"position_id": position, "description": "就業規則と36協定"}
    answer = await office.library.browser.post("/role-profiles", role)
    assert (answer.status_code, answer.json()["title"]) == (201, "労務管理課長"), answer.text
    told = await office.match(answer.json()["id"])
    assert [one["skill"] for one in told["asked"]] == ["labor_law"]
    nobody = await office.library.browser.post("/role-profiles", {})
    assert (nobody.status_code, nobody.json()["code"]) == (422, "role_profile.no_title")


#: Who somebody is, in ways that spell skills of the role where they can.
SWAPS = {
    "name": ({"name": "佐藤 花子"}, {"name": "給与 年末調整"}),
    "sex": ({"sex": "女"}, {"sex": "男"}),
    "age": ({"age": 24}, {"age": 63}),
    "address": ({"home": "東京都港区芝1-1"}, {"home": "大阪府就業規則町36協定ビル労務管理室"}),
}


@pytest.mark.parametrize("swapped", SWAPS)
async def test_another_name_sex_age_or_home_changes_no_ranking(
    office: Office, facts: Facts, swapped: str
) -> None:
    plain: dict[str, Any] = {"name": "田中 健", "sex": "男", "age": 40, "home": "北海道札幌市中央区6-7"}
    role = await office.describe()
    rankings: list[list[tuple[str, int, float, list[float]]]] = []
    for who in SWAPS[swapped]:
        for name, document in office.documents.items():
            content = resume(BODIES[name], **(plain | cast("dict[str, Any]", who)))
            office.documents[name] = await office.library.add_version(
                document["id"], content, name=f"{name}.txt"
            )
        told = await office.match(role)
        rankings.append(
            [
                (name, one["place"], one["score"], [each["shown"] for each in one["skills"]])
                for name, one in zip(office.names(told), told["items"], strict=True)
            ]
        )
    assert rankings[0] == rankings[1]
    assert len({place for _, place, *_ in rankings[0]}) >= 4


async def test_whoever_asks_sees_their_own_and_the_same_score(office: Office, facts: Facts) -> None:
    role = await office.describe(office.manager)
    told = await office.match(role, office.manager)
    assert set(office.names(told)) == set(BODIES) - {"software"}
    by_hr = {one["document_id"]: one["score"] for one in (await office.match(role))["items"]}
    assert all(by_hr[one["document_id"]] == one["score"] for one in told["items"])
    assert set(by_hr) - {one["document_id"] for one in told["items"]} == {office.documents["software"]["id"]}
    rows = await facts.all(
        "SELECT version_id, count(*) FROM app.model_score WHERE role_id = :role GROUP BY 1", role=role
    )
    assert [counted for _, counted in rows] == [1] * 5
    entries = await facts.all(
        "SELECT count(*) FROM app.audit_entry WHERE action = 'document.matched'"
        " AND subject_person_id = :person",
        person=office.people["labor"],
    )
    assert entries == [(2,)]


async def test_who_may_not_look_for_people_is_refused_and_roles_of_others_are_not_there(
    office: Office, sign_in: SignIn, make_user: MakeUser
) -> None:
    role = await office.describe()
    for path in (f"/role-profiles/{role}/matches", "/role-profiles", "/role-profiles/skills"):
        assert (await office.employee.get(path)).status_code == 403
    assert (await office.employee.post("/role-profiles", ROLE)).status_code == 403
    assert (await office.manager.get(f"/role-profiles/{role}/matches")).status_code == 404
    assert (await office.manager.delete(f"/role-profiles/{role}")).status_code == 404
    assert (await office.manager.get("/role-profiles")).json()["items"] == []
    auditor = await sign_in(Role.AUDITOR)
    assert (await office.match(role, auditor))["may_decide"] is False
    assert (await auditor.post("/role-profiles", ROLE)).status_code == 403


async def test_a_person_decides_and_may_change_their_mind(office: Office, facts: Facts) -> None:
    role = await office.describe(office.manager)
    told = await office.match(role, office.manager)
    assert told["may_decide"] is True
    path = f"/role-profiles/{role}/matches/{told['items'][0]['id']}"
    for verdict in ("accept", "accept", "reject"):
        assert (await office.manager.post(f"{path}/{verdict}")).status_code == 200
    assert (await office.match(role))["items"][0]["verdict"] == "rejected"
    assert [one for (one,) in await facts.all("SELECT verdict FROM app.score_decision ORDER BY id")] == [
        "accepted",
        "rejected",
    ]
    entries = await facts.all(
        "SELECT action FROM app.audit_entry WHERE action LIKE 'role_profile.candidate%' ORDER BY id"
    )
    assert [one for (one,) in entries] == [
        "role_profile.candidate_accepted",
        "role_profile.candidate_rejected",
    ]
    other = await office.describe()
    wrong = f"/role-profiles/{other}/matches/{told['items'][0]['id']}/accept"
    assert (await office.library.browser.post(wrong)).status_code == 404


async def test_a_deleted_role_and_a_deleted_resume_take_their_scores_along(
    office: Office, facts: Facts
) -> None:
    role, other = await office.describe(), await office.describe()
    told = await office.match(role)
    await office.match(other)
    path = f"/role-profiles/{role}"
    await office.library.browser.post(f"{path}/matches/{told['items'][0]['id']}/accept")
    assert (await office.library.browser.delete(path)).status_code == 204
    assert await facts.all("SELECT DISTINCT role_id FROM app.model_score WHERE role_id IS NOT NULL") == [
        (other,)
    ]
    assert await facts.one("SELECT count(*) FROM app.score_decision") == 0
    await office.library.browser.delete(f"/documents/{office.documents['both']['id']}")
    assert "both" not in office.names(await office.match(other))
    await office.library.queue.work_until_idle()
    left = await facts.all("SELECT DISTINCT document_id FROM app.model_score")
    assert {row for (row,) in left} == {
        document["id"] for name, document in office.documents.items() if name != "both"
    }


async def test_somebody_with_two_documents_is_one_candidate_and_whoever_left_is_none(office: Office) -> None:
    better = await add(office.library, "second", BODIES["both"].encode(), office.people["nothing"])
    await office.company.depart(office.people["labor"], (await office.company.today()).replace(day=1))
    told = await office.match(await office.describe())
    people = [one["person_id"] for one in told["items"]]
    assert len(people) == len(set(people))
    assert better["id"] in {one["document_id"] for one in told["items"]}
    assert office.people["labor"] not in people


#: Résumés of applicants, as if they had been read.
_APPLICANTS = (
    "INSERT INTO app.document (kind, title, audience)"
    " SELECT 'resume', '応募 ' || n, 'hr' FROM generate_series(1, :applicants) AS n",
    "INSERT INTO app.document_version"
    " (document_id, number, state, effective, file_name, media_type, file_sha256, size_bytes)"
    " SELECT id, 1, 'ready', '[2020-01-01,)', 'a.txt', 'text/plain', repeat('0', 64), 3"
    " FROM app.document WHERE title LIKE '応募 %'",
    "INSERT INTO app.document_text (version_id, document_id, body)"
    " SELECT v.id, v.document_id, '給与計算を' || v.id || '年'"
    " FROM app.document_version AS v WHERE v.file_name = 'a.txt'",
)


async def test_what_waits_is_told_and_the_job_scores_it(
    office: Office, scored: Scored, app: FastAPI, database: Database, tenant: TenantId, facts: Facts
) -> None:
    applicants = SCORED_AT_ONCE + 3
    async with office.company.acting() as session:
        for statement in _APPLICANTS:
            given = {"applicants": applicants} if ":applicants" in statement else {}
            await session.execute(text(statement), given)
    role = await office.describe()
    told = await office.match(role)
    assert (told["counted"], told["waiting"]) == (SCORED_AT_ONCE, len(BODIES) + 3)
    settings = app.state.parts.settings.model_copy(update={"scoring_socket": scored.process.socket})
    job = JobContext(principal=system_principal(tenant), database=database, settings=settings, attempt=1)
    assert await score_all(job, app.state.scoring) == len(BODIES) + 3
    assert await score_all(job, app.state.scoring) == 0
    told = await office.match(role)
    assert (told["counted"], told["waiting"]) == (len(BODIES) + applicants, 0)
    asked = await facts.all("SELECT DISTINCT asked_by IS NULL FROM app.model_score WHERE role_id IS NULL")
    assert sorted(asked) == [(False,), (True,)]


async def test_the_job_leaves_it_for_the_next_time_while_nobody_scores(
    office: Office, app: FastAPI, database: Database, tenant: TenantId, tmp_path: Path, facts: Facts
) -> None:
    for socket in (None, tmp_path / "nobody.sock"):
        settings = app.state.parts.settings.model_copy(
            update={"scoring_socket": socket, "scoring_timeout_s": 0.2}
        )
        job = JobContext(principal=system_principal(tenant), database=database, settings=settings, attempt=1)
        await score_while_served(job)
    assert await facts.one("SELECT count(*) FROM app.model_score") == 0


async def test_while_nobody_scores_the_page_is_told_so(office: Office, app: FastAPI, tmp_path: Path) -> None:
    role = await office.describe()
    before = app.state.scoring
    app.state.scoring = ScoringClient(tmp_path / "nobody.sock", timeout_s=0.2)
    try:
        answer = await office.library.browser.get(f"/role-profiles/{role}/matches")
    finally:
        app.state.scoring = before
    assert (answer.status_code, answer.json()["code"]) == (503, "model.scoring_away")


def test_skills_that_nobody_is_sure_of_count_nothing_and_equals_share_a_place() -> None:
    assert weigh_skills({"payroll": 0.49, "finance": 0.8}, required=["english"]) == {
        "finance": 0.8,
        "english": 1.0,
    }
    assert set(weigh_skills({}, required=list(KNOWN))) == set(KNOWN)
    match = match_skills({"payroll": 1.0, "english": 0.5}, {"payroll": 0.9, "english": 0.6, "sales": 1.0})
    assert match.score == pytest.approx((0.9 + 0.3) / 1.5)
    assert [one.skill for one in match.shares] == ["payroll", "english"]
    assert rank([0.2, 0.9, 0.2, 0.1]) == [(1, 1), (0, 2), (2, 2), (3, 4)]
