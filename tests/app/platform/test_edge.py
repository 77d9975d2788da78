"""The edge: one transaction a request, errors as documents, ids that lead through the logs, limits."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import httpx
import psycopg
import pytest
import pytest_asyncio
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, SecretStr
from sqlalchemy import text

from hrx.app.api import create_app, openapi_document
from hrx.app.platform.db import Database
from hrx.app.platform.edge import CurrentPrincipal, Id, Reply, Transaction, require
from hrx.app.platform.paging import CursorSigner
from hrx.app.platform.problems import explain_constraint, language_of
from hrx.app.platform.route_index import RouteIndex, index_pages
from hrx.app.platform.tenancy import Role, TenantId, system_principal
from hrx.kit.errors import Invalid, Text
from hrx.kit.settings import load
from tests.app.clients import Browser, create_user, open_browser
from tests.app.conftest import MakeSettings
from tests.conftest import PostgresServer

pytestmark = pytest.mark.req("R1-2")

router = APIRouter()
explain_constraint(
    "oidc_identity_pkey",
    message=Text(ja="連携済みです。", en="It is linked already."),
    field="subject",
    code="test.linked",
)


class Note(BaseModel):
    subject: str
    number: int = 1


@router.post("/test/link")
async def link(body: Note, session: Transaction, principal: CurrentPrincipal) -> dict[str, str]:
    """Writes a row; a second one with the same subject breaks a constraint, at once."""
    await session.execute(
        text(
            "INSERT INTO app.oidc_identity (user_id, provider, issuer, subject)"
            " VALUES (:user_id, 'p', 'i', :subject)"
        ),
        {"user_id": principal.user_id, "subject": body.subject},
    )
    if body.number == 500:
        raise ZeroDivisionError("a bug after the write")
    return {"state": "linked"}


@router.get("/test/links")
async def list_links(session: Transaction) -> Reply:
    rows = await session.scalars(text("SELECT subject FROM app.oidc_identity ORDER BY 1"))
    return Reply(list(rows))


@router.get("/test/lock")
async def wait_for_lock(session: Transaction) -> None:
    await session.execute(text("SET LOCAL lock_timeout = '20ms'"))
    await session.execute(text("LOCK TABLE app.tenant IN SHARE MODE"))


@router.get("/test/slow")
async def be_slow(session: Transaction) -> None:
    await session.execute(text("SET LOCAL statement_timeout = '20ms'"))
    await session.execute(text("SELECT pg_sleep(5)"))


@router.get("/test/owners", dependencies=[require(Role.OWNER)])
async def owners_only() -> str:
    return "in"


@router.get("/test/things/{thing_id}")
async def show_thing(thing_id: Id, session: Transaction) -> int:
    return thing_id


@router.get("/test/counted/{thing_id}")
async def show_counted(thing_id: Id, session: Transaction) -> int:
    """Asked by one test only: tests run in any order and share the application with its counters."""
    return thing_id


@router.get("/test/where")
async def where_am_i(session: Transaction) -> Reply:
    row = await session.execute(
        text(
            "SELECT current_setting('application_name'), current_setting('hrx.correlation_id'),"
            " (SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid())"
        )
    )
    return Reply(list(row.one()))


@pytest_asyncio.fixture(scope="module")
async def edge_app(make_settings: MakeSettings) -> AsyncIterator[FastAPI]:
    app = create_app(make_settings(body_limit_bytes=10 * 1024 * 1024))
    app.include_router(router, prefix="/api/v1")
    async with app.router.lifespan_context(app):
        yield app


@pytest_asyncio.fixture
async def page(edge_app: FastAPI, database: Database, tenant: TenantId) -> AsyncIterator[Browser]:
    browser = open_browser(edge_app)
    await browser.sign_in(await create_user(edge_app, database, tenant_id=tenant, roles=frozenset({Role.HR})))
    yield browser
    await browser.http.aclose()


async def test_what_was_answered_is_committed(page: Browser, database: Database, tenant: TenantId) -> None:
    assert (await page.post("/test/link", {"subject": "a"})).status_code == 200
    async with database.transaction(system_principal(tenant)) as session:
        assert await session.scalar(text("SELECT subject FROM app.oidc_identity")) == "a"


async def test_a_bug_rolls_back_and_shows_nothing_of_itself(page: Browser) -> None:
    answer = await page.post("/test/link", {"subject": "b", "number": 500})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "ZeroDivision" not in answer.text
    assert answer.json()["correlation_id"] == answer.headers["x-correlation-id"]
    assert (await page.get("/test/links")).json() == []


async def test_a_bug_is_logged_once_with_its_correlation_id_and_no_parameters(
    page: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        await page.post("/test/link", {"subject": "very-private-value", "number": 500})
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert errors[0].exc_info is not None
    assert "very-private-value" not in caplog.text


async def test_a_broken_constraint_is_told_in_words_with_its_field(page: Browser) -> None:
    await page.post("/test/link", {"subject": "c"})
    answer = await page.post("/test/link", {"subject": "c"}, headers={"Accept-Language": "en"})
    assert answer.status_code == 409
    body = answer.json()
    assert body["code"] == "test.linked"
    assert body["errors"] == [{"field": "subject", "code": "test.linked", "message": "連携済みです。"}]


@pytest.mark.parametrize("raw", [b'{"subject":"a\\u0000b"}', b'{"subject":"\\ud800"}'])
async def test_text_that_postgresql_cannot_hold_is_the_callers_affair(page: Browser, raw: bytes) -> None:
    answer = await page.request(
        "POST", "/test/link", content=raw, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"{", 422),
        (b"", 422),
        (b"[]", 422),
        (b"null", 422),
        (b'{"subject": "x", "number": 1e999}', 422),
        (b'{"subject": "x", "number": NaN}', 422),
        (b"\xff\xfe", 422),
        (b'{"subject": "\xff"}', 400),
        (b'{"\\ud800": "x"}', 422),
        (b"[" * 100_000, 400),
    ],
)
async def test_bodies_that_are_no_json_of_ours_are_refused(page: Browser, raw: bytes, status: int) -> None:
    answer = await page.request(
        "POST", "/test/link", content=raw, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_more_than_10_mb_is_refused_before_it_is_read(page: Browser) -> None:
    body = json.dumps({"subject": "x" * (10 * 1024 * 1024)}).encode()
    answer = await page.request(
        "POST", "/test/link", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"
    assert "10 MB" in answer.json()["detail"]


async def test_more_than_10_mb_in_pieces_is_refused_too(page: Browser) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"subject": "'
        for _ in range(11):
            yield b"x" * 1024 * 1024
        yield b'"}'

    answer = await page.request(
        "POST", "/test/link", content=pieces(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


async def test_just_under_10_mb_is_read(page: Browser) -> None:
    body = json.dumps({"subject": "x", "number": 1, "more": "x" * (10 * 1024 * 1024 - 100)}).encode()
    answer = await page.request(
        "POST", "/test/link", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("offered", "is_kept"),
    [
        ("abcdef12-34567890_X", True),
        ("short", False),
        ("x" * 65, False),
        ("id with spaces", False),
        ("id;DROP TABLE", False),
        ("*/ OR 1=1", False),
    ],
)
async def test_a_harmless_correlation_id_is_kept_and_any_other_replaced(
    page: Browser, offered: str, is_kept: bool
) -> None:
    answer = await page.get("/test/where", headers={"X-Correlation-ID": offered})
    given = answer.headers["x-correlation-id"]
    assert (given == offered) is is_kept
    assert answer.json()[1] == given


async def test_the_correlation_id_reaches_the_database_server(page: Browser) -> None:
    answer = await page.get("/test/where", headers={"X-Correlation-ID": "browser-to-sql-0001"})
    assert answer.json() == ["hrx browser-to-sql-0001", "browser-to-sql-0001", "hrx browser-to-sql-0001"]


async def test_without_a_correlation_id_the_trace_id_is_taken(page: Browser) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await page.get("/test/where", headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"})
    assert answer.headers["x-correlation-id"] == trace_id


async def test_a_locked_row_and_a_slow_statement_are_told_apart(page: Browser, database: Database) -> None:
    async with database.transaction(None) as session:
        await session.execute(text("SELECT pg_advisory_xact_lock(1)"))
        answer = await page.get("/test/slow")
        assert (answer.status_code, answer.json()["code"]) == (503, "database.too_slow")
        assert answer.headers["retry-after"]
    answer = await page.get("/test/lock")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


async def test_an_address_that_does_not_exist_and_a_wrong_method_are_documents_too(page: Browser) -> None:
    missing = await page.get("/nothing/here")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    wrong = await page.delete("/test/links")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")


async def test_connections_that_died_in_the_pool_are_noticed_by_nobody(
    page: Browser, edge_app: FastAPI, postgres: PostgresServer
) -> None:
    # As many connections as the pool holds, all of them cut while they were idle.
    await asyncio.gather(*(page.get("/test/links") for _ in range(12)))
    async with await psycopg.AsyncConnection.connect(postgres.admin_url, autocommit=True) as admin:
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'hrx_app'"
        )
    answers = await asyncio.gather(*(page.get("/test/links") for _ in range(12)))
    assert [answer.status_code for answer in answers] == [200] * 12


async def test_a_role_that_is_missing_is_told_what_to_do(page: Browser) -> None:
    answer = await page.get("/test/owners")
    assert answer.status_code == 403
    assert answer.json()["hint"]


async def test_requests_are_counted_by_route_template_never_by_id(page: Browser, edge_app: FastAPI) -> None:
    from prometheus_client import generate_latest

    for number in (1, 22, 333):
        await page.get(f"/test/counted/{number}")
    await page.get("/made/up/98765")
    exposed = generate_latest(edge_app.state.registry).decode()
    counted = [line for line in exposed.splitlines() if "_seconds_count" in line and "counted" in line]
    assert len(counted) == 1
    assert 'http_route="/api/v1/test/counted/{thing_id}"' in counted[0]
    assert counted[0].endswith(" 3.0")
    assert "98765" not in exposed
    assert 'http_route="unmatched"' in exposed


async def test_pages_are_found_by_the_index_and_everything_else_by_the_framework(
    page: Browser, edge_app: FastAPI
) -> None:
    index = edge_app.router.middleware_stack
    assert isinstance(index, RouteIndex)
    await page.get("/test/things/1")
    indexed = {each.template for pages in index_pages(edge_app).values() for each in pages}
    declared = {
        path
        for path, methods in edge_app.openapi()["paths"].items()
        if "get" in methods and path.startswith("/api/v1/")
    }
    # A FastAPI that no longer says what the index asks for shows here, and nowhere else.
    assert declared <= indexed | {"/api/v1/openapi.json"}
    assert (await page.get("/test/things/0")).status_code == 422
    assert (await page.get("/test/things/%E4%BD%90")).status_code == 422
    assert (await page.get("/test/things/1/more")).status_code == 404
    assert (await page.request("HEAD", "/test/things/1")).status_code == 405


async def test_answers_are_kept_out_of_caches_and_guessing(page: Browser) -> None:
    answer = await page.get("/test/links")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_document_is_made_without_environment_and_names_each_operation_once() -> None:
    document = openapi_document()
    paths: dict[str, dict[str, dict[str, str]]] = document["paths"]  # type: ignore[assignment]
    ids = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(ids) == len(set(ids))
    assert {"/api/v1/session", "/api/v1/auth/login", "/api/v1/events", "/readyz"} <= set(paths)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("en", "en"), ("en-US,ja;q=0.9", "en"), ("ja-JP", "ja"), ("fr", "ja"), ("", "ja"),
        ("en;q=0", "ja"), ("en;q=abc,ja;q=0.1", "ja"), ("*", "ja"), ("en;q=0.3,ja;q=0.2", "en"),
    ],
)  # fmt: skip
def test_the_language_is_the_best_of_those_we_speak(header: str, language: str) -> None:
    assert language_of({"headers": [(b"accept-language", header.encode())]}) == language


def test_a_cursor_survives_a_key_rotation_and_nothing_else() -> None:
    old, new = CursorSigner((b"o" * 32,)), CursorSigner((b"n" * 32, b"o" * 32))
    cursor = old.sign(listing="people", after=["ヤマダ", 7, None])
    assert new.read(cursor, listing="people") == ["ヤマダ", 7, None]
    for signer, listing in ((CursorSigner((b"x" * 32,)), "people"), (new, "users")):
        with pytest.raises(Invalid):
            signer.read(cursor, listing=listing)


def test_keys_that_are_too_short_stop_the_start(make_settings: MakeSettings) -> None:
    for wrong in ("", "short", f"{'x' * 40},short"):
        with pytest.raises(Invalid, match="HRX_SESSION_KEYS"):
            create_app(make_settings(session_keys=SecretStr(wrong)))


def test_missing_settings_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from hrx.app.settings import AppSettings

    for name in ("HRX_DATABASE_URL", "HRX_SESSION_KEYS", "HRX_SEAL_KEYS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Invalid, match="HRX_DATABASE_URL, HRX_SEAL_KEYS, HRX_SESSION_KEYS"):
        load(AppSettings)


async def test_health_of_a_whole_stack_is_ready(page: Browser) -> None:
    async def get(path: str) -> httpx.Response:
        return await page.http.get(path)

    assert (await get("/livez")).json() == {"status": "alive"}
    ready = await get("/readyz")
    assert (ready.status_code, ready.json()["status"], ready.json()["degraded"]) == (200, "ready", [])
    version = (await get("/version")).json()
    assert set(version) == {"version", "commit", "slot", "schema_revision", "started_at", "now"}
    assert version["schema_revision"] >= "0002"
