"""Logs: how fast they are archived and searched, against what one would do by hand: gzip files and grep.

The same lines, the same questions, in one run, product and floor in turn. The lines are made up in the form
and the proportions of a running stack: requests of edge and API, jobs, a warning now and then."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.figures import Aim, Figure, Section
from hrx.ops.observe.logs.archive import MEMORY, read_archived
from hrx.ops.observe.logs.archiving import archive_closed, only_archiver
from hrx.ops.observe.logs.files import LogFolders, closed_name, list_archived
from hrx.ops.observe.logs.querying import answer_sql
from hrx.ops.observe.logs.records import Level
from hrx.ops.observe.logs.searching import LogQuery, search

LINES: Final = 5_000_000
_FILE_BYTES: Final = 16 * 1024 * 1024
_DAYS: Final = 30
_START: Final = datetime(2026, 10, 1, tzinfo=UTC)
_ROUNDS: Final = 7
_ROUTES: Final = ("/api/v1/people", "/api/v1/people/{person_id}", "/api/v1/org", "/api/v1/auth/me", "/livez")
FOUND_BY_ID: Final = Aim(bound=1000, is_lower_bound=False, unit="ms")


def measure_logs(*, lines: int = LINES) -> Section:
    """Archive `lines`, then ask each question `_ROUNDS` times of archive and floor in turn."""
    with tempfile.TemporaryDirectory() as home:
        folders = LogFolders(live=Path(home) / "log", archive=Path(home) / "log" / "archive")
        folders.closed.mkdir(parents=True)
        plain = Path(home) / "gz"
        plain.mkdir()
        needles = _write(folders, plain, lines)
        raw_bytes = sum(path.stat().st_size for path in folders.closed.glob("*"))
        started = time.perf_counter()
        with only_archiver(folders):
            done = sum(one.archived for one in archive_closed(folders))
        taken_s = time.perf_counter() - started
        assert done == lines
        archived = list_archived(folders)
        archive_bytes = sum(one.path.stat().st_size for one in archived)
        gz_bytes = sum(path.stat().st_size for path in plain.glob("*"))
        figures = [
            Figure(what="archived", value=lines / taken_s, unit="lines/s"),
            Figure(what="smaller than text", value=raw_bytes / archive_bytes, unit="×"),
            Figure(what="smaller than gzip -6 of the text", value=gz_bytes / archive_bytes, unit="×"),
            *_ask(folders, plain, needles),
        ]
    return Section(
        name="Logs",
        notes=(
            f"{lines:,} lines of {_DAYS} days, {raw_bytes / 1e6:,.0f} MB of text, {len(archived)} files",
            f"`gzip -dc | grep -F` (as zgrep does) reads the same lines; medians of {_ROUNDS} rounds (3), "
            "in turn; all files in the page cache",
        ),
        figures=figures,
    )


def _write(folders: LogFolders, plain: Path, lines: int) -> list[str]:
    """Closed files as a rotation leaves them, and the same gzipped; gives ids to look for."""
    random = Random(3)  # noqa: S311
    ids: list[str] = []
    step = timedelta(days=_DAYS) / lines
    number = 0
    made = 0
    while number < lines:
        part = ("api-blue", "haproxy")[made % 2]
        path = folders.live / f"{part}.log"
        with path.open("w") as file:
            size = 0
            while size < _FILE_BYTES and number < lines:
                line = _line(
                    random, part=part, at=_START + number * step, ids=ids, number=number, lines=lines
                )
                size += file.write(line)
                number += 1
        with (
            path.open("rb") as source,
            gzip.open(plain / f"{part}.{made:04}.gz", "wb", compresslevel=6) as to,
        ):
            shutil.copyfileobj(source, to)
        path.rename(folders.closed / closed_name(part, at=_START + number * step, inode=path.stat().st_ino))
        made += 1
    return ids


def _line(random: Random, *, part: str, at: datetime, ids: list[str], number: int, lines: int) -> str:
    correlation_id = f"{random.getrandbits(128):032x}"
    if number % max(1, lines // 50) == 77:
        ids.append(correlation_id)
    status = random.choices((200, 304, 404, 500), (90, 6, 3.9, 0.1))[0]
    said: dict[str, object] = {
        "at": at.isoformat(timespec="milliseconds"),
        "level": random.choices(("info", "warning", "error"), (98, 1.5, 0.5))[0],
        "event": "request"
        if number % 11
        else f"Job change_orders.apply_due[{number}] ended with status: Success",
        "logger": "hrx.http",
        "process": part,
        "correlation_id": correlation_id,
        "trace_id": None,
        "method": random.choice(("GET", "GET", "GET", "POST")),
        "route": random.choice(_ROUTES),
        "status": status,
        "duration_ms": round(random.expovariate(1 / 12), 2),
        "address": f"10.0.{random.getrandbits(4)}.{random.getrandbits(8)}",
        "user_id": f"{random.getrandbits(32):08x}-0000-7000-8000-{random.getrandbits(12):012x}",
        "tenant_id": f"0190a6e2-0000-7000-8000-{random.getrandbits(4):012x}",
    }
    if number % max(1, lines // 5) == 99:
        said["message"] = "connection to the payroll provider was reset"
    return json.dumps(said, separators=(",", ":")) + "\n"


def _ask(folders: LogFolders, plain: Path, ids: list[str]) -> Iterator[Figure]:
    days = (_START + timedelta(days=11), _START + timedelta(days=12))
    rare = "payroll provider"
    by_floor = {
        "correlation id": lambda turn: [ids[turn]],
        "text in a month": lambda turn: [rare],
    }
    by_product: dict[str, Callable[[int], int]] = {
        "correlation id": lambda turn: _found(folders, LogQuery(correlation_id=ids[turn])),
        "text in a month": lambda turn: _found(folders, LogQuery(text=rare)),
        "errors of one day": lambda turn: _found(
            folders, LogQuery(level=Level.ERROR, since=days[0], until=days[1])
        ),
        "p95 by route in SQL": lambda turn: len(
            answer_sql(
                folders,
                "SELECT route, quantile_cont(duration_ms, 0.95), count(*) FROM logs "
                "WHERE event = 'request' GROUP BY route",
                limit=100,
                memory=MEMORY,
                timeout_s=120,
            ).rows
        ),
    }
    for what, product in by_product.items():
        mine: list[float] = []
        theirs: list[float] = []
        for turn in range(_ROUNDS):
            started = time.perf_counter()
            assert product(turn) > 0, what
            mine.append((time.perf_counter() - started) * 1000)
            # The floor takes a hundred times as long; three rounds of it tell enough.
            if what in by_floor and turn < 3:
                theirs.append(_grep(plain, by_floor[what](turn)[0]) * 1000)
        aim = FOUND_BY_ID if what == "correlation id" else None
        raw = {"rounds_ms": mine, "grep_ms": theirs}
        yield Figure(what=what, value=statistics.median(mine), unit="ms", aim=aim, raw=raw)
        if theirs:
            yield Figure(what="  zcat | grep of the same", value=statistics.median(theirs), unit="ms")
            ratio = statistics.median(theirs) / statistics.median(mine)
            yield Figure(what="  times faster", value=ratio, unit="×")


def _found(folders: LogFolders, query: LogQuery) -> int:
    return len(search(folders, query, read_archive=read_archived, timeout_s=120).records)


def _grep(plain: Path, needle: str) -> float:
    """Seconds for what `zgrep` does: two processes, both cores, fixed strings, the C locale."""
    started = time.perf_counter()
    done = subprocess.run(
        ["sh", "-c", 'gzip -dc "$0"/*.gz | grep -F -c -- "$1"', str(plain), needle],
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert int(done.stdout) > 0
    return time.perf_counter() - started
