"""A tab that was opened before a release, in a real browser: it goes on working when the new build is live
and when the old one has stopped, parts that it never loaded before included."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Request, expect

from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.machine.slot_code import SlotCode, place_code
from tests.acceptance.operating import PART_TIMEOUT_S, layout_of, put_blue_live, supervisor_of
from tests.browser.portal import Room, Seat
from tests.conftest import ROOT, Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(600),
    pytest.mark.req("R3.1-3"),
]
BUILT: Final = ROOT / "web" / ".next" / "standalone"
#: Playwright's own 5 s are too few for a portal that has just started where others work as well.
_WITHIN_MS: Final = 60_000
_STATIC: Final = "/_next/static/"
#: What a build names its own files in; the packages beside them name none.
_TEXT: Final = (".js", ".json", ".html", ".rsc", ".meta", ".body", ".css", ".txt", "")


def make_other_build(built: Path, other: Path) -> None:
    """The same portal as another build: another id, and not one chunk of the former by its name."""
    shutil.copytree(built, other, symlinks=True)
    home = other / ".next"
    old_id = (home / "BUILD_ID").read_text()
    names = {old_id: f"{old_id[:-6]}other1"}
    for chunk in (home / "static" / "chunks").iterdir():
        name = chunk.stem.partition(".")[0]
        names[name] = f"{name[:-2]}{'yy' if name.endswith('zz') else 'zz'}"
    assert len({*names, *names.values()}) == 2 * len(names)
    pattern = re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))))
    for path in sorted(home.rglob("*"), reverse=True):
        if path.is_file() and path.suffix in _TEXT:
            text = path.read_text(errors="surrogateescape")
            path.write_text(pattern.sub(lambda found: names[found[0]], text), errors="surrogateescape")
        if (
            path.is_relative_to(home / "static")
            and (renamed := pattern.sub(lambda found: names[found[0]], path.name)) != path.name
        ):
            path.rename(path.with_name(renamed))


@pytest.fixture(scope="module")
def other_build(stack: Stack) -> Iterator[Path]:
    home = stack.var / "releases" / "other-build"
    make_other_build(BUILT, home)
    yield home
    shutil.rmtree(home)


@pytest.fixture
def on_old_build(stack: Stack) -> Iterator[None]:
    put_blue_live(stack)
    yield
    Machine(layout_of(stack)).send_to_edge("enable health web/web-green")
    put_blue_live(stack)
    place_code(layout_of(stack), supervisor_of(stack), "web-green", None)


def release_portal(stack: Stack, portal: Path) -> None:
    """As a release does: into the slot that rests, requests over, and the old slot stops."""
    layout, supervisor = layout_of(stack), supervisor_of(stack)
    code = SlotCode(
        release="other-build", commit="other-build", code=ROOT, python=Path(sys.executable), portal=portal
    )
    place_code(layout, supervisor, "web-green", code)
    supervisor.start("web-green", timeout_s=PART_TIMEOUT_S)


def listen(seat: Seat) -> list[str]:
    """Names of the files of builds that the tab asks for from now on."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if _STATIC in request.url:
            asked.append(request.url.partition(_STATIC)[2].partition("?")[0])

    seat.page.on("request", note)
    return asked


async def follow(seat: Seat, path: str) -> None:
    """By the link in the menu, as a person does: the tab navigates by itself."""
    await seat.page.locator(f"nav a[href='{path}']").first.click()
    await expect(seat.page).to_have_url(re.compile(f"{path}(\\?|$)"))
    await seat.settle()


#: A part of a portal that a tab loads only now: asked for as its own build names it.
_LOAD_PARTS: Final = """
async (names) => {
  const wrong = [];
  for (const name of names) {
    const answer = await fetch(`/_next/static/chunks/${name}`);
    const type = answer.headers.get("content-type") ?? "";
    if (!answer.ok || !/javascript|css/.test(type)) wrong.push(`${name}: ${answer.status} ${type}`);
  }
  return wrong;
}
"""


async def test_a_tab_of_the_build_before_goes_on_beside_the_new_one_and_after_it(
    room: Room, stack: Stack, other_build: Path, on_old_build: None
) -> None:
    expect.set_options(timeout=_WITHIN_MS)
    tabs = [await room.seat("hr", "en") for _ in range(2)]
    for tab in tabs:
        tab.page.set_default_timeout(_WITHIN_MS)
        await tab.open("/people")
        await tab.page.wait_for_load_state("networkidle")
        await tab.page.evaluate("window.openedBefore = true")
    layout, supervisor = layout_of(stack), supervisor_of(stack)
    await asyncio.to_thread(release_portal, stack, other_build)
    await asyncio.to_thread(Machine(layout).switch_to, "web-green", timeout_s=PART_TIMEOUT_S)
    # Whether it has the time to answer the edge's check is not what is asked here.
    Machine(layout).send_to_edge("disable health web/web-green")
    asked = listen(tabs[0])
    await follow(tabs[0], "/org")
    # It was told that the build is another, and loaded the page anew by itself, all of the new build.
    assert await tabs[0].page.evaluate("window.openedBefore") is None
    new = {path.name for path in (other_build / ".next" / "static" / "chunks").iterdir()}
    assert {name.rpartition("/")[2] for name in asked} & new

    await asyncio.to_thread(supervisor.stop, "web-blue", timeout_s=PART_TIMEOUT_S)
    old = {
        path.name
        for path in (ROOT / "web" / ".next" / "static" / "chunks").iterdir()
        if path.suffix != ".map"
    }
    assert not old & new, "the new portal has no file of the old one"
    assert await tabs[1].page.evaluate("window.openedBefore") is True
    assert await tabs[1].page.evaluate(_LOAD_PARTS, sorted(old)) == []
    await follow(tabs[1], "/changes")
    await tabs[1].page.go_back()
    await expect(tabs[1].page.locator("a[data-row-link]").first).to_be_visible()
    for tab in tabs:
        # A busy machine's API may refuse a beacon; what the portal itself does not give is not forgiven.
        tab.forgive(503)
