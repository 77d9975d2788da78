"""A rehearsal rotates with everybody at the doors: nobody is turned away; where somebody is, it says so."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from hrx.kit.settings import SecretStr
from hrx.ops.drills.recovery.scratch import end_below
from hrx.ops.drills.rotating.ground import Rehearsal, opened_rehearsal
from hrx.ops.drills.rotating.rehearsing import list_rehearsed, rehearse
from hrx.ops.run.actions import perform
from hrx.ops.run.planning import make_plan
from hrx.ops.seams.sessions import SessionLost, opened_session
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.passfile import list_pass_logins
from hrx.ops.targets.machine.roles import reset_password
from tests.conftest import ROOT, UNPRIVILEGED_USER, running_as_root

pytestmark = pytest.mark.req("R3.6-1")


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """One ground for all of these: each leaves it as it found it, but for new secrets."""
    machine = Layout(
        root=ROOT,
        var=tmp_path_factory.mktemp("nobody"),
        user=UNPRIVILEGED_USER if running_as_root() else None,
        tools=tmp_path_factory.mktemp("tools"),
    )
    settings = OpsSettings(runbook_dir=ROOT / "runbook", ledger_url=SecretStr("sqlite://"))
    with opened_rehearsal(machine, settings=settings) as opened:
        yield opened


def test_everything_that_counts_is_rehearsed(rehearsal: Rehearsal) -> None:
    assert len(list_rehearsed(rehearsal)) == 13
    doors = {visitor.door for visitor in rehearsal.visitors}
    assert {"HRX_DATABASE_URL", "HRX_BACKUP_CONNINFO", "hrx_owner", "HRX_STRIPE_API_KEY"} <= doors


@pytest.mark.parametrize("role", ["hrx_ops", "hrx_owner"])
def test_a_password_of_operations_is_rotated_and_nobody_is_turned_away(
    rehearsal: Rehearsal, role: str
) -> None:
    former = rehearsal.cluster.url(role, rehearsal.read_password(role), "hrx")
    done = rehearse(rehearsal, role)
    assert (done.problem, done.refused, done.is_new) == (None, (), True)
    assert done.is_clean
    with pytest.raises(SessionLost, match="authentication"), opened_session(former, timeout_s=10):
        pass
    assert not rehearsal.machine.has_second_login(role)


def test_backups_go_on_by_a_second_login_that_may_replicate_and_come_back(rehearsal: Rehearsal) -> None:
    plane, machine, run = rehearsal.plane, rehearsal.machine, rehearsal.layout.run
    was = rehearsal.read_password("hrx_backup")
    plan = make_plan(plane, "rotate-operations-password", params={"role": "hrx_backup"})
    mask = os.umask(0o077)
    try:
        for step in plan.steps[:2]:
            perform(plane, step.action, timeout_s=step.timeout_s)
    finally:
        os.umask(mask)
    assert (run / "receive-wal").stat().st_mode & 0o777 == 0o755, "another user runs it"
    # A run that died here is begun again from its beginning: nobody is turned away by that either.
    rehearsal.wait_for_everybody()
    assert "user=hrx_backup_spare " in machine.held_by("backup")["HRX_BACKUP_CONNINFO"]
    assert "user=hrx_backup_spare " in (run / "receive-wal").read_text()
    assert set(list_pass_logins(run / "backup.pgpass")) == {"hrx_backup", "hrx_backup_spare"}
    done = rehearse(rehearsal, "hrx_backup")
    assert (done.problem, done.refused) == (None, ())
    assert "user=hrx_backup " in (run / "receive-wal").read_text()
    assert list_pass_logins(run / "backup.pgpass") == ("hrx_backup",)
    assert rehearsal.read_password("hrx_backup") != was


@pytest.mark.parametrize("name", ["HRX_ANTHROPIC_API_KEY", "HRX_SLACK_SIGNING_SECRET", "HRX_OPS_HOOK_TOKEN"])
def test_a_key_is_rotated_and_nobody_is_turned_away_nor_is_it_written_anywhere_else(
    rehearsal: Rehearsal, name: str
) -> None:
    done = rehearse(rehearsal, name)
    assert (done.problem, done.refused, done.is_new) == (None, (), True)
    value = rehearsal.machine.held_by("ops" if "ANTHROPIC" not in name else "api-blue")[name]
    assert "," not in value
    told = json.dumps([dict(entry.body) for entry in rehearsal.plane.ledger.list_entries(limit=500)])
    assert value not in told
    files = [path for path in rehearsal.layout.var.rglob("*") if path.is_file() and _is_text(path)]
    holders = {path.name for path in files if value in path.read_text(errors="replace")}
    assert holders <= {"api-blue.env", "api-green.env", "worker.env", "ops.env", "hook-token"}


def _is_text(path: Path) -> bool:
    return "postgres" not in path.parts


def test_a_rehearsal_that_is_asked_to_end_takes_its_database_away_first() -> None:
    home = Path(tempfile.mkdtemp(prefix="hrx-asked-"))
    home.chmod(0o711)
    own = {"HRX_VAR_DIR": str(home / "var"), "HRX_TOOLS_DIR": str(home / "tools"), "TMPDIR": str(home)}
    if running_as_root():
        own["HRX_SERVICE_USER"] = UNPRIVILEGED_USER
    process = subprocess.Popen(
        [sys.executable, "-m", "hrx.cli", "settings", "rehearse"],
        cwd=ROOT,
        env={**os.environ, **own},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 120
        while not _list_servers(home):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 143
        assert _list_servers(home) == []
        assert list(home.glob("hrx-drill-*")) == []
    finally:
        process.kill()
        process.wait(30)
        end_below(home)
        shutil.rmtree(home, ignore_errors=True)


def _list_servers(home: Path) -> list[int]:
    """Servers that run on data below this folder."""
    found = psutil.process_iter(["pid", "cmdline"])
    return [
        one.info["pid"]
        for one in found
        if one.info["cmdline"]
        and one.info["cmdline"][0].endswith("/postgres")
        and any(str(home / "hrx-drill-") in word for word in one.info["cmdline"])
    ]


def test_a_rotation_that_leaves_a_gap_is_found_out(rehearsal: Rehearsal) -> None:
    """The way that one would do it by hand: another password, and then everybody is told."""
    machine, before = rehearsal.machine, sum(len(one.refused) for one in rehearsal.visitors)
    reset_password(
        rehearsal.cluster.url("hrx_admin", rehearsal.read_password("hrx_admin"), "postgres"),
        "hrx_ops",
        "by-hand-2026",
    )
    try:
        rehearsal.wait_for_everybody()
        refused = [said for one in rehearsal.visitors for said in one.refused]
        assert len(refused) > before
        assert "by-hand-2026" not in "".join(refused)
    finally:
        machine.reset_database_password("hrx_ops")
    assert not replace(rehearse(rehearsal, "hrx_repair"), refused=tuple(refused)).is_clean
