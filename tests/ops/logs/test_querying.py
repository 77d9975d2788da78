"""SQL for operators: every line can be asked for, and nothing else."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hrx.kit.errors import HrxError, Invalid, Refused, Unavailable
from hrx.ops.observe.logs.archiving import archive_closed
from hrx.ops.observe.logs.files import LogFolders
from hrx.ops.observe.logs.querying import Answer, answer_sql
from tests.ops.logs.writing_logs import START, close, make_folders, make_lines, write_live

pytestmark = pytest.mark.req("R4.2-1")
SECRET = "the secret beside the logs"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> LogFolders:
    folders = make_folders(tmp_path_factory.mktemp("asking"))
    close(folders, write_live(folders, "api-blue", list(make_lines(500))), at=START)
    list(archive_closed(folders))
    close(folders, write_live(folders, "worker", list(make_lines(300, seed=2))), at=START)
    write_live(folders, "haproxy", list(make_lines(200, seed=3)))
    (folders.live.parent / "secrets.env").write_text(SECRET)
    (folders.archive / "secret.csv").write_text(f"a\n{SECRET}\n")
    return folders


def ask(
    folders: LogFolders, sql: str, *, limit: int = 100, timeout_s: float = 10, memory: str = "256MB"
) -> Answer:
    return answer_sql(folders, sql, limit=limit, memory=memory, timeout_s=timeout_s)


def test_archived_closed_and_live_lines_are_one_table(folders: LogFolders) -> None:
    found = ask(folders, "SELECT part, count(*) AS lines FROM logs GROUP BY part ORDER BY part")
    assert found.columns == ("part", "lines")
    assert found.rows == (("api-blue", 500), ("haproxy", 200), ("worker", 300))


def test_typed_columns_and_fields_answer_questions_of_operations(folders: LogFolders) -> None:
    (row,) = ask(
        folders,
        "SELECT count(*) FILTER (status = 503), quantile_cont(duration_ms, 0.95), min(time), "
        "count(*) FILTER (level = 'error'), any_value(fields->>'$.logger') FROM logs WHERE event = 'request'",
    ).rows
    assert row[0] > 0
    assert 80 < row[1] < 100
    assert row[2] == (START + timedelta(seconds=1)).replace(tzinfo=None)
    assert row[3] > 0
    assert row[4] == "hrx.http"


def test_more_rows_than_asked_for_are_said_to_be_cut(folders: LogFolders) -> None:
    found = ask(folders, "SELECT * FROM logs", limit=7)
    assert len(found.rows) == 7
    assert found.is_cut


def attempts(folders: LogFolders) -> Iterator[str]:
    outside, beside = folders.live.parent / "secrets.env", folders.archive / "secret.csv"
    for path in (outside, beside, Path("/etc/hostname")):
        yield f"SELECT * FROM read_text('{path}')"
        yield f"SELECT * FROM read_csv('{path}')"
        yield f"SELECT * FROM '{path}'"
        yield f"SELECT content FROM read_blob('{path}')"
        yield f"SELECT * FROM sniff_csv('{path}')"
        yield f"SELECT * FROM query('SELECT * FROM read_text(''{path}'')')"
    yield "SELECT * FROM glob('/etc/*')"
    yield f"SELECT * FROM glob('{folders.live.parent}/*')"
    yield f"COPY (SELECT 1) TO '{folders.archive}/out.csv'"
    yield f"COPY logs TO '{folders.archive}/out.parquet' (FORMAT parquet)"
    yield f"EXPORT DATABASE '{folders.archive}/out'"
    yield f"ATTACH '{folders.archive}/out.db'"
    yield "INSTALL httpfs"
    yield "LOAD httpfs"
    yield "SELECT * FROM read_csv('https://example.com/x.csv')"
    yield "SET enable_external_access = true"
    yield "SET lock_configuration = false"
    yield "RESET allowed_paths"
    yield "PRAGMA enable_profiling"
    yield "CREATE TABLE mine AS SELECT 1"
    yield "DROP VIEW logs"
    yield "DELETE FROM text_lines"
    yield "CALL pragma_version()"
    yield "SELECT 1; SELECT 2"
    yield "SELECT getenv('HOME')"
    yield "SELECT * FROM archived"
    yield "SELECT"


def test_nothing_but_the_logs_can_be_read_and_nothing_written(folders: LogFolders) -> None:
    before = sorted(str(path) for path in folders.live.parent.rglob("*"))
    for sql in attempts(folders):
        with pytest.raises(HrxError) as told:
            ask(folders, sql)
        assert isinstance(told.value, Refused | Invalid), sql
        assert SECRET not in told.value.message.en, sql
    assert sorted(str(path) for path in folders.live.parent.rglob("*")) == before


def test_a_question_that_takes_too_long_is_stopped(folders: LogFolders) -> None:
    endless = "SELECT count(*) FROM range(1000000000000) WHERE range % 7 = 3"
    with pytest.raises(Unavailable) as told:
        ask(folders, endless, timeout_s=0.3)
    assert told.value.stable_code == "logs.too_long"


def test_a_question_that_needs_too_much_memory_fails_and_says_so(folders: LogFolders) -> None:
    with pytest.raises(Unavailable) as told:
        ask(folders, "SELECT list(range) FROM range(300000000)")
    assert told.value.stable_code == "logs.too_large"


def test_lines_that_wait_for_the_archive_take_no_memory_from_the_question(folders: LogFolders) -> None:
    assert ask(folders, "SELECT count(*) FROM logs", memory="24MB").rows == ((1000,),)


def test_one_value_cannot_take_the_memory_of_the_machine(folders: LogFolders) -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(Unavailable) as told:
        ask(folders, "SELECT repeat('x', 2000000000)")
    assert told.value.stable_code == "logs.too_large"
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
