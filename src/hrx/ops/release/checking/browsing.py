"""End-to-end: a real browser walks through the portal of staging as a person would, step by step.

The browser is the machine's own Chromium, driven by Playwright, which is a package of development: where
either is missing nothing was checked, and that is said."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.release.checking.results import Bench, Checked, failed, not_checked, passed
from hrx.ops.release.checking.staging import find_staging

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: A person of the demo company who may look at everybody.
_PERSON: Final = "hr@minato-seiki.example"
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
_SAID: Final = 300
_UP: Final = "`hrx release check staging --release rN`"
_TODO: Final = Text(ja=_UP, en=_UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """What each step needs."""

    page: Page
    url: str
    email: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stride:
    name: str
    go: Callable[[Walk], None]


def check_e2e(bench: Bench) -> Checked:
    """Sign in, look somebody up, open the person, change the language, sign out. Raises StagingUnsafe."""
    staging = find_staging(bench.settings, bench.layout)
    if staging is None or (bench.release is not None and staging.release != bench.release.id):
        return not_checked(
            Text(ja="このリリースの検証環境が動いていません", en="no staging with this release is up"),
            todo=_TODO,
        )
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if browser is None or not _has_driver():
        return not_checked(
            Text(ja="Chromium か Playwright がありません", en="there is no Chromium, or no Playwright"),
            todo=Text(
                ja="`apt-get install chromium` と `python3 deploy/bootstrap.py --dev`",
                en="`apt-get install chromium` and `python3 deploy/bootstrap.py --dev`",
            ),
        )
    within_s = bench.settings.e2e_step_timeout_s
    with _opened_page(browser, within_s=within_s) as (page, complaints):
        walk = Walk(page=page, url=staging.url, email=_PERSON, password=staging.demo_password)
        return _walk(walk, complaints, about=f"{staging.release}, {staging.url}")


def _walk(walk: Walk, complaints: list[str], *, about: str) -> Checked:
    done: list[dict[str, object]] = []
    for stride in STRIDES:
        began_s = clock.monotonic_s()
        wrong = _go(stride, walk) or (complaints[0] if complaints else None)
        took_ms = round((clock.monotonic_s() - began_s) * 1000)
        outcome = "passed" if wrong is None else "failed"
        done.append({"step": stride.name, "outcome": outcome, "said": wrong or "", "took_ms": took_ms})
        if wrong is not None:
            return failed(
                f"{about}: {stride.name} で失敗({wrong})",
                f"{about}: {stride.name}: {wrong}",
                findings=tuple(done),
            )
    return passed(
        f"{about}: ブラウザーで {len(done)} 手順",
        f"{about}: {len(done)} steps in a browser",
        findings=tuple(done),
    )


def _go(stride: Stride, walk: Walk) -> str | None:
    """What went wrong; None when nothing did."""
    from playwright.sync_api import Error

    try:
        stride.go(walk)
    except (Error, AssertionError) as error:
        # The password was typed into the page, and Playwright likes to tell what it typed.
        said = " ".join(str(error).split()).replace(walk.password, "…")
        return said[:_SAID]
    return None


def _sign_in(walk: Walk) -> None:
    walk.page.goto(f"{walk.url}/")
    walk.page.locator("input[name=email]").fill(walk.email)
    walk.page.locator("input[name=password]").fill(walk.password)
    walk.page.get_by_role("button", name="サインイン", exact=True).click()
    walk.page.locator("#content").wait_for()


def _open_directory(walk: Walk) -> None:
    walk.page.goto(f"{walk.url}/people")
    walk.page.locator("a[data-row-link]").first.wait_for()
    heading = walk.page.get_by_role("heading", level=1).inner_text()
    if heading != "社員名簿":
        raise AssertionError(f"the directory is headed {heading!r}")


def _search(walk: Walk) -> None:
    first = walk.page.locator("a[data-row-link]").first
    wanted = (first.get_attribute("href") or "").partition("?")[0]
    name = re.split(r"[\s ]+", first.inner_text().strip())[0]
    walk.page.goto(f"{walk.url}/people?q={name}")
    walk.page.locator(f"a[data-row-link][href^='{wanted}']").first.wait_for()


def _open_person(walk: Walk) -> None:
    link = walk.page.locator("a[data-row-link]").first
    name = link.inner_text()
    link.click()
    walk.page.wait_for_url(re.compile(r"/people/\d+"))
    walk.page.get_by_role("heading", name="現在の所属").wait_for()
    heading = walk.page.get_by_role("heading", level=1).inner_text()
    if heading != name:
        raise AssertionError(f"{name!r} was opened, {heading!r} is shown")


def _change_language(walk: Walk) -> None:
    for name, language in (("English", "en"), ("日本語", "ja")):
        # The account keeps it: the next choice must not overtake this one.
        with walk.page.expect_response(re.compile("/account/locale$")):
            walk.page.get_by_role("button", name=name, exact=True).click()
        walk.page.locator(f"html[lang={language}]").wait_for()


def _sign_out(walk: Walk) -> None:
    walk.page.get_by_role("button", name=re.compile("さんのメニュー$")).click()
    walk.page.get_by_role("menuitem", name="サインアウト").click()
    walk.page.locator("input[name=email]").wait_for()


STRIDES: Final = (
    Stride(name="sign-in", go=_sign_in),
    Stride(name="directory", go=_open_directory),
    Stride(name="search", go=_search),
    Stride(name="person", go=_open_person),
    Stride(name="language", go=_change_language),
    Stride(name="sign-out", go=_sign_out),
)


def _has_driver() -> bool:
    try:
        import playwright.sync_api  # noqa: F401 - of development; a release's environment has none
    except ImportError:
        return False
    return True


@contextmanager
def _opened_page(browser: str, *, within_s: float) -> Iterator[tuple[Page, list[str]]]:
    """A fresh browser in Japanese, and what its page complained about."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=browser, args=list(_ARGUMENTS))
        try:
            context = opened.new_context(locale="ja-JP", timezone_id="Asia/Tokyo", reduced_motion="reduce")
            context.set_default_timeout(within_s * 1000)
            page, complaints = context.new_page(), []
            page.on("pageerror", lambda error: complaints.append(str(error)[:_SAID]))
            yield page, complaints
        finally:
            opened.close()
