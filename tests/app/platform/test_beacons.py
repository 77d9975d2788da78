"""What pages report: counted under our own lists only, at a pace, and written without anybody's data."""

from __future__ import annotations

import json
import logging
import random
import string
from collections import defaultdict
from typing import Any

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, generate_latest

from hrx.app.platform.beacons import mask_message
from hrx.app.platform.visitors import Visitors
from hrx.app.settings import AppSettings
from hrx.kit import log
from hrx.kit.catalogue import CATALOGUE, WEB_ROUTES
from tests.app.clients import Browser, open_browser
from tests.app.conftest import MakeSettings, SignIn, running
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R4.1-1")
#: Seeded by the test: what it throws is the same every time.
_CHANCE = random.Random()  # noqa: S311


def sample(app: FastAPI, name: str, **labels: str) -> float:
    registry: CollectorRegistry = app.state.registry
    return registry.get_sample_value(name, labels) or 0.0


def beacon(*events: dict[str, Any], device: str = "desktop") -> dict[str, Any]:
    return {"device": device, "events": list(events)}


async def test_vitals_views_and_errors_of_a_page_are_counted(browser: Browser, app: FastAPI) -> None:
    views = sample(app, "hrx_web_page_views_total", route="/people/[id]")
    answer = await browser.post(
        "/telemetry/web",
        beacon(
            {"kind": "view", "route": "/people/[id]"},
            {"kind": "vital", "route": "/people/[id]", "name": "LCP", "value": 1800.5},
            {"kind": "vital", "route": "/people/[id]", "name": "CLS", "value": 0.07},
            {"kind": "error", "route": "/people/[id]", "error_type": "TypeError", "message": "x is null"},
            device="mobile",
        ),
    )
    assert answer.status_code == 204
    assert sample(app, "hrx_web_page_views_total", route="/people/[id]") == views + 1
    where = {"route": "/people/[id]", "device": "mobile"}
    assert sample(app, "hrx_web_vital_lcp_seconds_sum", **where) == pytest.approx(1.8005)
    assert sample(app, "hrx_web_vital_cls_sum", **where) == pytest.approx(0.07)
    assert sample(app, "hrx_web_errors_total", route="/people/[id]", error_type="TypeError") >= 1


@pytest.mark.parametrize(
    "body",
    [
        beacon(),
        beacon({"kind": "vital", "route": "/", "name": "LCP", "value": -1}),
        beacon({"kind": "vital", "route": "/", "name": "LCP", "value": 1e12}),
        beacon({"kind": "vital", "route": "/", "name": "XYZ", "value": 1}),
        beacon({"kind": "view", "route": "/" * 300}),
        beacon(*({"kind": "view", "route": "/"} for _ in range(41))),
        beacon({"kind": "view", "route": "/"}, device="fridge"),
        {"device": "desktop"},
        [],
    ],
)
async def test_what_no_page_of_ours_sends_is_refused(browser: Browser, body: Any) -> None:
    answer = await browser.post("/telemetry/web", body)
    assert answer.status_code == 422


async def test_another_sites_page_reports_nothing(browser: Browser) -> None:
    body = beacon({"kind": "view", "route": "/"})
    for headers in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await browser.post("/telemetry/web", body, headers=headers)).status_code == 403


async def test_one_network_may_only_report_so_much(make_settings: MakeSettings) -> None:
    body = beacon({"kind": "view", "route": "/"})
    async with running(make_settings(web_beacons_per_minute=5)) as app:
        eager = open_browser(app, address="203.0.113.5")
        codes = [(await eager.post("/telemetry/web", body)).status_code for _ in range(8)]
        other = await open_browser(app, address="203.0.113.6").post("/telemetry/web", body)
        assert codes == [204] * 5 + [429] * 3
        assert other.status_code == 204
        assert sample(app, "hrx_web_beacons_total", outcome="limited") == 3
        refused = {"source": "application", "rule": "web_beacons"}
        assert sample(app, "hrx_blocked_requests_total", **refused) == 3


async def test_an_error_is_one_line_under_the_pages_id_without_anybodys_data(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    message = (
        "Cannot read '佐藤 花子' of undefined for hanako.sato@example.co.jp, 090-1234-5678, "
        "token=abcdefgh at https://hrx.example/people?q=%E4%BD%90%E8%97%A4"
    )
    with caplog.at_level(logging.WARNING, logger="hrx.web"):
        await browser.post(
            "/telemetry/web",
            beacon(
                {
                    "kind": "error",
                    "route": "/people",
                    "error_type": "TypeError",
                    "message": message,
                    "correlation_id": "a1b2c3d4e5f60718a1b2c3d4e5f60718",
                }
            ),
        )
    (record,) = [each for each in caplog.records if each.name == "hrx.web"]
    line = log.JsonFormatter(process="api").format(record)
    said = json.loads(line)
    assert said["route"] == "/people"
    assert said["error_type"] == "TypeError"
    for private in ("佐藤", "hanako", "090", "5678", "abcdefgh", "%E4"):
        assert private not in line
    assert said["message"].startswith("Cannot read")


def test_a_masked_message_stays_a_line_and_keeps_what_explains_it() -> None:
    assert mask_message("a is not a function\n at b\r\n{fake: 1}") == "a is not a function  at b  {fake: 1}"
    assert len(mask_message("x" * 5_000)) == 300


def _noise(length: int) -> str:
    alphabet = string.ascii_letters + string.digits + "/[]{}\"'\\\n\0 ${}人事%?#&=<>"
    return "".join(_CHANCE.choice(alphabet) for _ in range(length))


@pytest.mark.parametrize("seed", [3])
async def test_hostile_input_adds_no_series(app: FastAPI, sign_in: SignIn, seed: int) -> None:
    """Random routes, hosts, user agents, methods, ids and reports: every label stays inside its bounds."""
    _CHANCE.seed(seed)
    hr = await sign_in()
    await _attack(app, hr)
    once = _series(app)
    await _attack(app, hr)
    again = _series(app)
    _assert_bounded(app)
    # Latency moves a request between buckets that are all there from the start; nothing else may appear. A
    # cache that answers late on a busy machine is passed by, which counts under a name of its own.
    assert {one for one in again - once if 'outcome="bypass"' not in one} == set()


async def _attack(app: FastAPI, signed_in: Browser) -> None:
    browser = open_browser(app, address=f"203.0.113.{_CHANCE.randrange(1, 250)}")
    for _ in range(40):
        headers = {
            "User-Agent": _noise(30).encode("ascii", "ignore").decode().replace("\n", "").replace("\0", ""),
            "Host": f"{_CHANCE.getrandbits(40):x}.example",
            "X-Forwarded-For": f"10.0.0.{_CHANCE.randrange(250)}",
            "traceparent": f"00-{_CHANCE.getrandbits(128):032x}-{_CHANCE.getrandbits(64):016x}-01",
        }
        path = "/" + "/".join(f"{_CHANCE.getrandbits(30):x}" for _ in range(_CHANCE.randrange(1, 5)))
        for method in ("GET", "POST", "PROPFIND", f"M{_CHANCE.getrandbits(20):X}"):
            await browser.http.request(method, path, headers=headers)
        await browser.http.get(f"/api/v1/people/{_CHANCE.getrandbits(60)}", headers=headers)
        await signed_in.get(f"/people/{_CHANCE.getrandbits(60)}")
        await signed_in.get(f"/people?limit=5&q={_CHANCE.getrandbits(60):x}")
        await browser.post("/telemetry/web", beacon(*_hostile_events()))


def _hostile_events() -> list[dict[str, Any]]:
    route = _CHANCE.choice(["/people/7", "/people/[id]?x=1", "../../etc", _noise(60)])
    return [
        {"kind": "view", "route": route},
        {"kind": "vital", "route": route, "name": "LCP", "value": _CHANCE.random() * 9000},
        {"kind": "error", "route": route, "error_type": _noise(40), "message": _noise(200)},
    ]


def _series(app: FastAPI) -> set[str]:
    exposed = generate_latest(app.state.registry).decode()
    return {line.rpartition(" ")[0] for line in exposed.splitlines() if not line.startswith("#")}


def _assert_bounded(app: FastAPI) -> None:
    declared = {metric.name: metric for metric in CATALOGUE}
    for family in app.state.registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        metric = declared[name]
        seen: defaultdict[str, set[str]] = defaultdict(set)
        for one in family.samples:
            for label, value in one.labels.items():
                seen[label].add(value)
        for label in metric.labels:
            assert len(seen[label.name]) <= label.at_most, (name, label.name, seen[label.name])
            if label.values:
                assert seen[label.name] <= set(label.values), (name, label.name)


async def settled(visitors: Visitors, app: FastAPI, *, at_least: float = 0) -> float:
    """How many people there were today. A cache that answers too late gives no number until a later round."""
    registry: CollectorRegistry = app.state.registry
    found: float | None = None
    for _ in range(20):
        await visitors.settle()
        found = registry.get_sample_value("hrx_web_unique_users", {"window": "1d"})
        if found is not None and found >= at_least:
            return found
    raise AssertionError(f"{found} people after 20 rounds, not {at_least}")


async def test_people_are_counted_once_and_not_kept(
    sign_in: SignIn, app: FastAPI, make_settings: MakeSettings
) -> None:
    settings: AppSettings = make_settings()
    visitors: Visitors = app.state.parts.visitors
    before = await settled(visitors, app)
    people = [await sign_in() for _ in range(5)]
    for person in people:
        for _ in range(3):
            await person.get("/session")
    # An estimate of 1 %; other tests of this run may have been counted meanwhile.
    after = await settled(visitors, app, at_least=before + 4)
    assert sample(app, "hrx_web_unique_users", window="30d") >= after
    assert settings.redis_url is not None


def test_the_portals_pages_are_the_routes_of_the_catalogue() -> None:
    pages = ROOT / "web" / "src" / "app"
    found = set()
    for page in pages.rglob("page.tsx"):
        parts = [part for part in page.parent.relative_to(pages).parts if not part.startswith("(")]
        found.add("/" + "/".join(parts))
    assert found == set(WEB_ROUTES)
    assert json.loads((ROOT / "web" / "routes.json").read_text()) == list(WEB_ROUTES)
