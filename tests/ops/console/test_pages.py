"""What pages say, in both languages, and what they must never do."""

from __future__ import annotations

import re

import pytest

from hrx.ops.run.plane import Plane
from tests.ops.browsing import Browser, wait_for
from tests.ops.conftest import SmallMachine
from tests.ops.console.routes import all_routes, concrete

pytestmark = pytest.mark.req("R5.4-1")


def test_every_answer_forbids_inline_script_framing_and_sniffing(browser: Browser) -> None:
    browser.sign_in("admin")
    for path in ("/", "/sign-in", "/livez", "/nowhere", "/static/console.css", "/ledger", "/metrics"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert re.fullmatch(r"[0-9a-f]{32}", headers["x-correlation-id"])
    assert browser.get("/").headers["cache-control"] == "no-store"


def test_no_page_has_inline_script_or_style(browser: Browser) -> None:
    browser.sign_in("admin")
    for method, path, permission in all_routes():
        if method == "GET" and permission is not None and path != "/ledger/export.jsonl":
            page = browser.get(concrete(path)).text
            assert not re.search(r"<script(?![^>]*\bsrc=)", page), path
            assert not re.search(r"\son\w+=|\sstyle=|<style", page), path


def test_what_operators_and_attackers_wrote_is_shown_as_text(browser: Browser, plane: Plane) -> None:
    attack = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    browser.sign_in("responder")
    made = browser.post("/procedures/restart-part/plans", part="worker", reason=attack)
    page = browser.get(made.headers["location"]).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in browser.get("/ledger").text
    assert "<script>alert" not in browser.get(f"/ledger?text={attack}").text


@pytest.mark.parametrize(("language", "word"), [("ja", "概況"), ("en", "Overview")])
def test_every_page_speaks_both_languages(browser: Browser, language: str, word: str) -> None:
    browser.get(f"/language/{language}")
    browser.sign_in("admin")
    assert word in browser.get("/").text
    for number in range(1, 11):
        page = browser.get(f"/chapters/{number}")
        assert page.status_code == 200
        assert f'<html lang="{language}"' in page.text
        japanese = re.search(r"[ぁ-んァ-ン]", re.sub(r'lang="ja".*?</a>', "", page.text))
        assert (japanese is not None) is (language == "ja"), f"chapter {number} mixes languages"


def test_chapters_that_are_not_built_say_so_with_what_will_live_there(browser: Browser) -> None:
    browser.sign_in("viewer")
    page = browser.get("/chapters/7").text
    assert page.count("Not built yet") >= 3
    assert "R7.1-1" in page


@pytest.mark.req("R6.1-2", "R6.2-1")
def test_chapter_6_shows_what_would_be_lost_now_and_the_last_proof(browser: Browser) -> None:
    browser.sign_in("viewer")
    page = browser.get("/chapters/6").text
    section = page.partition('id="s-6.1"')[2].partition("</section>")[0]
    assert "Lost now (RPO)" in section
    assert "No backup has been proven by restoring yet" in section or "Last proven by restoring" in section
    for procedure in ("switch-database", "switch-database-back", "bring-back-rows", "release-effects"):
        assert f'href="/procedures/{procedure}"' in page


@pytest.mark.req("R1-2")
def test_the_overview_shows_each_part_and_what_is_lost_without_it(
    browser: Browser, machine: SmallMachine
) -> None:
    browser.sign_in("viewer")
    page = wait_for(browser, "/fragments/parts", "Database")
    row = page[page.index('id="part-postgres"') :]
    assert "Down" in row
    assert "can neither read nor write" in row
    worker = page[page.index('id="part-worker"') :]
    assert "9.9.9" in worker[:2000]
    assert "Restart" not in page, "a viewer has no buttons"
    machine.set_mood("worker", "degraded")
    wait_for(browser, "/fragments/parts", "Degraded: cache", timeout_s=6)


def test_settings_are_shown_without_any_secret(browser: Browser, plane: Plane) -> None:
    browser.sign_in("admin")
    page = browser.get("/settings").text
    assert "HRX_OPS_HOOK_TOKEN" in page
    for secret in ("hook-token-of-the-tests", "hrx_ops:x@", plane.settings.ledger_location):
        assert secret not in page


@pytest.mark.parametrize(
    ("path", "status"), [("/chapters/11", 404), ("/chapters/x", 422), ("/parts/no", 404), ("/x", 404)]
)
def test_wrong_addresses_get_a_page_that_says_so(browser: Browser, path: str, status: int) -> None:
    browser.sign_in("viewer")
    answer = browser.get(path)
    assert answer.status_code == status
    assert "Correlation id" in answer.text
