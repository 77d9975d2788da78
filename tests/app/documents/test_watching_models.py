"""A challenger scores the same résumés unseen; drift and agreement are worked out for both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from hrx.app.models.client import ScoringClient
from hrx.app.models.serving.frames import encode, read_frame
from hrx.app.people.documents.score_jobs import score_while_served
from hrx.app.people.documents.skills.judging import KNOWN
from hrx.app.people.documents.skills.watching import LEAST_DECISIONS, LEAST_RESUMES, watch_model
from hrx.app.platform.db import Database
from hrx.app.platform.jobs import JobContext
from hrx.app.platform.tenancy import Principal, Role, TenantId, UserId, system_principal
from hrx.app.settings import AppSettings
from hrx.app.worker import build_worker
from hrx.kit.errors import Refused
from hrx.kit.models.records import Alias
from tests.app.conftest import MakeUser
from tests.app.data.conftest import Facts
from tests.app.documents.conftest import Library
from tests.app.documents.scored import Scored, train
from tests.app.models.serving import PATIENCE_S
from tests.app.people.company import Company

pytestmark = pytest.mark.req("R2-8")
RESUME = "給与計算と年末調整を8年担当。源泉徴収の実務。就業規則の改定。".encode()


@pytest.fixture
def settings(app: FastAPI, scored: Scored) -> AppSettings:
    """Of a worker that knows the part that scores."""
    known: AppSettings = app.state.parts.settings
    return known.model_copy(update={"scoring_socket": scored.process.socket, "scoring_timeout_s": PATIENCE_S})


@pytest.fixture
def job(settings: AppSettings, database: Database, tenant: TenantId) -> JobContext:
    return JobContext(principal=system_principal(tenant), database=database, settings=settings, attempt=1)


@pytest_asyncio.fixture
async def challenger(scored: Scored, app: FastAPI) -> AsyncIterator[str]:
    """A version in the shadow, loaded."""
    registry, signer = scored.process.held
    made = registry.register(train(scored.process.folder / "challenger", seed=11), signer=signer, by="x")
    registry.move("skills", Alias.SHADOW, to=made.version, signer=signer, by="x", reason="")
    until = time.monotonic() + PATIENCE_S
    while made.version not in await app.state.scoring.list_references("skills"):
        assert time.monotonic() < until
        await asyncio.sleep(0.02)
    yield made.version


async def test_a_challenger_scores_the_same_unseen_and_once(
    library: Library, scored: Scored, challenger: str, job: JobContext, facts: Facts
) -> None:
    document = await library.add(RESUME, name="履歴書.txt", kind="resume", audience="hr")
    path = f"/documents/{document['id']}/versions/{document['versions'][0]['id']}/skills"
    for _ in range(2):
        await score_while_served(job)
    rows = await facts.all(
        "SELECT is_shadow, model_version, count(*), count(DISTINCT label) FROM app.model_score"
        " GROUP BY 1, 2 ORDER BY 1"
    )
    labels = len(KNOWN)
    assert rows == [(False, scored.version, labels, labels), (True, challenger, labels, labels)]
    shown = (await library.browser.get(path)).json()
    assert shown["model_version"] == scored.version
    shadows = await facts.all("SELECT id FROM app.model_score WHERE is_shadow")
    assert {one["id"] for one in shown["items"]}.isdisjoint(row for (row,) in shadows)
    refused = await library.browser.post(f"/documents/{document['id']}/skills/{shadows[0][0]}/accept")
    assert refused.status_code == 404


async def test_a_part_that_knows_no_shadow_is_not_believed(tmp_path_factory: pytest.TempPathFactory) -> None:
    """An earlier release's part answers whatever it is asked with the live version."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (frame := await read_frame(reader)) is not None:
            head = {"id": frame.head["id"], "version": "old-1", "features": "f", "labels": ["a"]}
            writer.write(encode(head, frame.rows[:, :1]))
        writer.close()

    socket = tmp_path_factory.mktemp("s") / "s"
    server = await asyncio.start_unix_server(serve, socket)
    client = ScoringClient(socket, timeout_s=PATIENCE_S)
    try:
        assert (await client.score([[0.5]], model="m", features="f")).sha256 is None
        with pytest.raises(Refused):
            await client.score([[0.5]], model="m", features="f", is_shadow=True)
    finally:
        await client.close()
        server.close()


#: Résumés with every score in one tenth, as if a model had scored them.
_SCORED = """
INSERT INTO app.model_score (model, model_version, is_shadow, document_id, version_id, label, score)
SELECT 'skills', :model_version, :is_shadow, v.document_id, v.id, skill, :score
FROM app.document_version AS v, unnest(CAST(:skills AS text[])) AS skill
ON CONFLICT DO NOTHING
"""
_RESUMES = (
    "INSERT INTO app.document (kind, title, audience)"
    " SELECT 'resume', '応募 ' || n, 'hr' FROM generate_series(1, :resumes) AS n",
    "INSERT INTO app.document_version"
    " (document_id, number, state, effective, file_name, media_type, file_sha256, size_bytes)"
    " SELECT d.id, 1, 'ready', '[2020-01-01,)', 'a.txt', 'text/plain', repeat('0', 64), 3"
    " FROM app.document AS d"
    " WHERE NOT EXISTS (SELECT FROM app.document_version AS v WHERE v.document_id = d.id)",
)


def acting_as(company: Company, user_id: int) -> Principal:
    return replace(company.principal(Role.HR), user_id=UserId(user_id))


async def score_everything(company: Company, *, version: str, score: float, is_shadow: bool = False) -> None:
    async with company.acting() as session:
        given = {"model_version": version, "is_shadow": is_shadow, "score": score, "skills": list(KNOWN)}
        await session.execute(text(_SCORED), given)


async def add_resumes(company: Company, count: int) -> None:
    async with company.acting() as session:
        for statement in _RESUMES:
            given = {"resumes": count} if ":resumes" in statement else {}
            await session.execute(text(statement), given)


async def test_drift_is_told_from_twenty_resumes_on(
    database: Database, tenant: TenantId, facts: Facts
) -> None:
    company = Company(database=database, tenant_id=tenant)
    at_training = tuple(800 if tenth == 0 else 10 for tenth in range(10))
    alike, away = f"alike-{tenant}", f"away-{tenant}"
    references = {alike: at_training, away: at_training, "never-seen": at_training}
    await add_resumes(company, LEAST_RESUMES - 1)
    await score_everything(company, version=away, score=0.95)
    async with database.transaction(None) as session:
        assert (await watch_model(session, references)).drift == {}
    await add_resumes(company, 1)
    await score_everything(company, version=away, score=0.95)
    await score_everything(company, version=alike, score=0.03, is_shadow=True)
    async with database.transaction(None) as session:
        told = (await watch_model(session, references)).drift
    assert told.keys() == {alike, away}
    assert told[alike] < 0.2 < told[away]


async def test_agreement_is_told_from_twenty_decisions_on_for_the_shadow_too(
    database: Database, tenant: TenantId, make_user: MakeUser
) -> None:
    company = Company(database=database, tenant_id=tenant)
    live, shadow = f"live-{tenant}", f"shadow-{tenant}"
    references = {live: (1,) * 10, shadow: (1,) * 10}
    await add_resumes(company, 2)
    await score_everything(company, version=live, score=0.9)
    await score_everything(company, version=shadow, score=0.1, is_shadow=True)
    user = await make_user(Role.HR)
    decide = text(
        "INSERT INTO app.score_decision (score_id, verdict, decided_by)"
        " SELECT s.id, :verdict, :user FROM app.model_score AS s WHERE NOT s.is_shadow"
        " ORDER BY s.id OFFSET :skipped LIMIT :decisions"
    )
    rejected = LEAST_DECISIONS // 4
    for verdict, skipped, decisions in (
        ("rejected", 0, rejected),
        ("accepted", rejected, LEAST_DECISIONS - rejected - 1),
    ):
        async with company.acting(acting_as(company, user.id)) as session:
            given = {"verdict": verdict, "user": user.id, "skipped": skipped, "decisions": decisions}
            await session.execute(decide, given)
    async with database.transaction(None) as session:
        assert (await watch_model(session, references)).accuracy == {}
    async with company.acting(acting_as(company, user.id)) as session:
        given = {"verdict": "accepted", "user": user.id, "skipped": LEAST_DECISIONS - 1, "decisions": 1}
        await session.execute(decide, given)
    async with database.transaction(None) as session:
        told = (await watch_model(session, references)).accuracy
    assert told == {live: pytest.approx(0.75), shadow: pytest.approx(0.25)}


async def test_a_worker_exports_both(
    database: Database, tenant: TenantId, scored: Scored, settings: AppSettings
) -> None:
    company = Company(database=database, tenant_id=tenant)
    await add_resumes(company, LEAST_RESUMES)
    await score_everything(company, version=scored.version, score=0.95)
    registry = CollectorRegistry()
    worker = build_worker(settings, registry=registry)
    try:
        await worker.watch_models()
    finally:
        await worker.database.close()
    labels = {"model": "skills", "version": scored.version}
    drift = registry.get_sample_value("hrx_model_drift_psi", labels)
    assert drift is not None
    assert drift > 0.2
    assert registry.get_sample_value("hrx_model_accuracy_ratio", labels) is None
