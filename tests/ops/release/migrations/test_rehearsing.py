"""Migrations really executed under traffic: what is seen, and whether rows live through down and up."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator

import pytest

from benchmarks.migrations import execute_case, filled_database
from hrx.ops.release.migrations.judging import Hazard, HazardSeen
from hrx.ops.release.migrations.rehearsing import (
    DatabaseInUse,
    NotToBeRehearsed,
    RehearsalReport,
    rehearse,
)
from hrx.ops.release.migrations.reporting import to_document
from hrx.ops.release.migrations.revisions import Revision, list_between, read_revisions
from hrx.ops.release.migrations.running import Patience, read_current
from tests.conftest import ROOT, PostgresServer, migrate
from tests.ops.release.migrations.cases import Case, list_cases
from tests.ops.release.migrations.conftest import MakeFolder, database_url, session_of

pytestmark = pytest.mark.req("R3.5-1")

QUICK = Patience(tries=3, first_wait_s=0.05)
TABLE = (
    "CREATE TABLE public.x (id bigint PRIMARY KEY, y text)",
    "DROP TABLE public.x",
    'declares_loss = ("public.x",)',
)
CASES = {case.name: case for case in list_cases()}
#: One for each kind of evidence; the whole corpus runs in `python -m benchmarks migrations`.
EVIDENCE = {
    "03_concurrent_in_transaction": Hazard.FAILED,
    "04_not_null_unproven": Hazard.SCANNED_UNDER_LOCK,
    "09_foreign_key_valid_at_once": Hazard.SCANNED_UNDER_LOCK,
    "06_volatile_default": Hazard.REWRITTEN,
    "17_column_dropped": Hazard.OLD_CODE_BREAKS,
    "22_backfill_in_one_transaction": Hazard.MANY_ROWS,
    "24_alter_then_update": Hazard.WRITTEN_UNDER_LOCK,
    "25_mass_delete": Hazard.ROWS_LOST,
    "33_lock_timeout_off": Hazard.WAITS_TOO_LONG,
    "35_empty_downgrade": Hazard.NOT_UNDONE,
    "36_tenant_table_unprotected": Hazard.UNPROTECTED,
}
HARMLESS = (
    "45_index_concurrent",
    "46_nullable_column",
    "51_check_validated_later",
    "52_not_null_proven",
    "56_unread_column_dropped",
    "58_new_protected_table",
    "62_view_refreshed_concurrently",
)


@pytest.fixture(scope="module")
def make_filled(postgres: PostgresServer) -> Iterator[Callable[[], str]]:
    """Gives fresh copies of the corpus's database with 5,000 employees."""
    with filled_database(postgres.admin_url, people=5_000) as make:
        yield make


def lasting(hazards: Iterable[HazardSeen]) -> list[str]:
    """Those that are so on any machine. How many milliseconds somebody waited is the machine's affair as much
    as the migration's: on a busy one a lock that is held for an instant is held for long."""
    return [found.text.en for found in hazards if found.hazard is not Hazard.STALLED]


def rehearse_folder(url: str, folder: object, **more: object) -> RehearsalReport:
    return rehearse(url, folder=folder, patience=QUICK, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "hazard"), EVIDENCE.items())
def test_each_kind_of_danger_is_seen_when_it_happens(
    make_filled: Callable[[], str], name: str, hazard: Hazard
) -> None:
    assert hazard in {found.hazard for found in execute_case(CASES[name], make_filled())}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_harmless_shows_nothing(make_filled: Callable[[], str], name: str) -> None:
    assert lasting(execute_case(CASES[name], make_filled())) == []


def test_whoever_waits_behind_a_lock_is_measured(make_filled: Callable[[], str]) -> None:
    slow = Case(
        name="slow",
        is_dangerous=True,
        hazard=None,
        why="",
        revision=Revision(
            id="slow",
            down_revision=None,
            path="",
            title="",
            up="BEGIN;\nALTER TABLE app.employee ADD COLUMN rank integer;\nSELECT pg_sleep(3);\nCOMMIT;",
            down=None,
        ),
    )
    stalled = [found for found in execute_case(slow, make_filled()) if found.hazard is Hazard.STALLED]
    assert {found.subject for found in stalled} == {"app.employee"}
    assert len(stalled) == 2, "a reader and a writer"


def test_a_good_revision_passes_and_the_database_ends_where_it_should(
    scratch: str, make_folder: MakeFolder
) -> None:
    column = (
        "ALTER TABLE public.x ADD COLUMN z text",
        "ALTER TABLE public.x DROP COLUMN z",
        'declares_loss = ("public.x.z",)',
    )
    folder = make_folder(TABLE, column)
    report = rehearse_folder(scratch, folder, revision="0001")
    assert report.is_passed
    with session_of(scratch) as session:
        session.rows("INSERT INTO public.x SELECT n, 'y' FROM generate_series(1, 50) AS n")
    report = rehearse_folder(scratch, folder)
    [seen] = report.revisions
    assert lasting(seen.open_hazards) == []
    assert (report.before, read_current(scratch)) == ("0001", "0002")
    assert seen.losses == ("public.x.z",)
    assert seen.performance.transactions[0].locks["public.x"] == "AccessExclusiveLock"
    assert seen.stalls.statements > 0


def test_a_loss_on_the_way_down_that_nobody_declared_is_found(scratch: str, make_folder: MakeFolder) -> None:
    silent = ("ALTER TABLE public.x ADD COLUMN z text", "ALTER TABLE public.x DROP COLUMN z")
    folder = make_folder(TABLE, silent)
    rehearse_folder(scratch, folder, revision="0001")
    with session_of(scratch) as session:
        session.rows("INSERT INTO public.x VALUES (1, 'y')")
    [seen] = rehearse_folder(scratch, folder).revisions
    assert [(found.hazard, found.subject) for found in seen.hazards] == [(Hazard.VALUES_LOST, "public.x.z")]


def test_a_way_down_that_keeps_what_was_written_loses_nothing(scratch: str, make_folder: MakeFolder) -> None:
    kept = (
        "ALTER TABLE public.x ADD COLUMN z text",
        "@op.execute('CREATE TABLE public.x_z AS SELECT id, z FROM public.x')\n"
        "op.execute('ALTER TABLE public.x DROP COLUMN z')",
    )
    back = (
        "@op.execute('ALTER TABLE public.x ADD COLUMN z text')\n"
        "op.execute(\"DO $$ BEGIN IF to_regclass('public.x_z') IS NOT NULL THEN"
        " UPDATE public.x SET z = k.z FROM public.x_z AS k WHERE k.id = x.id; DROP TABLE public.x_z;"
        ' END IF; END $$")'
    )
    folder = make_folder(TABLE, (back, kept[1]))
    rehearse_folder(scratch, folder, revision="0001")
    with session_of(scratch) as session:
        session.rows("INSERT INTO public.x SELECT n, 'y' FROM generate_series(1, 50) AS n")
    [seen] = rehearse_folder(scratch, folder).revisions
    assert seen.losses == ()
    # The way down leaves a table that was not there before: that is told, and is not a loss.
    assert {found.hazard for found in seen.hazards} == {Hazard.NOT_UNDONE}


def test_what_could_not_be_filled_is_told_as_unproven(scratch: str, make_folder: MakeFolder) -> None:
    odd = (
        "CREATE TABLE public.odd (id bigint PRIMARY KEY, y text NOT NULL CHECK (y = 'only this'))",
        "DROP TABLE public.odd",
        'declares_loss = ("public.odd",)',
    )
    [seen] = rehearse_folder(scratch, make_folder(odd)).revisions
    assert seen.unproven == ("public.odd",)
    assert seen.losses == ()


def test_a_downgrade_that_leaves_something_behind_is_found(scratch: str, make_folder: MakeFolder) -> None:
    half = (
        "@op.execute('CREATE TABLE public.a (id bigint)')\nop.execute('CREATE TABLE public.b (id bigint)')",
        "@op.execute('DROP TABLE public.a')\nop.execute('ALTER TABLE public.b RENAME TO c')",
    )
    [seen] = rehearse_folder(scratch, make_folder(half)).revisions
    assert Hazard.NOT_UNDONE in {found.hazard for found in seen.hazards}


def test_rehearsing_stops_at_the_first_that_fails(scratch: str, make_folder: MakeFolder) -> None:
    report = rehearse_folder(scratch, make_folder(("SELECT 1 / 0", "SELECT now()"), TABLE))
    assert [one.revision for one in report.revisions] == ["0001"]
    assert {found.hazard for found in report.revisions[0].hazards} == {Hazard.FAILED}
    assert not report.is_passed


def test_a_revision_that_must_ask_a_database_is_refused_instead_of_waved_through(
    scratch: str, make_folder: MakeFolder
) -> None:
    with pytest.raises(NotToBeRehearsed):
        rehearse_folder(scratch, make_folder(("@op.get_bind().execute('SELECT 1').scalar()", "")))


def test_a_database_in_use_is_never_spoiled(scratch: str, make_folder: MakeFolder) -> None:
    with session_of(scratch), pytest.raises(DatabaseInUse):
        rehearse_folder(scratch, make_folder(TABLE))
    assert read_current(scratch) is None


def test_what_a_rehearsal_saw_can_be_accepted_with_a_reason_and_stays_visible(
    scratch: str, make_folder: MakeFolder
) -> None:
    silent = (
        "ALTER TABLE public.x ADD COLUMN z text",
        "ALTER TABLE public.x DROP COLUMN z",
        "# hrx: accept seen-values-lost on public.x.z because the way down is for the first hour only",
    )
    folder = make_folder(TABLE, silent)
    rehearse_folder(scratch, folder, revision="0001")
    with session_of(scratch) as session:
        session.rows("INSERT INTO public.x VALUES (1, 'y')")
    report = rehearse_folder(scratch, folder)
    assert report.is_passed
    [seen] = report.revisions[0].hazards
    assert seen.accepted_because == "the way down is for the first hour only"
    document = to_document(report)
    assert document["revisions"][0]["hazards"][0]["accepted_because"] == seen.accepted_because


def test_our_own_newest_migrations_pass_their_rehearsal(postgres: PostgresServer) -> None:
    name = f"own_{secrets.token_hex(4)}"
    server = postgres.create_migrated_database(name)
    migrate(server.owner_url, to="0006", down=True)
    report = rehearse(
        server.owner_url,
        admin_url=database_url(postgres, name),
        folder=ROOT / "migrations",
        # A lock that is asked for often enough is had, however busy the machine is.
        patience=Patience(tries=100, first_wait_s=0.05),
    )
    newest = list_between(read_revisions(ROOT / "migrations"), after="0006")
    assert [one.revision for one in report.revisions] == [one.id for one in newest]
    assert {one.revision: found for one in report.revisions if (found := lasting(one.open_hazards))} == {}
