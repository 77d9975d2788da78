"""A stack that comes up migrates a database that holds data as carefully as a release does (R3.5-1)."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from hrx.ops.release.migrations.bringing_up import DestroysAtStart, bring_schema_up
from hrx.ops.release.migrations.deciding import FindingsOpen
from hrx.ops.release.migrations.running import read_current
from hrx.ops.targets.machine.roles import LOGIN_ROLES
from tests.ops.release.migrations.conftest import MakeFolder, session_of
from tests.ops.release.migrations.test_running import COLUMN, DROP, QUICK, TABLE, count_columns, table_in_use

pytestmark = pytest.mark.req("R3.5-1")
_CARELESS = ("CREATE INDEX x_y ON public.x (y)", "DROP INDEX public.x_y")


def test_an_empty_database_is_made_and_one_with_data_goes_on_from_where_it_stands(
    scratch: str, make_folder: MakeFolder
) -> None:
    assert bring_schema_up(scratch, folder=make_folder(TABLE), patience=QUICK) is None
    assert bring_schema_up(scratch, folder=make_folder(TABLE, COLUMN), patience=QUICK) == "0001"
    assert read_current(scratch) == "0002"


def test_while_a_table_is_in_use_nobody_queues_behind_the_migration(
    scratch: str, make_folder: MakeFolder
) -> None:
    bring_schema_up(scratch, folder=make_folder(TABLE), patience=QUICK)
    coming = threading.Thread(
        target=bring_schema_up, args=(scratch,),
        kwargs={"folder": make_folder(TABLE, COLUMN), "patience": QUICK},
    )  # fmt: skip
    with table_in_use(scratch) as released:
        coming.start()
        _wait_for_try(scratch)
        with session_of(scratch) as session:
            session.rows("SET statement_timeout = '20s'")
            assert session.rows("SELECT count(*) FROM public.x") == [(0,)], "a reader passes meanwhile"
        assert read_current(scratch) == "0001"
        released.set()
    coming.join(60)
    assert (read_current(scratch), count_columns(scratch)) == ("0002", 3)


def _wait_for_try(url: str) -> None:
    deadline = time.monotonic() + 60
    with session_of(url) as session:
        while not session.rows("SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'relation'"):
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_what_destroys_or_locks_for_long_is_refused_before_anything_is_changed(
    scratch: str, make_folder: MakeFolder
) -> None:
    bring_schema_up(scratch, folder=make_folder(TABLE), patience=QUICK)
    with pytest.raises(DestroysAtStart) as refused:
        bring_schema_up(scratch, folder=make_folder(TABLE, DROP), patience=QUICK)
    assert refused.value.hint is not None
    assert "hrx release deploy" in refused.value.hint.en
    with pytest.raises(FindingsOpen):
        bring_schema_up(scratch, folder=make_folder(TABLE, _CARELESS), patience=QUICK)
    assert (read_current(scratch), count_columns(scratch)) == ("0001", 2)


def test_as_a_program_it_says_why_in_words(postgres_is_away: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hrx.ops.release.migrations.bringing_up"],
        env={"HRX_OWNER_DATABASE_URL": postgres_is_away, "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


@pytest.fixture
def postgres_is_away() -> str:
    return f"postgresql://{LOGIN_ROLES[0]}:x@127.0.0.1:1/hrx"
