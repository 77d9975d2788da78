"""What would be lost is never told too small: for any history, and on a real server that is killed."""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psutil
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrx.kit import clock
from hrx.ops.recovery.keeping.sampling import Sampler, beat, make_heartbeat
from hrx.ops.recovery.positions import (
    Sample,
    find_at_risk,
    find_received_end,
    read_position,
    thin_samples,
    write_position,
)
from hrx.ops.recovery.site import Site
from hrx.ops.seams.sessions import SessionLost
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import Layout
from tests.ops.recovery.conftest import Living
from tests.ops.recovery.test_restoring import Receiver, eventually

pytestmark = [pytest.mark.req("R6.1-1", "R6.2-1")]
START: Final = datetime(2026, 4, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[tuple[float, int]], list[Sample], int, float]:
    """Commits (time, position) that overlap, samples of them, what was received, and the end's moment."""
    spans = draw(
        st.lists(st.tuples(st.floats(0, 60), st.floats(0.001, 20)), min_size=1, max_size=40)
    )  # begins, lasts
    begun = sorted(spans)
    commits = sorted((begin + lasts, xid) for xid, (begin, lasts) in enumerate(begun))
    placed = [(when, xid, 100 * (order + 1)) for order, (when, xid) in enumerate(commits)]
    samples = []
    for moment in sorted(draw(st.lists(st.floats(0, 80), max_size=12))):
        over = [xid for when, xid, _ in placed if when <= moment]
        finished = max(over, default=-1) + 1
        running = sum(1 for when, xid, _ in placed if xid < finished and when > moment)
        flushed = max((lsn for when, _, lsn in placed if when <= moment), default=0)
        samples.append(Sample(at=at(moment), flushed=flushed, finished=finished, running=running))
    received = draw(st.integers(0, 100 * (len(placed) + 1)))
    end = max([80.0, *(when for when, _, _ in placed)]) + draw(st.floats(0, 5))
    return [(when, lsn) for when, _, lsn in placed], samples, received, end


@given(history=histories())
def test_the_bound_holds_for_any_history(
    history: tuple[list[tuple[float, int]], list[Sample], int, float],
) -> None:
    commits, samples, received, end = history
    risk = find_at_risk(samples, received=received, now=at(end))
    if not samples:
        assert risk is None
        return
    assert risk is not None
    lost = [when for when, lsn in commits if lsn > received]
    if risk.is_known:
        assert all(end - when <= risk.seconds + 1e-5 for when in lost)
        assert risk.commits is not None
        assert sum(1 for when in lost if at(when) <= risk.as_of) <= risk.commits
    else:
        assert risk.commits is None


def test_all_received_is_no_risk_and_silence_is_told() -> None:
    samples = [Sample(at=at(n), flushed=n * 10, finished=n * 3, running=0) for n in range(5)]
    now = find_at_risk(samples, received=40, now=at(4))
    late = find_at_risk(samples, received=25, now=at(10))
    assert now is not None
    assert late is not None
    assert (now.seconds, now.commits) == (0, 0)
    assert (late.seconds, late.commits, late.unseen_s(at(10))) == (8, 6, 6)


def test_nothing_covered_gives_a_lower_bound_only() -> None:
    risk = find_at_risk([Sample(at=at(0), flushed=50, finished=3, running=0)], received=None, now=at(9))
    assert risk is not None
    assert (risk.is_known, risk.seconds, risk.commits) == (False, 9, None)


def test_old_samples_are_thinned_and_days_stay_covered() -> None:
    samples: list[Sample] = []
    for second in range(0, 2 * 86400, 20):
        samples.append(Sample(at=at(second), flushed=second, finished=second, running=0))
        if second % 2000 == 0:
            samples = thin_samples(samples, now=at(second))
    kept = thin_samples(samples, now=at(2 * 86400))
    assert len(kept) < 700
    assert kept[-1] == samples[-1]
    risk = find_at_risk(kept, received=86400, now=at(2 * 86400))
    assert risk is not None
    assert 86400 <= risk.seconds <= 86400 + 620


@pytest.fixture
def site(living: Living, receiver: Receiver, tmp_path: Path) -> Site:
    # Written by the receiver's fixture; asked for again, it would be written again while that one reads it.
    settings = OpsSettings(
        backup_conninfo=f"host=127.0.0.1 port={living.cluster.port} user=hrx_admin dbname=postgres",
        backup_passfile=living.home / "pgpass",
    )
    var = tmp_path / "var"
    (var / "recovery").mkdir(parents=True)
    (var / "recovery" / "received").symlink_to(receiver.directory)
    return Site(settings=settings, layout=Layout(root=tmp_path, var=var, user=None, tools=tmp_path))


@pytest.fixture
def receiver(living: Living) -> Iterator[Receiver]:
    if not living.cluster.is_running():
        living.cluster.start()
    running = Receiver(living)
    try:
        yield running
    finally:
        running.process.send_signal(signal.SIGCONT)
        running.stop()
        if living.cluster.is_running():
            eventually(lambda: living.execute("SELECT active FROM pg_replication_slots") == [(False,)])
            living.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")


def test_the_position_is_told_outside_and_survives(living: Living, receiver: Receiver, site: Site) -> None:
    sampler = Sampler(site)
    sampler.look()
    beat(make_heartbeat(site))
    receiver.wait_for(living)
    sampler.look()
    told = read_position(site.position_file)
    assert told is not None
    assert told.answers
    assert told.is_receiving
    assert told.received_lsn is not None
    assert told.received_lsn >= told.samples[0].flushed
    assert told.slot_state == "reserved"
    assert told.flushed_lsn > told.samples[0].flushed, "the mark was written to a quiet database"
    (row,) = living.execute("SELECT system_identifier::text FROM pg_control_system()")
    assert row == (told.system_identifier,)
    write_position(site.position_file, told)
    assert read_position(site.position_file) == told


def test_a_halved_position_is_none(site: Site) -> None:
    site.position_file.write_text('{"system_identifier": "1"')
    assert read_position(site.position_file) is None


@pytest.mark.timeout(300)
@pytest.mark.parametrize("held_s", [0.0, 0.3, 1.2])
def test_a_killed_server_lost_no_more_than_was_told(
    living: Living, receiver: Receiver, site: Site, held_s: float
) -> None:
    living.execute("DROP TABLE IF EXISTS told; CREATE TABLE told (n bigint)")
    receiver.wait_for(living)
    acknowledged: list[tuple[int, datetime]] = []

    def write() -> None:
        with suppress(psycopg.Error), psycopg.connect(living.url, autocommit=True) as session:
            for n in range(1_000_000):
                session.execute(b"INSERT INTO told VALUES (%s)", (n,))
                (lsn,) = session.execute(b"SELECT pg_current_wal_flush_lsn() - '0/0'::pg_lsn").fetchone() or (
                    0,
                )
                acknowledged.append((int(lsn), clock.now()))

    writer = threading.Thread(target=write)
    writer.start()
    sampler = Sampler(site)
    eventually(lambda: len(acknowledged) > 50)
    sampler.look()
    receiver.wait_for(living)
    receiver.process.send_signal(signal.SIGSTOP if held_s else 0)
    until = clock.now() + timedelta(seconds=held_s)
    eventually(lambda: clock.now() >= until)
    sampler.look()
    postmaster = psutil.Process(int((living.cluster.data_dir / "postmaster.pid").read_text().split()[0]))
    # A session's process outlives the postmaster until it notices, which takes a while on a busy machine.
    for one in (postmaster, *postmaster.children(recursive=True)):
        one.kill()
    writer.join(20)
    ended = clock.now()
    receiver.process.send_signal(signal.SIGKILL)
    receiver.process.wait(10)
    with pytest.raises(SessionLost):
        sampler.look()

    told = read_position(site.position_file)
    received = find_received_end(receiver.directory)
    assert told is not None
    assert received is not None
    assert not told.answers
    risk = find_at_risk(told.samples, received=received, now=ended)
    assert risk is not None
    assert risk.is_known
    lost = [when for lsn, when in acknowledged if lsn > received]
    assert bool(lost) or held_s < 1
    assert all((ended - when).total_seconds() <= risk.seconds for when in lost)
    assert risk.commits is not None
    assert sum(1 for when in lost if when <= risk.as_of) <= risk.commits
    shutil.rmtree(receiver.directory)
    for left in (living.cluster.data_dir / "postmaster.pid", *living.home.glob(".s.PGSQL.*")):
        left.unlink(missing_ok=True)
