"""A PostgreSQL of HR-like size with settings as the product's, and somebody who writes into it."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil
import psycopg

from benchmarks.servers import free_port
from hrx.ops.recovery.basebackup import Source
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.postgres import SUPERUSER, PostgresCluster

#: What one scale of pgbench takes on disk.
_MB_A_SCALE: Final = 15.0
_NOTES_A_GIB: Final = 380_000
_VECTORS_A_GIB: Final = 80_000
_FILL: Final = """
CREATE EXTENSION vector;
CREATE TABLE note (id bigint PRIMARY KEY, person int, written timestamptz, body text);
INSERT INTO note SELECT n, n % 20000, now() - n * interval '1 minute',
  (SELECT string_agg(md5(n || ':' || k), '') FROM generate_series(1, 10) k) || repeat('評価面談の記録。', 12)
  FROM generate_series(1, {notes}) n;
CREATE INDEX ON note (person, written);
CREATE TABLE passage (id bigint PRIMARY KEY, embedding vector(384));
INSERT INTO passage SELECT n, (SELECT array_agg(random())::real[] FROM generate_series(1, 384)
  WHERE n > 0)::vector FROM generate_series(1, {vectors}) n;
CREATE TABLE ack (seq bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp());
VACUUM ANALYZE; CHECKPOINT;
"""


@dataclass(kw_only=True)
class Database:
    """A running server below `home`, owned by `run_as`."""

    cluster: PostgresCluster
    home: Path
    password: str

    @property
    def url(self) -> str:
        return self.cluster.url(SUPERUSER, self.password, "postgres")

    @property
    def size_bytes(self) -> int:
        return folder_bytes(self.cluster.data_dir)

    def source(self) -> Source:
        return Source(
            program=self.cluster.program("pg_basebackup"),
            conninfo=f"host=127.0.0.1 port={self.cluster.port} user={SUPERUSER}",
            environment={"PGPASSFILE": str(self.passfile)},
        )

    @property
    def passfile(self) -> Path:
        path = self.home / "pgpass"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(f"*:*:*:{SUPERUSER}:{self.password}\n")
        return path

    def run(self, *argv: str, timeout_s: float = 900) -> subprocess.CompletedProcess[str]:
        """A program as the server's user, its exit code checked."""
        done = users.run_as_user(argv, user=self.cluster.run_as, timeout_s=timeout_s, env=self.environment)
        if done.returncode != 0:
            raise RuntimeError(f"{argv[0]}: {(done.stderr or done.stdout)[-600:]}")
        return done

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PGPASSWORD": self.password, "HOME": str(self.home)}

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as session:
            done = session.execute(statement.encode())
            return done.fetchall() if done.description else []

    def lose(self) -> float:
        """`kill -9` of every process of the server, then its data directory is gone; gives the moment."""
        pid = int((self.cluster.data_dir / "postmaster.pid").read_text().splitlines()[0])
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
        for one in family:
            one.kill()
        psutil.wait_procs(family, timeout=20)
        at = time.time()
        shutil.rmtree(self.cluster.data_dir)
        return at


def folder_bytes(folder: Path) -> int:
    """What is below it, by file size."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@contextmanager
def running_database(*, gib: float, home: Path | None = None) -> Iterator[Database]:
    """A filled server of about `gib` GiB; gone after the block."""
    folder = home or Path(tempfile.mkdtemp(prefix="hrx-bench-recovery-"))
    folder.chmod(0o711)
    run_as = "nobody" if os.geteuid() == 0 else None
    if run_as:
        shutil.chown(folder, run_as, users.primary_group(run_as))
    cluster = PostgresCluster(data_dir=folder / "data", port=free_port(), socket_dir=folder, run_as=run_as)
    database = Database(cluster=cluster, home=folder, password=secrets.token_hex(12))
    cluster.init(database.password)
    cluster.start()
    try:
        _fill(database, gib=gib)
        yield database
    finally:
        cluster.stop(mode="immediate")
        shutil.rmtree(folder, ignore_errors=True)


def _fill(database: Database, *, gib: float) -> None:
    scale = max(1, round(gib * 0.45 * 1024 / _MB_A_SCALE))
    base = ("-h", "127.0.0.1", "-p", str(database.cluster.port), "-U", SUPERUSER, "postgres")
    database.run(database.cluster.program("pgbench"), "-i", "-q", "-s", str(scale), *base)
    for statement in _FILL.format(
        notes=round(_NOTES_A_GIB * gib), vectors=max(1000, round(_VECTORS_A_GIB * gib * 0.6))
    ).split(";"):
        if statement.strip():
            database.execute(statement)


@dataclass
class Writer:
    """One client that commits rows one by one, about `per_s` a second; it remembers what was acknowledged."""

    url: str
    per_s: float
    acknowledged: list[tuple[int, float]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self, *, first: int = 1) -> None:
        self._thread = threading.Thread(target=self._write, args=(first,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join(20)

    def _write(self, first: int) -> None:
        try:
            with psycopg.connect(self.url, autocommit=True) as session:
                sequence, due = first, time.monotonic()
                while not self._stop.is_set():
                    session.execute("INSERT INTO ack (seq) VALUES (%s)", (sequence,))
                    self.acknowledged.append((sequence, time.time()))
                    sequence, due = sequence + 1, due + 1 / self.per_s
                    self._stop.wait(max(0.0, due - time.monotonic()))
        except psycopg.Error:
            # The server was killed under it: that is what it is for.
            return


@contextmanager
def load(
    database: Database, *, clients: int = 2, seconds: int = 3600, rate: int | None = None
) -> Iterator[Path]:
    """pgbench's own mix while the block runs; gives its log of latencies a second."""
    log = database.home / f"load-{time.monotonic_ns()}"
    process = subprocess.Popen(
        [
            database.cluster.program("pgbench"), "-n", "-c", str(clients), "-T", str(seconds), "-P", "1",
            *(["-R", str(rate)] if rate else []),
            "-h", "127.0.0.1", "-p", str(database.cluster.port), "-U", SUPERUSER, "postgres",
        ],
        stdout=subprocess.DEVNULL, stderr=log.open("w"), env=database.environment,
    )  # fmt: skip
    try:
        yield log
    finally:
        process.terminate()
        process.wait(20)


def transactions_per_s(log: Path, *, first: int, last: int) -> float:
    """pgbench's own figure a second, averaged over some of its lines."""
    lines = [line for line in log.read_text().splitlines() if line.startswith("progress:")][first:last]
    found = [float(line.split(" tps")[0].rsplit(" ", 1)[1]) for line in lines]
    return sum(found) / len(found) if found else 0.0
