"""Runs of questions: found and answered as for people, with figures, and nothing is counted twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import text

from hrx.app.assistant.evaluation.actions import running
from hrx.app.assistant.evaluation.jobs import evaluate
from hrx.app.assistant.evaluation.measuring import measure
from hrx.app.assistant.evaluation.models import Before, Measure, Outcome
from hrx.app.platform import jobs
from hrx.app.platform.ai_figures import EvaluationFigures
from hrx.app.platform.db import Database
from hrx.app.platform.jobs import JobContext
from hrx.app.platform.tenancy import Role, TenantId, system_principal
from hrx.app.worker import Worker, WorkerMetrics
from tests.app.assistant.shelf import CONDOLENCE, LEAVE, TRAVEL, shelve, take_away
from tests.app.assistant.test_question_sets import PATH, make_set
from tests.app.clients import Browser
from tests.app.conftest import MakeSettings, MakeUser, SignIn

pytestmark = pytest.mark.req("R2-6", "R2-8")
Evaluate = Callable[..., Awaitable[list[dict[str, Any]]]]
FIRST, SECOND, THIRD = "1" * 40, "2" * 40, "3" * 40


def job_of(database: Database, tenant: TenantId, make_settings: MakeSettings, commit: str) -> JobContext:
    return JobContext(
        principal=system_principal(tenant),
        database=database,
        settings=make_settings(commit=commit),
        attempt=1,
    )


async def fill(hr: Browser, document: int, **given: Any) -> int:
    """A set that asks for three passages of the document and for what none of them says."""
    set_id = await make_set(hr, **given)
    questions = [
        {"question": question, "expected": [{"document_id": document, "quote": quote}]}
        for question, quote in (
            ("年次有給休暇は何日ですか", "10日の年次有給休暇"),
            ("出張の日当はいくらですか", "2,500円"),
            ("結婚したときの慶弔休暇は何日ですか", "慶弔休暇を5日"),
        )
    ]
    questions.append({"question": "社用車の駐車場はどこですか", "expects": "not_found"})
    answer = await hr.post(f"{PATH}/sets/{set_id}/questions", {"questions": questions})
    assert answer.status_code == 201, answer.text
    return set_id


def figures_of(run: dict[str, Any], language: str = "ja") -> dict[str, float]:
    return {one["measure"]: one["value"] for one in run["figures"] if one["language"] == language}


async def runs_of(hr: Browser) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await hr.get(f"{PATH}/runs")).json()["items"]
    return found


async def sets_of(hr: Browser) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await hr.get(f"{PATH}/sets")).json()["items"]
    return found


async def test_a_run_asks_as_the_named_asker_and_leaves_no_conversation(
    database: Database,
    tenant: TenantId,
    sign_in: SignIn,
    make_user: MakeUser,
    make_settings: MakeSettings,
) -> None:
    document = await shelve(database, tenant, CONDOLENCE, LEAVE, TRAVEL)
    hr, asker = await sign_in(Role.HR), await make_user(Role.EMPLOYEE)
    await fill(hr, document, asker_user_id=asker.id)
    await evaluate(job_of(database, tenant, make_settings, FIRST), cause="nightly")
    [run] = await runs_of(hr)
    assert (run["state"], run["cause"], run["questions"], run["failed"]) == ("done", "nightly", 4, 0)
    assert figures_of(run) == {"hit": 1.0, "mrr": 1.0, "first": 1.0, "supported": 1.0, "not_found": 1.0}
    worst = (await hr.get(f"{PATH}/runs/{run['id']}/worst")).json()
    assert worst["items"] == []
    browser = await sign_in(user=asker)
    assert (await browser.get("/assistant/conversations")).json()["items"] == []
    # The document is HR's alone from now on: its asker finds it no more, and that is what is measured.
    await take_away(database, tenant, document, "audience = 'hr'")
    await evaluate(job_of(database, tenant, make_settings, SECOND), cause="release")
    after, _ = await runs_of(hr)
    assert figures_of(after) == {"hit": 0.0, "mrr": 0.0, "first": 0.0, "not_found": 1.0}
    lost = {one["measure"]: (one["lost"], one["compared"]) for one in after["figures"]}
    assert lost == {"hit": (1.0, 3), "mrr": (1.0, 3), "first": (1.0, 3), "not_found": (0.0, 1)}
    worst = (await hr.get(f"{PATH}/runs/{after['id']}/worst")).json()["items"]
    assert [(one["mode"], one["place"], one["came"]) for one in worst] == [("not_found", None, [])] * 3
    assert worst[0]["expected"][0]["title"] == "就業規則"


async def test_what_came_instead_is_shown_with_its_place(
    database: Database, tenant: TenantId, sign_in: SignIn, make_settings: MakeSettings
) -> None:
    document = await shelve(database, tenant, LEAVE)
    other = await shelve(database, tenant, TRAVEL, title="旅費規程")
    hr = await sign_in(Role.HR)
    set_id = await make_set(hr)
    given = {"question": "出張の日当はいくらですか", "expected": [{"document_id": document}]}
    await hr.post(f"{PATH}/sets/{set_id}/questions", {"questions": [given]})
    await evaluate(job_of(database, tenant, make_settings, FIRST), cause="asked")
    [run] = await runs_of(hr)
    [worst] = (await hr.get(f"{PATH}/runs/{run['id']}/worst")).json()["items"]
    first = worst["came"][0]
    assert (first["document_id"], first["title"], worst["mode"]) == (other, "旅費規程", "quotes")
    assert (first["start_char"], first["end_char"]) == (0, len(TRAVEL))
    assert first["headings"][0] == "旅費規程"
    assert worst["expected"] == [{"document_id": document, "title": "就業規則", "quote": ""}]


async def test_each_set_tells_what_came_of_it_last(
    database: Database, tenant: TenantId, sign_in: SignIn, make_settings: MakeSettings
) -> None:
    document = await shelve(database, tenant, CONDOLENCE, LEAVE, TRAVEL)
    hr = await sign_in(Role.HR)
    full = await fill(hr, document, name="規程")
    wrong = await make_set(hr, "旅費")
    given = {
        "question": "年次有給休暇は何日ですか",
        "expected": [{"document_id": document, "quote": "2,500円"}],
    }
    await hr.post(f"{PATH}/sets/{wrong}/questions", {"questions": [given]})
    fresh = await make_set(hr, "新しい")
    assert [one["last"] for one in await sets_of(hr)] == [None, None, None]
    for commit in (FIRST, SECOND):
        await evaluate(job_of(database, tenant, make_settings, commit), cause="nightly")
    last = {one["id"]: one["last"] for one in await sets_of(hr)}
    newest = (await runs_of(hr))[0]
    assert last[fresh] is None
    assert (last[full]["run_id"], last[full]["questions"], last[full]["failed"]) == (newest["id"], 4, 0)
    assert figures_of(last[full])["hit"] == 1.0
    assert figures_of(last[wrong])["first"] == 0.0
    assert {one["lost"] for one in last[full]["figures"]} == {0.0}
    worst = (await hr.get(f"{PATH}/runs/{newest['id']}/worst")).json()["items"]
    assert {one["set_id"] for one in worst} == {wrong}


async def test_a_run_that_was_killed_goes_on_and_one_that_is_done_is_not_done_again(
    database: Database, tenant: TenantId, sign_in: SignIn, make_settings: MakeSettings
) -> None:
    document = await shelve(database, tenant, CONDOLENCE, LEAVE, TRAVEL)
    hr = await sign_in(Role.HR)
    await fill(hr, document)
    job = job_of(database, tenant, make_settings, FIRST)
    async with job.transaction() as session:
        run_id = await running.begin_run(session, cause="nightly", commit=FIRST)
        [question] = [
            row.id
            for row in await session.execute(
                text("SELECT id FROM app.evaluation_question ORDER BY id LIMIT 1")
            )
        ]
    assert run_id is not None
    # What it had written before it was killed stays, though it is not what would come now.
    kept = Outcome(question_id=question, language="ja", expects="found", mode="quotes", place=5)
    for _ in range(2):
        async with job.transaction() as session:
            await running.keep_outcome(session, run_id, kept)
    await evaluate(job, cause="nightly")
    await evaluate(job, cause="nightly")
    [run] = await runs_of(hr)
    assert (run["id"], run["state"], run["questions"]) == (run_id, "done", 4)
    assert figures_of(run)["mrr"] == pytest.approx((1 / 5 + 1 + 1) / 3)
    async with job.transaction() as session:
        assert await running.finish_run(session, run_id) == ()
    # Other code begins anew.
    async with job.transaction() as session:
        assert await running.begin_run(session, cause="release", commit=SECOND) not in (None, run_id)


async def test_half_a_run_of_another_release_is_abandoned(
    database: Database, tenant: TenantId, sign_in: SignIn, make_settings: MakeSettings
) -> None:
    document = await shelve(database, tenant, CONDOLENCE, LEAVE, TRAVEL)
    hr = await sign_in(Role.HR)
    await fill(hr, document)
    job = job_of(database, tenant, make_settings, FIRST)
    async with job.transaction() as session:
        begun = await running.begin_run(session, cause="nightly", commit=FIRST)
    await evaluate(job_of(database, tenant, make_settings, SECOND), cause="release")
    [run] = await runs_of(hr)
    assert (run["id"] != begun, run["commit"], run["questions"]) == (True, SECOND, 4)


async def test_what_cannot_be_asked_is_told_and_counts_nowhere(
    database: Database,
    tenant: TenantId,
    sign_in: SignIn,
    make_user: MakeUser,
    make_settings: MakeSettings,
) -> None:
    gone, document = await shelve(database, tenant, LEAVE), await shelve(database, tenant, TRAVEL)
    hr, left = await sign_in(Role.HR), await make_user(Role.EMPLOYEE)
    set_id = await make_set(hr)
    questions = [
        {"question": "有給は何日ですか", "expected": [{"document_id": gone}]},
        {"question": "出張の日当はいくらですか", "expected": [{"document_id": document}]},
    ]
    await hr.post(f"{PATH}/sets/{set_id}/questions", {"questions": questions})
    other = await make_set(hr, "辞めた人", asker_user_id=left.id)
    await hr.post(f"{PATH}/sets/{other}/questions", {"questions": questions[1:]})
    await take_away(database, tenant, gone, "deleted_at = now()")
    async with database.transaction(system_principal(tenant)) as session:
        await session.execute(
            text("UPDATE app.user_account SET is_active = false WHERE id = :id"), {"id": left.id}
        )
    await evaluate(job_of(database, tenant, make_settings, FIRST), cause="nightly")
    [run] = await runs_of(hr)
    assert (run["questions"], run["failed"], figures_of(run)["hit"]) == (3, 2, 1.0)
    worst = (await hr.get(f"{PATH}/runs/{run['id']}/worst")).json()["items"]
    assert [one["problem"] for one in worst] == ["evaluation.nothing_expected", "evaluation.asker_inactive"]


async def test_a_tenant_without_questions_has_no_run(
    database: Database, tenant: TenantId, sign_in: SignIn, make_settings: MakeSettings
) -> None:
    hr = await sign_in(Role.HR)
    await make_set(hr)
    await evaluate(job_of(database, tenant, make_settings, FIRST), cause="nightly")
    assert await runs_of(hr) == []


async def test_hr_starts_a_run_and_a_second_click_starts_no_second_one(
    database: Database, tenant: TenantId, sign_in: SignIn
) -> None:
    hr = await sign_in(Role.HR)
    for _ in range(2):
        assert (await hr.post(f"{PATH}/runs", {})).status_code == 202
    async with database.transaction(system_principal(tenant)) as session:
        jobs = await session.scalar(
            text(
                "SELECT count(*) FROM jobs.procrastinate_jobs WHERE task_name = 'assistant.evaluate_now'"
                " AND (args->>'tenant_id')::bigint = :tenant AND args->>'cause' = 'asked'"
            ),
            {"tenant": tenant},
        )
    assert jobs == 1


async def test_figures_are_exported_by_release_with_the_worst_loss_of_enough_questions(
    database: Database, tenant: TenantId, sign_in: SignIn, make_settings: MakeSettings
) -> None:
    document = await shelve(database, tenant, CONDOLENCE, LEAVE, TRAVEL)
    hr = await sign_in(Role.HR)
    set_id = await make_set(hr)
    commits = ["a1" * 20, "b2" * 20]
    questions = [
        {"question": f"出張の日当はいくらですか{'?' * number}", "expected": [{"document_id": document}]}
        for number in range(24)
    ]
    await hr.post(f"{PATH}/sets/{set_id}/questions", {"questions": questions})
    async with database.transaction(None) as session:
        todo = list(await session.scalars(text("SELECT app.list_tenants_to_evaluate(:c)"), {"c": commits[0]}))
    assert tenant in todo
    await evaluate(job_of(database, tenant, make_settings, commits[0]), cause="release")
    async with database.transaction(None) as session:
        todo = list(await session.scalars(text("SELECT app.list_tenants_to_evaluate(:c)"), {"c": commits[0]}))
    assert tenant not in todo
    await take_away(database, tenant, document, "audience = 'hr', deleted_at = NULL")
    async with database.transaction(system_principal(tenant)) as session:
        await session.execute(text("DELETE FROM app.user_role WHERE role = 'hr'"))
    await evaluate(job_of(database, tenant, make_settings, commits[1]), cause="release")
    registry = CollectorRegistry()
    figures = EvaluationFigures(registry)
    async with database.transaction(None) as session:
        await figures.read(session)
    lines = generate_latest(registry).decode().splitlines()
    labels = f'{{language="ja",measure="hit",release="{commits[1][:12]}"}}'
    told = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}
    assert told[f"hrx_assistant_evaluation_ratio{labels}"] == 0.0
    assert told[f"hrx_assistant_evaluation_counted{labels}"] == 24.0
    assert told[f"hrx_assistant_evaluation_lost_ratio{labels}"] == 1.0
    assert not any(commits[0][:12] in line for line in lines)
    assert told["hrx_assistant_evaluation_timestamp_seconds"] > 0


def test_a_loss_is_told_over_the_questions_that_were_asked_both_times() -> None:
    outcomes = [
        Outcome(question_id=1, language="ja", expects="found", mode="quotes", place=1),
        Outcome(question_id=2, language="ja", expects="found", mode="quotes", place=9),
        Outcome(question_id=3, language="ja", expects="found", mode="not_found"),
        Outcome(
            question_id=4, language="en", expects="found", mode="model", place=2, sentences=3, supported=2
        ),
        Outcome(question_id=5, language="ja", expects="found", mode="failed", problem="x"),
    ]
    then: dict[Measure, float | None] = dict.fromkeys(Measure)
    before = {1: Before(values=then | {Measure.HIT: 0.5}), 2: Before(values=then | {Measure.HIT: 1.0})}
    found = {(one.language, one.measure): one for one in measure(outcomes, before=before)}
    hit = found["ja", Measure.HIT]
    assert (hit.counted, hit.compared, hit.lost) == (3, 2, 0.25)
    assert hit.value == pytest.approx(1 / 3)
    assert found["ja", Measure.MRR].value == pytest.approx((1 + 1 / 9) / 3)
    assert found["ja", Measure.MRR].lost is None
    supported = found["en", Measure.SUPPORTED]
    assert supported.counted == 3
    assert supported.value == pytest.approx(2 / 3)
    assert ("ja", Measure.NOT_FOUND) not in found


async def test_a_new_release_is_asked_once_and_what_came_is_exported(
    database: Database, tenant: TenantId, sign_in: SignIn, make_settings: MakeSettings
) -> None:
    document = await shelve(database, tenant, CONDOLENCE, LEAVE, TRAVEL)
    hr = await sign_in(Role.HR)
    await fill(hr, document)
    settings, registry = make_settings(commit=THIRD), CollectorRegistry()
    runtime = jobs.JobRuntime(
        database=database, settings=settings, metrics=jobs.JobMetrics(CollectorRegistry())
    )
    metrics = WorkerMetrics(registry)
    worker = Worker(settings=settings, database=database, runtime=runtime, metrics=metrics)
    async with jobs.open_queue(runtime) as queue:
        # However often it looks, and however many workers do, before the job is taken and after it is done.
        for _ in range(2):
            await worker.evaluate_release()
            await worker.evaluate_release()
            await queue.work_until_idle()
    [run] = await runs_of(hr)
    assert (run["cause"], run["commit"], run["state"]) == ("release", THIRD, "done")
    await worker.read_evaluations()
    # The value is that of all tenants together; tests beside this one have questions of their own.
    told = generate_latest(registry).decode()
    assert f'hrx_assistant_evaluation_ratio{{language="ja",measure="hit",release="{THIRD[:12]}"}} ' in told
