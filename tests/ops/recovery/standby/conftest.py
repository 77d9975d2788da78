"""Two small servers, one following the other, and people who write to whoever is the writer."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest

from hrx.kit.settings import load
from hrx.ops.recovery.basebackup import Source
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.standby import supervised
from hrx.ops.recovery.standby.building import Upstream, build_standby
from hrx.ops.recovery.standby.members import Member, find_view, view
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.fencing import kill_processes_on
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.postgres import PostgresCluster
from tests.conftest import ROOT, UNPRIVILEGED_USER, free_port
from tests.ops.recovery.conftest import PASSWORD


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """`first` begins as the primary, `second` as its standby."""

    home: Path
    first: Member
    second: Member
    passfile: Path

    def upstream(self, primary: Member) -> Upstream:
        return Upstream(
            conninfo=f"host=127.0.0.1 port={primary.cluster.port} user=hrx_admin", passfile=self.passfile
        )

    def source(self, primary: Member) -> Source:
        return Source(
            program=primary.cluster.program("pg_basebackup"),
            conninfo=f"host=127.0.0.1 port={primary.cluster.port} user=hrx_admin",
            environment={"PGPASSFILE": str(self.passfile)},
        )

    def build(self, primary: Member, standby: Member) -> None:
        build_standby(primary, standby.cluster, self.source(primary), self.upstream(primary), timeout_s=60)
        standby.cluster.start()
        self.wait(lambda: is_close(primary, standby))

    @staticmethod
    def wait(is_so: Callable[[], bool], *, within_s: float = 20) -> None:
        deadline = time.monotonic() + within_s
        while not is_so():
            assert time.monotonic() < deadline, "did not come true in time"
            time.sleep(0.05)


def is_close(primary: Member, standby: Member) -> bool:
    there = find_view(standby)
    return there is not None and not there.is_writer and there.replayed >= view(primary).received


def execute(member: Member, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(member.admin_url, autocommit=True) as session:
        done = session.execute(statement.encode())
        return done.fetchall() if done.description else []


@contextmanager
def running_pair() -> Iterator[Pair]:
    home = Path(tempfile.mkdtemp(prefix="hrx-test-pair-"))
    home.chmod(0o711)
    run_as = UNPRIVILEGED_USER if os.geteuid() == 0 else None
    if run_as:
        shutil.chown(home, run_as)

    def member(name: str) -> Member:
        cluster = PostgresCluster(
            data_dir=home / name / "data", port=free_port(), socket_dir=home, run_as=run_as
        )
        cluster.data_dir.parent.mkdir()
        if run_as:
            shutil.chown(cluster.data_dir.parent, run_as)
        return Member(name=name, cluster=cluster, admin_url=cluster.url("hrx_admin", PASSWORD, "postgres"))

    passfile = home / "pgpass"
    passfile.touch(mode=0o600)
    passfile.write_text(f"*:*:*:hrx_admin:{PASSWORD}\n")
    if run_as:
        shutil.chown(passfile, run_as)
    pair = Pair(home=home, first=member("first"), second=member("second"), passfile=passfile)
    try:
        pair.first.cluster.init(PASSWORD)
        pair.first.cluster.start()
        execute(pair.first, "CREATE TABLE note (id bigint PRIMARY KEY, words text)")
        pair.build(pair.first, pair.second)
        yield pair
    finally:
        for one in (pair.first, pair.second):
            kill_processes_on(one.cluster.data_dir)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def pair() -> Iterator[Pair]:
    with running_pair() as found:
        yield found


@dataclass(slots=True)
class Writers:
    """Threads that commit one row after another to the writer by its own word. `acknowledged` holds the ids
    that the server said it saved, with the moment of it (monotonic seconds)."""

    pair: Pair
    acknowledged: list[tuple[float, int]] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, number: int) -> None:
        at, turn = number * 10_000_000, 0
        while not self._ended.is_set():
            member = (self.pair.first, self.pair.second)[turn % 2]
            turn += 1
            with suppress(psycopg.Error):
                self._write_to(member, at)
            with self._lock:
                at = max([i for _, i in self.acknowledged if i // 10_000_000 == number], default=at) + 2
            self._ended.wait(0.01)

    def _write_to(self, member: Member, at: int) -> None:
        with psycopg.connect(member.admin_url, autocommit=True, connect_timeout=2) as session:
            row = session.execute("SELECT pg_is_in_recovery()").fetchone()
            if row is None or row[0]:
                return
            while not self._ended.is_set():
                at += 1
                session.execute("INSERT INTO note VALUES (%s, %s)", (at, "x" * 200))
                with self._lock:
                    self.acknowledged.append((time.monotonic(), at))

    def end(self) -> None:
        self._ended.set()

    @property
    def outage_s(self) -> float:
        """The longest time without any acknowledged commit."""
        moments = sorted(at for at, _ in self.acknowledged)
        return max(b - a for a, b in pairwise(moments))

    def lost_on(self, member: Member) -> set[int]:
        there = {int(str(row[0])) for row in execute(member, "SELECT id FROM note")}
        return {one for _, one in self.acknowledged} - there


@contextmanager
def writing(pair: Pair, *, count: int = 4) -> Iterator[Writers]:
    writers = Writers(pair=pair)
    threads = [threading.Thread(target=writers.run, args=(n + 1,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield writers
    finally:
        writers.end()
        for thread in threads:
            thread.join(timeout=10)


@dataclass(frozen=True, slots=True)
class Hands:
    """Starts and stops the two servers of a site as the supervisor would; it starts nothing by itself.
    `stopped` are parts that somebody asked to stop without waiting."""

    primary: Member
    standby: Member
    stopped: list[str] = field(default_factory=list)

    def start(self, name: str, *, timeout_s: float) -> None:
        server = self._servers()[name].cluster
        if not server.is_running():
            server.start(timeout_s)

    def stop(self, name: str, *, timeout_s: float) -> None:
        self._servers()[name].cluster.stop("fast")

    def request_stop(self, name: str) -> None:
        self.stopped.append(name)

    def _servers(self) -> dict[str, Member]:
        return {"postgres": self.primary, supervised.PART: self.standby}


@pytest.fixture
def site() -> Iterator[Site]:
    home = Path(tempfile.mkdtemp(prefix="hrx-test-stand-"))
    home.chmod(0o711)
    run_as = UNPRIVILEGED_USER if os.geteuid() == 0 else None
    layout = Layout(root=ROOT, var=home / "var", user=run_as, tools=home / "tools")
    layout.make_folders()
    if run_as:
        shutil.chown(layout.var, run_as)
    ports = {"postgres": free_port(), "postgres_standby": free_port(), "database": free_port()}
    layout.ports_file.write_text(json.dumps(ports))
    layout.secrets_file.touch(mode=0o600)
    layout.secrets_file.write_text(f"HRX_POSTGRES_ADMIN_PASSWORD={PASSWORD}\n")
    passfile = layout.run / "pgpass"
    passfile.touch(mode=0o600)
    passfile.write_text(f"*:*:*:hrx_admin:{PASSWORD}\n")
    if run_as:
        shutil.chown(passfile, run_as)
    settings = load(OpsSettings).model_copy(
        update={
            "standby_mode": "async",
            "backup_conninfo": f"host=127.0.0.1 port={ports['postgres']} user=hrx_admin dbname=postgres",
            "backup_passfile": passfile,
        }
    )
    made = Site(settings=settings, layout=layout)
    primary, standby = supervised.open_pair(made)
    try:
        primary.cluster.init(PASSWORD)
        primary.cluster.start()
        execute(primary, "CREATE TABLE note (id bigint PRIMARY KEY)")
        yield made
    finally:
        for one in (primary, standby):
            kill_processes_on(one.cluster.data_dir)
        shutil.rmtree(home, ignore_errors=True)
