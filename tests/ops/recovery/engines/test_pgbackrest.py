"""pgBackRest for real: its backups, our change records, one plan, one proof."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from hrx.kit.errors import HrxError
from hrx.ops.recovery.backing_up import back_up, parent_for_now
from hrx.ops.recovery.basebackup import BackupKind
from hrx.ops.recovery.bases import fetcher_of, list_bases, open_pgbackrest
from hrx.ops.recovery.copies import ground_of
from hrx.ops.recovery.copy_server import ask_copy
from hrx.ops.recovery.engines.pgbackrest import PgBackRest, PgBackRestFailed
from hrx.ops.recovery.planning import NotRestorable, Target, plan_restore
from hrx.ops.recovery.proving import prove
from hrx.ops.recovery.records import list_segments, ship
from hrx.ops.recovery.restoring import remove_copy, restore_beside
from hrx.ops.recovery.retention import look_for_old
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.standing import read_standing
from hrx.ops.recovery.stock import read_stock
from tests.conftest import ROOT
from tests.ops.recovery.conftest import Living
from tests.ops.recovery.test_proving import PRODUCT, arrive, receiver, site
from tests.ops.recovery.test_restoring import Receiver

__all__ = ["receiver", "site"]
pytestmark = [pytest.mark.req("R6.1-1", "R6.2-1"), pytest.mark.timeout(240)]
#: The folder that Debian's package was unpacked into; or it is installed.
UNPACKED = Path(os.environ.get("HRX_TEST_PGBACKREST", "/"))
PROGRAM = UNPACKED / "usr" / "bin" / "pgbackrest"
needs_program = pytest.mark.skipif(
    not PROGRAM.exists(), reason="pgBackRest not checked: HRX_TEST_PGBACKREST names no folder with it"
)


@pytest.fixture
def production(living: Living, site: Site) -> Iterator[Site]:
    """The site with pgBackRest as its engine, its stanza made and archiving on."""
    home = living.home / f"pgbackrest-{site.layout.var.name}"
    for name in ("repo", "log", "lock"):
        (home / name).mkdir(parents=True)
    libraries = next((UNPACKED / "usr" / "lib").glob("*-linux-gnu"), Path("/usr/lib"))
    program = home / "pgbackrest"
    program.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {PROGRAM} --cmd={program} "$@"\n')
    program.chmod(0o755)
    config = home / "pgbackrest.conf"
    config.write_text(
        f"[global]\nrepo1-path={home}/repo\nlog-path={home}/log\nlock-path={home}/lock\nstart-fast=y\n"
        "repo1-cipher-type=aes-256-cbc\nrepo1-cipher-pass=only-of-this-test\ncompress-type=zst\n"
        f"log-level-file=off\n[hrx]\npg1-path={living.cluster.data_dir}\npg1-port={living.cluster.port}\n"
        f"pg1-user=hrx_admin\npg1-socket-path={living.home}\n"
    )
    if living.cluster.run_as:
        for path in (home, *home.rglob("*")):
            shutil.chown(path, living.cluster.run_as)
    settings = site.settings.model_copy(
        update={
            "backup_engine": "pgbackrest",
            "pgbackrest_program": str(program),
            "pgbackrest_config": config,
        }
    )
    found = replace(site, settings=settings)
    hba = living.cluster.data_dir / "pg_hba.conf"
    before = hba.read_text()
    hba.write_text("local all all trust\n" + before)
    living.execute(
        f"ALTER SYSTEM SET archive_command = '{program} --config={config} --stanza=hrx archive-push %p'"
    )
    living.execute("ALTER SYSTEM SET archive_mode = on")
    living.cluster.stop()
    living.cluster.start()
    open_pgbackrest(found).create_stanza()
    yield found
    hba.write_text(before)
    living.execute("ALTER SYSTEM RESET ALL")
    living.cluster.stop()
    living.cluster.start()
    shutil.rmtree(home)


@needs_program
def test_its_backups_are_planned_with_our_records_restored_and_proven(
    living: Living, receiver: Receiver, production: Site
) -> None:
    assert list_bases(production) == []
    living.execute(PRODUCT)
    living.execute("TRUNCATE kept")
    arrive(living, receiver, production)
    full = back_up(production, parent=None, why="test")
    assert full.kind is BackupKind.FULL
    assert full.data_bytes > full.stored_bytes > 0
    arrive(living, receiver, production)
    parent = parent_for_now(production)
    assert parent is not None
    increment = back_up(production, parent=parent, why="test")
    assert (increment.kind, increment.parent) == (BackupKind.INCREMENTAL, full.id)
    assert list_bases(production) == [full, increment]
    assert not list(production.folder.list_names("base")), "nothing is kept twice"

    # Its own time has whole seconds, rounded up: nothing may be written before it is over.
    time.sleep(max(0.0, (increment.ended_at - datetime.now(UTC)).total_seconds()))
    living.execute("INSERT INTO kept SELECT n FROM generate_series(1, 7) n")
    moment = datetime.now(UTC)
    living.execute("INSERT INTO kept VALUES (8)")
    living.execute("SELECT pg_switch_wal()")
    living.execute("INSERT INTO kept VALUES (9)")
    arrive(living, receiver, production)
    proof = prove(production, increment, database="postgres")
    assert proof.why_not() is None
    assert {one.state for one in read_standing(production).backups} == {"proven", "unproven"}

    for name, target, rows in (("then", Target(time=moment), 7), ("newest", Target(), 9)):
        plan = plan_restore(read_stock(production), target=target)
        assert [one.id for one in plan.chain] == [full.id, increment.id]
        ground = replace(ground_of(production, name), directory=production.recovery_dir / name)
        try:
            restored = restore_beside(
                production.vault, plan, ground, timeout_s=60, fetch_base=fetcher_of(production)
            )
            assert ask_copy(restored.cluster, "SELECT count(*) FROM kept") == (rows,)
            assert ask_copy(restored.cluster, "SHOW archive_mode") == ("off",)
        finally:
            remove_copy(ground)

    assert look_for_old(production).backups == (), "its backups are its own to expire"
    missing = next(one for one in list_segments(production.vault) if one.segment.start > increment.start)
    production.vault.delete(missing.name)
    with pytest.raises(NotRestorable) as caught:
        plan_restore(read_stock(production), target=Target())
    assert missing.segment.name in caught.value.message.en
    ship(production.vault, receiver.directory)


@needs_program
def test_a_damaged_repository_gives_a_proof_that_is_not_well(
    living: Living, receiver: Receiver, production: Site
) -> None:
    living.execute(PRODUCT)
    arrive(living, receiver, production)
    made = back_up(production, parent=None, why="test")
    arrive(living, receiver, production)
    repository = Path(production.settings.pgbackrest_config or "").parent / "repo"
    for path in (repository / "backup" / "hrx" / made.id).rglob("*"):
        if path.is_file() and path.suffix == ".zst" and path.stat().st_size > 1000:
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(bytes(content))
    proof = prove(production, made, database="postgres")
    assert not proof.is_well
    why = proof.why_not()
    assert why is not None
    assert "pgBackRest" in why.en


def stand_in(tmp_path: Path, body: str) -> PgBackRest:
    program = tmp_path / "pgbackrest"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return PgBackRest(program=str(program), config=None, stanza="hrx", run_as=None)


def test_a_program_that_is_missing_or_fails_is_told_with_what_to_do(tmp_path: Path) -> None:
    missing = PgBackRest(program=str(tmp_path / "none"), config=None, stanza="hrx", run_as=None)
    failing = stand_in(tmp_path, "echo 'P00  ERROR: [055]: unable to load info file' >&2; exit 55")
    for one in (missing, failing):
        with pytest.raises(PgBackRestFailed) as caught:
            one.list_backups()
        assert caught.value.hint is not None
        assert "HRX_PGBACKREST_STANZA" in caught.value.hint.en
    assert "unable to load info file" in caught.value.message.en


def test_backups_with_an_error_in_them_do_not_count(tmp_path: Path) -> None:
    """It ends with exit code 0 on a broken page (recovery anchors, P8)."""

    def one(label: str, *, error: bool) -> dict[str, object]:
        return {
            "label": label, "type": "full", "prior": None, "error": error, "database": {"id": 1},
            "archive": {"start": "000000020000000000000004", "stop": "000000020000000000000004"},
            "lsn": {"start": "0/4000028", "stop": "0/4000158"},
            "timestamp": {"start": 1_770_000_000, "stop": 1_770_000_010},
            "info": {"size": 1000, "delta": 1000, "repository": {"size": 100, "delta": 100}},
        }  # fmt: skip

    told = [
        {
            "name": "hrx", "status": {"code": 0, "message": "ok"}, "db": [{"id": 1, "system-id": 7}],
            "backup": [one("20260202-024000F", error=False), one("20260203-024000F", error=True)],
        }
    ]  # fmt: skip
    (tmp_path / "info.json").write_bytes(orjson.dumps(told))
    (made,) = stand_in(tmp_path, f"cat {tmp_path}/info.json").list_backups()
    assert (made.id, made.timeline, made.system_identifier) == ("20260202-024000F", 2, "7")
    assert made.end > made.start
    with pytest.raises(HrxError) as caught:
        stand_in(tmp_path, f"cat {tmp_path}/info.json").back_up(is_full=True, timeout_s=5)
    assert "no new backup" in caught.value.message.en


@pytest.fixture
def passable() -> Iterator[Path]:
    """A folder that the user of PostgreSQL may enter, which pytest's own is not."""
    folder = Path(tempfile.mkdtemp(prefix="hrx-test-engine-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_status_says_whose_backups_they_are(passable: Path) -> None:
    (passable / "info.json").write_bytes(b"[]")
    stand_in(passable, f"cat {passable}/info.json")
    mine = {
        "HRX_VAR_DIR": str(passable),
        "HRX_BACKUP_ENGINE": "pgbackrest",
        "HRX_PGBACKREST_PROGRAM": str(passable / "pgbackrest"),
        "HRX_LANGUAGE": "en",
    }

    def run(*arguments: str) -> str:
        argv = [sys.executable, "-m", "hrx.cli", "recover", *arguments]
        done = subprocess.run(
            argv,
            env={**os.environ, **mine},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout + done.stderr

    assert orjson.loads(run("status", "--json"))["engine"] == "pgbackrest"
    assert "pgBackRest (hrx)" in run("status")
    assert "pgBackRest" in run("verify", "--files-only")
