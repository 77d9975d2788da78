"""Rotation, archive and retention: every line exactly once, whatever is killed, however full the disk is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import duckdb
import pytest

from hrx.kit import clock
from hrx.kit.errors import Unavailable
from hrx.kit.settings import to_environment
from hrx.ops.observe.logs.archive import read_archived
from hrx.ops.observe.logs.archiving import archive_closed, only_archiver
from hrx.ops.observe.logs.files import LogFolders, folders_of, list_archived, list_closed
from hrx.ops.observe.logs.keeping import LogKeeper
from hrx.ops.observe.logs.retaining import Keep, Reason, retain
from hrx.ops.observe.logs.rotating import find_held, rotate
from hrx.ops.observe.logs.searching import LogQuery, search
from hrx.ops.observe.logs.totals import read_totals
from hrx.ops.run.plane import Plane
from hrx.ops.settings import OpsSettings
from tests.ops.logs.conftest import LINES, Writing
from tests.ops.logs.writing_logs import START, close, make_folders, make_lines, write_live

pytestmark = pytest.mark.req("R7.1-1")
ALWAYS = {"max_bytes": 1, "max_age_s": 1e9, "supervised": frozenset({"worker", "supervisord"})}


@pytest.fixture
def folders(tmp_path: Path) -> LogFolders:
    return make_folders(tmp_path)


def count_rows(folders: LogFolders) -> Counter[str]:
    """How often each line of the archive is there, by its fields."""
    files = [str(one.path) for one in list_archived(folders)]
    if not files:
        return Counter()
    rows = duckdb.connect().execute("SELECT fields, event FROM read_parquet(?)", [files]).fetchall()
    return Counter(f"{event}{fields}" for fields, event in rows)


def search_all(folders: LogFolders) -> int:
    total, query = 0, LogQuery(limit=1000)
    page = search(folders, query, read_archive=read_archived)
    total += len(page.records)
    while page.next is not None:
        page = search(folders, LogQuery(limit=1000, after=page.next), read_archive=read_archived)
        total += len(page.records)
    return total


def test_no_line_is_lost_or_doubled_while_a_busy_file_is_closed_again_and_again(writing: Writing) -> None:
    folders, deadline = writing.folders, time.monotonic() + 60
    closed = 0
    while not any("the end" in path.read_text() for path in list_texts(folders)):
        assert time.monotonic() < deadline
        closed += len(rotate(folders, reopen=writing.supervisor.reopen_logs, **ALWAYS))  # type: ignore[arg-type]
        time.sleep(0.02)
    while find_held(folders):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert closed > 5, "the file was hardly ever closed while it was being written"
    # To the byte: a long line may be torn between two files, but nothing is lost, doubled or out of order.
    lines = b"".join(path.read_bytes() for path in list_texts(folders)).decode().splitlines()
    assert lines.pop() == "the end"
    assert [int(line.partition('"number": ')[2].partition(",")[0]) for line in lines] == list(range(LINES))


def list_texts(folders: LogFolders) -> list[Path]:
    """In the order in which they were written."""
    return [*sorted(folders.closed.glob("worker@*.log")), *folders.live.glob("worker.log")]


def test_a_closed_file_that_is_still_written_to_waits_and_its_writer_is_told_again(
    folders: LogFolders,
) -> None:
    told: list[str] = []
    with write_live(folders, "worker", list(make_lines(5))).open("a") as writer:
        for _ in range(2):
            rotate(folders, reopen=lambda: told.append("again"), **ALWAYS)  # type: ignore[arg-type]
        writer.write("a late line\n")
        writer.flush()
        held = find_held(folders)
        assert told == ["again", "again"]
        assert list(archive_closed(folders, held=held)) == []
    assert [one.archived for one in archive_closed(folders, held=find_held(folders))] == [6]


def test_a_file_whose_writer_opens_nothing_anew_is_closed_when_nobody_holds_it(folders: LogFolders) -> None:
    with write_live(folders, "runs", list(make_lines(5))).open("a"):
        assert rotate(folders, reopen=lambda: None, **ALWAYS) == []  # type: ignore[arg-type]
    assert len(rotate(folders, reopen=lambda: None, **ALWAYS)) == 1  # type: ignore[arg-type]


def test_files_are_closed_by_age_too_and_what_the_supervisor_rotated_before_is_taken_in(
    folders: LogFolders,
) -> None:
    write_live(folders, "worker", list(make_lines(3, start=datetime.now(UTC) - timedelta(hours=2))))
    write_live(folders, "redis", list(make_lines(3, start=datetime.now(UTC))))
    (folders.live / "haproxy.log.2").write_text("older\n")
    (folders.live / "haproxy.log.1").write_text("newer\n")
    rotate(
        folders,
        max_bytes=10**9,
        max_age_s=3600,
        reopen=lambda: None,
        supervised=ALWAYS["supervised"],  # type: ignore[arg-type]
    )
    assert [one.part for one in list_closed(folders)] == ["haproxy", "haproxy", "worker"]
    assert list_closed(folders)[0].path.read_text() == "older\n"


def run_archiver(settings: OpsSettings) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "hrx.ops.observe.logs"],
        env={**os.environ, **to_environment(settings)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.timeout(120)
def test_archiving_killed_at_random_moments_archives_every_line_exactly_once(tmp_path: Path) -> None:
    """HRX_LOG_KILLS=200 for the long form."""
    folders = make_folders(tmp_path)
    settings = OpsSettings(var_dir=tmp_path, log_min_free_bytes=0, log_keep_days=36500)
    expected: Counter[str] = Counter()
    for number in range(6):
        lines = list(make_lines(2500, seed=number, step_s=40))
        expected += read_rows(lines)
        close(folders, write_live(folders, "worker", lines), at=START + timedelta(seconds=number))
    random = Random(7)  # noqa: S311
    killed = 0
    for _ in range(int(os.environ.get("HRX_LOG_KILLS", "8"))):
        process = run_archiver(settings)
        try:
            # Starting up takes a third of a second, six files about one more.
            process.wait(timeout=0.3 + random.random() * 0.9)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
        if killed % 4 == 1:
            assert search_all(folders) == sum(expected.values())
    assert killed > 2
    assert run_archiver(settings).wait(timeout=60) == 0
    assert list_closed(folders) == []
    assert count_rows(folders) == expected
    assert not (folders.archive / ".draft" / "x").exists()
    assert read_totals(folders).lost == 0


def read_rows(lines: list[str]) -> Counter[str]:
    from hrx.ops.observe.logs.parsing import LineReader
    from hrx.ops.observe.logs.searching import fields_json

    reader = LineReader("worker", before=START)
    found = (reader.read(line.encode(), offset=0) for line in lines)
    return Counter(f"{one.event}{fields_json(one.fields)}" for one in found)


def test_two_archivers_do_not_work_at_once(folders: LogFolders) -> None:
    with only_archiver(folders) as first, only_archiver(folders) as second:
        assert (first, second) == (True, False)


def test_on_a_full_disk_lines_wait_as_text_and_are_still_found(
    folders: LogFolders, tmp_path: Path, small_disk: Path
) -> None:
    full = LogFolders(live=folders.live, archive=small_disk)
    close(full, write_live(full, "worker", list(make_lines(4000))), at=START)
    with only_archiver(full), pytest.raises(Unavailable) as told:
        list(archive_closed(full))
    assert told.value.stable_code == "logs.not_archived"
    assert list_archived(full) == []
    assert search_all(full) == 4000
    (small_disk / "filler").unlink()
    with only_archiver(full):
        assert [one.archived for one in archive_closed(full)] == [4000]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB that is almost full."""
    at = tmp_path / "small"
    at.mkdir()
    with _mounted(at):
        (at / "filler").write_bytes(b"x" * (4 * 1024 * 1024 - 256 * 1024))
        yield at


@contextmanager
def _mounted(at: Path) -> Iterator[None]:
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(at)], check=False)
    if done.returncode != 0:
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", str(at)], check=True)


def archive_days(folders: LogFolders, days: int) -> None:
    for day in range(days):
        lines = list(make_lines(50, seed=day, start=START + timedelta(days=day)))
        close(folders, write_live(folders, "worker", lines), at=START + timedelta(days=day))
    list(archive_closed(folders))


def days_of(folders: LogFolders) -> list[str]:
    return sorted({one.day.isoformat() for one in list_archived(folders)})


def test_the_oldest_days_go_first_by_age_by_size_and_for_room_on_the_disk(folders: LogFolders) -> None:
    with clock.shifted(START + timedelta(days=4) - datetime.now(UTC)):
        archive_days(folders, 4)
        first = days_of(folders)
        big = 10**12
        assert retain(folders, Keep(days=400, size_bytes=big, free_bytes=0)) == {}
        assert retain(folders, Keep(days=3, size_bytes=big, free_bytes=0)) == {Reason.AGE: 1}
        assert days_of(folders) == first[1:]
        size = sum(one.path.stat().st_size for one in list_archived(folders))
        assert retain(folders, Keep(days=400, size_bytes=size - 1, free_bytes=0)) == {Reason.SIZE: 1}
        assert days_of(folders) == first[2:]
        # Never the newest, however full the disk is.
        assert retain(folders, Keep(days=400, size_bytes=big, free_bytes=10**18)) == {Reason.DISK: 1}
        assert days_of(folders) == first[3:]
    assert not (folders.archive / f"day={first[0]}").exists()


def test_the_console_closes_and_archives_by_itself(plane: Plane) -> None:
    keeper, folders = LogKeeper(plane), folders_of(plane.settings)
    write_live(folders, "redis", list(make_lines(20, start=datetime.now(UTC) - timedelta(days=2))))
    keeper.keep(plane)
    keeper.close()
    assert [one.part for one in list_closed(folders)] == ["redis"]
    # As if a quarter of an hour had passed; a fresh keeper looks at once instead of after ten seconds.
    path = list_closed(folders)[0].path
    path.rename(close_earlier(path))
    second, deadline = LogKeeper(plane), time.monotonic() + 30
    second.keep(plane)
    while read_totals(folders).lines < 20:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    second.close()
    assert list_closed(folders) == []
    assert sum(count_rows(folders).values()) == 20
    assert read_totals(folders).lines == 20


def close_earlier(path: Path) -> Path:
    part, _, stem = path.name.partition("@")
    return path.with_name(f"{part}@20200101T000000000000Z-{stem.partition('-')[2]}")
