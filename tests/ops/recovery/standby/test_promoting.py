"""Handing the writing over between two real servers: nothing lost, never two writers."""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from hrx.kit.errors import Refused
from hrx.ops.recovery.standby.members import Member, find_view, view
from hrx.ops.recovery.standby.promoting import fail_over, switch_over
from hrx.ops.recovery.standby.rejoining import copy_anew, rewind
from hrx.ops.targets.machine.fencing import (
    kill_processes_on,
    list_processes_on,
    prove_stopped,
    read_fence,
)
from tests.ops.recovery.standby.conftest import Pair, execute, is_close, writing


def nothing() -> None:
    """No supervisor keeps the servers of these tests."""


def postmaster_of(member: Member) -> int:
    return int((member.cluster.data_dir / "postmaster.pid").read_text().splitlines()[0])


def startup_of(member: Member) -> int | None:
    """The process that replays; another one after the server began anew."""
    with suppress(psutil.NoSuchProcess):
        for process in list_processes_on(member.cluster.data_dir):
            if "startup" in " ".join(process.cmdline()):
                return int(process.pid)
    return None


@pytest.mark.req("R6.3-1")
def test_a_planned_switch_loses_nothing_and_the_old_one_comes_back_by_rewind(pair: Pair) -> None:
    with writing(pair) as writers:
        pair.wait(lambda: len(writers.acknowledged) > 200)
        done = switch_over(
            pair.first, pair.second, run_id="t1", stop_old=nothing, start_old=pair.first.cluster.start
        )
        before = len(writers.acknowledged)
        pair.wait(lambda: len(writers.acknowledged) > before + 200)
    assert writers.lost_on(pair.second) == set()
    assert writers.outage_s < 3
    assert done.lost is not None
    assert done.lost.commits == 0

    with pytest.raises(Refused) as refused:
        pair.first.cluster.start()
    assert refused.value.stable_code == "postgres.fenced"

    back = rewind(
        pair.first,
        pair.second,
        pair.upstream(pair.second),
        passfile=pair.passfile,
        kept_dir=pair.home / "kept",
    )
    assert back.kept is None
    pair.first.cluster.start()
    pair.wait(lambda: is_close(pair.second, pair.first))
    assert not view(pair.first).is_writer
    # And once more the other way: the settings of a follower are the right ones after a rewind (P9).
    switch_over(pair.second, pair.first, run_id="t2", stop_old=nothing, start_old=nothing)
    assert view(pair.first).is_writer
    assert writers.lost_on(pair.first) == set()


@pytest.mark.req("R6.3-2")
def test_after_kill_9_the_records_it_left_are_replayed_first(pair: Pair) -> None:
    execute(pair.first, "ALTER SYSTEM SET wal_keep_size = '256MB'")
    with writing(pair) as writers:
        pair.wait(lambda: len(writers.acknowledged) > 200)
        # The standby hangs while the primary goes on: without the handover this many commits would be lost.
        for process in list_processes_on(pair.second.cluster.data_dir):
            if "walreceiver" in " ".join(process.cmdline()):
                process.send_signal(signal.SIGSTOP)
                stopped = process
        behind = len(writers.acknowledged)
        pair.wait(lambda: len(writers.acknowledged) > behind + 300)
        os.kill(postmaster_of(pair.first), signal.SIGKILL)
        replaced = startup_of(pair.second)
        stopped.kill()
        # A server that lost a process begins anew; for a moment longer it still answers.
        pair.wait(lambda: startup_of(pair.second) not in (None, replaced))
        pair.wait(lambda: find_view(pair.second) is not None)
        done = fail_over(
            pair.first, pair.second, run_id="t", stop_old=nothing, received_dirs=[], loss_max_bytes=0
        )
        before = len(writers.acknowledged)
        pair.wait(lambda: len(writers.acknowledged) > before + 100)
    assert done.lost is not None
    assert done.lost.size_bytes == 0
    assert writers.lost_on(pair.second) == set()


@pytest.mark.req("R6.3-2")
def test_a_receiver_that_is_behind_the_standby_takes_nothing_from_it(pair: Pair, tmp_path: Path) -> None:
    execute(pair.first, "INSERT INTO note VALUES (1, 'received by both')")
    [(current,)] = execute(pair.first, "SELECT pg_walfile_name(pg_current_wal_lsn())")
    received = tmp_path / "received"
    received.mkdir()
    # As a receiver leaves it: the records it wrote, and nothing after them.
    shutil.copyfile(pair.first.cluster.data_dir / "pg_wal" / str(current), received / f"{current}.partial")
    for number in range(2, 50):
        execute(pair.first, f"INSERT INTO note VALUES ({number}, 'streamed')")
    pair.wait(lambda: is_close(pair.first, pair.second))
    kill_processes_on(pair.first.cluster.data_dir)
    # Its disk is lost with it.
    shutil.rmtree(pair.first.cluster.data_dir / "pg_wal")
    done = fail_over(
        pair.first, pair.second, run_id="t", stop_old=nothing, received_dirs=[received], loss_max_bytes=0
    )
    assert done.lost is not None
    assert view(pair.second).is_writer
    assert execute(pair.second, "SELECT count(*) FROM note") == [(49,)]


def test_a_hung_primary_is_killed_for_certain_before_the_other_is_promoted(pair: Pair) -> None:
    for process in list_processes_on(pair.first.cluster.data_dir):
        process.send_signal(signal.SIGSTOP)
    fail_over(pair.first, pair.second, run_id="t", stop_old=nothing, received_dirs=[], loss_max_bytes=0)
    assert list_processes_on(pair.first.cluster.data_dir) == []
    assert view(pair.second).is_writer


def test_a_fenced_server_that_is_started_behind_our_back_only_reads(pair: Pair) -> None:
    kill_processes_on(pair.first.cluster.data_dir)
    fail_over(pair.first, pair.second, run_id="t", stop_old=nothing, received_dirs=[], loss_max_bytes=0)
    log = pair.first.cluster.data_dir / "startup.log"
    done = pair.first.cluster._run("pg_ctl", "start", "-w", "-s", "-l", str(log), timeout_s=30)
    assert done.returncode == 0, log.read_text()[-2000:]
    assert not view(pair.first).is_writer
    assert view(pair.second).is_writer


def test_nothing_is_proven_while_somebody_works_there_or_without_a_fence(pair: Pair) -> None:
    data_dir = pair.first.cluster.data_dir
    with pytest.raises(Refused) as refused:
        prove_stopped(data_dir)
    assert refused.value.stable_code == "standby.not_fenced"
    assert read_fence(data_dir) is None
    os.kill(postmaster_of(pair.first), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while list_processes_on(data_dir) and time.monotonic() < deadline:
        time.sleep(0.05)
    with pytest.raises(Refused):
        prove_stopped(data_dir)


def test_a_planned_switch_that_cannot_finish_leaves_the_old_primary_in_charge(
    pair: Pair,
) -> None:
    with pytest.raises(Exception, match="did not get the last record"):
        switch_over(
            pair.first,
            pair.second,
            run_id="t",
            # The standby dies in the middle of the switch.
            stop_old=lambda: pair.second.cluster.stop("immediate"),
            start_old=pair.first.cluster.start,
            catches_up_within_s=0.5,
        )
    assert view(pair.first).is_writer
    assert read_fence(pair.first.cluster.data_dir) is None
    execute(pair.first, "INSERT INTO note VALUES (1, 'goes on')")


@pytest.mark.parametrize("way", ["rewind", "copy"])
def test_what_only_the_old_one_had_is_kept_and_counted_before_it_is_wound_back(
    pair: Pair, tmp_path: Path, way: str
) -> None:
    pair.second.cluster.stop("fast")
    for number in range(7):
        execute(pair.first, f"INSERT INTO note VALUES ({number}, 'only here')")
    wal = tmp_path / "pg_wal"
    kill_processes_on(pair.first.cluster.data_dir)
    # The disk of the old one is away while the other takes over, and comes back later.
    shutil.move(pair.first.cluster.data_dir / "pg_wal", wal)
    pair.second.cluster.start()
    with pytest.raises(Refused) as refused:
        fail_over(pair.first, pair.second, run_id="t", stop_old=nothing, received_dirs=[], loss_max_bytes=0)
    assert refused.value.stable_code == "standby.loss_unknown"
    assert not view(pair.second).is_writer
    done = fail_over(
        pair.first, pair.second, run_id="t", stop_old=nothing, received_dirs=[], loss_max_bytes=None
    )
    assert done.lost is None
    shutil.move(wal, pair.first.cluster.data_dir / "pg_wal")

    old, new, upstream, kept_dir = pair.first, pair.second, pair.upstream(pair.second), pair.home / "kept"
    if way == "rewind":
        back = rewind(old, new, upstream, passfile=pair.passfile, kept_dir=kept_dir)
    else:
        back = copy_anew(old, new, pair.source(new), upstream, kept_dir=kept_dir, timeout_s=60)
    assert back.lost is not None
    assert back.lost.commits == 7
    assert back.kept is not None
    assert (back.kept / "facts.json").exists()
    pair.first.cluster.start()
    pair.wait(lambda: is_close(pair.second, pair.first))
    assert execute(pair.first, "SELECT count(*) FROM note") == [(0,)]


@pytest.mark.req("R6.3-2")
def test_after_a_way_there_and_back_the_records_left_are_still_found(pair: Pair) -> None:
    """A standby that was rewound has an old checkpoint: its timeline is not that of its control file."""
    switch_over(pair.first, pair.second, run_id="t1", stop_old=nothing, start_old=nothing)
    kept = pair.home / "kept"
    rewind(pair.first, pair.second, pair.upstream(pair.second), passfile=pair.passfile, kept_dir=kept)
    pair.first.cluster.start()
    pair.wait(lambda: is_close(pair.second, pair.first))
    pair.first.cluster.stop("fast")
    # Written while its standby was away: only the primary's own files have it.
    execute(pair.second, "INSERT INTO note VALUES (7, 'only here')")
    kill_processes_on(pair.second.cluster.data_dir)
    pair.first.cluster.start()
    assert view(pair.first).timeline == 2
    done = fail_over(
        pair.second, pair.first, run_id="t2", stop_old=nothing, received_dirs=[], loss_max_bytes=0
    )
    assert done.timeline == 3
    assert execute(pair.first, "SELECT id FROM note") == [(7,)]
