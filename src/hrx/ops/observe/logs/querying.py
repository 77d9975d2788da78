"""Questions in SQL over all lines, for operators, in an engine that can read nothing else and write nothing.

Four locks, each enough for most attempts: one statement that is a SELECT; no access to anything outside but
the archived files by name; no extension and no variable of ours; a configuration that cannot be changed. The
view `logs` has the columns of `VIEW`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from hrx.kit.errors import Invalid, Refused, Text, Unavailable
from hrx.ops.observe.logs.archive import COLUMNS, interrupted_after, opened_engine
from hrx.ops.observe.logs.archiving import load_rows, write_records
from hrx.ops.observe.logs.files import (
    ArchivedFile,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the question gave; `is_cut` when there were more rows than were asked for."""

    columns: tuple[str, ...]
    # `Any`: values of any type that SQL has.
    rows: tuple[tuple[Any, ...], ...]
    is_cut: bool


def answer_sql(folders: LogFolders, sql: str, *, limit: int, memory: str, timeout_s: float) -> Answer:
    """Answer one SELECT over the view `logs`: archive, closed and live files.

    Raises Refused for anything but one SELECT and for what the locks stop, Invalid for SQL that is wrong,
    Unavailable (`logs.too_long`, `logs.too_large`) past a limit."""
    with ExitStack() as opened:
        listed_at = datetime.now(UTC)
        texts = open_texts(folders)
        for one in texts:
            opened.callback(one.file.close)
        archived = without_doubles(list_archived(folders), texts, listed_at=listed_at)
        engine = opened.enter_context(opened_engine(memory=memory))
        _load_texts(engine, texts)
        _lock(engine, archived)
        statement = _only_select(engine, sql)
        opened.enter_context(interrupted_after(engine, timeout_s=timeout_s))
        try:
            found = engine.execute(statement)
            rows = found.fetchmany(limit + 1)
            columns = tuple(str(one[0]) for one in found.description or ())
        except duckdb.PermissionException as error:
            raise _refused(error) from error
        except duckdb.InterruptException:
            raise
        except duckdb.OutOfMemoryException as error:
            raise _too_large(memory) from error
        except duckdb.Error as error:
            raise _wrong(error) from error
    return Answer(columns=columns, rows=tuple(rows[:limit]), is_cut=len(rows) > limit)


def _load_texts(engine: duckdb.DuckDBPyConnection, texts: Sequence[TextFile]) -> None:
    """Lines that are not archived yet, as a table."""
    with tempfile.TemporaryDirectory(prefix="hrx-logs-") as folder:
        path = Path(folder) / "rows.json"
        write_records(path, (record for text in texts for record in _records(text)))
        load_rows(engine, path, table="text_lines")


def _records(text: TextFile) -> Iterator[LogRecord]:
    text.file.seek(0)
    reader = LineReader(text.part, before=find_moment(text.file) or text.modified_at)
    text.file.seek(0)
    offset = 0
    for line in text.file:
        if line.strip() and (line.endswith(b"\n") or text.stem is not None):
            yield reader.read(line.rstrip(b"\n"), offset=offset)
        offset += len(line)


def _lock(engine: duckdb.DuckDBPyConnection, archived: Sequence[ArchivedFile]) -> None:
    names = ", ".join("'" + str(one.path).replace("'", "''") + "'" for one in archived)
    # A view takes no bound values; paths are ours and quoted.
    archived_lines = f"SELECT * FROM read_parquet([{names}], hive_partitioning = false) UNION ALL "  # noqa: S608
    archive = archived_lines if names else ""
    columns = ", ".join(VIEW)
    engine.execute(f"CREATE VIEW logs AS SELECT {columns} FROM ({archive}SELECT * FROM text_lines)")  # noqa: S608
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
