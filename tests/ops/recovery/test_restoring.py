"""The whole way on a real server: received, shipped, lost, brought back beside, and read."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from hrx.ops.recovery.basebackup import list_backups, take_backup
from hrx.ops.recovery.copy_server import Ground, conninfo_of
from hrx.ops.recovery.planning import NotRestorable, Stock, Target, plan_restore
from hrx.ops.recovery.records import (
    create_slot_argv,
    list_received,
    list_segments,
    read_histories,
    receiver_argv,
    ship,
)
from hrx.ops.recovery.restoring import Restored, remove_copy, restore_beside
from hrx.ops.recovery.vault import Vault
from hrx.ops.seams.sessions import opened_session
from hrx.ops.targets.machine.postgres import PostgresCluster
from tests.conftest import free_port
from tests.ops.recovery.conftest import Living

pytestmark = [pytest.mark.req("R6.1-1", "R6.2-1"), pytest.mark.timeout(300)]


def eventually(is_so: Callable[[], bool], *, within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ask(cluster: PostgresCluster, query: str) -> Sequence[object] | None:
    with opened_session(conninfo_of(cluster), timeout_s=10) as session:
        return session.row(query)


class Receiver:
    """A running pg_receivewal."""

    def __init__(self, living: Living) -> None:
        self.directory = living.home / f"wal-{time.monotonic_ns()}"
        self.directory.mkdir()
        program = living.cluster.program("pg_receivewal")
        source = living.source
        subprocess.run(
            create_slot_argv(program, conninfo=source.conninfo),
            env=dict(source.environment),
            check=True,
            timeout=20,
        )
        argv = receiver_argv(program, conninfo=source.conninfo, directory=self.directory)
        self.process = subprocess.Popen(argv, env=dict(source.environment))
        self._living = living

    def wait_for(self, living: Living) -> None:
        """Until everything that was committed by now has been received."""
        (row,) = living.execute("SELECT pg_current_wal_flush_lsn()::text")
        flushed = f"SELECT flush_lsn >= '{row[0]}' FROM pg_stat_replication"
        eventually(lambda: living.execute(flushed) == [(True,)])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def receiver(living: Living) -> Iterator[Receiver]:
    running = Receiver(living)
    try:
        yield running
    finally:
        running.stop()
        if living.cluster.is_running():
            eventually(lambda: living.execute("SELECT active FROM pg_replication_slots") == [(False,)])
            living.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")


@pytest.fixture
def ground(living: Living, receiver: Receiver, tmp_path: Path) -> Iterator[Ground]:
    found = Ground(
        directory=living.home / f"copy-{tmp_path.name}",
        port=free_port(),
        socket_dir=living.home,
        run_as=living.cluster.run_as,
        install_dir=None,
        receiver_dir=receiver.directory,
    )
    yield found
    remove_copy(found)


def stock_of(vault: Vault, receiver: Receiver, *, known_end: int | None = None) -> Stock:
    _, tail = list_received(receiver.directory)
    return Stock(
        backups=tuple(list_backups(vault)),
        segments=tuple(list_segments(vault)),
        histories=read_histories(vault),
        tail=tail,
        tail_end=known_end,
    )


def restore(vault: Vault, receiver: Receiver, ground: Ground, target: Target) -> Restored:
    plan = plan_restore(stock_of(vault, receiver), target=target)
    return restore_beside(vault, plan, ground, timeout_s=60)


def fill(living: Living, first: int, last: int) -> None:
    living.execute(f"INSERT INTO entry SELECT n, now() FROM generate_series({first}, {last}) n")


def count(restored: Restored) -> tuple[object, ...]:
    row = ask(restored.cluster, "SELECT count(*), max(id) FROM entry")
    assert row is not None
    return tuple(row)


@pytest.fixture
def entries(living: Living) -> None:
    living.execute("DROP TABLE IF EXISTS entry")
    living.execute("CREATE TABLE entry (id int PRIMARY KEY, at timestamptz)")


def test_any_moment_comes_back_exactly_and_the_newest_to_the_last_commit(
    living: Living, receiver: Receiver, vault: Vault, ground: Ground, entries: None
) -> None:
    fill(living, 1, 1000)
    full = take_backup(vault, living.source, parent=None, timeout_s=60)
    fill(living, 1001, 2000)
    take_backup(vault, living.source, parent=full, timeout_s=60)
    fill(living, 2001, 3000)
    living.execute("SELECT pg_switch_wal()")
    moment = datetime.now(UTC)
    fill(living, 3001, 4000)
    receiver.wait_for(living)
    ship(vault, receiver.directory)
    restored = restore(vault, receiver, ground, Target(time=moment))
    assert count(restored) == (3000, 3000)
    assert restored.last_commit_at is not None
    assert restored.last_commit_at <= moment
    assert ask(restored.cluster, "SELECT pg_is_in_recovery()") == (True,)
    assert living.execute("SELECT count(*) FROM entry") == [(4000,)]
    remove_copy(ground)
    newest = restore(vault, receiver, ground, Target())
    assert count(newest) == (4000, 4000)


def test_a_hole_is_refused_by_name_and_nothing_is_restored_short(
    living: Living, receiver: Receiver, vault: Vault, ground: Ground, entries: None
) -> None:
    take_backup(vault, living.source, parent=None, timeout_s=60)
    for step in range(4):
        fill(living, step * 10 + 1, step * 10 + 10)
        living.execute("SELECT pg_switch_wal()")
    receiver.wait_for(living)
    eventually(lambda: len(list_received(receiver.directory)[0]) >= 4)
    ship(vault, receiver.directory)
    kept = list_segments(vault)
    vault.delete(kept[-2].name)
    with pytest.raises(NotRestorable) as refused:
        restore(vault, receiver, ground, Target())
    assert kept[-2].segment.name in refused.value.message.en
    assert not ground.directory.exists()


def test_after_the_data_directory_is_gone_no_commit_is_missing(
    living: Living, receiver: Receiver, vault: Vault, ground: Ground, entries: None
) -> None:
    take_backup(vault, living.source, parent=None, timeout_s=60)
    acknowledged = 0
    with psycopg.connect(living.url, autocommit=True) as session:
        for number in range(1, 301):
            session.execute("INSERT INTO entry VALUES (%s, now())", [number])
            acknowledged = number
    living.cluster.stop(mode="immediate")
    saved = living.home / "saved"
    living.cluster.data_dir.rename(saved)
    try:
        ship(vault, receiver.directory)
        restored = restore(vault, receiver, ground, Target())
        assert count(restored) == (acknowledged, acknowledged)
    finally:
        saved.rename(living.cluster.data_dir)
        living.cluster.start()


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (Target(time=datetime(2200, 1, 1, tzinfo=UTC)), "in the future"),
        (Target(time=datetime(2020, 1, 1, tzinfo=UTC)), "No backup is older"),
        (Target(lsn=1), "No backup is older"),
    ],
)
def test_moments_that_cannot_be_had_are_refused_with_the_way_out(
    living: Living, receiver: Receiver, vault: Vault, target: Target, says: str
) -> None:
    with pytest.raises(NotRestorable, match="no backup yet"):
        plan_restore(stock_of(vault, receiver), target=target)
    take_backup(vault, living.source, parent=None, timeout_s=60)
    with pytest.raises(NotRestorable, match=says) as refused:
        plan_restore(stock_of(vault, receiver), target=target)
    assert refused.value.hint is not None


def test_shipping_twice_keeps_one_and_half_a_segment_stays(
    living: Living, receiver: Receiver, vault: Vault, entries: None
) -> None:
    fill(living, 1, 10)
    living.execute("SELECT pg_switch_wal()")
    fill(living, 11, 20)
    receiver.wait_for(living)
    eventually(lambda: bool(list_received(receiver.directory)[0]))
    whole, filling = list_received(receiver.directory)
    for segment in whole:
        shutil.copyfile(receiver.directory / segment.name, receiver.directory / f"{segment.name}.copy")
    assert [one.segment for one in ship(vault, receiver.directory)] == whole
    for segment in whole:
        (receiver.directory / f"{segment.name}.copy").rename(receiver.directory / segment.name)
    assert ship(vault, receiver.directory) == []
    assert [one.segment for one in list_segments(vault)] == whole
    assert list_received(receiver.directory) == ([], filling)
