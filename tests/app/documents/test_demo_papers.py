"""The demo company's documents are read and answer its questions, in every release's own tests."""

from __future__ import annotations

import pytest

from hrx.app.assistant.evaluation.jobs import evaluate
from hrx.app.demo.papers import PAPERS, SHELF, load_papers, read_questions
from hrx.app.platform.db import Database
from hrx.app.platform.jobs import JobContext
from hrx.app.platform.tenancy import Principal, Role, TenantId, system_principal
from tests.app.conftest import MakeUser, SignIn
from tests.app.data.conftest import Facts
from tests.app.documents.conftest import Library

EVALUATION = "/assistant/evaluation"
#: What the set reached when it was written: a release whose search or answers fall is held here.
FLOORS = {
    "ja": {"hit": 1.0, "mrr": 0.95, "first": 0.9, "supported": 1.0, "not_found": 1.0},
    "en": {"hit": 1.0, "mrr": 0.96, "first": 0.95, "supported": 1.0, "not_found": 1.0},
}


def test_every_file_is_used_and_enough_questions_are_asked_to_compare_releases_by() -> None:
    used = {paper.file for paper in PAPERS}
    assert used | {"questions.csv"} == {path.name for path in SHELF.iterdir() if path.is_file()}
    questions = read_questions({file: number for number, file in enumerate(sorted(used), start=1)})
    for language in ("ja", "en"):
        assert sum(one.language == language and one.expects == "found" for one in questions) >= 20
    assert len({one.question for one in questions}) == len(questions)


@pytest.mark.req("R2-5", "R2-8")
@pytest.mark.timeout(170)
async def test_they_are_loaded_once_read_and_answer_the_companys_questions(
    library: Library,
    database: Database,
    tenant: TenantId,
    make_user: MakeUser,
    sign_in: SignIn,
    facts: Facts,
) -> None:
    user = await make_user(Role.HR)
    hr = Principal(tenant_id=tenant, user_id=user.id, person_id=None, roles=frozenset({Role.HR}))
    settings = library.queue.runtime.settings
    rules = [paper for paper in PAPERS if paper.unit is None]
    # This tenant has no sections, so nobody's résumé.
    assert await load_papers(database, settings, hr=hr) == len(rules)
    assert await load_papers(database, settings, hr=hr) == 0, "a second time there is nothing to do"
    await library.queue.work_until_idle()
    states = await facts.all("SELECT v.state, v.problem FROM app.document_version AS v")
    assert states == [("ready", None)] * len(rules)
    titles = await facts.all("SELECT title FROM app.document ORDER BY title")
    assert {("育児・介護休業規程",), ("Business Travel Guide",)} <= set(titles)

    await evaluate(
        JobContext(principal=system_principal(tenant), database=database, settings=settings, attempt=1),
        cause="release",
    )
    [run] = (await library.browser.get(f"{EVALUATION}/runs")).json()["items"]
    worst = (await library.browser.get(f"{EVALUATION}/runs/{run['id']}/worst")).json()["items"]
    missed = [(one["question"], one["place"], one["mode"]) for one in worst]
    for language, floors in FLOORS.items():
        figures = {one["measure"]: one["value"] for one in run["figures"] if one["language"] == language}
        assert {name for name, floor in floors.items() if figures[name] < floor - 1e-9} == set(), (
            figures,
            missed,
        )

    employee = await sign_in(Role.EMPLOYEE)
    seen = {one["title"] for one in (await employee.get("/documents")).json()["items"]}
    assert "就業規則" in seen
    assert "人事考課の運用（人事部限り）" not in seen
