"""How change records leave the database: the receiver that never gives up, and the second way beside it."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import psycopg
import pytest

from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.backups import BackupDoor
from hrx.ops.targets.machine.postgres import PostgresCluster, create_roles_and_database
from hrx.ops.targets.machine.roles import LOGIN_ROLES
from tests.conftest import free_port

SEGMENT = 16 * 1024 * 1024
PASSWORDS = {role: rf"{role}:a\b " for role in LOGIN_ROLES}


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A database of its own with everything that its backups need; `home` has a blank in its name."""

    home: Path
    cluster: PostgresCluster
    door: BackupDoor

    @property
    def admin_url(self) -> str:
        return self.cluster.url("hrx_admin", "admin", "postgres")

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.admin_url, autocommit=True) as session:
            done = session.execute(statement.encode())
            return done.fetchall() if done.description else []

    def write_segments(self, count: int) -> None:
        for _ in range(count):
            self.execute("SELECT pg_logical_emit_message(true, 'test', 'x'), pg_switch_wal()")


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    base = Path(tempfile.mkdtemp(prefix="hrx-test-backups-"))
    base.chmod(0o711)
    home = base / "a house"
    home.mkdir(mode=0o711)
    user = users.choose_service_user() if os.geteuid() == 0 else None
    users.give_to(home, user=user, mode=0o711)
    run = home / "run"
    run.mkdir(mode=0o711)
    door = BackupDoor(run=run, recovery=home / "recovery", port=free_port(), user=user)
    cluster = PostgresCluster(
        data_dir=home / "data",
        port=door.port,
        socket_dir=home,
        run_as=user,
        archive_command=door.archive_command,
    )
    cluster.init("admin")
    door.prepare_spool()
    door.prepare_receiver(cluster, password=PASSWORDS["hrx_backup"])
    cluster.start()
    made = Machine(home=home, cluster=cluster, door=door)
    try:
        create_roles_and_database(made.admin_url, PASSWORDS)
        yield made
    finally:
        cluster.stop(mode="immediate")
        shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def receiver(machine: Machine) -> Iterator[subprocess.Popen[bytes]]:
    user = machine.door.user
    process = subprocess.Popen(
        machine.door.receiver_argv(),
        user=user,
        group=users.primary_group(user) if user else None,
        cwd=machine.door.received,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", "PGPASSFILE": str(machine.door.passfile)},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def wait_for(what: Callable[[], bool], *, within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def is_receiving(machine: Machine) -> bool:
    """All that is written is received."""
    found = machine.execute(
        "SELECT flush_lsn >= pg_current_wal_flush_lsn() FROM pg_stat_replication"
        " WHERE application_name = 'pg_receivewal'"
    )
    return found == [(True,)]


@pytest.mark.req("R6.1-2")
def test_the_receiver_makes_its_slot_outlives_the_server_and_ends_when_told(
    machine: Machine, receiver: subprocess.Popen[bytes]
) -> None:
    wait_for(lambda: is_receiving(machine))
    machine.cluster.stop(mode="fast")
    machine.cluster.start()
    wait_for(lambda: is_receiving(machine))
    receiver.terminate()
    assert receiver.wait(10) == 0
    wait_for(lambda: machine.execute("SELECT active FROM pg_replication_slots") == [(False,)])
    assert machine.door.passfile.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="nothing ties a child to its parent here")
def test_a_killed_receiver_leaves_nobody_behind(machine: Machine, receiver: subprocess.Popen[bytes]) -> None:
    wait_for(lambda: is_receiving(machine))
    [child] = psutil.Process(receiver.pid).children()
    receiver.kill()
    receiver.wait(10)
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    wait_for(lambda: machine.execute("SELECT active FROM pg_replication_slots") == [(False,)])


def state_after_checkpoint(machine: Machine) -> object:
    machine.execute("CHECKPOINT")
    return machine.execute("SELECT wal_status FROM pg_replication_slots")[0][0]


@pytest.mark.req("R6.1-2")
def test_a_receiver_that_was_away_for_too_long_begins_anew_and_says_so(
    machine: Machine, receiver: subprocess.Popen[bytes]
) -> None:
    wait_for(lambda: is_receiving(machine))
    machine.write_segments(1)
    wait_for(lambda: is_receiving(machine))
    # Nobody ships here: a whole file is still there when it begins anew.
    whole = next(path for path in machine.door.received.iterdir() if len(path.name) == 24)
    receiver.terminate()
    receiver.wait(10)
    machine.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '16MB'")
    machine.execute("ALTER SYSTEM SET wal_keep_size = '0'")
    machine.execute("SELECT pg_reload_conf()")
    machine.write_segments(6)
    wait_for(lambda: state_after_checkpoint(machine) == "lost")
    user = machine.door.user
    again = subprocess.Popen(
        machine.door.receiver_argv(),
        user=user,
        group=users.primary_group(user) if user else None,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", "PGPASSFILE": str(machine.door.passfile)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        wait_for(lambda: is_receiving(machine))
        assert machine.execute("SELECT wal_status FROM pg_replication_slots") == [("reserved",)]
        behind = list(machine.door.received.glob("*.partial.behind"))
        assert len(behind) == 1
        assert (machine.door.spool / whole.name).stat().st_size == SEGMENT
    finally:
        again.terminate()
        said = again.communicate(timeout=10)[1].decode()
        machine.execute("ALTER SYSTEM RESET ALL")
        machine.execute("SELECT pg_reload_conf()")
    assert "the slot is made anew" in said
    assert "receiving begins anew" in said


@pytest.mark.req("R6.1-2")
def test_full_segments_reach_the_spool_and_none_is_held_back(machine: Machine) -> None:
    before = machine.execute("SELECT archived_count FROM pg_stat_archiver")[0][0]
    [[name]] = machine.execute(
        "SELECT pg_walfile_name(pg_current_wal_lsn()) FROM pg_logical_emit_message(true, 'test', 'x')"
    )
    machine.write_segments(1)
    wait_for(lambda: machine.execute("SELECT archived_count FROM pg_stat_archiver")[0][0] != before)
    kept = machine.door.spool / str(name)
    wait_for(kept.exists)
    assert kept.stat().st_size == SEGMENT


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., Callable[..., int]]:
    """The archive script with some limits, called as PostgreSQL would, in a data directory."""

    def make(**limits: int) -> Callable[..., int]:
        run, data = tmp_path / "run", tmp_path / "data"
        for folder in (run, data / "pg_wal"):
            folder.mkdir(parents=True, exist_ok=True)
        door = replace(
            BackupDoor(run=run, recovery=tmp_path / "re co'very", port=1, user=None, leaves_free_bytes=0),
            **limits,  # type: ignore[arg-type]
        )
        door.prepare_spool()

        def call(content: bytes, name: str = "000000010000000000000007") -> int:
            (data / "pg_wal" / name).write_bytes(content)
            command = door.archive_command.replace("%p", f"pg_wal/{name}").replace("%f", name)
            return subprocess.run(["/bin/sh", "-c", command], cwd=data, check=False).returncode

        return call

    return make


NAME = "000000010000000000000007"


def test_a_segment_is_kept_whole_and_asking_again_is_harmless(
    script: Callable[..., Callable[..., int]], tmp_path: Path
) -> None:
    keep, spool = script(), tmp_path / "re co'very" / "archived"
    assert keep(b"a" * 5000) == 0
    assert keep(b"a" * 5000) == 0
    assert (spool / NAME).read_bytes() == b"a" * 5000
    assert keep(b"label", f"{NAME}.00000028.backup") == 0
    assert sorted(path.name for path in spool.iterdir()) == [NAME]


def test_records_of_another_history_are_kept_beside_and_never_instead(
    script: Callable[..., Callable[..., int]], tmp_path: Path
) -> None:
    keep, spool = script(), tmp_path / "re co'very" / "archived"
    for content in (b"a", b"b", b"b", b"c"):
        assert keep(content) == 0
    assert (spool / NAME).read_bytes() == b"a"
    assert sorted(path.read_bytes() for path in (spool / "other").iterdir()) == [b"b", b"c"]
    assert (spool / "conflict").read_text().count(NAME) == 2


@pytest.mark.parametrize("limits", [{"limit_bytes": 0}, {"leaves_free_bytes": 1 << 60}])
def test_a_full_spool_lets_go_with_a_mark_and_never_holds_up_the_database(
    script: Callable[..., Callable[..., int]], tmp_path: Path, limits: dict[str, int]
) -> None:
    keep, spool = script(**limits), tmp_path / "re co'very" / "archived"
    assert keep(b"a" * 5000) == 0
    assert NAME in (spool / "let-go").read_text()
    assert not (spool / NAME).exists()


def test_a_spool_that_cannot_be_written_is_tried_again_until_the_database_would_suffer(
    script: Callable[..., Callable[..., int]], tmp_path: Path
) -> None:
    keep, spool = script(), tmp_path / "re co'very" / "archived"
    shutil.rmtree(spool)
    spool.write_text("a file where the folder was")
    assert keep(b"a" * 5000) == 1
    keep = script_on_broken(tmp_path, limit_bytes=1024)
    assert keep(b"a" * 5000) == 0


def script_on_broken(tmp_path: Path, *, limit_bytes: int) -> Callable[[bytes], int]:
    """The same script with a smaller limit; its spool stays broken."""
    path = tmp_path / "run" / "keep-segment"
    text = path.read_text()
    path.write_text(text.replace(str(4 * 1024 * 1024), str(limit_bytes // 1024)))

    def call(content: bytes) -> int:
        (tmp_path / "data" / "pg_wal" / NAME).write_bytes(content)
        command = f"{shlex.quote(str(path))} pg_wal/{NAME} {NAME}"
        return subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path / "data", check=False).returncode

    return call
