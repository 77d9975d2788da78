"""Takes the portal's pictures for the README again, from a running HRX-AI with the demo company.

    python docs/images/take.py http://127.0.0.1:8080 var/secrets.env

Needs chromium on the PATH, Japanese fonts and what `make test` installs."""

from __future__ import annotations

import asyncio
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.async_api import async_playwright

from tests.browser.conftest import ARGUMENTS
from tests.browser.portal import Device, Language, Room
from tests.conftest import DEMO_EMAILS, Account

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One file and what is on it."""

    name: str
    path: str
    language: Language
    device: Device = "desktop"


PICTURES = (
    Picture(name="portal-directory.ja.png", path="/people", language="ja"),
    Picture(name="portal-org.en.png", path="/org?as_of=2025-04-01", language="en"),
    Picture(name="portal-home.ja.png", path="/", language="ja"),
    Picture(name="portal-phone.ja.png", path="/people", language="ja", device="phone"),
)


async def take_all(base_url: str, *, password: str) -> None:
    """Writes every picture beside this file."""
    accounts = {role: Account(email=email, password=password) for role, email in DEMO_EMAILS.items()}
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        room = Room(chromium=chromium, base_url=base_url, accounts=accounts)
        for picture in PICTURES:
            seat = await room.seat("hr", picture.language, device=picture.device)
            await seat.open(picture.path)
            # The live connection stands a moment after the data does.
            await seat.page.wait_for_timeout(2_000)
            await seat.page.screenshot(path=HERE / picture.name)
        await seat.speak("ja")
        await room.close()
        await chromium.close()


def main() -> None:
    base_url, secrets_file = sys.argv[1:]
    lines = Path(secrets_file).read_text(encoding="utf-8").splitlines()
    secrets = dict(line.split("=", 1) for line in lines if line.startswith("HRX_"))
    asyncio.run(take_all(base_url, password=secrets["HRX_DEMO_PASSWORD"]))


if __name__ == "__main__":
    main()
