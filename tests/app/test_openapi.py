"""Schemathesis walks every operation of the OpenAPI document, signed in and not, on real servers.

What it looks for: an answer of the 500s, an answer that the document does not announce, and a body that is
not of the shape that the generated client was built for."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
import schemathesis
import uvicorn
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance
from sqlalchemy import text

from hrx.app.api import create_app, openapi_document
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Role, TenantId
from tests.app.clients import create_user
from tests.app.conftest import MakeSettings

#: Enough to meet each parameter's edges; the figure is a budget of seconds, not a proof.
EXAMPLES = 12
SHAPE_CHECKS = [content_type_conformance, response_schema_conformance]
CHECKS = [not_a_server_error, *SHAPE_CHECKS]
#: What this API runs without, and says so: a role that an earlier call made cannot be scored.
NOT_SET_UP = {"model.scoring_not_set_up"}
#: Live events never end by themselves; they have tests of their own.
UNENDING = {"/api/v1/events"}
#: What would end the very session that walks.
SELF_ENDING = {"/api/v1/auth/logout", "/api/v1/account/password", "/api/v1/sessions/{session_id}"}


def list_operations() -> list[tuple[str, str]]:
    """Every (method, path) of the document, in its order; known when tests are collected."""
    paths = openapi_document()["paths"]
    assert isinstance(paths, dict)
    return [(method, path) for path, item in paths.items() if path not in UNENDING for method in item]


OPERATIONS = list_operations()


@pytest.fixture(scope="session")
def served_api(make_settings: MakeSettings) -> Iterator[str]:
    """The API behind a real socket, in a thread with a loop of its own; gives its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(make_settings(public_url=url, sign_in_failures_per_address=10_000)),
            host="127.0.0.1", port=port, log_level="error", access_log=False, ws="none",
        )
    )  # fmt: skip
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    deadline = time.monotonic() + 15
    while not server.started:
        assert time.monotonic() < deadline, "the API did not start within 15 s"
        thread.join(timeout=0.02)
    yield url
    server.should_exit = True
    thread.join(timeout=15)


@pytest.fixture(scope="session")
def document(served_api: str) -> schemathesis.BaseSchema:
    """The document as the server gives it."""
    return schemathesis.openapi.from_url(f"{served_api}/api/v1/openapi.json")


@pytest_asyncio.fixture(scope="session")
async def hr_token(app: FastAPI, database: Database, served_api: str) -> str:
    """The session token of an HR manager who is also an owner and auditor: nothing is forbidden to her."""
    async with database.transaction(None) as session:
        tenant = await session.scalar(
            text("SELECT app.create_tenant(:slug, '株式会社全経路', 'Asia/Tokyo', 'ja')"),
            {"slug": f"walk-{secrets.token_hex(6)}"},
        )
    assert isinstance(tenant, int)
    user = await create_user(
        app, database, tenant_id=TenantId(tenant), roles=frozenset({Role.OWNER, Role.HR, Role.AUDITOR})
    )
    async with httpx.AsyncClient(base_url=served_api) as client:
        answer = await client.post(
            "/api/v1/auth/login",
            json={"email": user.email, "password": user.password},
            headers={"Origin": served_api},
        )
        assert answer.status_code == 200, answer.text
        return client.cookies["hrx_session"]


def walk(schema: schemathesis.BaseSchema, *, path: str, method: str, headers: dict[str, str]) -> None:
    """Call one operation with generated input and hold each answer against the document."""

    @given(case=schema[path][method].as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def call(case: schemathesis.Case[Any]) -> None:
        response = case.call(timeout=10, headers=headers)
        is_missing = response.status_code == 503 and response.json()["code"] in NOT_SET_UP
        case.validate_response(response, checks=SHAPE_CHECKS if is_missing else CHECKS)

    call()


@pytest.mark.req("R2-12")
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_no_operation_breaks_for_a_stranger(
    document: schemathesis.BaseSchema, method: str, path: str
) -> None:
    walk(document, path=path, method=method, headers={})


@pytest.mark.req("R2-12")
@pytest.mark.parametrize(("method", "path"), [each for each in OPERATIONS if each[1] not in SELF_ENDING])
def test_no_operation_breaks_for_somebody_who_may_do_everything(
    document: schemathesis.BaseSchema, hr_token: str, method: str, path: str
) -> None:
    walk(document, path=path, method=method, headers={"Authorization": f"Bearer {hr_token}"})
