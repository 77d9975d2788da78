"""Chromium of the machine, one for the session; each test gets browsers of its own in it.

A test fails when any of its browsers said an error or a warning, which includes every violation of the
content security policy."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.browser.portal import Room
from tests.conftest import Stack

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest_asyncio.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium: nothing is downloaded."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.fail("No chromium on the PATH: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def room(chromium: Browser, stack: Stack) -> AsyncIterator[Room]:
    """Where people sit down at browsers; at the end nothing may have been complained about."""
    opened = Room(chromium=chromium, base_url=stack.portal_url, accounts=stack.accounts)
    yield opened
    await opened.close()
    complaints = [one for seat in opened.seats for one in seat.complaints]
    assert complaints == []
