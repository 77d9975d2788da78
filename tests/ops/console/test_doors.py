"""What machines ask of the console, and what the console refuses of anybody."""

from __future__ import annotations

import httpx
import pytest

from tests.ops.browsing import Browser

pytestmark = pytest.mark.req("R5.4-1")


def test_a_huge_body_is_refused(browser: Browser) -> None:
    answer = browser.client.post("/sign-in", content=b"x" * (3 * 1024 * 1024))
    assert answer.status_code == 413


@pytest.mark.req("R1-2")
def test_health_answers_follow_the_contract(console: str) -> None:
    with httpx.Client(base_url=console, trust_env=False) as client:
        assert client.get("/livez").json() == {"status": "alive"}
        ready = client.get("/readyz").json()
        assert {check["name"] for check in ready["checks"]} == {"ledger", "supervisor", "watcher"}
        assert set(client.get("/version").json()) == {
            "version",
            "commit",
            "slot",
            "schema_revision",
            "started_at",
        }
        figures = client.get("/metrics").text
    assert (
        'http_server_request_duration_seconds_count{http_request_method="GET",'
        'http_response_status_code="200",http_route="/livez"}' in figures
    )


def test_what_is_refused_before_any_page_is_a_page_in_both_languages(browser: Browser) -> None:
    answer = browser.client.post("/sign-in", content=b"x" * (2 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert answer.headers["content-type"].startswith("text/html")
    assert "大きすぎます" in answer.text
    assert "too large" in answer.text
    assert answer.headers["x-correlation-id"] in answer.text
