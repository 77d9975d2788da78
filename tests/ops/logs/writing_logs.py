"""Lines as the programs of the stack write them, for the tests of logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from hrx.ops.observe.logs.files import LogFolders, closed_name

START = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)


def make_folders(var: Path) -> LogFolders:
    """Empty folders of logs below `var`."""
    folders = LogFolders(live=var / "log", archive=var / "log" / "archive")
    folders.closed.mkdir(parents=True)
    return folders


def make_lines(
    count: int, *, seed: int = 1, part: str = "api-blue", start: datetime = START, step_s: float = 1.0
) -> Iterator[str]:
    """Access lines of two a request, a warning and a torn line now and then."""
    random = Random(seed)  # noqa: S311
    for number in range(count):
        at = start + timedelta(seconds=number * step_s)
        if number % 97 == 96:
            yield '  File "/srv/hrx/api.py", line 7, in answer'
            continue
        line = {
            "at": at.isoformat(timespec="milliseconds"),
            "level": random.choice(["info"] * 8 + ["warning", "error"]),
            "event": "request" if number % 5 else f"job {number} ended",
            "logger": "hrx.http",
            "process": part,
            "correlation_id": f"{seed:08x}{number // 2:024x}",
            "trace_id": None,
            "method": "GET",
            "route": random.choice(["/api/v1/people", "/api/v1/org", "/livez"]),
            "status": random.choice([200] * 9 + [503]),
            "duration_ms": round(random.random() * 100, 2),
        }
        yield json.dumps(line, separators=(",", ":"))


def write_live(folders: LogFolders, part: str, lines: Iterator[str] | list[str]) -> Path:
    path = folders.live / f"{part}.log"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def close(folders: LogFolders, path: Path, *, at: datetime) -> Path:
    """What a rotation does, without a supervisor."""
    name = closed_name(path.stem, at=at, inode=path.stat().st_ino)
    return path.rename(folders.closed / name)
