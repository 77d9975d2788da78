"""The ways that are compared: `cp`, ours, pgBackRest. Each backs up, restores, and says what it took."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import psutil
import psycopg

from benchmarks.recovery.database import Database, folder_bytes
from benchmarks.recovery.peer import PgBackRest
from benchmarks.servers import free_port
from hrx.ops.recovery.basebackup import list_backups, take_backup
from hrx.ops.recovery.copy_server import Ground, conninfo_of
from hrx.ops.recovery.keys import create_key
from hrx.ops.recovery.places import Folder
from hrx.ops.recovery.planning import Stock, Target, plan_restore
from hrx.ops.recovery.records import (
    create_slot_argv,
    list_received,
    list_segments,
    read_histories,
    receiver_argv,
    ship,
)
from hrx.ops.recovery.restoring import remove_copy, restore_beside
from hrx.ops.recovery.vault import Vault
from hrx.ops.targets.machine.postgres import SUPERUSER, PostgresCluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one backup or restore took. `cpu_s` is ours, our children's and the server's."""

    wall_s: float
    cpu_s: float
    stored_bytes: int = 0
    stages: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """A restored copy that runs: the acknowledged rows it lacks, and those it should not have."""

    taken: Taken
    url: str


class Way(Protocol):
    """One way of backing up and restoring."""

    name: str

    def back_up(self) -> Taken: ...

    @contextmanager
    def restored(self, *, to: datetime | None) -> Iterator[Back]:
        """A running copy at the moment; None is the newest there is."""
        yield Back(taken=Taken(wall_s=0, cpu_s=0), url="")


@contextmanager
def measured(database: Database) -> Iterator[Callable[[], tuple[float, float]]]:
    """Gives (wall, CPU) seconds since it began, of this process, its children, and the server."""
    drop_caches()
    began, before = time.monotonic(), _cpu_s(database)
    yield lambda: (time.monotonic() - began, _cpu_s(database) - before)


def drop_caches() -> bool:
    """Have the kernel forget what it read, so that disks are measured and not memory; needs root."""
    os.sync()
    with suppress(OSError):
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
        return True
    return False


def _cpu_s(database: Database) -> float:
    own = os.times()
    total = own.user + own.system + own.children_user + own.children_system
    with suppress(OSError, psutil.Error, ValueError):
        pid = int((database.cluster.data_dir / "postmaster.pid").read_text().splitlines()[0])
        server = psutil.Process(pid)
        times = server.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
        for one in server.children():
            with suppress(psutil.Error):
                spent = one.cpu_times()
                total += spent.user + spent.system
    return total


@dataclass(kw_only=True)
class Copy:
    """`cp -a` of the data directory: no backup, but what the disk can do."""

    database: Database
    name: str = "cp -a"

    @property
    def _place(self) -> Path:
        return self.database.home / "cp"

    def back_up(self) -> Taken:
        shutil.rmtree(self._place, ignore_errors=True)
        with measured(self.database) as so_far:
            # Files change under it; that is why it is no backup.
            subprocess.run(
                ["cp", "-a", str(self.database.cluster.data_dir), str(self._place)],
                check=False,
                capture_output=True,
                timeout=900,
            )
            os.sync()
            wall, cpu = so_far()
        return Taken(wall_s=wall, cpu_s=cpu, stored_bytes=folder_bytes(self._place))

    def restore(self) -> Taken:
        """The same back again, without starting a server."""
        back = self.database.home / "cp-back"
        shutil.rmtree(back, ignore_errors=True)
        with measured(self.database) as so_far:
            subprocess.run(["cp", "-a", str(self._place), str(back)], check=True, timeout=900)
            os.sync()
            wall, cpu = so_far()
        shutil.rmtree(back)
        return Taken(wall_s=wall, cpu_s=cpu)


class Ours:
    """The library as the keeper uses it: receiver, vault, plan, restore."""

    name = "HRX"

    def __init__(self, database: Database) -> None:
        self.database = database
        key = create_key(database.home / "backup.key")
        self.vault = Vault(folder=Folder(database.home / "vault"), keyring=key)
        self.received = database.home / "received"
        self.received.mkdir()
        source = database.source()
        program = database.cluster.program("pg_receivewal")
        environment = {**os.environ, **source.environment}
        subprocess.run(
            create_slot_argv(program, conninfo=source.conninfo), env=environment, check=True, timeout=30
        )
        argv = receiver_argv(program, conninfo=source.conninfo, directory=self.received)
        self.receiver = subprocess.Popen(argv, env=environment, stderr=subprocess.DEVNULL)

    def back_up(self, *, is_full: bool = True) -> Taken:
        parent = None if is_full else list_backups(self.vault)[-1]
        with measured(self.database) as so_far:
            made = take_backup(self.vault, self.database.source(), parent=parent, timeout_s=1800)
            wall, cpu = so_far()
        return Taken(wall_s=wall, cpu_s=cpu, stored_bytes=made.stored_bytes)

    @contextmanager
    def restored(self, *, to: datetime | None) -> Iterator[Back]:
        ground = Ground(
            directory=self.database.home / "copy",
            port=free_port(),
            socket_dir=self.database.home,
            run_as=self.database.cluster.run_as,
            install_dir=None,
            receiver_dir=self.received,
        )
        remove_copy(ground)
        try:
            with measured(self.database) as so_far:
                ship(self.vault, self.received)
                plan = plan_restore(self._stock(), target=Target(time=to))
                found = restore_beside(self.vault, plan, ground, timeout_s=900)
                wall, cpu = so_far()
            url = conninfo_of(found.cluster)
            yield Back(taken=Taken(wall_s=wall, cpu_s=cpu, stages=found.seconds), url=url)
        finally:
            remove_copy(ground)

    def close(self) -> None:
        self.receiver.terminate()
        self.receiver.wait(20)

    def _stock(self) -> Stock:
        _, tail = list_received(self.received)
        return Stock(
            backups=tuple(list_backups(self.vault)),
            segments=tuple(list_segments(self.vault)),
            histories=read_histories(self.vault),
            tail=tail,
        )


@dataclass(kw_only=True)
class Peer:
    """pgBackRest: two processes, zstd 3, AES-256, bundles and block increments, archive-push."""

    peer: PgBackRest
    name: str = "pgBackRest"

    @property
    def database(self) -> Database:
        return self.peer.database

    def back_up(self, *, is_full: bool = True) -> Taken:
        before = folder_bytes(self.peer.repository)
        with measured(self.database) as so_far:
            self.peer.run("backup", f"--type={'full' if is_full else 'incr'}")
            wall, cpu = so_far()
        return Taken(wall_s=wall, cpu_s=cpu, stored_bytes=folder_bytes(self.peer.repository) - before)

    @contextmanager
    def restored(self, *, to: datetime | None) -> Iterator[Back]:
        data = self.database.home / "peer-copy"
        shutil.rmtree(data, ignore_errors=True)
        cluster = PostgresCluster(
            data_dir=data,
            port=free_port(),
            socket_dir=self.database.home,
            run_as=self.database.cluster.run_as,
        )
        url = cluster.url(SUPERUSER, self.database.password, "postgres")
        target = (
            [
                "--type=time",
                f"--target={to.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00",
                "--target-action=pause",
            ]
            if to
            else ["--type=default"]
        )
        try:
            with measured(self.database) as so_far:
                self.peer.run("restore", f"--pg1-path={data}", "--archive-mode=off", *target)
                fetched, _ = so_far()
                cluster.start(timeout_s=900)
                _wait_until_done(url, is_paused=to is not None)
                wall, cpu = so_far()
            stages = {"fetch": fetched, "replay": wall - fetched}
            yield Back(taken=Taken(wall_s=wall, cpu_s=cpu, stages=stages), url=url)
        finally:
            if (data / "PG_VERSION").exists():
                cluster.stop(mode="immediate")
            shutil.rmtree(data, ignore_errors=True)


def ask(url: str, query: str) -> Sequence[object] | None:
    """The first row; None while the server takes no connections."""
    try:
        with psycopg.connect(url, connect_timeout=2) as session:
            return session.execute(query.encode()).fetchone()
    except psycopg.Error:
        return None


def _wait_until_done(url: str, *, is_paused: bool) -> None:
    """Until replay has stopped at the target, or the copy was promoted at the end of what there is."""
    query = "SELECT pg_is_in_recovery() AND pg_get_wal_replay_pause_state() = 'paused', pg_is_in_recovery()"
    deadline = time.monotonic() + 900
    while time.monotonic() < deadline:
        row = ask(url, "SELECT pg_is_in_recovery()")
        if row is not None and row[0] is False:
            return
        if row is not None and is_paused and (found := ask(url, query)) is not None and found[0]:
            return
        time.sleep(0.1)
    raise RuntimeError("the peer's copy did not come up")
