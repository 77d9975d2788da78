"""A release is a line in the console's panels, and in Grafana where there is one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hrx.kit.settings import SecretStr
from hrx.ops.ledger.entries import EntryFilter, Kind, Ledger, open_ledger
from hrx.ops.observe.dashboards.marks import MarkKind, list_marks
from hrx.ops.observe.dashboards.spans import Grid
from hrx.ops.release.checking.marking import check_mark
from hrx.ops.release.checking.results import Bench, Checked
from hrx.ops.release.releases import Outcome, Release
from hrx.ops.runbook.content import load_content
from tests.conftest import ROOT, free_port
from tests.ops.release.checking.benching import make_bench

pytestmark = pytest.mark.req("R3.1-1")
TOKEN = "glsa_for_this_test"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    release = Release(id="r3", version="1.2", commit="c" * 40, built_at=datetime.now(UTC), components={})
    yield replace(make_bench(tmp_path, release=release), ledger=ledger, actor="machine:test")
    ledger.store.close()


def ledger_of(bench: Bench) -> Ledger:
    assert bench.ledger is not None
    return bench.ledger


def list_noted(bench: Bench) -> int:
    return len(list(ledger_of(bench).list_entries(EntryFilter(kinds=(Kind.ROLLOUT,)), limit=50)))


class Grafana:
    """Grafana's annotations, by its HTTP API. `forgets`: takes them and does not keep them."""

    def __init__(self, *, forgets: bool = False) -> None:
        self.kept: list[dict[str, Any]] = []
        self.forgets = forgets


@contextmanager
def running(grafana: Grafana) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)
            start, end, tags = int(asked["from"][0]), int(asked["to"][0]), set(asked["tags"])
            self.reply(
                200, [one for one in grafana.kept if start <= one["time"] <= end and tags <= set(one["tags"])]
            )

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if not grafana.forgets:
                grafana.kept.append({"id": len(grafana.kept) + 1, **body})
            self.reply(200, {"message": "Annotation added", "id": 1})

        def reply(self, status: int, body: object) -> None:
            if self.headers.get("authorization") != f"Bearer {TOKEN}":
                status, body = 401, {"message": "Invalid API key"}
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

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


def mark(bench: Bench, url: str | None, *, token: str = TOKEN) -> Checked:
    chosen = {"grafana_url": url, "grafana_token": SecretStr(token), "smoke_timeout_s": 10.0}
    return check_mark(replace(bench, settings=bench.settings.model_copy(update=chosen)))


def test_a_release_that_somebody_else_brought_is_noted_once(bench: Bench) -> None:
    for _ in range(2):
        assert mark(bench, None).outcome is Outcome.PASSED
    assert list_noted(bench) == 1


def test_a_release_that_a_rollout_brought_is_marked_where_it_came(bench: Bench) -> None:
    body = {"rollout": "r3-1", "stand": "promoted"}
    entry = ledger_of(bench).append(Kind.ROLLOUT, actor="a", subject="release:r3", body=body)
    grafana = Grafana()
    with running(grafana) as url:
        assert mark(bench, url).outcome is Outcome.PASSED
    assert list_noted(bench) == 1
    (made,) = grafana.kept
    assert made["time"] == int(entry.at.timestamp() * 1000)
    assert made["tags"] == ["hrx", "release", "development", "r3"]
    assert "cccccccccccc" in made["text"]


def test_a_mark_that_is_there_is_not_made_again(bench: Bench) -> None:
    grafana = Grafana()
    with running(grafana) as url:
        first, second = mark(bench, url), mark(bench, url)
    assert ("made now" in first.detail.en, "was there" in second.detail.en) == (True, True)
    assert len(grafana.kept) == 1


def test_a_grafana_that_says_yes_and_keeps_nothing_is_not_believed(bench: Bench) -> None:
    with running(Grafana(forgets=True)) as url:
        found = mark(bench, url)
    assert found.outcome is Outcome.FAILED
    assert "does not show" in found.detail.en


def test_a_grafana_that_refuses_or_is_away_fails_without_the_token_in_the_words(bench: Bench) -> None:
    with running(Grafana()) as url:
        refused = mark(bench, url, token="glsa_wrong_one")
    away = mark(bench, f"http://127.0.0.1:{free_port()}")
    assert (refused.outcome, away.outcome) == (Outcome.FAILED, Outcome.FAILED)
    assert "Invalid API key" in refused.detail.en
    assert "glsa" not in refused.detail.en + away.detail.en


def test_without_a_live_release_nothing_was_marked(bench: Bench) -> None:
    found = check_mark(replace(bench, release=None))
    assert found.outcome is Outcome.NOT_CHECKED
    assert list_noted(bench) == 0


def test_the_consoles_panels_have_one_line_for_each_end_of_a_rollout(bench: Bench) -> None:
    ledger = ledger_of(bench)
    for stand, more in (
        ("running", {}),
        ("promoted", {}),
        ("promoted", {}),
        ("promoted", {"asked": "roll_back"}),
        ("rolled_back", {}),
    ):
        body = {"rollout": "r3-1", "stand": stand, **more}
        ledger.append(Kind.ROLLOUT, actor="a", subject="release:r3", body=body)
    now = datetime.now(UTC)
    start = int((now - timedelta(minutes=10)).timestamp())
    grid = Grid(start_s=start, end_s=start + 660, step_s=15)
    marks = list_marks(ledger, load_content(ROOT / "runbook"), grid=grid)
    assert [(one.kind, one.says.en) for one in marks] == [
        (MarkKind.RELEASE, "Release r3 came to people"),
        (MarkKind.RELEASE, "Release r3 was taken back"),
    ]
