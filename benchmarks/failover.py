"""Handing the writing over under load: how long nobody can write, and which acknowledged commits are gone.

The time to notice that a primary died is not in it: the switch begins when the primary is killed."""

from __future__ import annotations

import itertools
import shutil
import signal
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.figures import Aim, Figure, Section
from benchmarks.recovery.database import Database, running_database
from benchmarks.servers import free_port
from hrx.ops.recovery.basebackup import Source
from hrx.ops.recovery.standby.building import STANDBY_NAME, Upstream, build_standby
from hrx.ops.recovery.standby.members import (
    Member,
    find_view,
    run,
    view,
    write_own_settings,
)
from hrx.ops.recovery.standby.promoting import Switched, fail_over, switch_over
from hrx.ops.recovery.standby.rejoining import rewind
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.fencing import (
    kill_processes_on,
    list_processes_on,
)
from hrx.ops.targets.machine.postgres import SUPERUSER, PostgresCluster

_WRITERS: Final = 4
_LOAD_S: Final = 1.5
_BEHIND_S: Final = 0.7
_A_WRITER: Final = 100_000_000
OUTAGE: Final = Aim(bound=3, is_lower_bound=False, unit="s")
NOTHING_LOST: Final = Aim(bound=0, is_lower_bound=False, unit="commits")


@dataclass(slots=True)
class _Load:
    """People who write to whoever is the writer by its own word; `saved` is what they were told is saved."""

    members: tuple[Member, Member]
    saved: list[tuple[float, int]] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _ids: dict[int, int] = field(default_factory=dict)

    def write(self, number: int) -> None:
        for turn in itertools.count():
            if self._ended.is_set():
                return
            with suppress(psycopg.Error):
                self._write_to(self.members[turn % 2], number)
            self._ended.wait(0.005)

    def _write_to(self, member: Member, number: int) -> None:
        with psycopg.connect(member.admin_url, autocommit=True, connect_timeout=2) as session:
            row = session.execute("SELECT pg_is_in_recovery()").fetchone()
            if row is None or row[0]:
                return
            while not self._ended.is_set():
                at = self._ids[number] = self._ids.get(number, number * _A_WRITER) + 1
                session.execute("INSERT INTO ack (seq) VALUES (%s)", (at,))
                self.saved.append((time.monotonic(), at))

    def end(self) -> None:
        self._ended.set()

    @property
    def outage_s(self) -> float:
        moments = sorted(at for at, _ in self.saved)
        return max(b - a for a, b in itertools.pairwise(moments))


@dataclass(slots=True)
class _Pair:
    database: Database
    primary: Member
    standby: Member
    is_sync: bool = False

    def upstream(self, of: Member) -> Upstream:
        return Upstream(
            conninfo=f"host=127.0.0.1 port={of.cluster.port} user={SUPERUSER}",
            passfile=self.database.passfile,
        )

    def build(self) -> float:
        began = time.monotonic()
        kill_processes_on(self.standby.cluster.data_dir)
        source = Source(
            program=self.primary.cluster.program("pg_basebackup"),
            conninfo=f"host=127.0.0.1 port={self.primary.cluster.port} user={SUPERUSER}",
            environment={"PGPASSFILE": str(self.database.passfile)},
        )
        build_standby(
            self.primary,
            self.standby.cluster,
            source,
            self.upstream(self.primary),
            timeout_s=600,
        )
        self.start_standby()
        return time.monotonic() - began

    def rewind(self, kept: Path) -> float:
        began = time.monotonic()
        rewind(
            self.standby,
            self.primary,
            self.upstream(self.primary),
            passfile=self.database.passfile,
            kept_dir=kept,
        )
        self.start_standby()
        return time.monotonic() - began

    def start_standby(self) -> None:
        self.standby.cluster.start(timeout_s=120)
        names = STANDBY_NAME if self.is_sync else None
        deadline = time.monotonic() + 60
        while True:
            there = find_view(self.standby)
            if there is not None and there.replayed >= view(self.primary).received:
                break
            if time.monotonic() > deadline:
                raise RuntimeError("the standby does not catch up")
            time.sleep(0.05)
        write_own_settings(self.primary.cluster, {"synchronous_standby_names": names})
        run(self.primary, "SELECT pg_reload_conf()")

    def swap(self) -> None:
        self.primary, self.standby = self.standby, self.primary


def measure_failover(*, gib: float, rounds: int) -> Section:
    """Crash, crash with the disk lost, standby behind, and planned; asynchronous and synchronous."""
    section = Section(
        name=f"fail-over: {gib:g} GiB, {_WRITERS} writers, {rounds} rounds each",
        notes=(
            "outage: longest time without an acknowledged commit; without the time to notice a crash",
            "disk lost: kill -9 of every process and the data directory removed; no receiver beside it",
        ),
    )
    with _running(gib) as pair:
        back: dict[str, list[float]] = {"rewind": [], "copy anew": []}
        for is_sync in (False, True):
            pair.is_sync = is_sync
            back["copy anew"].append(pair.build())
            for name, case in _CASES.items():
                if is_sync and name == "standby behind":
                    continue
                outages, lost = [], []
                for number in range(rounds):
                    outage_s, gone = _round(pair, case)
                    outages.append(outage_s)
                    lost.append(float(gone))
                    if pair.standby.cluster.data_dir.exists():
                        back["rewind"].append(pair.rewind(pair.database.home / f"kept-{name}-{number}"))
                    else:
                        back["copy anew"].append(pair.build())
                mode = "sync" if is_sync else "async"
                section.figures.extend(
                    [
                        Figure(
                            what=f"{name}, {mode}: write outage",
                            value=statistics.median(outages),
                            unit="s",
                            aim=OUTAGE,
                            raw={"rounds": outages},
                        ),
                        Figure(
                            what=f"{name}, {mode}: acknowledged commits lost, most of a round",
                            value=max(lost),
                            unit="commits",
                            aim=NOTHING_LOST if is_sync or name != "disk lost" else None,
                            raw={"rounds": lost},
                        ),
                    ]
                )
        for way, seconds in back.items():
            section.figures.append(
                Figure(
                    what=f"old primary back as standby, {way}",
                    value=statistics.median(seconds),
                    unit="s",
                    raw={"rounds": seconds},
                )
            )
    return section


def _round(pair: _Pair, case: Callable[[_Pair], Switched]) -> tuple[float, int]:
    """One switch under load; gives the outage in seconds and the lost commits."""
    load = _Load(members=(pair.primary, pair.standby))
    run(pair.primary, "TRUNCATE ack")
    threads = [threading.Thread(target=load.write, args=(n + 1,), daemon=True) for n in range(_WRITERS)]
    for one in threads:
        one.start()
    time.sleep(_LOAD_S)
    case(pair)
    pair.swap()
    time.sleep(_LOAD_S)
    load.end()
    for one in threads:
        one.join(timeout=20)
    there = {int(str(row[0])) for row in run(pair.primary, "SELECT seq FROM ack", timeout_s=120)}
    return load.outage_s, len({one for _, one in load.saved} - there)


def _nothing() -> None:
    """No supervisor keeps these servers."""


def _planned(pair: _Pair) -> Switched:
    return switch_over(
        pair.primary,
        pair.standby,
        run_id="bench",
        stop_old=_nothing,
        start_old=pair.primary.cluster.start,
    )


def _crash(pair: _Pair) -> Switched:
    kill_processes_on(pair.primary.cluster.data_dir)
    return _fail_over(pair)


def _disk_lost(pair: _Pair) -> Switched:
    kill_processes_on(pair.primary.cluster.data_dir)
    # Gone at once, as a disk goes; deleting it file by file is not part of the outage.
    pair.primary.cluster.data_dir.rename(pair.database.home / "gone")
    done = _fail_over(pair)
    shutil.rmtree(pair.database.home / "gone")
    return done


def _behind(pair: _Pair) -> Switched:
    """Its receiver hangs for a while before the crash."""
    hung = [
        one
        for one in list_processes_on(pair.standby.cluster.data_dir)
        if "walreceiver" in " ".join(one.cmdline())
    ]
    for one in hung:
        one.send_signal(signal.SIGSTOP)
    time.sleep(_BEHIND_S)
    kill_processes_on(pair.primary.cluster.data_dir)
    for one in hung:
        one.send_signal(signal.SIGCONT)
    return _fail_over(pair)


def _fail_over(pair: _Pair) -> Switched:
    return fail_over(
        pair.primary,
        pair.standby,
        run_id="bench",
        stop_old=_nothing,
        received_dirs=[],
        loss_max_bytes=None,
    )


_CASES: Final[dict[str, Callable[[_Pair], Switched]]] = {
    "planned": _planned,
    "crash": _crash,
    "standby behind": _behind,
    "disk lost": _disk_lost,
}


@contextmanager
def _running(gib: float) -> Iterator[_Pair]:
    with running_database(gib=gib) as database:
        second = PostgresCluster(
            data_dir=database.home / "second" / "data",
            port=free_port(),
            socket_dir=database.home,
            run_as=database.cluster.run_as,
        )
        second.data_dir.parent.mkdir()
        passfile = database.passfile
        for path in (second.data_dir.parent, passfile):
            users.give_to(
                path,
                user=database.cluster.run_as,
                mode=0o700 if path.is_dir() else 0o600,
            )
        pair = _Pair(
            database=database,
            primary=Member(name="first", cluster=database.cluster, admin_url=database.url),
            standby=Member(
                name="second",
                cluster=second,
                admin_url=second.url(SUPERUSER, database.password, "postgres"),
            ),
        )
        first = pair.primary
        try:
            yield pair
        finally:
            for cluster in (second, first.cluster):
                kill_processes_on(cluster.data_dir)
