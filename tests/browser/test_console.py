"""The operations console in a real browser: live states, the ring by clicks, the ledger, accessibility."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from hrx.ops.console.navigation import MENU
from tests.acceptance.operating import becomes_well, pids, stopped
from tests.browser.portal import AXE
from tests.conftest import Stack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(300),
    pytest.mark.req("R5.4-1"),
]

#: What a person waits for without touching the page: two looks of the watcher, a poll, a busy machine.
LIVE_MS = 60_000
PAGES = (
    *(item.href for item in MENU),
    "/alerts/rules/PartDown",
    "/dashboards/golden-signals",
    "/dashboards/database",
    "/faq",
    "/procedures/restart-part",
    "/sops/5.2.3",
    "/ledger/1",
    "/parts/worker",
    "/operators",
    "/settings",
    "/account",
    "/nowhere",
    *(f"/chapters/{number}" for number in range(1, 11)),
)


async def open_page(
    chromium: Browser, *, width: int = 1440, theme: Any = "light", language: str = "en"
) -> Page:
    """A browser of its own. `Any`: the library's type of a theme is a list of words."""
    context = await chromium.new_context(
        viewport={"width": width, "height": 900}, locale=language, color_scheme=theme, bypass_csp=True
    )
    return await context.new_page()


async def sign_in(page: Page, stack: Stack) -> None:
    await page.goto(f"{stack.console_url}/")
    await page.locator("input[name=name]").fill(stack.operator.email)
    await page.locator("input[name=password]").fill(stack.operator.password)
    await page.locator("main button").click()
    await page.wait_for_url(f"{stack.console_url}/")


@pytest_asyncio.fixture
async def page(chromium: Browser, stack: Stack) -> AsyncIterator[Page]:
    """The overview, signed in; the test fails when the page wrote an error to the browser's console."""
    becomes_well(stack, within_s=60)
    opened = await open_page(chromium)
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    await sign_in(opened, stack)
    yield opened
    await opened.context.close()
    assert said == []


@pytest.mark.req("R1-2")
async def test_a_part_is_seen_to_go_down_and_to_come_back_without_a_reload(page: Page, stack: Stack) -> None:
    row = page.locator("#part-worker")
    await expect(row.locator(".pill")).to_have_text("OK", timeout=LIVE_MS)
    await page.evaluate("window.isTheSamePage = true")
    # Held down: one that is only killed is back before a slow machine has painted it.
    with stopped(stack, "worker"):
        await expect(row.locator(".pill")).to_have_text("Down", timeout=LIVE_MS)
        await expect(row).to_contain_text("Imports and background work wait")
        await expect(page.locator(".hero h1")).to_contain_text("down")
    await expect(row.locator(".pill")).to_have_text("OK", timeout=LIVE_MS)
    await expect(row).to_contain_text(f"pid {pids(stack)['worker']}", timeout=LIVE_MS)
    assert await page.evaluate("window.isTheSamePage") is True


async def test_a_part_is_restarted_by_clicks_watched_to_its_end_and_the_ledger_verifies(
    page: Page, stack: Stack
) -> None:
    before = pids(stack)["worker"]
    await page.locator("#part-worker").get_by_role("link", name="Restart").click()
    await expect(page.locator("select[name=part]")).to_have_value("worker")
    await page.locator("input[name=reason]").fill("shown in a browser")
    await page.get_by_role("button", name="Make the plan").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Restart “Worker”")
    await page.get_by_role("checkbox").check()
    await page.get_by_role("button", name="Confirm and run").click()
    await expect(page.locator(".pill.big")).to_have_text("Succeeded", timeout=LIVE_MS)
    await expect(page.locator(".progress .st-done > .mark")).to_have_count(3)
    assert pids(stack)["worker"] not in (None, before)
    await page.get_by_role("link", name="Ledger", exact=True).click()
    await page.get_by_role("button", name="Verify now").click()
    await expect(page.locator("#verification .pill")).to_have_text("Intact")
    await expect(page.locator("table.entries")).to_contain_text("shown in a browser")


@pytest.mark.parametrize(
    ("language", "width", "theme"),
    [("en", 1440, "light"), ("ja", 390, "light"), ("ja", 1440, "dark"), ("en", 390, "dark")],
)
async def test_no_page_has_an_accessibility_violation_or_scrolls_sideways(
    chromium: Browser, stack: Stack, language: str, width: int, theme: str
) -> None:
    becomes_well(stack, within_s=60)
    page = await open_page(chromium, width=width, theme=theme, language=language)
    await page.goto(f"{stack.console_url}/sign-in")
    found = await look(page, "/sign-in")
    await sign_in(page, stack)
    for path in PAGES:
        await page.goto(f"{stack.console_url}{path}")
        found += await look(page, path)
    await page.context.close()
    assert found == []


async def look(page: Page, path: str) -> list[str]:
    """What axe-core objects to on the page that is open, and whether it is wider than the window."""
    await page.evaluate(AXE.read_text())
    violations = await page.evaluate("axe.run(document).then((found) => found.violations)")
    found = [f"{path}: {item['id']} {item['nodes'][0]['html'][:100]}" for item in violations]
    if await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append(f"{path}: scrolls sideways")
    return found
