"""Traces: sent when wanted, always for what failed, under the id that is in the logs."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI

from hrx.app.api import create_app
from hrx.kit import log
from hrx.kit.tracing import parse_traceparent
from tests.app.clients import open_browser
from tests.app.conftest import MakeSettings
from tests.servers.otlp import OtlpServer, running_otlp_server

pytestmark = pytest.mark.req("R4.2-1")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


@pytest.fixture
def otlp() -> Iterator[OtlpServer]:
    with running_otlp_server() as server:
        yield server


def traced_app(make_settings: MakeSettings, otlp: OtlpServer, *, ratio: float) -> FastAPI:
    app = create_app(make_settings(otlp_endpoint=otlp.endpoint, trace_ratio=ratio))

    @app.get("/api/v1/fail")
    async def fail() -> None:
        raise ZeroDivisionError

    return app


async def get(app: FastAPI, path: str, **headers: str) -> httpx.Response:
    browser = open_browser(app)
    async with browser.http:
        return await browser.http.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})


async def test_a_wanted_request_becomes_one_span_named_by_its_route(
    make_settings: MakeSettings, otlp: OtlpServer
) -> None:
    app = traced_app(make_settings, otlp, ratio=1.0)
    answer = await get(app, "/livez")
    app.state.tracing.close()
    assert [(span.name, span.service, span.is_error) for span in otlp.spans] == [
        ("GET /livez", "hrx-api", False)
    ]
    assert otlp.spans[0].trace_id == answer.headers["x-correlation-id"]
    assert otlp.spans[0].attributes["http.response.status_code"] == "200"


async def test_an_unwanted_request_makes_no_span(make_settings: MakeSettings, otlp: OtlpServer) -> None:
    app = traced_app(make_settings, otlp, ratio=0.0)
    await get(app, "/livez")
    app.state.tracing.close()
    assert otlp.spans == []


async def test_a_request_that_failed_is_kept_whatever_was_decided(
    make_settings: MakeSettings, otlp: OtlpServer
) -> None:
    app = traced_app(make_settings, otlp, ratio=0.0)
    answer = await get(app, "/api/v1/fail")
    app.state.tracing.close()
    assert answer.status_code == 500
    assert [(span.name, span.is_error) for span in otlp.spans] == [("GET /api/v1/fail", True)]
    assert otlp.spans[0].trace_id == answer.headers["x-correlation-id"]


@pytest.mark.parametrize(("flags", "spans"), [("01", 1), ("00", 0)])
async def test_the_callers_decision_is_honoured_and_its_trace_goes_on(
    make_settings: MakeSettings, otlp: OtlpServer, flags: str, spans: int
) -> None:
    app = traced_app(make_settings, otlp, ratio=1.0 - spans)
    await get(app, "/livez", traceparent=f"00-{TRACE}-{PARENT}-{flags}")
    app.state.tracing.close()
    assert [(span.trace_id, span.parent_id) for span in otlp.spans] == [(TRACE, PARENT)] * spans


async def test_without_an_endpoint_there_is_no_tracing_at_all(make_settings: MakeSettings) -> None:
    assert create_app(make_settings()).state.tracing is None


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "00-x-y-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"01-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-x",
    ],
)
def test_a_malformed_trace_header_is_none(header: str | None) -> None:
    assert parse_traceparent(header) is None


async def test_each_request_is_one_line_with_its_route_and_correlation_id(app: FastAPI) -> None:
    written = io.StringIO()
    log.configure(process="api-test", stream=written)
    try:
        answer = await get(app, "/livez", X_Correlation_ID="in-the-access-line")
    finally:
        log.configure(process="tests", level="WARNING")
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    line = next(each for each in lines if each["event"] == "request")
    assert answer.status_code == 200
    assert (line["route"], line["status"], line["correlation_id"], line["process"]) == (
        "/livez",
        200,
        "in-the-access-line",
        "api-test",
    )
