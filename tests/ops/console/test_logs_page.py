"""The page of logs: for responders, from text and archive, one request through every part, masked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from hrx.ops.console.pages.logs import _remembered
from hrx.ops.incidents.intake import take_signals
from hrx.ops.observe.logs.archiving import archive_closed
from hrx.ops.observe.logs.files import LogFolders, folders_of
from hrx.ops.run.plane import Plane
from tests.ops.browsing import Browser
from tests.ops.incidents.conftest import make_signal, unresolved
from tests.ops.logs.writing_logs import close, write_live

pytestmark = pytest.mark.req("R4.2-1")
ID = "feedfacefeedfacefeedfacefeedface"


def line(part: str, event: str, *, ago_s: float, level: str = "info") -> str:
    at = (datetime.now(UTC) - timedelta(seconds=ago_s)).isoformat(timespec="milliseconds")
    said = f'"level":"{level}","event":"{event}","process":"{part}"'
    return f'{{"at":"{at}",{said},"correlation_id":"{ID}"}}'


@pytest.fixture
def folders(plane: Plane) -> Iterator[LogFolders]:
    """Lines of one request: of the edge archived, of the API closed, of PostgreSQL live."""
    _remembered.clear()
    folders = folders_of(plane.settings)
    folders.closed.mkdir(exist_ok=True)
    edge = write_live(folders, "api-green", [line("api-green", "edge took it", ago_s=30)])
    close(folders, edge, at=datetime.now(UTC) - timedelta(seconds=20))
    list(archive_closed(folders))
    api = write_live(
        folders, "api-blue", [line("api-blue", "sent to taro@example.co.jp", ago_s=29, level="error")]
    )
    close(folders, api, at=datetime.now(UTC))
    at = (datetime.now(UTC) - timedelta(seconds=28)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    said = f"{at} UTC [7] hrx_app@hrx hrx {ID} LOG:  duration: 812.1 ms  statement: SELECT <b>1"
    live = write_live(folders, "postgres", [said])
    watch = write_live(folders, "prometheus", [line("prometheus", "no space left", ago_s=5, level="error")])
    yield folders
    live.unlink()
    watch.unlink()
    for path in (*folders.closed.glob("*"), *folders.archive.rglob("*.parquet")):
        path.unlink()


def test_one_request_is_gathered_through_every_part_and_nothing_private_is_shown(
    browser: Browser, folders: LogFolders
) -> None:
    browser.sign_in("responder")
    page = browser.get(f"/logs?id={ID}").text
    for part, said in (
        ("api-green", "edge took it"),
        ("api-blue", "sent to"),
        ("postgres", "duration: 812.1 ms"),
    ):
        assert f"<code>{part}</code>" in page
        assert said in page
    assert "taro@example" not in page
    assert "SELECT &lt;b&gt;1" in page, "what programs wrote is text, not markup"
    assert f'href="/logs?id={ID}"' in page


def test_filters_narrow_and_what_is_wrong_is_said_beside_the_form(
    browser: Browser, folders: LogFolders
) -> None:
    browser.sign_in("responder")
    page = browser.get("/logs?level=error&part=api&text=SENT").text
    assert "sent to" in page
    assert "duration: 812.1" not in page
    assert 'value="SENT"' in page, "the form keeps what was asked"
    assert "is no moment" in browser.get("/logs?since=yesterday").text
    assert "No line matches" in browser.get("/logs?text=nowhere-at-all").text
    assert "sent to" in browser.get("/fragments/logs?part=api-blue&since=1d").text


def test_logs_are_for_responders(browser: Browser, folders: LogFolders) -> None:
    browser.sign_in("viewer")
    assert browser.get("/logs").status_code == 403
    assert browser.get(f"/fragments/logs?id={ID}").status_code == 403


def test_an_incident_shows_what_its_part_wrote_around_its_start_errors_first(
    browser: Browser, plane: Plane, folders: LogFolders
) -> None:
    take_signals(plane, [make_signal("part-down:prometheus")])
    (found,) = [one for one in unresolved(plane) if one.part == "prometheus"]
    browser.sign_in("responder")
    page = browser.get(f"/incidents/{found.id}").text
    assert "Logs around its start" in page
    assert "no space left" in page
    assert "sent to" not in page, "another part's"
    assert "/logs?since=" in page
    browser.sign_in("viewer")
    page = browser.get(f"/incidents/{found.id}").text
    assert "Logs are for responders and above" in page
    assert "no space left" not in page
