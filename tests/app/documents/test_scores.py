"""Every score is a row with its reasons, and people's decisions stand beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hrx.app.platform import jobs
from hrx.app.platform.db import Database, DriverError
from hrx.app.platform.tenancy import Role, TenantId, UserId
from hrx.kit.models.records import Alias
from tests.app.clients import Browser
from tests.app.conftest import MakeUser, SignIn
from tests.app.data.conftest import Facts
from tests.app.documents.conftest import Library
from tests.app.documents.scored import Scored, train
from tests.app.people.company import Company
from tests.conftest import PostgresServer

pytestmark = pytest.mark.req("R2-8")
#: Half-width kana and full-width Latin: what the model is shown has other lengths than what is written.
RESUME = "ﾌﾟﾛｼﾞｪｸﾄ管理の PMP を取得。給与計算と年末調整を8年。源泉徴収の実務と給与計算の改善。"
ROWS = "SELECT count(*) FROM app.model_score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Somebody's résumé, and browsers of HR, of them, of who heads them, and of a colleague."""

    company: Company
    hr: Library
    document: dict[str, Any]
    person: int
    browsers: dict[str, Browser]

    @property
    def path(self) -> str:
        return f"/documents/{self.document['id']}/versions/{self.document['versions'][0]['id']}/skills"

    async def look(self, who: str = "hr") -> dict[str, Any]:
        answer = await self.browsers[who].get(self.path)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def decide(self, score_id: int, verdict: str, *, who: str = "hr") -> Any:
        path = f"/documents/{self.document['id']}/skills/{score_id}/{verdict}"
        return await self.browsers[who].post(path)


@pytest_asyncio.fixture
async def case(
    database: Database,
    tenant: TenantId,
    scored: Scored,
    sign_in: SignIn,
    make_user: MakeUser,
    queue: jobs.Queue,
    library: Library,
) -> Case:
    company = Company(database=database, tenant_id=tenant)
    unit = await company.unit("人事部")
    head = await company.hire(unit)
    person, colleague = await company.hire(unit, manager_id=head), await company.hire(unit, manager_id=head)
    document = await library.add(
        RESUME.encode(), name="履歴書.txt", kind="resume", audience="person", person_id=person
    )
    return Case(
        company=company,
        hr=library,
        document=document,
        person=person,
        browsers={
            "hr": library.browser,
            "self": await sign_in(user=await make_user(Role.EMPLOYEE, person_id=person)),
            "manager": await sign_in(user=await make_user(Role.MANAGER, person_id=head)),
            "colleague": await sign_in(user=await make_user(Role.EMPLOYEE, person_id=colleague)),
            "auditor": await sign_in(Role.AUDITOR),
        },
    )


def skill_of(told: dict[str, Any], skill: str) -> dict[str, Any]:
    [found] = [one for one in told["items"] if one["skill"] == skill]
    return dict(found)


async def test_reasons_are_words_that_stand_where_they_are_said_to(case: Case) -> None:
    told = await case.look()
    payroll = skill_of(told, "payroll")
    said = {
        one["word"]: [RESUME[at["start"] : at["end"]] for at in one["places"]] for one in payroll["reasons"]
    }
    assert said["給与計算"] == ["給与計算", "給与計算"]
    assert said["年末調整"] == ["年末調整"]
    assert all(one["weight"] > 0 for one in payroll["reasons"] if one["word"] in ("給与計算", "年末調整"))
    weights = [abs(one["weight"]) for one in payroll["reasons"]]
    assert weights == sorted(weights, reverse=True)
    project = {one["word"]: one["places"] for one in skill_of(told, "project")["reasons"]}
    [kana] = project["プロジェクト管理"]
    assert RESUME[kana["start"] : kana["end"]] == "ﾌﾟﾛｼﾞｪｸﾄ管理"


async def test_every_skill_is_one_row_however_often_and_whoever_asks(
    case: Case, scored: Scored, facts: Facts
) -> None:
    first = await case.look()
    assert await case.look() == first
    assert {one["id"] for one in (await case.look("manager"))["items"]} == {
        one["id"] for one in first["items"]
    }
    rows = await facts.all(
        "SELECT model, model_version, model_sha256, is_shadow, version_id, count(*), count(DISTINCT label),"
        " count(DISTINCT asked_by) FROM app.model_score GROUP BY 1, 2, 3, 4, 5"
    )
    registry, _ = scored.process.held
    live = registry.get(scored.version)
    version = case.document["versions"][0]["id"]
    labels = len(live.labels)
    assert rows == [("skills", scored.version, live.sha256, False, version, labels, labels, 1)]


async def test_hr_and_the_person_decide_and_what_was_decided_before_stays(case: Case, facts: Facts) -> None:
    told = await case.look()
    assert (told["may_decide"], skill_of(told, "payroll")["verdict"]) == (True, None)
    score = skill_of(told, "payroll")["id"]
    for verdict in ("accept", "accept", "reject"):
        assert (await case.decide(score, verdict)).status_code == 200
    assert skill_of(await case.look("manager"), "payroll")["verdict"] == "rejected"
    own = await case.decide(score, "accept", who="self")
    assert (own.status_code, own.json()["verdict"]) == (200, "accepted"), own.text
    verdicts = await facts.all("SELECT verdict, decided_by FROM app.score_decision ORDER BY id")
    assert [verdict for verdict, _ in verdicts] == ["accepted", "rejected", "accepted"]
    assert len({decided_by for _, decided_by in verdicts}) == 2
    entries = await facts.all(
        "SELECT action, details->>'before' FROM app.audit_entry"
        " WHERE subject_person_id = :person AND action LIKE 'document.skill%' ORDER BY id",
        person=case.person,
    )
    assert entries == [
        ("document.skill_accepted", None),
        ("document.skill_rejected", "accepted"),
        ("document.skill_accepted", "rejected"),
    ]


async def test_who_may_not_see_or_decide_is_told_so(case: Case, facts: Facts) -> None:
    score = skill_of(await case.look(), "payroll")["id"]
    assert (await case.browsers["colleague"].get(case.path)).status_code == 404
    assert (await case.decide(score, "accept", who="colleague")).status_code == 404
    for who in ("manager", "auditor"):
        assert (await case.look(who))["may_decide"] is False
        assert (await case.decide(score, "accept", who=who)).status_code == 403
    other = await case.hr.add(RESUME.encode(), name="別.txt", kind="resume", audience="hr")
    path = f"/documents/{other['id']}/skills/{score}/accept"
    answer = await case.hr.browser.post(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "score.not_found")
    assert await facts.one("SELECT count(*) FROM app.score_decision") == 0


async def test_a_deleted_resume_takes_its_scores_along(case: Case, facts: Facts) -> None:
    score = skill_of(await case.look(), "payroll")["id"]
    await case.decide(score, "accept")
    assert (await case.hr.browser.delete(f"/documents/{case.document['id']}")).status_code == 204
    async with case.company.acting(case.company.principal(Role.HR)) as session:
        assert await session.scalar(text(ROWS)) == 0
        assert await session.scalar(text("SELECT count(*) FROM app.score_decision")) == 0
    await case.hr.queue.work_until_idle()
    assert await facts.one(ROWS) == 0
    assert await facts.one("SELECT count(*) FROM app.document") == 0


async def test_another_model_makes_rows_of_its_own_and_the_decision_is_not_asked_for_again(
    case: Case, scored: Scored, facts: Facts
) -> None:
    score = skill_of(await case.look(), "payroll")["id"]
    await case.decide(score, "accept")
    registry, signer = scored.process.held
    made = registry.register(train(scored.process.folder / "next", seed=9), signer=signer, by="x").version
    try:
        registry.move("skills", Alias.LIVE, to=made, signer=signer, by="x", reason="")
        await answered_by(case, made)
        found = skill_of(await case.look(), "payroll")
        assert (found["id"] != score, found["verdict"]) == (True, "accepted")
    finally:
        registry.move("skills", Alias.LIVE, to=scored.version, signer=signer, by="x", reason="")
        await answered_by(case, scored.version)
    assert skill_of(await case.look(), "payroll")["id"] == score
    versions = await facts.all("SELECT model_version FROM app.model_score GROUP BY 1 ORDER BY 1")
    assert [version for (version,) in versions] == sorted((made, scored.version))


async def answered_by(case: Case, version: str) -> None:
    for _ in range(2_000):
        if (await case.look())["model_version"] == version:
            return
    raise AssertionError(version)


#: What the database itself forbids to each, whatever the code above it does.
_OWN = " FROM app.model_score AS s WHERE s.label = 'payroll'"
_COPY = (
    "INSERT INTO app.model_score (model, model_version, document_id, version_id, label, score, is_shadow,"
    " asked_by) SELECT 'x', 'x', s.document_id, s.version_id, 'x', 1, {shadow}, {by}" + _OWN
)
FORBIDDEN = {
    "a score is changed": (Role.HR, "UPDATE app.model_score SET score = 1"),
    "a score is deleted": (Role.HR, "DELETE FROM app.model_score RETURNING 1"),
    "a decision is changed": (Role.HR, "UPDATE app.score_decision SET verdict = 'rejected'"),
    "a decision is deleted": (Role.HR, "DELETE FROM app.score_decision"),
    "a shadow's score": (Role.HR, _COPY.format(shadow="true", by="app.current_user_id()")),
    "a score in another's name": (Role.HR, _COPY.format(shadow="false", by="NULL")),
    "a decision in another's name": (
        Role.HR,
        f"INSERT INTO app.score_decision (score_id, verdict, decided_by) SELECT s.id, 'accepted', NULL{_OWN}",
    ),
    "a decision of an auditor": (
        Role.AUDITOR,
        f"INSERT INTO app.score_decision (score_id, verdict) SELECT s.id, 'accepted'{_OWN}",
    ),
}


@pytest.mark.parametrize("what", FORBIDDEN)
async def test_the_database_lets_nobody_change_or_make_up_a_score(
    case: Case, make_user: MakeUser, facts: Facts, what: str
) -> None:
    score = skill_of(await case.look(), "payroll")["id"]
    await case.decide(score, "accept")
    before = await facts.all("SELECT s::text FROM app.model_score AS s ORDER BY id")
    role, statement = FORBIDDEN[what]
    user = await make_user(role)
    principal = replace(case.company.principal(role), user_id=UserId(user.id))
    is_done = False
    try:
        async with case.company.acting(principal) as session:
            is_done = bool((await session.execute(text(statement))).rowcount)  # type: ignore[attr-defined]
    except (DBAPIError, DriverError):
        pass
    assert not is_done
    assert await facts.all("SELECT s::text FROM app.model_score AS s ORDER BY id") == before
    assert await facts.all("SELECT verdict FROM app.score_decision") == [("accepted",)]


async def test_a_shadow_is_seen_by_background_work_only_and_sums_tell_of_both(
    case: Case, scored: Scored, facts: Facts, postgres: PostgresServer
) -> None:
    told = await case.look()
    payroll, project = skill_of(told, "payroll"), skill_of(told, "project")
    await case.decide(payroll["id"], "accept")
    await case.decide(project["id"], "reject")
    told = await case.look()
    async with case.company.acting() as session:
        await session.execute(
            text(
                "INSERT INTO app.model_score (model, model_version, is_shadow, document_id, version_id,"
                " label, score) SELECT model, 'challenger', true, document_id, version_id, label, 0.1"
                " FROM app.model_score"
            )
        )
    assert await case.look() == told
    async with case.company.acting(case.company.principal(Role.HR)) as session:
        assert await session.scalar(text(f"{ROWS} WHERE is_shadow")) == 0
    with psycopg.connect(postgres.app_url) as anybody:
        anybody.execute("BEGIN")
        tenths = anybody.execute(
            "SELECT tenth, sum(counted) FROM app.tell_scores(now() - interval '1 hour')"
            " WHERE model_version = 'challenger' GROUP BY tenth"
        ).fetchall()
        verdicts = anybody.execute(
            "SELECT model_version, counted, agreed FROM app.tell_verdicts(now() - interval '1 hour', 0.5)"
            " WHERE model_version IN ('challenger', %s)",
            [scored.version],
        ).fetchall()
    assert [tenth for tenth, _ in tenths] == [1]
    # Of what was decided here: the live one was sure of both, the challenger of neither.
    by_version = {version: (counted, agreed) for version, counted, agreed in verdicts}
    assert by_version["challenger"] == (2, 1)
