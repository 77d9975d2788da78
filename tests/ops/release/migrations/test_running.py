"""Migrations run with patience, and what may not run at all."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.release.migrations.deciding import (
    BackupNeeded,
    FindingsOpen,
    LossNotApproved,
    LossUndeclared,
    NoWayDown,
    VerifiedBackup,
)
from hrx.ops.release.migrations.running import (
    ADVISORY_LOCK,
    MigrationFailed,
    MigrationRun,
    Patience,
    SchemaElsewhere,
    downgrade_to,
    read_current,
    upgrade_to,
)
from hrx.ops.seams.migrating import MigrationLockHeld, only_migration
from tests.conftest import ROOT
from tests.ops.release.migrations.conftest import MakeFolder, session_of

pytestmark = pytest.mark.req("R3.5-1")

RPO = timedelta(minutes=15)
QUICK = Patience(lock_timeout_ms=50, tries=60, first_wait_s=0.05, longest_wait_s=0.2)
TABLE = ("CREATE TABLE public.x (id bigint PRIMARY KEY, y text)", "DROP TABLE public.x")
COLUMN = (
    "ALTER TABLE public.x ADD COLUMN z text",
    "ALTER TABLE public.x DROP COLUMN z",
    'declares_loss = ("public.x.z",)',
)
DROP = (
    "ALTER TABLE public.x DROP COLUMN y",
    "ALTER TABLE public.x ADD COLUMN y text",
    '# hrx: accept column-dropped because no release reads it any more\ndeclares_loss = ("public.x.y",)',
)


def upgrade(
    url: str, folder: Path, to: str = "head", *, backup: VerifiedBackup | None = None
) -> MigrationRun:
    return upgrade_to(url, to, folder=folder, backup=backup, rpo=RPO, patience=QUICK)


def make_backup(*, age: timedelta = timedelta(minutes=2)) -> VerifiedBackup:
    return VerifiedBackup(
        id="b7", covers_until=clock.now() - age, verified_at=clock.now() - timedelta(minutes=1)
    )


def count_columns(url: str) -> int:
    with session_of(url) as session:
        [(count,)] = session.rows(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = 'public.x'::regclass AND attnum > 0"
            " AND NOT attisdropped"
        )
        return int(count)


@contextmanager
def table_in_use(url: str) -> Iterator[threading.Event]:
    """Somebody reads public.x in a transaction that stays open until the event is set."""
    released = threading.Event()
    held = threading.Event()

    def hold() -> None:
        with session_of(url) as session:
            session.rows("BEGIN ISOLATION LEVEL REPEATABLE READ")
            session.rows("SELECT count(*) FROM public.x")
            held.set()
            released.wait(60)
            session.rows("COMMIT")

    reader = threading.Thread(target=hold)
    reader.start()
    assert held.wait(10)
    try:
        yield released
    finally:
        released.set()
        reader.join(10)


def test_pending_revisions_run_one_by_one_and_a_second_run_finds_nothing_to_do(
    scratch: str, make_folder: MakeFolder
) -> None:
    folder = make_folder(TABLE, COLUMN)
    assert read_current(scratch) is None
    first = upgrade(scratch, folder)
    assert (first.before, first.after, [ran.revision for ran in first.ran]) == (
        None,
        "0002",
        ["0001", "0002"],
    )
    assert upgrade(scratch, folder) == MigrationRun(before="0002", after="0002", ran=())
    assert count_columns(scratch) == 3


def test_a_lock_that_is_not_granted_is_asked_for_again_until_it_is(
    scratch: str, make_folder: MakeFolder
) -> None:
    folder = make_folder(TABLE, COLUMN)
    upgrade(scratch, folder, "0001")
    told: list[Text] = []
    with table_in_use(scratch) as released:

        def tell(text: Text) -> None:
            told.append(text)
            # The first try has failed by the time this is said.
            if "no lock" in text.en:
                released.set()

        done = upgrade_to(scratch, folder=folder, backup=None, rpo=RPO, patience=QUICK, tell=tell)
    assert done.after == "0002"
    assert done.ran[0].tries >= 2
    assert any("再試行" in text.ja for text in told)


def test_a_lock_that_never_comes_ends_in_a_failure_that_changed_nothing(
    scratch: str, make_folder: MakeFolder
) -> None:
    folder = make_folder(TABLE, COLUMN)
    upgrade(scratch, folder, "0001")
    few = Patience(lock_timeout_ms=50, tries=2, first_wait_s=0.05)
    with table_in_use(scratch), pytest.raises(MigrationFailed):
        upgrade_to(scratch, folder=folder, backup=None, rpo=RPO, patience=few)
    assert (read_current(scratch), count_columns(scratch)) == ("0001", 2)


def test_a_half_built_index_is_taken_away_before_the_next_try(scratch: str, make_folder: MakeFolder) -> None:
    index = (
        "@with op.get_context().autocommit_block():\n"
        '    op.execute("CREATE INDEX CONCURRENTLY x_by_y ON public.x (y)")',
        "DROP INDEX public.x_by_y",
    )
    folder = make_folder(TABLE, index)
    upgrade(scratch, folder, "0001")
    with table_in_use(scratch) as released:
        waiting = threading.Timer(4.0, released.set)
        waiting.start()
        patient = Patience(lock_timeout_ms=300, tries=60, first_wait_s=0.05, longest_wait_s=0.2)
        done = upgrade_to(scratch, folder=folder, backup=None, rpo=RPO, patience=patient)
        waiting.cancel()
    with session_of(scratch) as session:
        assert session.rows(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = 'public.x_by_y'::regclass"
        ) == [(True,)]
    assert done.after == "0002"


def test_two_at_once_are_told_so_and_a_lock_goes_with_its_holder(
    scratch: str, make_folder: MakeFolder
) -> None:
    folder = make_folder(TABLE)
    with only_migration(scratch, key=ADVISORY_LOCK), pytest.raises(MigrationLockHeld):
        upgrade(scratch, folder)
    assert upgrade(scratch, folder).after == "0001"


def test_a_migration_that_says_done_and_did_nothing_is_found_out(
    scratch: str, make_folder: MakeFolder
) -> None:
    folder = make_folder(TABLE)
    (folder / "env.py").write_text("# lock_timeout\n")
    with pytest.raises(SchemaElsewhere):
        upgrade(scratch, folder)


def test_a_broken_revision_fails_and_those_before_it_stand(scratch: str, make_folder: MakeFolder) -> None:
    folder = make_folder(TABLE, ("SELECT 1 / 0", "SELECT now()"))
    with pytest.raises(MigrationFailed) as failed:
        upgrade(scratch, folder)
    assert "division by zero" in failed.value.message.en
    assert read_current(scratch) == "0001"


def test_open_findings_keep_a_revision_from_running(scratch: str, make_folder: MakeFolder) -> None:
    folder = make_folder(TABLE, ("UPDATE public.x SET y = 'a'", "SELECT now()"))
    upgrade(scratch, folder, "0001")
    with pytest.raises(FindingsOpen) as refused:
        upgrade(scratch, folder)
    assert "0002 backfill-in-transaction" in refused.value.message.en
    assert read_current(scratch) == "0001"


def test_a_destructive_revision_needs_a_verified_backup_younger_than_the_rpo(
    scratch: str, make_folder: MakeFolder
) -> None:
    folder = make_folder(TABLE, DROP)
    upgrade(scratch, folder, "0001")
    for backup in (None, make_backup(age=timedelta(minutes=16))):
        with pytest.raises(BackupNeeded):
            upgrade(scratch, folder, backup=backup)
        assert count_columns(scratch) == 2
    assert upgrade(scratch, folder, backup=make_backup()).after == "0002"
    assert count_columns(scratch) == 1


def test_a_backup_that_says_it_was_verified_later_than_now_does_not_count(
    scratch: str, make_folder: MakeFolder
) -> None:
    folder = make_folder(TABLE, DROP)
    upgrade(scratch, folder, "0001")
    early = VerifiedBackup(id="b8", covers_until=clock.now(), verified_at=clock.now() + timedelta(minutes=5))
    with pytest.raises(BackupNeeded):
        upgrade(scratch, folder, backup=early)


def test_a_loss_that_the_revision_does_not_declare_is_refused_even_with_a_backup(
    scratch: str, make_folder: MakeFolder
) -> None:
    silent = (DROP[0], DROP[1], DROP[2].splitlines()[0])
    folder = make_folder(TABLE, silent)
    upgrade(scratch, folder, "0001")
    with pytest.raises(LossUndeclared) as refused:
        upgrade(scratch, folder, backup=make_backup())
    assert refused.value.hint is not None
    assert 'declares_loss = ("public.x.y",)' in refused.value.hint.en


def test_going_down_loses_only_what_was_approved(scratch: str, make_folder: MakeFolder) -> None:
    folder = make_folder(TABLE, COLUMN)
    upgrade(scratch, folder)

    def down(approved: frozenset[str], backup: VerifiedBackup | None) -> MigrationRun:
        return downgrade_to(
            scratch, "0001", folder=folder, approved_loss=approved, backup=backup, rpo=RPO, patience=QUICK
        )

    with pytest.raises(LossNotApproved):
        down(frozenset(), make_backup())
    with pytest.raises(BackupNeeded):
        down(frozenset({"public.x.z"}), None)
    assert count_columns(scratch) == 3
    done = down(frozenset({"public.x.z"}), make_backup())
    assert (done.before, done.after, count_columns(scratch)) == ("0002", "0001", 2)
    assert down(frozenset(), None).ran == ()


def test_where_there_is_no_way_down_nothing_is_touched(scratch: str, make_folder: MakeFolder) -> None:
    folder = make_folder(
        TABLE,
        (*COLUMN[:1], "", "# hrx: accept downgrade-empty because the column is kept for the way back"),
    )
    upgrade(scratch, folder)
    with pytest.raises(NoWayDown):
        downgrade_to(scratch, "0001", folder=folder, approved_loss=frozenset(), backup=None, rpo=RPO)
    assert read_current(scratch) == "0002"


def test_all_the_way_down_is_an_empty_database(scratch: str, make_folder: MakeFolder) -> None:
    folder = make_folder(TABLE)
    upgrade(scratch, folder)
    done = downgrade_to(
        scratch, "base", folder=folder, approved_loss=frozenset(), backup=None, rpo=RPO, patience=QUICK
    )
    assert (done.before, done.after) == ("0001", None)


PROGRAM = """
import sys
from datetime import timedelta
from pathlib import Path
from hrx.ops.release.migrations.running import upgrade_to
upgrade_to(sys.argv[1], folder=Path(sys.argv[2]), backup=None, rpo=timedelta(minutes=15),
           tell=lambda text: print(text.en, flush=True))
"""


def test_a_killed_deployer_leaves_a_run_that_the_next_one_finishes(
    scratch: str, make_folder: MakeFolder
) -> None:
    slow = ("@op.execute('ALTER TABLE public.x ADD COLUMN z text')\nimport time\ntime.sleep(3)", COLUMN[1])
    third = ("ALTER TABLE public.x ADD COLUMN w text", "ALTER TABLE public.x DROP COLUMN w")
    folder = make_folder(TABLE, slow, third)
    upgrade(scratch, folder, "0001")
    deployer = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, scratch, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert deployer.stdout is not None
    assert "0002" in deployer.stdout.readline()
    wait_for_migration(scratch)
    deployer.kill()
    deployer.wait(10)
    deployer.stdout.close()
    # What the killed one had begun is under way, or taken back; either way the next run waits and goes on.
    assert upgrade(scratch, folder).after == "0003"
    assert count_columns(scratch) == 4


def wait_for_migration(url: str) -> None:
    """Until the migration of a running deployer is inside its transaction."""
    deadline = time.monotonic() + 20
    with session_of(url) as session:
        while time.monotonic() < deadline:
            found = session.rows(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hrx-migrate'"
                " AND state = 'idle in transaction' AND query LIKE 'ALTER TABLE%'"
            )
            if found[0][0]:
                return
            time.sleep(0.05)
    raise AssertionError("no migration began within 20 s")
