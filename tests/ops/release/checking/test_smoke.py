"""After a release came to people: a product on a socket, answering well, wrongly, or not at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest

from hrx.kit import clock
from hrx.ops.release.checking.answers import AnswersProbe
from hrx.ops.release.checking.results import Bench
from hrx.ops.release.checking.smoke import check_smoke
from hrx.ops.release.releases import Outcome, Release, Slot
from hrx.ops.release.strategies.progress import Progress
from hrx.ops.release.strategies.rollout import Rollout, Strategy, plan_steps
from hrx.ops.release.strategies.storing import RolloutStore, rollout_folder
from hrx.ops.seams.http import HttpSeam
from tests.conftest import free_port
from tests.ops.release.checking.benching import make_bench

pytestmark = pytest.mark.req("R3.1-1")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
ASSETS = {"/_next/static/chunks/a1.js": b"let a = 1", "/_next/static/chunks/b2.css": b"a { }"}
PAGE = "".join(f'<script src="{path}"></script>' for path in ASSETS)


@dataclass(slots=True)
class Product:
    """What each path answers: status, type, body, headers. Figures are Prometheus' own answers."""

    answers: dict[str, tuple[int, str, bytes, dict[str, str]]] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    #: Release (12 hex) → what its evaluation lost; None: too few questions to compare.
    evaluated: dict[str, float | None] = field(default_factory=dict)
    #: When every customer's questions were asked last.
    evaluated_at: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(hours=1))

    def say(
        self, path: str, body: bytes, *, status: int = 200, kind: str = "application/json", **headers: str
    ) -> None:
        self.answers[path] = (
            status,
            kind,
            body,
            {name.replace("_", "-"): value for name, value in headers.items()},
        )

    def find(self, query: str) -> list[tuple[dict[str, str], float]]:
        """Series that Prometheus gives, by what the query (as in its address) names."""
        if "evaluation_ratio" in query:
            return [({"release": one}, 0.9) for one in self.evaluated]
        if "evaluation_lost_ratio" in query:
            asked = next(one for one in [*self.evaluated, COMMIT[:12]] if one in query)
            lost = self.evaluated.get(asked)
            return [] if lost is None else [({"language": "ja", "measure": "hit"}, lost)]
        if "evaluation_timestamp" in query:
            return [({}, self.evaluated_at.timestamp())]
        return [({}, self.figures["errors" if "5xx" in query else "answers"])]


def well() -> Product:
    """A product of which nothing is wrong."""
    product = Product(figures={"answers": 1000.0, "errors": 2.0}, evaluated={COMMIT[:12]: 0.01})
    for path in ("/readyz", "/web/readyz"):
        product.say(path, b'{"status":"ready"}')
    for path in ("/version", "/web/version"):
        product.say(path, orjson.dumps({"commit": COMMIT[:12], "slot": "green"}))
    product.say("/", b"", status=307, location="/sign-in")
    product.say(
        "/sign-in",
        PAGE.encode(),
        kind="text/html; charset=utf-8",
        content_security_policy="default-src 'none'",
    )
    product.say("/api/v1/people", b'{"code":"session.missing"}', status=401, x_correlation_id="a1")
    for path, content in ASSETS.items():
        product.say(path, content, kind="text/css" if path.endswith("css") else "text/javascript")
    return product


@contextmanager
def serving(product: Product) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, asked = self.path.partition("?")
            if path == "/api/v1/query":
                found = [{"metric": of, "value": [0, str(value)]} for of, value in product.find(asked)]
                self.reply(200, "application/json", orjson.dumps({"data": {"result": found}}), {})
            elif path == "/hangs":
                time.sleep(30)
            else:
                self.reply(*product.answers.get(path, (404, "text/plain", b"", {})))

        def reply(self, status: int, kind: str, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"content-type": kind, "content-length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A release whose portal was built from exactly these files."""
    release = Release(id="r7", version="1", commit=COMMIT, built_at=datetime.now(UTC), components={})
    for path, content in ASSETS.items():
        file = tmp_path / "var" / "releases" / "r7" / "portal" / ".next" / path.removeprefix("/_next/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    made = make_bench(tmp_path, release=release)
    rollout = Rollout(id="r7-1", release_id="r7", strategy=Strategy.CANARY, new=Slot.GREEN)
    begun = Progress(rollout=rollout, began_at=clock.now(), step_at=clock.now())
    promoted = begun.go_to(len(plan_steps(rollout)), now=clock.now())
    RolloutStore(rollout_folder(made.settings.var_dir)).save(promoted)
    return made


def look(bench: Bench, product: Product) -> tuple[Outcome, dict[str, str], str]:
    """The outcome, each probe's, and what is told."""
    with serving(product) as url:
        settings = bench.settings.model_copy(
            update={"edge_url": url, "prometheus_url": url, "smoke_answers_wait_s": 0}
        )
        found = check_smoke(replace(bench, settings=settings))
    by_probe = {str(one["probe"]): str(one["outcome"]) for one in found.findings}
    return found.outcome, by_probe, found.detail.en


def test_a_product_that_is_well_passes_every_probe(bench: Bench) -> None:
    outcome, probes, said = look(bench, well())
    assert outcome is Outcome.PASSED, said
    assert set(probes.values()) == {"passed"}
    assert len(probes) == 10


def break_version(product: Product) -> None:
    product.say("/version", b'{"commit":"fedcba987654","slot":"blue"}')


def break_portal_version(product: Product) -> None:
    product.say("/web/version", b'{"commit":null}')


def break_readiness(product: Product) -> None:
    product.say("/readyz", b'{"status":"not_ready"}', status=503)


def break_asset(product: Product) -> None:
    product.say("/_next/static/chunks/a1.js", b"let a = 2", kind="text/javascript")


def lose_asset(product: Product) -> None:
    del product.answers["/_next/static/chunks/b2.css"]


def give_page_as_asset(product: Product) -> None:
    product.say("/_next/static/chunks/a1.js", ASSETS["/_next/static/chunks/a1.js"], kind="text/html")


def open_people(product: Product) -> None:
    product.say("/api/v1/people", b'{"items":[]}')


def lose_policy(product: Product) -> None:
    product.say("/sign-in", PAGE.encode(), kind="text/html")


def show_home(product: Product) -> None:
    product.say("/", b"welcome", kind="text/html")


def fail_often(product: Product) -> None:
    product.figures["errors"] = 30.0


def answer_worse(product: Product) -> None:
    # Told as soon as one customer lost: the others' questions are not waited for.
    product.evaluated = {COMMIT[:12]: 0.12}
    product.evaluated_at = datetime.now(UTC) - timedelta(days=1)


@pytest.mark.parametrize(
    ("break_it", "probe"),
    [
        (break_version, "api-version"),
        (break_portal_version, "portal-version"),
        (break_readiness, "api-ready"),
        (break_asset, "sign-in-assets"),
        (lose_asset, "sign-in-assets"),
        (give_page_as_asset, "sign-in-assets"),
        (open_people, "api-guards"),
        (lose_policy, "sign-in-page"),
        (show_home, "home-leads-to-sign-in"),
        (fail_often, "error-ratio"),
        (answer_worse, "answers"),
    ],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_what_is_wrong_is_named_and_the_rest_is_asked_all_the_same(
    bench: Bench, break_it: object, probe: str
) -> None:
    product = well()
    assert callable(break_it)
    break_it(product)
    outcome, probes, said = look(bench, product)
    assert outcome is Outcome.FAILED
    assert [name for name, one in probes.items() if one == "failed"] == [probe]
    assert probe in said
    assert len(probes) == 10


def test_where_nothing_answers_every_probe_of_the_product_fails(bench: Bench) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    settings = bench.settings.model_copy(update={"edge_url": nowhere, "prometheus_url": nowhere})
    found = check_smoke(replace(bench, settings=settings))
    assert found.outcome is Outcome.FAILED
    by_probe = {one["probe"]: one["outcome"] for one in found.findings}
    assert by_probe.pop("error-ratio") == by_probe.pop("answers") == "not_checked"
    assert set(by_probe.values()) == {"failed"}


def test_errors_before_the_switch_are_not_this_releases_doing(bench: Bench) -> None:
    product = well()
    fail_often(product)
    rollout_folder(bench.settings.var_dir).joinpath("current.json").unlink()
    outcome, probes, _ = look(bench, product)
    assert (outcome, probes["error-ratio"]) == (Outcome.PASSED, "not_checked")


def test_without_figures_the_ratio_is_not_checked_and_that_is_told(bench: Bench) -> None:
    product = well()
    product.figures["answers"] = 0.0
    outcome, probes, said = look(bench, product)
    assert (outcome, probes["error-ratio"]) == (Outcome.PASSED, "not_checked")
    assert "1 not checked: error-ratio" in said


@pytest.mark.req("R2-6")
@pytest.mark.parametrize(
    ("evaluated", "why"),
    [
        ({}, "no customer keeps questions"),
        ({"fedcba987654": 0.0}, "still being asked"),
        ({COMMIT[:12]: None}, "too few questions"),
    ],
    ids=["no questions", "another release", "too few"],
)
def test_answers_that_nobody_compared_are_not_checked_and_say_why(
    bench: Bench, evaluated: dict[str, float | None], why: str
) -> None:
    product = well()
    product.evaluated = evaluated
    outcome, probes, said = look(bench, product)
    assert (outcome, probes["answers"]) == (Outcome.PASSED, "not_checked")
    assert "1 not checked: answers" in said
    assert why in told(bench, product)


@pytest.mark.req("R2-6")
def test_answers_are_waited_for_until_every_customer_was_asked(bench: Bench) -> None:
    product = well()
    product.evaluated_at = datetime.now(UTC) - timedelta(days=1)
    assert "still being asked" in told(bench, product)

    def evaluate(_: float) -> None:
        product.evaluated_at = datetime.now(UTC) + timedelta(hours=1)

    with serving(product) as url:
        probe = AnswersProbe(
            http=HttpSeam(timeout_s=10),
            prometheus_url=url,
            release=COMMIT[:12],
            began_at=datetime.now(UTC),
            wait_s=60,
            most_lost=0.05,
            sleep=evaluate,
        )
        assert probe.ask().en == "on customers' questions (ja), hit is 1.0% lower than before"
        probe.http.close()


def told(bench: Bench, product: Product) -> str:
    """What the probe of the answers says."""
    with serving(product) as url:
        settings = bench.settings.model_copy(
            update={"edge_url": url, "prometheus_url": url, "smoke_answers_wait_s": 0}
        )
        found = check_smoke(replace(bench, settings=settings))
    return next(str(one["said"]) for one in found.findings if one["probe"] == "answers")
