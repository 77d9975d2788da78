"""One person at one browser: signs in, opens pages, and remembers everything the browser complained about.

Playwright's asynchronous half, because its synchronous one keeps an event loop running in the test process,
which no other asynchronous test survives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

from tests.conftest import ROOT, Account

Language = Literal["ja", "en"]
Device = Literal["desktop", "phone"]

AXE: Final = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
#: What a context needs to be that device; the phone is a common small one.
DEVICES: Final[Mapping[Device, Mapping[str, Any]]] = {
    "desktop": {"viewport": {"width": 1440, "height": 900}},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "is_mobile": True,
        "has_touch": True,
        "device_scale_factor": 2,
    },
}
SIGN_IN: Final = {"ja": "サインイン", "en": "Sign in"}
#: Chromium reports each refused request; only tests that provoke a refusal may forgive it.
_REFUSED: Final = re.compile(r"Failed to load resource: .* (4\d\d) ")


@dataclass(slots=True)
class Seat:
    """A browser window of one person."""

    page: Page
    base_url: str
    language: Language
    complaints: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        """Go to a page and wait until it shows its data."""
        await self.page.goto(self.base_url + path)
        await self.settle()

    async def settle(self) -> None:
        """Wait until nothing on the page says that it is still loading."""
        await expect(self.page.locator("h1")).to_be_visible()
        await expect(self.page.locator(".animate-pulse, [aria-busy=true]")).to_have_count(0)

    async def sign_in(self, account: Account, *, path: str = "/") -> None:
        """By the form, as a person does; ends wherever the portal leads."""
        await self.page.goto(f"{self.base_url}{path}")
        await self.fill_credentials(account.email, account.password)
        await expect(self.page.locator("#content")).to_be_visible()

    async def fill_credentials(self, email: str, password: str) -> None:
        """The first step of the form."""
        await self.page.locator("input[name=email]").fill(email)
        await self.page.locator("input[name=password]").fill(password)
        await self.button(SIGN_IN[self.language]).click()

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def alert(self) -> Locator:
        """What went wrong; Next keeps an empty alert of its own for screen readers."""
        return self.page.locator("[role=alert]:not(#__next-route-announcer__)")

    def link(self, name: str) -> Locator:
        return self.page.get_by_role("link", name=name, exact=True)

    async def choose(self, label: str, *, typed: str, option: str) -> None:
        """Pick from a text box that offers choices."""
        box = self.page.get_by_role("combobox", name=label)
        await box.click()
        await box.fill(typed)
        await self.page.get_by_role("option", name=option).first.click()

    async def api(self, method: str, path: str, body: object = None) -> Any:
        """Ask the API with this browser's own session. `Any`: each answer has a shape of its own."""
        return await self.page.evaluate(_CALL, [method, path, body])

    async def speak(self, language: Language) -> None:
        """Set the account's language, which wins over the browser's."""
        await self.api("POST", "/api/v1/account/locale", {"locale": language})
        await self.page.context.add_cookies([{"name": "hrx_locale", "value": language, "url": self.base_url}])
        self.language = language

    async def find_violations(self) -> list[str]:
        """What axe-core finds on the page as it stands."""
        # Evaluated by the debugger, which the page's own policy does not bind.
        await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = await self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:160]}"
            for one in found["violations"]
            for node in one["nodes"]
        ]

    async def overflow_px(self) -> int:
        """By how much the page is wider than its window."""
        wider: int = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return max(0, wider)

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{self.page.url}: {message.text} {message.location['url']}")

    def forgive(self, status: int) -> None:
        """Drop complaints about requests that the test meant to be refused with `status`."""
        self.complaints = [
            one for one in self.complaints if not ((m := _REFUSED.search(one)) and m[1] == str(status))
        ]


#: The page's own origin and cookie, the token from the session: nothing that a script of ours could not do.
_CALL: Final = """
async ([method, path, body]) => {
  const session = await (await fetch("/api/v1/session")).json();
  const answer = await fetch(path, {
    method,
    headers: { "content-type": "application/json", "x-csrf-token": session.csrf_token },
    ...(body === null ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
}
"""


@dataclass(slots=True)
class Room:
    """Opens browsers that share nothing, and gives back what they complained about."""

    chromium: Browser
    base_url: str
    accounts: Mapping[str, Account]
    seats: list[Seat] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    async def sit_down(
        self, language: Language = "ja", *, device: Device = "desktop", **options: Any
    ) -> Seat:
        """A fresh browser, nobody signed in."""
        context = await self.chromium.new_context(
            locale={"ja": "ja-JP", "en": "en-GB"}[language],
            timezone_id="Asia/Tokyo",
            reduced_motion="reduce",
            **{**DEVICES[device], **options},
        )
        context.set_default_timeout(15_000)
        self.contexts.append(context)
        page = await context.new_page()
        seat = Seat(page=page, base_url=self.base_url, language=language)
        # A function of its own: Playwright leaves a mark on the owner of a method, which slots refuse.
        page.on("console", lambda message: seat.hear(message))
        page.on("pageerror", lambda error: seat.complaints.append(f"{page.url}: {error}"))
        self.seats.append(seat)
        return seat

    async def seat(
        self, role: str, language: Language = "ja", *, device: Device = "desktop", **options: Any
    ) -> Seat:
        """A fresh browser with one of the demo company's people signed in."""
        seat = await self.sit_down(language, device=device, **options)
        await seat.sign_in(self.accounts[role])
        await seat.speak(language)
        return seat

    async def close(self) -> None:
        for context in self.contexts:
            await context.close()
