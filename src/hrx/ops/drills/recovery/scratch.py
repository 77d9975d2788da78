"""The scratch ground of a recovery drill: a PostgreSQL with the product's schema and demo company, its own
vault, receiver and keeper, all in one temporary folder. Nothing of the living stack is read or written."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import psutil

from hrx.kit import clock
from hrx.kit.errors import Text, Unavailable
from hrx.kit.settings import to_environment
from hrx.ops.drills.recovery.writing import TABLE, Writer
from hrx.ops.ledger.entries import Ledger, open_ledger
from hrx.ops.recovery.backing_up import back_up
from hrx.ops.recovery.keys import create_key
from hrx.ops.recovery.ledger_copy import copy_ledger
from hrx.ops.recovery.positions import read_position
from hrx.ops.recovery.remembering import SiteMemory
from hrx.ops.recovery.site import Site
from hrx.ops.seams.sessions import opened_session
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine import database, users
from hrx.ops.targets.machine.backups import SPOOL_LIMIT_BYTES, BackupDoor
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.postgres import SUPERUSER, PostgresCluster
from hrx.ops.targets.machine.roles import BACKUP_ROLE, LOGIN_ROLES, create_roles_and_database

_POLL_S: Final = 0.05
_READY_S: Final = 60.0
_ENDS_S: Final = 30.0
#: Beside the product's own rows: a table over many pages, which a drill may damage.
_ROWS: Final = f"""
CREATE SCHEMA drill;
CREATE TABLE {TABLE} (number bigint PRIMARY KEY, xid bigint NOT NULL, at timestamptz NOT NULL);
CREATE TABLE drill.note (id bigint PRIMARY KEY, tenant_id bigint NOT NULL, body text NOT NULL);
INSERT INTO drill.note SELECT n, 1 + n % 3, repeat(md5(n::text), 8) FROM generate_series(1, 20000) AS n;
"""  # noqa: S608 - constants of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """A stopped database with the product's schema and rows, copied for each drill; `passwords` by role."""

    layout: Layout
    passwords: Mapping[str, str]

    @property
    def data_dir(self) -> Path:
        return self.layout.postgres_data


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a drill's ground has besides: a copy elsewhere, another limit of the second way's spool."""

    has_elsewhere: bool = False
    spool_limit_bytes: int = SPOOL_LIMIT_BYTES


@dataclass(kw_only=True)
class Scratch:
    """A running server that may be broken, its site, and whoever keeps and writes. `home`: all of it."""

    site: Site
    cluster: PostgresCluster
    door: BackupDoor
    passwords: Mapping[str, str]
    home: Path
    receiver: subprocess.Popen[bytes] | None = None
    keeper: subprocess.Popen[bytes] | None = None
    writers: list[Writer] = field(default_factory=list)

    def url(self, role: str = SUPERUSER) -> str:
        return self.cluster.url(role, self.passwords[role], database.DATABASE)

    def do(self, *statements: str) -> None:
        with opened_session(self.url(), timeout_s=60, is_read_only=False) as session:
            for one in statements:
                session.rows(one)

    # `object`: columns differ in type.
    def ask(self, statement: str) -> list[tuple[object, ...]]:
        with opened_session(self.url(), timeout_s=60) as session:
            return session.rows(statement)

    def open_ledger(self) -> Ledger:
        """The site's own, not this machine's."""
        return open_ledger(self.site.settings.ledger_location)

    def start_writer(self) -> Writer:
        """Somebody who commits rows, and remembers what was acknowledged. Given once it has begun."""
        writer = Writer(url=self.url())
        self.writers.append(writer)
        writer.start()
        wait_until(lambda: len(writer.acknowledged) > 100, what="the writer")
        return writer

    def start_receiver(self) -> None:
        self.receiver = subprocess.Popen(
            self.door.receiver_argv(),
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PGPASSFILE": str(self.door.passfile)},
            user=self.cluster.run_as,
            group=users.primary_group(self.cluster.run_as) if self.cluster.run_as else None,
            extra_groups=[] if self.cluster.run_as else None,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def start_keeper(self, *, largest_file_kib: int | None = None) -> None:
        """The keeper as the machine starts it: `python -m hrx.ops.recovery.keeping`.

        `largest_file_kib`: no file of its may grow beyond it, as on a disk that is full."""
        argv = [sys.executable, "-m", "hrx.ops.recovery.keeping"]
        if largest_file_kib is not None:
            # In blocks of 512 bytes (POSIX).
            argv = ["/bin/sh", "-c", f'ulimit -f {2 * largest_file_kib}; exec "$0" "$@"', *argv]
        layout = self.site.layout
        machine = {"HRX_VAR_DIR": str(layout.var), "HRX_TOOLS_DIR": str(layout.tools)}
        if layout.user:
            machine["HRX_SERVICE_USER"] = layout.user
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        with (layout.log / "keeper.log").open("ab") as log:
            self.keeper = subprocess.Popen(
                argv,
                cwd=layout.root,
                env={**kept, **to_environment(self.site.settings), **machine},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop_receiver(self, number: signal.Signals = signal.SIGKILL) -> None:
        end_family(self.receiver, number)
        self.receiver = None

    def stop_keeper(self) -> None:
        end_family(self.keeper, signal.SIGTERM)
        self.keeper = None

    def wait_until_kept(self) -> None:
        """Until the keeper tells of a receiver that is at work."""

        def is_kept() -> bool:
            position = read_position(self.site.position_file)
            return position is not None and position.answers and position.is_receiving

        wait_until(is_kept, what="the keeper")

    def wait_until_received(self) -> None:
        """Until the receiver has everything that was written up to now."""
        ((end,),) = self.ask("SELECT pg_current_wal_flush_lsn()::text")
        wait_until(
            lambda: self.ask(f"SELECT flush_lsn >= '{end}' FROM pg_stat_replication") == [(True,)],  # noqa: S608
            what="the records",
        )

    def end_everything(self) -> None:
        """`kill -9` of keeper, receiver, and whatever server still runs below our own folder: the living one,
        copies, proofs under way."""
        end_family(self.keeper, signal.SIGKILL)
        end_family(self.receiver, signal.SIGKILL)
        self.keeper = self.receiver = None
        end_below(self.home)

    def kill_server(self) -> None:
        """`kill -9` of every process of the server, without a word before."""
        pid = int((self.cluster.data_dir / "postmaster.pid").read_text().splitlines()[0])
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
        for one in family:
            try:
                one.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(family, timeout=20)


def wait_until(is_so: Callable[[], bool], *, what: str, within_s: float = _READY_S) -> float:
    """Seconds that it took. Raises Unavailable."""
    began = clock.monotonic_s()
    never = threading.Event()
    while not is_so():
        if clock.monotonic_s() - began > within_s:
            raise Unavailable(
                Text(
                    ja=f"訓練の足場で {within_s:g} 秒待ちましたが、進みません: {what}",
                    en=f"The drill's ground did not get there within {within_s:g} s: {what}",
                ),
                code="drill.ground_stuck",
            )
        never.wait(_POLL_S)
    return clock.monotonic_s() - began


@contextmanager
def opened_seed(machine: Layout) -> Iterator[Seed]:
    """Made once for any number of drills: initdb, roles, migrations, the demo company. `machine`: whose
    checkout, tools and user are used; nothing else of it."""
    home = make_home()
    try:
        layout = replace(machine, var=home / "seed")
        layout.make_folders()
        passwords = {role: secrets.token_hex(12) for role in (*LOGIN_ROLES, SUPERUSER)}
        cluster = replace(_cluster(layout, port=find_free_port()), archive_command=None)
        cluster.init(passwords[SUPERUSER])
        cluster.start()
        try:
            admin = cluster.url(SUPERUSER, passwords[SUPERUSER], "postgres")
            create_roles_and_database(admin, passwords, database=database.DATABASE)
            owner = cluster.url("hrx_owner", passwords["hrx_owner"], database.DATABASE)
            database.migrate(layout, owner_url=owner, identity=cluster.system_identifier())
            app = cluster.url("hrx_app", passwords["hrx_app"], database.DATABASE)
            variables = {
                "HRX_DATABASE_URL": app,
                "HRX_SESSION_KEYS": secrets.token_urlsafe(32),
                "HRX_SEAL_KEYS": secrets.token_urlsafe(32),
                "HRX_DEMO_PASSWORD": secrets.token_hex(12),
                # Nobody works here: documents would wait for ever to be read.
                "HRX_DEMO_DOCUMENTS": "false",
            }
            database.load_demo(layout, variables=variables)
            inside = cluster.url(SUPERUSER, passwords[SUPERUSER], database.DATABASE)
            with opened_session(inside, timeout_s=60, is_read_only=False) as session:
                for one in _ROWS.split(";"):
                    if one.strip():
                        session.rows(one)
        finally:
            cluster.stop()
        yield Seed(layout=layout, passwords=passwords)
    finally:
        # Whoever was ended while the server came up has had no moment to stop it.
        end_below(home)
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def opened_scratch(seed: Seed, wanted: Wanted = Wanted()) -> Iterator[Scratch]:
    """Built from the seed, kept by receiver and keeper with one full backup, given, and taken away whatever
    happens."""
    home = make_home()
    scratch: Scratch | None = None
    try:
        scratch = _build(seed, home, wanted)
        scratch.start_receiver()
        wait_until(
            lambda: (
                scratch.ask("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == [(1,)]
            ),
            what="the receiver",
        )
        back_up(scratch.site, parent=None, why="drill")
        copy_ledger(scratch.site.vault, scratch.site.settings.ledger_location)
        scratch.start_keeper()
        scratch.wait_until_kept()
        yield scratch
    finally:
        if scratch is not None:
            _take_away(scratch)
        end_below(home)
        shutil.rmtree(home, ignore_errors=True)


def _build(seed: Seed, home: Path, wanted: Wanted) -> Scratch:
    layout = replace(seed.layout, var=home / "var")
    layout.make_folders()
    port = find_free_port()
    door = BackupDoor(
        run=layout.run,
        recovery=layout.recovery,
        port=port,
        user=layout.user,
        limit_bytes=wanted.spool_limit_bytes,
    )
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    settings = OpsSettings.model_validate(
        {
            "var_dir": layout.var,
            "backup_port": find_free_port(),
            "backup_conninfo": door.conninfo,
            "backup_passfile": door.passfile,
            "backup_heartbeat_s": 1.0,
            "ledger_url": f"sqlite:///{layout.var / 'ops' / 'ledger.sqlite3'}",
            "offsite_url": f"file:{elsewhere}" if wanted.has_elsewhere else None,
        }
    )
    site = Site(settings=settings, layout=layout)
    create_key(site.key_file)
    open_ledger(settings.ledger_location).store.close()
    door.prepare_spool()
    shutil.copytree(seed.data_dir, layout.postgres_data, symlinks=True)
    cluster = replace(_cluster(layout, port=port), archive_command=door.archive_command)
    shutil.copyfile(_cluster(seed.layout, port=port).marker, cluster.marker)
    if layout.user:
        for path in (layout.postgres_data, *layout.postgres_data.rglob("*")):
            shutil.chown(path, layout.user, users.primary_group(layout.user))
    door.prepare_receiver(cluster, password=seed.passwords[BACKUP_ROLE])
    cluster.prepare(memory=SiteMemory(site))
    cluster.start()
    return Scratch(site=site, cluster=cluster, door=door, passwords=seed.passwords, home=home)


def _take_away(scratch: Scratch) -> None:
    for writer in scratch.writers:
        writer.stop()
    scratch.end_everything()
    shutil.rmtree(scratch.site.layout.sockets, ignore_errors=True)


def end_family(process: subprocess.Popen[bytes] | None, number: signal.Signals) -> None:
    """The process with its children; harmless when it is gone."""
    if process is None:
        return
    if number is signal.SIGKILL:
        with suppress(psutil.NoSuchProcess):
            end_tree(psutil.Process(process.pid))
    else:
        process.send_signal(number)
    try:
        process.wait(_ENDS_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_ENDS_S)


def end_below(home: Path) -> None:
    """`kill -9` of whatever was started from below a folder, with its children."""
    for one in psutil.process_iter(["cmdline"]):
        if any(str(home) in word for word in one.info["cmdline"] or ()):
            end_tree(one)


def end_tree(parent: psutil.Process) -> None:
    """`kill -9` of a process and everything below it."""
    try:
        family = [*parent.children(recursive=True), parent]
    except psutil.NoSuchProcess:
        return
    for one in family:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=_ENDS_S)


def _cluster(layout: Layout, *, port: int) -> PostgresCluster:
    site = Site(settings=OpsSettings(var_dir=layout.var), layout=layout)
    found = site.cluster_at(layout.postgres_data, port=port)
    # As the machine has it: the server's user may write nowhere else.
    return replace(found, socket_dir=layout.postgres_data)


def make_home() -> Path:
    """A folder for one drill, which the user of its server may pass through."""
    home = Path(tempfile.mkdtemp(prefix="hrx-drill-"))
    home.chmod(0o711)
    return home


def find_free_port() -> int:
    """A port of the loopback that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])
