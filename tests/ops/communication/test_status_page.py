"""The public page: true within two seconds, served without the plane, loud when it is old."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hrx.kit import clock
from hrx.ops.communication.document import build_document
from hrx.ops.communication.notices import draft
from hrx.ops.communication.publishing import export_status, write_status
from hrx.ops.communication.speaking import publish
from hrx.ops.console.duties import make_ticker
from hrx.ops.incidents.actions import ending, regrouping
from hrx.ops.incidents.intake import take_signals
from hrx.ops.ledger.communications import Audience
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity, SignalState
from hrx.ops.status.serving import StatusPage, find_source
from tests.ops.communication.conftest import MANAGER, StatusProcess, open_incident, turn
from tests.ops.incidents.conftest import make_signal, tick

pytestmark = pytest.mark.req("R5.3-1")
#: What customers must never read: parts and products.
INNER = ("postgres", "redis", "haproxy", "api-blue", "worker", "127.0.0.1:8432")


def test_a_change_of_state_is_on_the_page_within_two_seconds(
    quiet: Plane, status_page: StatusProcess
) -> None:
    write_status(quiet)
    assert "Everything is working" in status_page.get("/").text
    ticker = make_ticker(quiet)
    ticker.start()
    try:
        started = time.monotonic()
        take_signals(quiet, [make_signal("part-down:postgres")])
        while "Some features are down" not in status_page.get("/").text:
            assert time.monotonic() - started < 10
            time.sleep(0.02)
        assert time.monotonic() - started <= 2
    finally:
        ticker.stop()


def test_the_page_names_features_and_never_parts(quiet: Plane, status_page: StatusProcess) -> None:
    take_signals(quiet, [make_signal("part-down:postgres")])
    tick(quiet)
    for path in ("/ja", "/en", "/status.json", "/history.ja.html", "/feed.en.atom"):
        said = status_page.get(path).text
        assert not [name for name in INNER if name in said], path
    assert "データの取り込み" in status_page.get("/ja").text
    assert status_page.get("/", language="ja").text == status_page.get("/ja").text


def test_a_drill_and_a_breach_are_not_told_by_rule(quiet: Plane) -> None:
    take_signals(quiet, [make_signal("part-down:postgres", is_security=True)])
    take_signals(quiet, [make_signal("part-down:api", severity=Severity.MINOR)])
    tick(quiet)
    page = StatusPage(quiet.settings.var_dir / "status" / "public", commit="x")
    assert b'"overall": "operational"' in page.answer("/status.json").body


def test_a_feature_recovers_on_the_page_when_its_symptom_has_gone(quiet: Plane) -> None:
    take_signals(quiet, [make_signal("part-down:redis", severity=Severity.MAJOR)])
    tick(quiet)
    page = StatusPage(quiet.settings.var_dir / "status" / "public", commit="x")
    assert b'"overall": "degraded"' in page.answer("/status.json").body
    resolved = make_signal("part-down:redis", severity=Severity.MAJOR, state=SignalState.RESOLVED)
    take_signals(quiet, [resolved])
    tick(quiet, after=timedelta(minutes=2))
    tick(quiet, after=timedelta(minutes=2))
    assert b'"overall": "recovering"' in page.answer("/status.json").body


def test_what_became_part_of_another_incident_is_over_when_that_one_is(speaking: Plane) -> None:
    """Readers who heard of INC-1 read on under the incident that took it in, and find it by its old name."""
    first = open_incident(speaking)
    turn(speaking, after=timedelta(minutes=8))
    notice = draft(speaking, first, audience=Audience.CUSTOMERS, actor=MANAGER)
    publish(speaking, notice.id, actor=MANAGER)
    other = open_incident(speaking, "part-down:nowhere")
    regrouping.merge(speaking, first, into=other, reason="one disk", actor=MANAGER)

    def shown() -> list[dict[str, Any]]:
        with speaking.ledger.store.read() as connection:
            found: list[dict[str, Any]] = build_document(speaking, connection)["incidents"]
            return found

    (now,) = shown()
    assert (now["id"], now["also"], now["state"]) == (f"INC-{other}", [f"INC-{first}"], "open")
    assert [one["id"] for one in now["updates"]] == [notice.id]
    # Nobody knows what "nowhere" is part of; that the database was lost is still so.
    assert "search" in now["features"]
    with speaking.ledger.store.read() as connection:
        assert build_document(speaking, connection)["overall"] == "outage"
    page = write_and_read(speaking)
    assert f'id="INC-{first}"' in page
    assert "解決済み" not in page
    ending.resolve(speaking, other, reason="new disk", actor=MANAGER)
    (after,) = shown()
    assert (after["state"], bool(after["resolved_at"])) == ("resolved", True)


def test_the_headline_does_not_say_that_all_is_well_above_an_incident_that_goes_on(speaking: Plane) -> None:
    number = open_incident(speaking, "part-down:nowhere")
    notice = draft(speaking, number, audience=Audience.CUSTOMERS, actor=MANAGER)
    publish(speaking, notice.id, actor=MANAGER)
    with speaking.ledger.store.read() as connection:
        assert build_document(speaking, connection)["overall"] == "degraded"
    ending.resolve(speaking, number, reason="over", actor=MANAGER)
    with speaking.ledger.store.read() as connection:
        assert build_document(speaking, connection)["overall"] == "operational"


def write_and_read(plane: Plane) -> str:
    write_status(plane)
    return (plane.settings.var_dir / "status" / "public" / "index.ja.html").read_text()


@pytest.mark.parametrize(
    ("peer", "forwarded", "source"),
    [
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "10.0.0.1, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "", "127.0.0.1"),
        # Whoever comes past the edge cannot say that they are somebody else.
        ("198.51.100.2", "203.0.113.7", "198.51.100.2"),
    ],
)
def test_readers_behind_the_edge_are_counted_one_by_one(peer: str, forwarded: str, source: str) -> None:
    assert find_source(peer, forwarded=forwarded) == source


def test_the_edge_may_read_the_pages_files_and_nothing_beside_them(quiet: Plane) -> None:
    folder = quiet.settings.var_dir / "status"
    before = os.umask(0o077)
    try:
        write_status(quiet)
    finally:
        os.umask(before)
    assert (folder.stat().st_mode & 0o777, (folder / "public").stat().st_mode & 0o777) == (0o711, 0o755)
    assert {path.stat().st_mode & 0o777 for path in (folder / "public").iterdir()} == {0o644}


def test_a_page_that_is_old_says_so_loudly(quiet: Plane) -> None:
    write_status(quiet)
    page = StatusPage(quiet.settings.var_dir / "status" / "public", commit="x")
    assert 'role="alert">This page was' not in page.answer("/en").body.decode()
    with clock.shifted(timedelta(minutes=7)):
        assert "This page was last updated 7 min ago" in page.answer("/en").body.decode()
        assert "7 分前" in page.answer("/ja").body.decode()
        assert b"plane_silent" in page.answer("/readyz").body


def test_a_calm_page_is_written_again_so_that_silence_is_told_from_calm(quiet: Plane) -> None:
    assert write_status(quiet)
    assert not write_status(quiet)
    with clock.shifted(timedelta(seconds=31)):
        assert write_status(quiet)


def test_the_process_is_small_sets_no_cookies_and_allows_no_foreign_code(
    quiet: Plane, status_page: StatusProcess
) -> None:
    write_status(quiet)
    answer = status_page.get("/en")
    assert "set-cookie" not in answer.headers
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "max-age=10" in answer.headers["cache-control"]
    assert status_page.size_mb < 45


@pytest.mark.parametrize("path", ["/../ledger.sqlite3", "/ledger.sqlite3", "/%2e%2e/x.json", "/secrets.env"])
def test_nothing_but_the_pages_files_is_served(status_page: StatusProcess, path: str) -> None:
    assert status_page.get(path).status_code == 404


def test_the_same_files_can_be_put_on_any_static_host(quiet: Plane, tmp_path: Path) -> None:
    names = export_status(quiet, tmp_path / "host")
    assert {"index.html", "index.en.html", "status.json", "feed.ja.rss", "status.css"} <= set(names)
    assert (tmp_path / "host" / "index.html").read_text().startswith("<!doctype html>")
    assert 'href="/' not in (tmp_path / "host" / "index.ja.html").read_text()
