"""The operations console in a real browser: live states, the ring by clicks, the ledger, accessibility."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.acceptance.operating import becomes_well, pids
from tests.conftest import ROOT, Stack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(300),
    pytest.mark.req("R5.4-1"),
]

#: Debian's Chromium; nothing of it may speak to the world outside.
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
#: What a person waits for without touching the page: two looks of the watcher, a poll, a busy machine.
LIVE_MS = 60_000
PAGES = (
    "/",
    "/alerts",
    "/procedures",
    "/procedures/restart-part",
    "/ledger",
    "/ledger/1",
    "/parts/worker",
    "/operators",
    "/settings",
    "/account",
    "/nowhere",
    *(f"/chapters/{number}" for number in range(1, 11)),
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def open_page(chromium: Browser, *, width: int = 1440, theme: Any = "light", language: str = "en") -> Page:
    """A browser of its own. `Any`: the library's type of a theme is a list of words."""
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, locale=language, color_scheme=theme, bypass_csp=True
    )
    return context.new_page()


def sign_in(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.console_url}/")
    page.locator("input[name=name]").fill(stack.operator.email)
    page.locator("input[name=password]").fill(stack.operator.password)
    page.locator("main button").click()
    page.wait_for_url(f"{stack.console_url}/")


@pytest.fixture
def page(chromium: Browser, stack: Stack) -> Iterator[Page]:
    """The overview, signed in; the test fails when the page wrote an error to the browser's console."""
    becomes_well(stack, within_s=60)
    opened = open_page(chromium)
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    sign_in(opened, stack)
    yield opened
    opened.context.close()
    assert said == []


@pytest.mark.req("R1-2")
def test_a_part_is_seen_to_go_down_and_to_come_back_without_a_reload(page: Page, stack: Stack) -> None:
    row = page.locator("#part-worker")
    expect(row.locator(".pill")).to_have_text("OK", timeout=LIVE_MS)
    page.evaluate("window.isTheSamePage = true")
    before = pids(stack)["worker"]
    assert before is not None
    os.kill(before, signal.SIGKILL)
    expect(row.locator(".pill")).to_have_text("Down", timeout=LIVE_MS)
    expect(row).to_contain_text("Imports and background work wait")
    expect(page.locator(".hero h1")).to_contain_text("down")
    expect(row.locator(".pill")).to_have_text("OK", timeout=LIVE_MS)
    expect(row).to_contain_text(f"pid {pids(stack)['worker']}", timeout=LIVE_MS)
    assert page.evaluate("window.isTheSamePage") is True


def test_a_part_is_restarted_by_clicks_watched_to_its_end_and_the_ledger_verifies(
    page: Page, stack: Stack
) -> None:
    before = pids(stack)["worker"]
    page.locator("#part-worker").get_by_role("link", name="Restart").click()
    expect(page.locator("select[name=part]")).to_have_value("worker")
    page.locator("input[name=reason]").fill("shown in a browser")
    page.get_by_role("button", name="Make the plan").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Restart “Worker”")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Confirm and run").click()
    expect(page.locator(".pill.big")).to_have_text("Succeeded", timeout=LIVE_MS)
    expect(page.locator(".progress .st-done > .mark")).to_have_count(3)
    assert pids(stack)["worker"] not in (None, before)
    page.get_by_role("link", name="Ledger", exact=True).click()
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator("#verification .pill")).to_have_text("Intact")
    expect(page.locator("table.entries")).to_contain_text("shown in a browser")


@pytest.mark.parametrize(
    ("language", "width", "theme"),
    [("en", 1440, "light"), ("ja", 390, "light"), ("ja", 1440, "dark"), ("en", 390, "dark")],
)
def test_no_page_has_an_accessibility_violation_or_scrolls_sideways(
    chromium: Browser, stack: Stack, language: str, width: int, theme: str
) -> None:
    becomes_well(stack, within_s=60)
    page = open_page(chromium, width=width, theme=theme, language=language)
    page.goto(f"{stack.console_url}/sign-in")
    found = look(page, "/sign-in")
    sign_in(page, stack)
    for path in PAGES:
        page.goto(f"{stack.console_url}{path}")
        found += look(page, path)
    page.context.close()
    assert found == []


def look(page: Page, path: str) -> list[str]:
    """What axe-core objects to on the page that is open, and whether it is wider than the window."""
    page.evaluate(AXE.read_text())
    violations = page.evaluate("axe.run(document).then((found) => found.violations)")
    found = [f"{path}: {item['id']} {item['nodes'][0]['html'][:100]}" for item in violations]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append(f"{path}: scrolls sideways")
    return found
