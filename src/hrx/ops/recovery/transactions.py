"""Which transactions the change records hold: when each was committed, and how many rows of which table it
touched. Read with PostgreSQL's own pg_waldump, so that a person can point at the moment before a mistake."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from hrx.kit.errors import Text, Unavailable
from hrx.ops.recovery.records import KeptSegment, fetch_segment, partial_of
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.wal import SEGMENT_BYTES, Segment, list_runs, parse_lsn

_TIMEOUT_S: Final = 120
_COMMIT: Final = re.compile(
    r"rmgr: Transaction .*?tx: +(?P<xid>\d+), lsn: (?P<lsn>\S+), .*?desc: COMMIT(?:_PREPARED)? "
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) UTC"
)
_ROWS: Final = re.compile(
    r"rmgr: Heap2? .*?tx: +(?P<xid>\d+), .*?desc: "
    r"(?P<what>INSERT|UPDATE|HOT_UPDATE|DELETE|MULTI_INSERT|TRUNCATE)(?:\+INIT)? (?P<rest>.*)"
)
_RELATION: Final = re.compile(r"rel \d+/(?P<database>\d+)/(?P<file>\d+)")
_TUPLES: Final = re.compile(r"ntuples: (\d+)")
_WORDS: Final = {"HOT_UPDATE": "UPDATE", "MULTI_INSERT": "INSERT"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One committed transaction; `position` is where its commit record begins. `rows`: how many rows of which
    relation (its file number) were inserted, updated, deleted; empty unless rows were asked for."""

    xid: int
    position: int
    at: datetime
    rows: Mapping[tuple[int, str], int] = field(default_factory=dict)


def list_commits(
    site: Site, segments: Sequence[KeptSegment], *, tail: Segment | None = None, with_rows: bool = False
) -> list[Commit]:
    """The commits of some segments in order, oldest first; `tail` comes after them. What pg_waldump cannot
    read in one go, across a hole or from one timeline to the next, it reads one after the other.

    Raises BackupFileDamaged, Unavailable."""
    if not segments and tail is None:
        return []
    with tempfile.TemporaryDirectory(prefix="hrx-records-") as name:
        folder = Path(name)
        for one in segments:
            fetch_segment(site.vault, one, folder / one.segment.name, received_dir=site.received_dir)
        if tail is not None:
            whole = site.received_dir / tail.name
            source = whole if whole.exists() else partial_of(whole)
            (folder / tail.name).write_bytes(source.read_bytes().ljust(SEGMENT_BYTES, b"\0"))
        there = [one.segment for one in segments] + ([tail] if tail else [])
        return [
            commit
            for run in list_runs(there)
            for commit in _read(site, folder, first=run.first, last=run.last, with_rows=with_rows)
        ]


def find_last_before(commits: Sequence[Commit], moment: datetime) -> Commit | None:
    """The newest of them that was committed by then."""
    return max((one for one in commits if one.at <= moment), key=lambda one: one.at, default=None)


def _read(site: Site, folder: Path, *, first: Segment, last: Segment, with_rows: bool) -> Iterator[Commit]:
    argv = [site.program("pg_waldump"), "--path", str(folder), "--timeline", str(first.timeline)]
    argv += [] if with_rows else ["--rmgr", "Transaction"]
    rows: dict[int, Counter[tuple[int, str]]] = {}
    process = subprocess.run(
        [*argv, first.name, last.name],
        capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_S, check=False,
        env={"TZ": "UTC", "LC_ALL": "C"},
    )  # fmt: skip
    found = False
    for line in process.stdout.splitlines():
        if touched := _ROWS.match(line):
            relation, tuples = _RELATION.search(touched["rest"]), _TUPLES.search(touched["rest"])
            what = _WORDS.get(touched["what"], touched["what"])
            key = (int(relation["file"]) if relation else 0, what)
            rows.setdefault(int(touched["xid"]), Counter())[key] += int(tuples[1]) if tuples else 1
        elif commit := _COMMIT.match(line):
            found = True
            xid = int(commit["xid"])
            yield Commit(
                xid=xid,
                position=parse_lsn(commit["lsn"]),
                at=datetime.fromisoformat(f"{commit['at']}+00:00"),
                rows=dict(rows.pop(xid, {})),
            )
    # It ends with an error where the records end, which is what an unfilled file looks like.
    if process.returncode != 0 and not found and "invalid" not in process.stderr:
        said = process.stderr.strip()[-300:]
        raise Unavailable(
            Text(ja=f"変更記録を読めません: {said}", en=f"The change records cannot be read: {said}"),
            code="recovery.records_unreadable",
        )
