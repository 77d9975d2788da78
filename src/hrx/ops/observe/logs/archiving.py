"""Closed files into the archive: each line exactly once, however often and wherever this is killed.

One closed file becomes one Parquet file for each day that it has lines of. Their names are made from the
closed file's own, so that a second attempt writes the same files again; the closed file goes last, and until
then readers take it instead of what is archived of it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final

import duckdb
import orjson

from hrx.kit import clock
from hrx.kit.errors import Text, Unavailable
from hrx.ops.observe.logs.archive import COLUMNS, opened_engine
from hrx.ops.observe.logs.files import ClosedFile, LogFolders, list_closed
from hrx.ops.observe.logs.parsing import LineReader, find_moment
from hrx.ops.observe.logs.records import LogRecord
from hrx.ops.observe.logs.searching import fields_json

#: Correlation ids are many; only a dictionary of all of them gets the filter that answers "not in this file"
#: without reading (measured with `python -m benchmarks logs`; it costs a fifth of the size).
_OPTIONS: Final = "FORMAT parquet, COMPRESSION zstd, DICTIONARY_SIZE_LIMIT 200000, ROW_GROUP_SIZE 122880"
#: What was closed stays text for so long: whoever looks at the end of a log (triage above all) finds minutes
#: of it there, also right after a rotation.
SETTLES: Final = timedelta(minutes=15)
#: A line of the longest kind, each byte of it escaped.
_ROW_LIMIT: Final = 1024 * 1024
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """What became of one closed file: how many lines it had, and how many are in the archive now."""

    part: str
    stem: str
    lines: int
    archived: int
    days: tuple[date, ...]
    size_bytes: int

    @property
    def lost(self) -> int:
        return max(0, self.lines - self.archived)


@contextmanager
def only_archiver(folders: LogFolders) -> Iterator[bool]:
    """Whether nobody else archives; the right ends with the process, however that ends."""
    folders.archive.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folders.archive / ".lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        # Only what an archiver that was killed had begun.
        shutil.rmtree(folders.archive / ".draft", ignore_errors=True)
        yield True


def archive_closed(
    folders: LogFolders, *, held: frozenset[int] = frozenset(), settled_for: timedelta = timedelta(0)
) -> Iterator[Archived]:
    """Archive every closed file that nobody holds (`held`: inodes) and that was closed so long ago.

    Raises Unavailable on a full disk; what is archived by then is, and the rest waits as text."""
    for closed in list_closed(folders):
        if clock.now() - closed.closed_at < settled_for:
            continue
        try:
            if closed.path.stat().st_ino not in held:
                yield archive_file(folders, closed)
        except (OSError, duckdb.Error) as error:
            raise _not_archived(closed, error) from error


def archive_file(folders: LogFolders, closed: ClosedFile) -> Archived:
    """One closed file into the archive, then away with it. The caller is the only archiver."""
    draft = folders.archive / ".draft" / f"{closed.part}@{closed.stem}"
    draft.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        lines, days = _write_rows(closed, draft / "rows.json")
        made = {day: draft / f"{day.isoformat()}.parquet" for day in sorted(days)}
        with opened_engine(temp=draft / "temp") as engine:
            load_rows(engine, draft / "rows.json", table="rows")
            archived = sum(_write_day(engine, day, to=path) for day, path in made.items())
        if archived != lines:
            # Never seen; the text stays, for it is the only whole copy.
            return _told(closed, lines, archived, made)
        told = _told(closed, lines, archived, made)
        for day, path in made.items():
            _publish(path, folders.archive / f"day={day.isoformat()}" / f"part={closed.part}", closed.stem)
        closed.path.unlink()
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return told


def _told(closed: ClosedFile, lines: int, archived: int, made: dict[date, Path]) -> Archived:
    return Archived(
        part=closed.part,
        stem=closed.stem,
        lines=lines,
        archived=archived,
        days=tuple(made),
        size_bytes=sum(path.stat().st_size for path in made.values()),
    )


def _write_rows(closed: ClosedFile, path: Path) -> tuple[int, set[date]]:
    """The records as JSON lines that the engine reads; gives their number and their days (UTC)."""
    days: set[date] = set()

    def read(source: BinaryIO) -> Iterator[LogRecord]:
        modified = datetime.fromtimestamp(os.fstat(source.fileno()).st_mtime, UTC)
        reader = LineReader(closed.part, before=find_moment(source) or modified)
        source.seek(0)
        offset = 0
        for line in source:
            if line.strip():
                record = reader.read(line.rstrip(b"\n"), offset=offset)
                days.add(record.at.date())
                yield record
            offset += len(line)

    with closed.path.open("rb") as source:
        return write_records(path, read(source)), days


def write_records(path: Path, records: Iterable[LogRecord]) -> int:
    """Records as JSON lines of `archive.COLUMNS`; gives how many."""
    count = 0
    with path.open("wb") as rows:
        path.chmod(0o600)
        for record in records:
            rows.write(orjson.dumps(_row(record)) + b"\n")
            count += 1
    return count


# `Any`: values of JSON.
def _row(record: LogRecord) -> dict[str, Any]:
    said = record.fields
    status, duration_ms = said.get("status"), said.get("duration_ms")
    route = said.get("route", said.get("path"))
    return {
        "time": record.at.strftime("%Y-%m-%d %H:%M:%S.%f"),
        "level": int(record.level),
        "part": record.part,
        "service": record.service,
        "event": record.event,
        "correlation_id": record.correlation_id,
        "trace_id": record.trace_id,
        "method": said.get("method") if said.get("method") in _METHODS else None,
        "route": route if isinstance(route, str) else None,
        "status": status if isinstance(status, int) and 0 <= status < 1000 else None,
        "duration_ms": duration_ms if isinstance(duration_ms, int | float) else None,
        "fields": fields_json(said),
        "position": record.offset,
        "is_dated": record.is_dated,
    }


def load_rows(engine: duckdb.DuckDBPyConnection, path: Path, *, table: str) -> None:
    """What `write_records` wrote, as a new table."""
    engine.execute(f"CREATE TABLE {table} AS {_reading(path)}")


def copy_rows(engine: duckdb.DuckDBPyConnection, path: Path, *, to: Path) -> None:
    """What `write_records` wrote, as one Parquet file, without holding it in memory."""
    engine.execute(f"COPY ({_reading(path)}) TO '{_quoted(to)}' (FORMAT parquet)")


def _reading(path: Path) -> str:
    """A SELECT of rows. Paths are ours and quoted: COPY takes no bound values."""
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    return (
        f"SELECT * FROM read_json('{_quoted(path)}', format = 'newline_delimited', "  # noqa: S608
        f"columns = {{{columns}}}, maximum_object_size = {_ROW_LIMIT})"
    )


def _write_day(engine: duckdb.DuckDBPyConnection, day: date, *, to: Path) -> int:
    """The rows of one day as Parquet, on disk for sure; gives how many it holds by its own word."""
    # COPY takes no bound values; paths are ours and quoted.
    engine.execute(
        f"COPY (SELECT * FROM rows WHERE CAST(time AS DATE) = DATE '{day.isoformat()}' "  # noqa: S608
        f"ORDER BY time, position) TO '{_quoted(to)}' ({_OPTIONS})"
    )
    to.chmod(0o600)
    with to.open("rb") as written:
        os.fsync(written.fileno())
    found = engine.execute("SELECT num_rows FROM parquet_file_metadata(?)", [str(to)]).fetchone()
    return int(found[0]) if found is not None else 0


def _publish(path: Path, folder: Path, stem: str) -> None:
    """Give the file its name; from then on it is there after any crash."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.replace(folder / f"{stem}.parquet")
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _not_archived(closed: ClosedFile, error: Exception) -> Unavailable:
    said = str(error).splitlines()[0][:200]
    return Unavailable(
        Text(
            ja=f"{closed.part} のログを保管できません: {said}",
            en=f"The log of {closed.part} cannot be archived: {said}",
        ),
        hint=Text(
            ja="行は失われていません。ディスクの空きを確かめてください。次の回にやり直します。",
            en="No line is lost. See how much is free on the disk; the next round tries again.",
        ),
        code="logs.not_archived",
    )


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
