"""What a page says of itself arrives as figures: that it was seen, how quick it was, and what broke in it."""

from __future__ import annotations

import pytest

from hrx.kit.catalogue import list_metrics_of
from hrx.kit.figures import Source
from tests.acceptance.operating import eventually
from tests.acceptance.scraping import check, scrape, value_of
from tests.browser.portal import Room
from tests.conftest import Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.xdist_group("stack"),
    pytest.mark.req("R4.1-1"),
]
#: As a page's own mistake would: nobody catches it.
_BREAK = "setTimeout(() => { throw new TypeError('planted for 佐藤 花子'); }, 0)"
_REJECT = "void Promise.reject(new RangeError('planted, and nobody waits for it'))"


async def test_a_visit_is_seen_in_the_apis_figures(room: Room, stack: Stack) -> None:
    seat = await room.seat("manager", "en")
    before = scrape(stack, Source.API)
    await seat.open("/people")
    await seat.page.locator("h1").click()
    await seat.page.evaluate(_BREAK)
    await seat.page.evaluate(_REJECT)
    await seat.open("/org")
    seat.complaints = [one for one in seat.complaints if "planted" not in one]

    def grew(name: str, **labels: str) -> float:
        return value_of(scrape(stack, Source.API), name, **labels) - value_of(before, name, **labels)

    page = {"route": "/people"}
    for name, labels in (
        ("hrx_web_page_views_total", page),
        ("hrx_web_vital_ttfb_seconds_count", {**page, "device": "desktop"}),
        ("hrx_web_vital_fcp_seconds_count", {**page, "device": "desktop"}),
        ("hrx_web_vital_lcp_seconds_count", {**page, "device": "desktop"}),
        ("hrx_web_vital_cls_count", {**page, "device": "desktop"}),
        ("hrx_web_vital_fid_seconds_count", {**page, "device": "desktop"}),
        ("hrx_web_errors_total", {**page, "error_type": "TypeError"}),
        ("hrx_web_errors_total", {**page, "error_type": "RangeError"}),
        # The second page is still open: what it has to say does not wait for its end.
        ("hrx_web_page_views_total", {"route": "/org"}),
    ):
        eventually(lambda n=name, of=labels: grew(n, **of) == 1, within_s=15, what=f"{name} {labels}")  # type: ignore[misc]
    exported = scrape(stack, Source.API)
    for metric in list_metrics_of(Source.API):
        if metric.name.startswith("hrx_web_"):
            check(metric, exported[metric.name])
