"""One id from the browser's request to the SQL session: edge log, API log, span, database, audit."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import LiteralString

import httpx
import psycopg
import pytest

from tests.acceptance.operating import becomes_well, eventually
from tests.conftest import Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(300),
    pytest.mark.req("R4.2-1"),
]
#: The exporter sends spans in batches, every 5 s unless told otherwise.
SPAN_WAIT_S = 30


@pytest.fixture
def hr_manager(stack: Stack) -> Iterator[httpx.Client]:
    """A signed-in HR manager of the demo company, through the edge."""
    becomes_well(stack, within_s=60)
    account = stack.accounts["hr"]
    with httpx.Client(
        base_url=stack.portal_url, headers={"Origin": stack.portal_url}, timeout=20, trust_env=False
    ) as client:
        answer = client.post(
            "/api/v1/auth/login", json={"email": account.email, "password": account.password}
        )
        assert answer.status_code == 200, answer.text
        yield client


def as_a_browser_would(correlation_id: str) -> dict[str, str]:
    """The headers that the portal's own script makes for a request that is to be traced."""
    return {
        "X-Correlation-ID": correlation_id,
        "traceparent": f"00-{correlation_id}-{secrets.token_hex(8)}-01",
    }


def database(stack: Stack) -> psycopg.Connection[tuple[object, ...]]:
    """The database as its superuser: the only one who sees every session and every tenant."""
    password = stack.secret("HRX_POSTGRES_ADMIN_PASSWORD")
    url = f"postgresql://hrx_admin:{password}@127.0.0.1:{stack.ports['postgres']}/hrx"
    return psycopg.connect(url, autocommit=True)


def count(stack: Stack, sql: LiteralString, value: str) -> int:
    with database(stack) as connection:
        row = connection.execute(sql, [value]).fetchone()
    assert row is not None
    assert isinstance(row[0], int)
    return row[0]


def find_line(log: Path, correlation_id: str) -> dict[str, object]:
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith("{") and f'"correlation_id":"{correlation_id}"' in line:
            found: dict[str, object] = json.loads(line)
            if found["event"] == "request":
                return found
    return {}


def has_line(log: Path, correlation_id: str) -> bool:
    return bool(find_line(log, correlation_id))


def test_one_id_leads_from_the_browser_through_edge_api_and_trace_to_the_audit_entry(
    stack: Stack, hr_manager: httpx.Client
) -> None:
    person_id = hr_manager.get("/api/v1/people", params={"limit": 1}).json()["items"][0]["id"]
    correlation_id = secrets.token_hex(16)
    answer = hr_manager.get(f"/api/v1/people/{person_id}", headers=as_a_browser_would(correlation_id))
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-correlation-id"] == correlation_id
    logs = stack.var / "log"
    eventually(lambda: bool(find_line(logs / "haproxy.log", correlation_id)), within_s=10, what="edge log")
    assert find_line(logs / "haproxy.log", correlation_id)["path"] == f"/api/v1/people/{person_id}"
    eventually(lambda: bool(find_line(logs / "api-blue.log", correlation_id)), within_s=10, what="API log")
    assert find_line(logs / "api-blue.log", correlation_id)["route"] == "/api/v1/people/{person_id}"
    read = "SELECT count(*) FROM app.audit_entry WHERE correlation_id = %s"
    assert count(stack, read, correlation_id) >= 1, "reading somebody's personal data left no audit entry"
    eventually(
        lambda: any(span.trace_id == correlation_id for span in stack.otlp.spans),
        within_s=SPAN_WAIT_S,
        what="a span with the id as its trace",
    )
    span = next(span for span in stack.otlp.spans if span.trace_id == correlation_id)
    assert span.name == "GET /api/v1/people/{person_id}"
    assert span.attributes["hrx.correlation_id"] == correlation_id


def test_a_page_is_found_by_its_id_at_the_edge_and_in_the_portal(stack: Stack) -> None:
    becomes_well(stack, within_s=60)
    correlation_id = secrets.token_hex(16)
    with httpx.Client(base_url=stack.portal_url, timeout=20, trust_env=False) as client:
        answer = client.get("/sign-in?next=canary", headers=as_a_browser_would(correlation_id))
    assert answer.status_code == 200
    logs = stack.var / "log"
    for log in (logs / "haproxy.log", logs / "web-blue.log"):
        eventually(partial(has_line, log, correlation_id), within_s=10, what=log.name)
        assert "canary" not in log.read_text()
    line = find_line(logs / "web-blue.log", correlation_id)
    assert (line["process"], line["route"], line["status"]) == ("web", "/sign-in", 200)
    assert line["trace_id"] == correlation_id


def test_a_running_statement_is_found_by_the_id_of_its_request(
    stack: Stack, hr_manager: httpx.Client
) -> None:
    """What an operator does with a slow query: the session says which request it belongs to."""
    person_id = hr_manager.get("/api/v1/people", params={"limit": 1}).json()["items"][0]["id"]
    correlation_id = secrets.token_hex(16)
    running = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'"
    with database(stack) as blocker, ThreadPoolExecutor(max_workers=1) as pool:
        blocker.execute("BEGIN")
        blocker.execute("LOCK TABLE app.person IN ACCESS EXCLUSIVE MODE")
        waiting = pool.submit(
            hr_manager.get, f"/api/v1/people/{person_id}", headers=as_a_browser_would(correlation_id)
        )
        try:
            eventually(
                lambda: count(stack, running, f"hrx {correlation_id}") == 1, within_s=4, what="the session"
            )
        finally:
            blocker.execute("ROLLBACK")
        assert waiting.result(timeout=20).status_code == 200


def test_the_console_keeps_the_id_of_a_click_in_the_ledger(stack: Stack) -> None:
    correlation_id = secrets.token_hex(16)
    with httpx.Client(base_url=stack.console_url, timeout=20, trust_env=False) as client:
        answer = client.post(
            "/sign-in",
            data={"name": stack.operator.email, "password": stack.operator.password},
            headers={"X-Correlation-ID": correlation_id},
        )
        assert answer.status_code == 303
        entries = client.get("/ledger/export.jsonl").text.splitlines()
    assert any(correlation_id in line for line in entries)
    assert find_line(stack.var / "log" / "ops.log", correlation_id)["operator"] is None
