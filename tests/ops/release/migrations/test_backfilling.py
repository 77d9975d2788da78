"""Filling rows in batches: whatever interrupts it, each row is filled once and none is left out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from hrx.ops.release.migrations.backfilling import (
    Backfill,
    BackfillBlind,
    BackfillInvalid,
    BackfillState,
    BackfillStuck,
    Pace,
    list_backfills,
    run_backfill,
)
from hrx.ops.seams.migrating import StatementFailed
from tests.conftest import ROOT, PostgresServer
from tests.ops.release.migrations.conftest import session_of

pytestmark = pytest.mark.req("R3.5-1")

ROWS = 20_000
#: Adds instead of setting: a batch that ran twice, or half, would show.
COUNTING = Backfill(name="count-x", table="public.x", set_clause="filled = t.filled + 1")
PROGRAM = """
import sys
from hrx.ops.release.migrations.backfilling import Backfill, Pace, run_backfill
run_backfill(sys.argv[1], Backfill(name="count-x", table="public.x", set_clause="filled = t.filled + 1"),
             pace=Pace(batch_rows=50, working_ratio=0.9), tell=lambda s: print(s.rows_seen, flush=True))
"""


@pytest.fixture
def table(scratch: str) -> str:
    """The URL of a database with `public.x`, whose keys have gaps."""
    with session_of(scratch) as session:
        session.rows(
            "CREATE TABLE public.x (id bigint PRIMARY KEY, filled int NOT NULL DEFAULT 0, note text)"
        )
        session.rows(f"INSERT INTO public.x (id) SELECT n * 3 FROM generate_series(-10, {ROWS - 11}) AS n")
    return scratch


def histogram(url: str) -> list[tuple[int, int]]:
    with session_of(url) as session:
        return [
            (row[0], row[1])
            for row in session.rows("SELECT filled, count(*) FROM public.x GROUP BY 1 ORDER BY 1")
        ]


def test_every_row_is_filled_once_and_a_second_run_does_nothing(table: str) -> None:
    told: list[BackfillState] = []
    done = run_backfill(table, COUNTING, pace=Pace(working_ratio=1), tell=told.append)
    assert (done.is_finished, done.rows_seen) == (True, ROWS)
    assert len(told) >= ROWS // 1_000
    assert histogram(table) == [(1, ROWS)]
    assert run_backfill(table, COUNTING) == done
    assert histogram(table) == [(1, ROWS)]


def test_killed_again_and_again_it_goes_on_and_fills_each_row_once(table: str) -> None:
    seen = 0
    for _ in range(8):
        worker = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, table], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert worker.stdout is not None
        # Killed in the middle of its work: right after some batch was told of.
        for _ in range(20):
            line = worker.stdout.readline()
            seen = max(seen, int(line or seen))
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait(10)
        worker.stdout.close()
        [state] = list_backfills(table)
        assert not state.is_finished
        assert state.rows_seen >= seen
        # What is noted is what was filled: both are one transaction.
        assert dict(histogram(table)).get(1, 0) >= state.rows_seen
    done = run_backfill(table, COUNTING, pace=Pace(working_ratio=1))
    assert (done.is_finished, done.rows_seen) == (True, ROWS)
    assert histogram(table) == [(1, ROWS)]


def test_two_at_once_share_the_work_and_fill_each_row_once(table: str) -> None:
    pace = Pace(batch_rows=500, working_ratio=0.9)
    both = [
        threading.Thread(target=run_backfill, args=(table, COUNTING), kwargs={"pace": pace}) for _ in "ab"
    ]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
    assert histogram(table) == [(1, ROWS)]


def test_it_stops_when_asked_and_tells_where(table: str) -> None:
    batches: list[int] = []

    def stop() -> bool:
        batches.append(1)
        return len(batches) > 3

    state = run_backfill(table, COUNTING, pace=Pace(working_ratio=1), is_stopped=stop)
    assert (state.is_finished, state.rows_seen) == (False, 3_000)
    assert histogram(table) == [(0, ROWS - 3_000), (1, 3_000)]


def test_it_waits_for_a_row_that_somebody_holds_and_gives_up_with_a_word(table: str) -> None:
    with session_of(table) as session:
        session.rows("BEGIN")
        session.rows("UPDATE public.x SET note = 'mine' WHERE id = 30")
        with pytest.raises(BackfillStuck):
            run_backfill(table, COUNTING, pace=Pace(lock_timeout_ms=50, tries=2))
        freed = threading.Timer(0.5, lambda: session.rows("COMMIT"))
        freed.start()
        done = run_backfill(table, COUNTING, pace=Pace(lock_timeout_ms=50, working_ratio=1))
        freed.join()
    assert done.is_finished
    assert histogram(table) == [(1, ROWS)]


def test_it_rests_as_long_as_it_works(table: str) -> None:
    half = Backfill(name="half", table="public.x", set_clause="note = 'x'")
    started = time.monotonic()
    worked = time.process_time()
    run_backfill(table, half, pace=Pace(batch_rows=5_000, working_ratio=0.1))
    # Nine tenths of the time are rest: far more passes than this process can have worked.
    assert time.monotonic() - started > 2 * (time.process_time() - worked)


def test_a_condition_leaves_rows_out_and_percent_signs_stay(table: str) -> None:
    some = Backfill(
        name="some", table="public.x", set_clause="note = '100%'", where="t.id % 2 = 0 AND t.note IS NULL"
    )
    run_backfill(table, some, pace=Pace(working_ratio=1))
    with session_of(table) as session:
        [(filled,)] = session.rows("SELECT count(*) FROM public.x WHERE note = '100%'")
    assert filled == ROWS // 2


@pytest.mark.parametrize("wrong", ["x", "public.x; DROP TABLE y", "a.b.c"])
def test_a_table_that_is_no_name_is_refused(table: str, wrong: str) -> None:
    with pytest.raises(BackfillInvalid):
        run_backfill(table, Backfill(name="n", table=wrong, set_clause="a = 1"))


def test_an_error_of_the_statement_leaves_the_state_where_it_was(table: str) -> None:
    broken = Backfill(name="broken", table="public.x", set_clause="filled = 1 / (t.id - 3000)")
    with pytest.raises(StatementFailed):
        run_backfill(table, broken, pace=Pace(batch_rows=500, working_ratio=1))
    [state] = list_backfills(table)
    assert (state.is_finished, state.rows_seen) == (False, 1_000)


def test_a_role_that_does_not_see_the_rows_is_refused(postgres: PostgresServer) -> None:
    hidden = Backfill(name="hidden", table="app.user_account", set_clause="is_active = true")
    with pytest.raises(BackfillBlind):
        run_backfill(postgres.owner_url, hidden)
    assert "hidden" not in {state.name for state in list_backfills(postgres.owner_url)}
