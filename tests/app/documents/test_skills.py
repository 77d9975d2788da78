"""Skills of a résumé, from the live model in its own process: what the page gets, and what it is told when
nobody scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from hrx.app.models.client import ScoringClient
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Role, TenantId
from tests.app.conftest import MakeSettings, SignIn, running
from tests.app.documents.conftest import Library
from tests.app.documents.scored import Scored
from tests.app.models.serving import ServingProcess
from tests.app.people.company import Company

pytestmark = pytest.mark.req("R2-8")
RESUME = "氏名: 佐藤 健\n給与計算と年末調整を8年担当。源泉徴収の実務。就業規則の改定、36協定の締結。".encode()
#: Its author is called as a programming language is.
RUBY = b"Payroll for eight years, withholding tax for 500 people. References of Python Java on request."


def path_of(document: dict[str, Any]) -> str:
    return f"/documents/{document['id']}/versions/{document['versions'][0]['id']}/skills"


async def test_skills_of_a_resume_are_shown_with_the_version_that_saw_them(
    library: Library, scored: Scored
) -> None:
    document = await library.add(RESUME, name="履歴書.txt", kind="resume", audience="hr")
    answer = await library.browser.get(path_of(document))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["model_version"] == scored.version
    assert {"payroll", "labor_law"} <= {one["skill"] for one in told["items"]}
    assert {one["skill"]: one["name"] for one in told["items"]}["payroll"] == "給与計算"
    scores = [one["score"] for one in told["items"]]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0.5


async def test_a_name_that_is_the_name_of_a_skill_is_not_taken_for_one(
    library: Library, scored: Scored, database: Database, tenant: TenantId
) -> None:
    company = Company(database=database, tenant_id=tenant)
    unit = await company.unit("開発部")
    person = await company.hire(unit, family_latin="Java", given_latin="Python")
    [named, nameless] = [
        await library.add(RUBY, name=f"cv-{at}.txt", kind="resume", **{"audience": "hr", **given})
        for at, given in enumerate(({"person_id": person, "audience": "person"}, {}))
    ]
    found = {
        key: {one["skill"] for one in (await library.browser.get(path_of(document))).json()["items"]}
        for key, document in (("named", named), ("nameless", nameless))
    }
    assert "payroll" in found["named"]
    async with company.acting() as session:
        rows = await session.execute(
            text("SELECT action, details->>'for' FROM app.audit_entry WHERE subject_person_id = :person"),
            {"person": person},
        )
        assert ("document.text_read", "skills") in [tuple(row) for row in rows]
    # Without the record the words would be a sign of it: the record's names are what takes them out.
    assert "software" in found["nameless"] - found["named"]


async def test_a_document_that_is_no_resume_is_refused(library: Library, scored: Scored) -> None:
    document = await library.add("# 就業規則\n年末調整の手続き".encode())
    answer = await library.browser.get(path_of(document))
    assert answer.status_code == 422
    assert answer.json()["code"] == "document.not_a_resume"


async def test_who_may_not_see_the_resume_does_not_learn_its_skills(
    library: Library, scored: Scored, sign_in: SignIn
) -> None:
    document = await library.add(RESUME, name="履歴書.txt", kind="resume", audience="hr")
    stranger = await sign_in(Role.EMPLOYEE)
    assert (await stranger.get(path_of(document))).status_code == 404


async def test_while_nobody_scores_the_page_is_told_so_and_the_rest_works(
    library: Library, app: FastAPI, tmp_path: Path
) -> None:
    document = await library.add(RESUME, name="履歴書.txt", kind="resume", audience="hr")
    before = app.state.scoring
    nobody = tmp_path / "nobody.sock"
    for socket, code in ((None, "model.scoring_not_set_up"), (nobody, "model.scoring_away")):
        app.state.scoring = ScoringClient(socket, timeout_s=0.2)
        try:
            answer = await library.browser.get(path_of(document))
        finally:
            app.state.scoring = before
        assert answer.status_code == 503, answer.text
        assert answer.json()["code"] == code
        assert answer.json()["hint"]
        assert answer.headers["retry-after"]
    assert (await library.text(document))["body"]


async def test_readiness_says_that_scoring_is_away_and_the_api_serves_on(
    make_settings: MakeSettings, process: ServingProcess, version: str, tmp_path: Path
) -> None:
    async def look(socket: Path) -> tuple[int, dict[str, str]]:
        async with running(make_settings(scoring_socket=socket)) as app:
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                answer = await client.get("/readyz")
            return answer.status_code, {one["name"]: one["status"] for one in answer.json()["checks"]}

    code, found = await look(process.socket)
    assert (code, found["scoring"]) == (200, "up")
    code, found = await look(tmp_path / "nobody.sock")
    assert (code, found["scoring"], found["postgresql"]) == (200, "down", "up")
