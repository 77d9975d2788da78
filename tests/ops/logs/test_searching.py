"""Search: the same answer from text and from the archive, page by page, newest first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hrx.kit.errors import Invalid, Unavailable
from hrx.ops.observe.logs.archive import read_archived
from hrx.ops.observe.logs.archiving import archive_closed, only_archiver
from hrx.ops.observe.logs.files import LogFolders, list_archived, list_closed
from hrx.ops.observe.logs.parsing import LineReader, find_moment, read_lines
from hrx.ops.observe.logs.records import Level, LogRecord
from hrx.ops.observe.logs.searching import LogQuery, Page, search
from hrx.ops.observe.logs.wishes import read_moment
from tests.ops.logs.writing_logs import START, close, make_folders, make_lines, write_live

pytestmark = pytest.mark.req("R4.2-1")
HOUR = timedelta(hours=1)


@pytest.fixture
def folders(tmp_path: Path) -> LogFolders:
    return make_folders(tmp_path)


def ask(folders: LogFolders, query: LogQuery) -> Page:
    return search(folders, query, read_archive=read_archived)


def all_pages(folders: LogFolders, query: LogQuery) -> list[LogRecord]:
    found: list[LogRecord] = []
    page = ask(folders, query)
    found += page.records
    while page.next is not None:
        page = ask(folders, replace(query, after=page.next))
        found += page.records
    return found


def read_everything(*texts: tuple[str, str]) -> list[LogRecord]:
    """What a plain loop over the lines finds."""
    found: list[LogRecord] = []
    for part, text in texts:
        before = find_moment(text.encode().split(b"\n")) or START
        found += read_lines(text.encode(), LineReader(part, before=before))
    return sorted(found, key=lambda one: one.at, reverse=True)


def archive_all(folders: LogFolders) -> None:
    with only_archiver(folders) as is_ours:
        assert is_ours
        assert all(one.lost == 0 for one in archive_closed(folders))


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> tuple[LogFolders, list[LogRecord]]:
    """Lines over two midnights in archive, closed and live files of three parts, and all of them read."""
    folders = make_folders(tmp_path_factory.mktemp("spread"))
    texts = []
    for number, part in enumerate(("api-blue", "worker", "haproxy")):
        lines = list(make_lines(3000, seed=number + 1, part=part, step_s=60))
        for place, chunk in (("archive", lines[:1400]), ("closed", lines[1400:2200]), ("live", lines[2200:])):
            path = write_live(folders, part, chunk)
            texts.append((part, path.read_text()))
            if place != "live":
                close(folders, path, at=START + number * HOUR + len(place) * HOUR)
            if place == "archive":
                archive_all(folders)
    assert list_archived(folders)
    assert list_closed(folders)
    return folders, read_everything(*texts)


QUERIES = {
    "everything": LogQuery(limit=999),
    "an hour": LogQuery(since=START + 20 * HOUR, until=START + 26 * HOUR),
    "errors": LogQuery(level=Level.ERROR, limit=300),
    "a service": LogQuery(parts=("api",), limit=700),
    "two parts": LogQuery(parts=("worker", "haproxy"), level=Level.WARNING, limit=400),
    "an id in the archive": LogQuery(correlation_id=f"{2:08x}{100:024x}"),
    "an id in a closed file": LogQuery(correlation_id=f"{2:08x}{1000:024x}"),
    "an id in a live file": LogQuery(correlation_id=f"{2:08x}{1300:024x}"),
    "an id of nobody": LogQuery(correlation_id="f" * 32),
    "a text in fields": LogQuery(text='"status":503'),
    "a text in messages": LogQuery(text="JOB 1005 ended"),
    "a text of a torn line": LogQuery(text="/srv/hrx/api.py"),
}


@pytest.mark.parametrize("name", QUERIES)
def test_search_finds_what_a_plain_loop_finds_wherever_the_lines_are(
    spread: tuple[LogFolders, list[LogRecord]], name: str
) -> None:
    (folders, everything), query = spread, QUERIES[name]
    expected = [one for one in everything if query.matches(one)]
    found = all_pages(folders, query)
    assert [one.at for one in found] == [one.at for one in expected]
    assert sorted(map(str, found)) == sorted(map(str, expected))
    assert bool(expected) == (name != "an id of nobody")


def test_pages_neither_repeat_nor_skip_lines_of_one_moment(folders: LogFolders) -> None:
    lines = list(make_lines(50, step_s=0))
    close(folders, write_live(folders, "worker", lines[:20]), at=START)
    archive_all(folders)
    write_live(folders, "worker", lines[20:])
    found = all_pages(folders, LogQuery(limit=7))
    assert len(found) == 50
    assert len({(one.event, one.correlation_id, str(one.fields)) for one in found}) == len(set(lines))


def test_a_line_that_is_being_written_is_no_line_yet(folders: LogFolders) -> None:
    path = write_live(folders, "worker", list(make_lines(3)))
    with path.open("a") as file:
        file.write('{"at":"2026-11-26T00:00:00Z","event":"half')
    assert len(ask(folders, LogQuery()).records) == 3


def test_lines_of_a_closed_file_count_once_while_they_are_being_archived(folders: LogFolders) -> None:
    path = close(folders, write_live(folders, "worker", list(make_lines(10))), at=START)
    kept = path.read_bytes()
    archive_all(folders)
    # As after a kill between the archive and the removal.
    path.write_bytes(kept)
    assert len(ask(folders, LogQuery()).records) == 10


def test_a_search_past_its_limit_says_what_to_do(folders: LogFolders) -> None:
    write_live(folders, "worker", list(make_lines(2000)))
    with pytest.raises(Unavailable) as told:
        search(folders, LogQuery(text="nowhere"), read_archive=read_archived, timeout_s=-1)
    assert told.value.stable_code == "logs.too_long"


def test_moments_are_given_by_age_or_by_the_clock() -> None:
    now = datetime.now(UTC)
    assert abs(read_moment("2h") - (now - 2 * HOUR)) < timedelta(minutes=1)  # type: ignore[operator]
    assert read_moment("2026-11-26T09:00") == datetime(2026, 11, 26, 9, tzinfo=UTC)
    assert read_moment("2026-11-26T09:00+09:00") == datetime(2026, 11, 26, 0, tzinfo=UTC)
    assert read_moment(" ") is None
    with pytest.raises(Invalid):
        read_moment("yesterday")
