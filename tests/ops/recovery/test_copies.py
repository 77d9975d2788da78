"""Restored copies as an operator makes them: by meaning, checked, one at a time, begun again after a kill."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from hrx.kit.errors import Conflict, Invalid, NotFound, Refused
from hrx.ops.recovery import copies
from hrx.ops.recovery.basebackup import take_backup
from hrx.ops.recovery.copies import CopyFacts, CopyState
from hrx.ops.recovery.keys import create_key
from hrx.ops.recovery.planning import NotRestorable, plan_restore
from hrx.ops.recovery.points import list_points, make_point
from hrx.ops.recovery.records import create_slot_argv, receiver_argv, ship
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.stock import read_stock
from hrx.ops.recovery.switching import require_good
from hrx.ops.recovery.targets import Meant, understand
from hrx.ops.recovery.transactions import list_commits
from hrx.ops.seams.sessions import opened_session
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.layout import Layout
from tests.ops.recovery.conftest import Living

pytestmark = [pytest.mark.req("R6.2-1"), pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[3]


def eventually_received(living: Living) -> None:
    (row,) = living.execute("SELECT pg_current_wal_flush_lsn()::text")
    deadline = time.monotonic() + 20
    while living.execute(f"SELECT flush_lsn >= '{row[0]}' FROM pg_stat_replication") != [(True,)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def site(living: Living) -> Iterator[Site]:
    """A site with a backup, a receiver, and a company's table with 1,000 rows."""
    var = living.home / "site"
    var.mkdir(mode=0o711)
    layout = Layout(root=ROOT, var=var, user=living.cluster.run_as, tools=var / "tools")
    layout.make_folders()
    found = Site(settings=OpsSettings(var_dir=var), layout=layout)
    create_key(found.key_file)
    found.received_dir.mkdir(parents=True)
    living.execute("DROP DATABASE IF EXISTS hrx")
    living.execute("CREATE DATABASE hrx")
    living.execute("DROP TABLE IF EXISTS entry")
    living.execute("CREATE TABLE entry (id int PRIMARY KEY, at timestamptz)")
    living.execute("INSERT INTO entry SELECT n, now() FROM generate_series(1, 1000) n")
    source = living.source
    program = living.cluster.program("pg_receivewal")
    environment = {**os.environ, **source.environment}
    subprocess.run(create_slot_argv(program, conninfo=source.conninfo), env=environment, check=True)
    argv = receiver_argv(program, conninfo=source.conninfo, directory=found.received_dir)
    receiver = subprocess.Popen(argv, env=environment)
    try:
        take_backup(found.vault, source, parent=None, timeout_s=60)
        yield found
    finally:
        receiver.terminate()
        receiver.wait(10)
        living.execute("DROP DATABASE IF EXISTS hrx")


@pytest.fixture
def tidy(site: Site) -> Iterator[None]:
    yield
    for one in copies.list_copies(site):
        copies.remove(site, one.name)


def mean(site: Site, said: str, *, moment: datetime | None = None) -> Meant:
    ship(site.vault, site.received_dir)
    return understand(site, read_stock(site), said, find_moment=lambda _what, _name: moment)


def restore(site: Site, said: str, *, name: str, moment: datetime | None = None) -> CopyFacts:
    meant = mean(site, said, moment=moment)
    plan = plan_restore(read_stock(site), target=meant.target)
    return copies.restore_copy(site, plan, meant, name=name, said=said, timeout_s=60)


def count(site: Site, name: str) -> int:
    ground = copies.ground_of(site, name)
    where = f"host={ground.socket_dir} port={ground.port} user=hrx_admin dbname=postgres"
    with opened_session(where, timeout_s=10) as session:
        row = session.row("SELECT count(*) FROM entry")
    assert row is not None
    return int(row[0])


def test_a_mistake_is_found_in_the_records_and_the_moment_before_it_comes_back(
    living: Living, site: Site, tidy: None
) -> None:
    living.execute("TRUNCATE entry; INSERT INTO entry SELECT n, now() FROM generate_series(1, 1000) n")
    living.execute("UPDATE entry SET at = now() WHERE id = 1")
    xid = int(str(living.execute("DELETE FROM entry WHERE id <= 400 RETURNING pg_current_xact_id()")[0][0]))
    living.execute("INSERT INTO entry SELECT n, now() FROM generate_series(2001, 2010) n")
    eventually_received(living)
    stock = read_stock(site)
    (row,) = living.execute("SELECT pg_relation_filenode('entry')")
    commits = list_commits(site, stock.segments, tail=stock.tail, with_rows=True)
    (mistake,) = [one for one in commits if one.rows.get((int(str(row[0])), "DELETE")) == 400]
    assert mistake.xid == xid

    facts = restore(site, f"before transaction {xid}", name="before-it")
    assert facts.state is CopyState.READY or facts.findings
    assert count(site, "before-it") == 1000
    assert facts.last_commit_at is not None
    assert facts.last_commit_at < mistake.at
    (back,) = living.execute("SELECT count(*) FROM entry")
    assert back == (610,)


def test_latest_time_point_and_event_are_each_the_moment_that_was_meant(
    living: Living, site: Site, tidy: None
) -> None:
    def now_at(rows: int) -> datetime:
        living.execute(f"TRUNCATE entry; INSERT INTO entry SELECT n, now() FROM generate_series(1, {rows}) n")
        return datetime.now(UTC)

    first = now_at(100)
    now_at(200)
    with opened_session(living.url, timeout_s=10, is_read_only=False) as session:
        point = make_point(site.folder, session, "before-import", made_by="test")
        with pytest.raises(Conflict):
            make_point(site.folder, session, "before-import", made_by="test")
        with pytest.raises(Invalid):
            make_point(site.folder, session, "../x", made_by="test")
    assert [one.name for one in list_points(site.folder)] == [point.name]
    event = now_at(300) + timedelta(milliseconds=1)
    time.sleep(0.01)
    now_at(400)
    eventually_received(living)
    for said, rows in (
        (first.isoformat(), 100),
        ("point:before-import", 200),
        ("before deploy 8a338cc", 300),
        ("latest", 400),
    ):
        facts = restore(site, said, name="copy", moment=event)
        assert count(site, "copy") == rows, said
        assert facts.reached
        copies.remove(site, "copy")


def test_a_moment_that_nobody_knows_or_that_cannot_be_is_refused_with_what_to_type(site: Site) -> None:
    for said, expected in (
        ("yesterday", Invalid),
        ("point:none", NotFound),
        ("before incident 99", NotFound),
        ("before transaction 4000000000", NotFound),
        ("before transaction x", Invalid),
    ):
        with pytest.raises(expected) as refused:
            mean(site, said)
        assert refused.value.hint is not None
    for said in ("2001-01-01T00:00:00+09:00", "2999-01-01T00:00:00+09:00"):
        with pytest.raises(NotRestorable) as cannot:
            plan_restore(read_stock(site), target=mean(site, said).target)
        assert cannot.value.hint is not None


def test_two_restores_never_go_into_one_place_and_a_killed_one_is_begun_again(
    site: Site, tidy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold(stage: str) -> None:
        if stage == "replay":
            begun.set()
            go_on.wait(20)

    meant = mean(site, "latest")
    plan = plan_restore(read_stock(site), target=meant.target)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            copies.restore_copy(site, plan, meant, name="one", said="latest", timeout_s=60, on_stage=hold)
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    working = threading.Thread(target=work)
    working.start()
    assert begun.wait(30)
    assert copies.get_copy(site, "one").state is CopyState.RESTORING
    with pytest.raises(Conflict, match="being restored"):
        copies.restore_copy(site, plan, meant, name="one", said="latest", timeout_s=60)
    with pytest.raises(Conflict):
        copies.remove(site, "one")
    go_on.set()
    working.join(60)
    assert not failures
    with pytest.raises(NotFound):
        copies.get_copy(site, "two")
    with pytest.raises(Invalid):
        copies.restore_copy(site, plan, meant, name="../two", said="latest", timeout_s=60)


@pytest.mark.parametrize("stage", ["fetch", "check", "records", "replay", "checks"])
def test_a_restore_that_was_killed_at_any_stage_says_so_and_ends_well_when_it_is_begun_again(
    site: Site, tidy: None, stage: str
) -> None:
    """The process is a child that is killed with SIGKILL when the stage begins."""
    child = os.fork()
    if child == 0:
        try:
            meant = mean(site, "latest")
            plan = plan_restore(read_stock(site), target=meant.target)

            def stop(now: str) -> None:
                if now == stage:
                    os.kill(os.getpid(), 9)

            copies.restore_copy(site, plan, meant, name="killed", said="latest", timeout_s=60, on_stage=stop)
        finally:
            os._exit(3)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == 9
    assert copies.get_copy(site, "killed").state is CopyState.FAILED
    facts = restore(site, "latest", name="killed")
    assert facts.reached
    assert count(site, "killed") > 0


def test_a_copy_that_a_rehearsal_writes_to_is_one_that_nobody_can_switch_to(site: Site, tidy: None) -> None:
    restore(site, "latest", name="rehearsal")
    rows = count(site, "rehearsal")
    _, url = copies.spoil(site, "rehearsal", owner="hrx_owner")
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("CREATE TABLE of_the_rehearsal (id int)")
    facts = copies.get_copy(site, "rehearsal")
    assert (facts.state, facts.findings[-1]["code"]) == (CopyState.WRONG, "spoiled")
    with pytest.raises(Refused, match="has not passed its checks"):
        require_good(site, "rehearsal")
    copies.ground_of(site, "rehearsal").cluster.stop(mode="fast")
    assert copies.spoil(site, "rehearsal", owner="hrx_owner")[1] == url, "it is started where it stopped"
    restore(site, "latest", name="rehearsal")
    assert count(site, "rehearsal") == rows, "the next one begins anew"


def test_the_copy_can_be_asked_by_nobody_else_and_over_no_network(site: Site, tidy: None) -> None:
    restore(site, "latest", name="closed")
    ground = copies.ground_of(site, "closed")
    assert ground.socket_dir.stat().st_mode & 0o777 == 0o700
    with opened_session(
        f"host={ground.socket_dir} port={ground.port} user=hrx_admin dbname=postgres", timeout_s=10
    ) as session:
        assert session.row("SHOW listen_addresses") == ("",)
        assert session.row("SHOW archive_mode") == ("off",)
    if users.choose_service_user(may_create=False):
        assert not users.can_reach(ground.socket_dir / f".s.PGSQL.{ground.port}", user="daemon")
