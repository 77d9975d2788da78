"""What API and worker say of their data: statements, connections, cache, queue, refusals, event loop."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from hrx.app.platform import jobs
from hrx.app.platform.db import Database, DatabaseUnavailable, fetch_dicts, open_database
from hrx.app.platform.db_figures import operation_of
from hrx.app.platform.queue_figures import QueueFigures
from hrx.app.platform.refusals import Refusals
from hrx.app.platform.tenancy import Role, TenantId, system_principal
from hrx.kit.loop_lag import LoopLag
from tests.app.clients import open_browser
from tests.app.conftest import MakeSettings, SignIn
from tests.conftest import PostgresServer, free_port

pytestmark = pytest.mark.req("R4.1-1")


@jobs.task("test.figures")
async def do_nothing(job: jobs.JobContext, /) -> None: ...


def value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    """One series now; 0 when there is none."""
    return registry.get_sample_value(name, labels) or 0.0


def count_of(registry: CollectorRegistry, operation: str, *, error_type: str = "") -> float:
    return value(
        registry,
        "db_client_operation_duration_seconds_count",
        db_system_name="postgresql",
        db_operation_name=operation,
        error_type=error_type,
    )


async def test_statements_are_counted_by_their_verb_however_they_are_sent(postgres: PostgresServer) -> None:
    registry = CollectorRegistry()
    database = open_database(postgres.app_url, pool_size=1, registry=registry)
    async with database.transaction(None) as session:
        await session.execute(text("SELECT 1"))
        await fetch_dicts(session, "/* by hand */ SELECT 2 AS two", {})
        await session.execute(text("SET LOCAL lock_timeout = '1s'"))
    assert count_of(registry, "BEGIN") == 1
    assert count_of(registry, "SELECT") == 2
    assert count_of(registry, "OTHER") == 1
    assert count_of(registry, "COMMIT") == 1
    await database.close()


async def test_a_statement_that_fails_is_told_by_the_kind_of_failure(postgres: PostgresServer) -> None:
    registry = CollectorRegistry()
    database = open_database(postgres.app_url, pool_size=1, statement_timeout_ms=100, registry=registry)
    with pytest.raises(OperationalError):
        async with database.transaction(None) as session:
            await session.execute(text("SELECT pg_sleep(5)"))
    assert count_of(registry, "SELECT", error_type="timeout") == 1
    with pytest.raises(psycopg.Error):
        async with database.transaction(None) as session:
            await fetch_dicts(session, "SELECT 1/0 AS nothing", {})
    assert count_of(registry, "SELECT", error_type="other") == 1
    await database.close()


async def test_a_pool_that_is_too_small_is_seen_while_people_wait(postgres: PostgresServer) -> None:
    registry = CollectorRegistry()
    database = open_database(postgres.app_url, pool_size=1, pool_timeout_s=5, registry=registry)
    async with database.transaction(None):
        waiting = asyncio.create_task(_use(database))
        await asyncio.sleep(0.2)
        assert value(registry, "db_client_connection_pending_requests") == 1
        assert value(registry, "db_client_connection_count", state="used") == 1
        assert value(registry, "db_client_connection_count", state="idle") == 0
        assert value(registry, "db_client_connection_max") == 1
    await waiting
    assert value(registry, "db_client_connection_pending_requests") == 0
    assert value(registry, "db_client_connection_count", state="idle") == 1
    assert value(registry, "db_client_connection_wait_time_seconds_sum") >= 0.15
    await database.close()


async def _use(database: Database) -> None:
    async with database.transaction(None):
        pass


async def test_a_database_that_is_away_leaves_nobody_counted_as_waiting() -> None:
    registry = CollectorRegistry()
    database = open_database(f"postgresql://nobody@127.0.0.1:{free_port()}/hrx", registry=registry)
    with pytest.raises(DatabaseUnavailable):
        await _use(database)
    assert value(registry, "db_client_connection_pending_requests") == 0
    assert value(registry, "db_client_connection_wait_time_seconds_count") >= 1
    await database.close()


@pytest.mark.parametrize(
    ("statement", "operation"),
    [
        ("select 1", "SELECT"),
        ("\n  /* why: not */ -- because\n WITH x AS (SELECT 1) SELECT * FROM x", "WITH"),
        ("UPDATE app.person SET", "UPDATE"),
        ("VACUUM", "OTHER"),
        ("'; DROP TABLE", "OTHER"),
        ("", "OTHER"),
    ],
)
def test_no_text_of_a_statement_becomes_a_label(statement: str, operation: str) -> None:
    assert operation_of(statement) == operation


async def test_calls_to_the_cache_are_timed_with_their_outcome(sign_in: SignIn, app: FastAPI) -> None:
    hr = await sign_in(Role.HR)
    registry: CollectorRegistry = app.state.registry
    before = _calls(registry)
    await hr.get("/people?limit=5")
    await hr.get("/people?limit=5")
    after = _calls(registry)
    assert after["get"] > before["get"]
    assert after["put"] > before["put"]


def _calls(registry: CollectorRegistry) -> dict[str, float]:
    name = "hrx_cache_operation_duration_seconds_count"
    return {each: value(registry, name, operation=each, outcome="ok") for each in ("get", "put")}


async def test_the_queue_tells_its_depth_and_its_oldest_job(database: Database, tenant: TenantId) -> None:
    registry = CollectorRegistry()
    figures = QueueFigures(registry, queues=(jobs.DEFAULT_QUEUE,))
    await _count(database, figures)
    waiting, failed = _depth(registry, "waiting"), _depth(registry, "failed")
    async with database.transaction(system_principal(tenant)) as session:
        job_id = await jobs.enqueue(session, do_nothing)
        await session.execute(
            text("UPDATE jobs.procrastinate_events SET at = at - interval '2 hours' WHERE job_id = :id"),
            {"id": job_id},
        )
    await _count(database, figures)
    assert _depth(registry, "waiting") == waiting + 1
    assert value(registry, "hrx_queue_oldest_age_seconds", queue="default") >= 7_200
    assert value(registry, "hrx_queue_looked_timestamp_seconds") == pytest.approx(time.time(), abs=30)
    async with database.transaction(None) as session:
        await session.execute(
            text("UPDATE jobs.procrastinate_jobs SET status = 'failed' WHERE id = :id"), {"id": job_id}
        )
    await _count(database, figures)
    assert _depth(registry, "waiting") == waiting
    assert _depth(registry, "failed") == failed + 1


async def _count(database: Database, figures: QueueFigures) -> None:
    async with database.transaction(None) as session:
        await figures.count_open(session)
        await figures.count_failed(session)


def _depth(registry: CollectorRegistry, state: str) -> float:
    return value(registry, "hrx_queue_depth", queue="default", state=state)


def test_refusals_are_counted_by_rule_and_their_networks_by_number() -> None:
    registry = CollectorRegistry()
    refusals = Refusals(registry)
    refusals.note("sign_in", address="203.0.113.9")
    for last in range(50):
        refusals.note("sign_in", address=f"2001:db8:1:2::{last:x}")
    assert value(registry, "hrx_blocked_requests_total", source="application", rule="sign_in") == 51
    assert value(registry, "hrx_suspicious_sources") == 2
    for number in range(11_000):
        refusals.note("web_beacons", address=f"10.{number // 250}.{number % 250}.1")
    assert value(registry, "hrx_suspicious_sources") <= 10_000


async def test_a_body_over_the_limit_and_a_forged_form_are_counted_as_blocked(app: FastAPI) -> None:
    registry: CollectorRegistry = app.state.registry
    browser = open_browser(app, address="203.0.113.90")

    def blocked(rule: str) -> float:
        return value(registry, "hrx_blocked_requests_total", source="application", rule=rule)

    large, forged = blocked("body_size"), blocked("forged_form")
    await browser.http.post("/api/v1/telemetry/web", content=b"x" * 40_000)
    body = {"email": "somebody@example.co.jp", "password": "whatever-1"}
    await browser.post("/auth/login", body, headers={"Origin": "https://elsewhere.example"})
    assert blocked("body_size") == large + 1
    assert blocked("forged_form") == forged + 1
    await browser.http.aclose()


async def test_a_loop_that_stands_still_is_seen_while_it_does_and_afterwards() -> None:
    registry = CollectorRegistry()
    lag = LoopLag(registry)
    task = asyncio.create_task(lag.run())
    await asyncio.sleep(0.05)
    assert lag.worst_s() < 0.1
    time.sleep(0.6)  # noqa: ASYNC251 (standing still is what is measured)
    assert lag.worst_s() >= 0.35
    await asyncio.sleep(0.01)
    assert value(registry, "hrx_event_loop_lag_seconds") >= 0.35
    task.cancel()
    await asyncio.wait([task])


async def test_series_of_models_are_announced_before_there_are_models(make_settings: MakeSettings) -> None:
    from hrx.app.api import create_app

    announced = _names(create_app(make_settings()).state.registry)
    assert {"gen_ai_client_operation_duration_seconds", "hrx_rag_relevance"} <= announced


def _names(registry: Any) -> set[str]:
    return {family.name for family in registry.collect()}
