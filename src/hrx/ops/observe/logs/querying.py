"""Questions in SQL over all lines, for operators, in an engine that can read nothing else and write nothing.

Locks, each enough for most attempts: one statement that is a SELECT; no access to anything outside but
the archived files by name; no extension and no variable of ours; a configuration that cannot be changed.
Time and memory have limits. The view `logs` has the columns of `VIEW`."""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from hrx.kit.errors import Invalid, Refused, Text, Unavailable
from hrx.ops.observe.logs.archive import COLUMNS, interrupted_after, opened_engine
from hrx.ops.observe.logs.archiving import copy_rows, write_records
from hrx.ops.observe.logs.files import (
    LogFolders,
    TextFile,
    list_archived,
    open_texts,
    without_doubles,
)
from hrx.ops.observe.logs.parsing import LineReader, find_moment
from hrx.ops.observe.logs.records import Level, LogRecord

_LEVEL: Final = (
    "CASE level " + " ".join(f"WHEN {int(one)} THEN '{one.word}'" for one in Level) + " END AS level"
)
#: Columns of `logs`: `level` by its word and, to compare, as a number (10 debug … 50 critical).
VIEW: Final = (
    "time",
    _LEVEL,
    "level AS level_number",
    *(name for name in COLUMNS if name not in {"time", "level"}),
)


#: What one question may make this process take: the engine's own limit, its threads, and the answer.
_PROCESS_BYTES: Final = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the question gave; `is_cut` when there were more rows than were asked for."""

    columns: tuple[str, ...]
    # `Any`: values of any type that SQL has.
    rows: tuple[tuple[Any, ...], ...]
    is_cut: bool


def answer_sql(folders: LogFolders, sql: str, *, limit: int, memory: str, timeout_s: float) -> Answer:
    """Answer one SELECT over the view `logs`: archive, closed and live files.

    Lines that are not archived yet are read first, outside of the time limit: 30,000 a second.
    Raises Refused for anything but one SELECT and for what the locks stop, Invalid for SQL that is wrong,
    Unavailable (`logs.too_long`, `logs.too_large`) past a limit."""
    with ExitStack() as opened:
        opened.enter_context(_told_in_words(memory))
        opened.enter_context(limited_memory(_PROCESS_BYTES))
        listed_at = datetime.now(UTC)
        texts = open_texts(folders)
        for one in texts:
            opened.callback(one.file.close)
        archived = without_doubles(list_archived(folders), texts, listed_at=listed_at)
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="hrx-logs-")))
        fresh = _to_archive(texts, folder)
        engine = opened.enter_context(opened_engine(memory=memory))
        _lock(engine, [fresh, *(one.path for one in archived)])
        statement = _only_select(engine, sql)
        opened.enter_context(interrupted_after(engine, timeout_s=timeout_s))
        found = engine.execute(statement)
        rows = found.fetchmany(limit + 1)
        columns = tuple(str(one[0]) for one in found.description or ())
    return Answer(columns=columns, rows=tuple(rows[:limit]), is_cut=len(rows) > limit)


@contextmanager
def _told_in_words(memory: str) -> Iterator[None]:
    """What the engine raises, as an error that names what to do."""
    try:
        yield
    except duckdb.PermissionException as error:
        raise _refused(error) from error
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        raise _too_large(memory) from error
    except duckdb.Error as error:
        raise _wrong(error) from error


@contextmanager
def limited_memory(size_bytes: int) -> Iterator[None]:
    """Let this process take so much more memory and no more, where the kernel can limit that.

    The engine counts its tables and forgets single values: `repeat('x', 2000000000)` took 4 GB at a limit of
    256 MB, and the machine has other things to do."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = _taken_bytes() + size_bytes
    is_stricter = soft != resource.RLIM_INFINITY and soft <= wanted
    if is_stricter or (hard != resource.RLIM_INFINITY and wanted > hard):
        yield
        return
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _taken_bytes() -> int:
    """What this process has taken that counts against the limit; nothing where the kernel does not tell."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return 0


def _to_archive(texts: Sequence[TextFile], folder: Path) -> Path:
    """Lines that are not archived yet, as a file like those of the archive: on disk, not in memory."""
    rows, made = folder / "rows.json", folder / "rows.parquet"
    write_records(rows, (record for text in texts for record in _records(text)))
    with opened_engine(temp=folder / "temp") as engine:
        copy_rows(engine, rows, to=made)
    rows.unlink()
    return made


def _records(text: TextFile) -> Iterator[LogRecord]:
    text.file.seek(0)
    reader = LineReader(text.part, before=find_moment(text.file) or text.modified_at)
    text.file.seek(0)
    offset = 0
    for line in text.file:
        if line.strip() and (line.endswith(b"\n") or text.stem is not None):
            yield reader.read(line.rstrip(b"\n"), offset=offset)
        offset += len(line)


def _lock(engine: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> None:
    names = ", ".join("'" + str(one).replace("'", "''") + "'" for one in paths)
    # A view takes no bound values; paths are ours and quoted.
    columns = ", ".join(VIEW)
    engine.execute(
        f"CREATE VIEW logs AS SELECT {columns} FROM read_parquet([{names}], hive_partitioning = false)"  # noqa: S608
    )
    engine.execute(f"SET allowed_paths = [{names}]")
    engine.execute("SET python_enable_replacements = false")
    engine.execute("SET enable_external_access = false")
    engine.execute("SET lock_configuration = true")


def _only_select(engine: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    try:
        statements = engine.extract_statements(sql)
    except duckdb.Error as error:
        raise _wrong(error) from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise Refused(
            Text(ja="SELECT 1 つだけを受け付けます", en="Only one SELECT is taken"),
            hint=Text(
                ja='例: `hrx logs query "SELECT part, count(*) FROM logs GROUP BY part"`',
                en='Such as `hrx logs query "SELECT part, count(*) FROM logs GROUP BY part"`.',
            ),
            code="logs.no_select",
        )
    return statements[0]


def _refused(error: Exception) -> Refused:
    return Refused(
        Text(
            ja="ログのほかは読めません",
            en="Nothing but the logs can be read",
        ),
        hint=Text(ja="ビュー logs だけを使ってください。", en="Use the view `logs` alone."),
        code="logs.locked",
    )


def _too_large(memory: str) -> Unavailable:
    return Unavailable(
        Text(
            ja=f"この質問には {memory} より多くのメモリーが要ります",
            en=f"This question needs more memory than {memory}",
        ),
        hint=Text(
            ja="WHERE で期間や部品を絞るか、集計してください。",
            en="Narrow the time or the part in WHERE, or aggregate.",
        ),
        code="logs.too_large",
    )


def _wrong(error: Exception) -> Invalid:
    said = " ".join(str(error).split())[:300]
    return Invalid(
        Text(ja=f"SQL が正しくありません: {said}", en=f"The SQL is wrong: {said}"),
        hint=Text(
            ja="`DESCRIBE` の代わりに `SELECT * FROM logs LIMIT 1` で列を見られます。",
            en="`SELECT * FROM logs LIMIT 1` shows the columns.",
        ),
        code="logs.bad_sql",
    )
