"""What a server that stopped has written beyond a position, read from its change records themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.ops.recovery.wal import Segment, format_lsn, parse_lsn
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.postgres import PostgresCluster

_READS_WITHIN_S: Final = 120.0
_END: Final = re.compile(r"(?:at|from) ([0-9A-F]+/[0-9A-F]+)(?::|,|$)")
_NO_FILE: Final = re.compile(r'could not (?:find|open) file "(?:.*/)?([0-9A-F]{24})"')
_RECORD: Final = re.compile(r"lsn: ([0-9A-F]+/[0-9A-F]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """Records from `start` to `end` (positions), and how many commits are among them."""

    start: int
    end: int
    commits: int

    @property
    def size_bytes(self) -> int:
        return max(0, self.end - self.start)


def read_beyond(
    cluster: PostgresCluster, folder: Path, *, timeline: int, start: int, timeout_s: float = _READS_WITHIN_S
) -> Beyond:
    """From the beginning of a record on, to the last one that is whole. `folder` holds files of whole
    segments. Nothing there is an empty answer: the server had not come so far."""
    if not (folder / Segment.at(timeline, start).name).exists():
        return Beyond(start=start, end=start, commits=0)
    done = users.run_as_user(
        [
            cluster.program("pg_waldump"),
            f"--path={folder}",
            f"--timeline={timeline}",
            f"--start={format_lsn(start)}",
            "--rmgr=Transaction",
        ],
        user=cluster.run_as,
        timeout_s=timeout_s,
    )
    records = _RECORD.findall(done.stdout)
    # It ends by saying where no further record was found; that is the end of the last whole one.
    ends = [parse_lsn(one) for one in (*records, *_END.findall(done.stderr))]
    missing = Segment.parse(found.group(1)) if (found := _NO_FILE.search(done.stderr)) else None
    end = max([start, *ends, *([missing.start] if missing else [])])
    return Beyond(start=start, end=end, commits=done.stdout.count("desc: COMMIT"))


def list_files_from(folder: Path, *, timeline: int, position: int) -> list[Path]:
    """Its files from the segment of a position on, in order, whole and unfilled (`.partial`)."""
    first = Segment.at(timeline, position)
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        segment = Segment.parse(path.name.removesuffix(".partial"))
        if segment is not None and segment.timeline == timeline and segment >= first:
            found.append(path)
    return found
