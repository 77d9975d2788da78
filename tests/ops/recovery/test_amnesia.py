"""No empty database comes up where anything knows an older one, and no older one where a newer was seen."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import pytest

from hrx.kit import clock
from hrx.kit.errors import Conflict, Invalid, Refused
from hrx.ops.ledger.entries import open_ledger
from hrx.ops.recovery.beginning import begin_anew
from hrx.ops.recovery.keys import create_key
from hrx.ops.recovery.remembering import SiteMemory, note_seen
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.wal import SEGMENT_BYTES
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.identity import Control, format_position, reaches
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.postgres import PostgresCluster
from tests.ops.recovery.conftest import PASSWORD, Living


@dataclass
class Lost:
    """A machine whose data directory is empty: the database that was there, and what may remember it."""

    site: Site
    cluster: PostgresCluster
    was: Control

    def set(self, **settings: str) -> None:
        self.site = replace(self.site, settings=self.site.settings.model_copy(update=settings))

    @property
    def memory(self) -> SiteMemory:
        return SiteMemory(self.site)


@pytest.fixture
def lost(tmp_path: Path, living: Living, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lost]:
    home = living.home / f"lost-{tmp_path.name}"
    home.mkdir(mode=0o711)
    if living.cluster.run_as:
        shutil.chown(home, living.cluster.run_as)
    monkeypatch.setenv("HRX_VAR_DIR", str(home))
    settings = OpsSettings(
        backup_dir=tmp_path / "backups",
        backup_key_file=tmp_path / "backup.key",
        ledger_url=f"sqlite:///{tmp_path / 'ledger.sqlite'}",
    )
    layout = Layout(root=Path.cwd(), var=home, user=living.cluster.run_as, tools=home / "tools")
    site = Site(settings=settings, layout=layout)
    site.received_dir.mkdir(parents=True)
    site.archived_dir.mkdir()
    create_key(site.key_file)
    cluster = replace(living.cluster, data_dir=layout.postgres_data)
    yield Lost(site=site, cluster=cluster, was=living.cluster.control())
    shutil.rmtree(home, ignore_errors=True)


def write_position(lost: Lost, *, seen_at: datetime | None = None, flushed: int | None = None) -> None:
    told = {
        "system_identifier": lost.was.system_identifier,
        "timeline": lost.was.timeline,
        "flushed_lsn": format_position(lost.was.checkpoint if flushed is None else flushed),
        "seen_at": (seen_at or clock.now()).isoformat(),
    }
    lost.site.position_file.write_bytes(orjson.dumps(told))


def write_facts(root: Path, lost: Lost) -> None:
    folder = root / "base" / "20261126T000000000000Z"
    folder.mkdir(parents=True)
    told = {
        "system_identifier": lost.was.system_identifier,
        "timeline": 1,
        "end": "0/3000060",
        "ended_at": "2026-11-26T00:00:05+00:00",
    }
    (folder / "backup.json").write_bytes(orjson.dumps(told))


def write_records(folder: Path, lost: Lost, *, suffix: str = "") -> None:
    head = bytes(24) + int(lost.was.system_identifier).to_bytes(8, "little")
    (folder / f"000000010000000000000003{suffix}").write_bytes(head.ljust(SEGMENT_BYTES, b"\0"))


def marker(lost: Lost) -> None:
    lost.cluster.marker.write_text(f"{lost.was.system_identifier}\n")


def elsewhere(lost: Lost) -> None:
    folder = lost.site.layout.var / "elsewhere"
    write_facts(folder, lost)
    lost.set(offsite_url=f"file:{folder}")


def position(lost: Lost) -> None:
    write_position(lost)


def facts(lost: Lost) -> None:
    write_facts(lost.site.backup_dir, lost)


def unfilled(lost: Lost) -> None:
    write_records(lost.site.received_dir, lost, suffix=".partial")


def spooled(lost: Lost) -> None:
    write_records(lost.site.archived_dir, lost)


def ledger(lost: Lost) -> None:
    note_seen(lost.site, lost.was)


MEMORIES = [marker, position, facts, unfilled, spooled, ledger, elsewhere]


@pytest.mark.req("R6.1-1")
@pytest.mark.parametrize("remember", MEMORIES)
def test_each_memory_alone_keeps_an_empty_database_from_coming_up(
    lost: Lost, remember: Callable[[Lost], None]
) -> None:
    remember(lost)
    with pytest.raises(Refused) as refused:
        lost.cluster.init(PASSWORD, memory=lost.memory)
    assert refused.value.stable_code == "postgres.data_lost"
    assert lost.was.system_identifier in refused.value.message.ja
    assert lost.was.system_identifier in refused.value.message.en
    assert refused.value.hint is not None
    assert f"begin-anew {lost.was.system_identifier}`" in refused.value.hint.en
    assert "restore --to latest" in refused.value.hint.ja
    assert not lost.cluster.data_dir.exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lost: (lost.site.backup_dir / "base" / "x" / "base.tar.zst.age", b"half a backup"),
        lambda lost: (lost.site.backup_dir / "base" / "x" / "backup.json", b'{"system_identifier": '),
        lambda lost: (lost.site.backup_dir / "wal" / "00000001" / "a.zst.age", b"records"),
        lambda lost: (lost.site.position_file, b"\0\0"),
    ],
)
def test_a_memory_that_cannot_be_read_is_one_all_the_same(
    lost: Lost, spoil: Callable[[Lost], tuple[Path, bytes]]
) -> None:
    path, content = spoil(lost)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(Refused, match="An older database is remembered by") as refused:
        lost.cluster.init(PASSWORD, memory=lost.memory)
    assert refused.value.hint is not None
    assert "begin-anew unknown" in refused.value.hint.en


def test_a_copy_elsewhere_that_does_not_answer_may_know_one(lost: Lost) -> None:
    lost.set(offsite_url="s3://hrx-backups/x", offsite_endpoint="http://127.0.0.1:9")
    with pytest.raises(Refused, match="perhaps the copy at s3://hrx-backups/x, which cannot be asked"):
        lost.cluster.init(PASSWORD, memory=lost.memory)


def test_without_any_memory_a_machine_begins(lost: Lost) -> None:
    lost.cluster.init(PASSWORD, memory=lost.memory)
    assert lost.cluster.system_identifier() != lost.was.system_identifier


@pytest.mark.parametrize("remember", [position, facts, unfilled, ledger])
def test_another_database_is_not_taken_over_when_even_the_marker_is_gone(
    lost: Lost, remember: Callable[[Lost], None]
) -> None:
    lost.cluster.init(PASSWORD, memory=lost.memory)
    lost.cluster.marker.unlink()
    remember(lost)
    with pytest.raises(Refused) as refused:
        lost.cluster.init(PASSWORD, memory=lost.memory)
    assert refused.value.stable_code == "postgres.other_system"
    assert not lost.cluster.marker.exists()


def test_an_older_copy_of_the_same_database_is_not_started_unless_we_put_it_there(lost: Lost) -> None:
    lost.cluster.init(PASSWORD, memory=lost.memory)
    here = lost.cluster.control()
    lost = replace(lost, was=here)
    seen_at = clock.now()
    write_position(lost, seen_at=seen_at)
    lost.cluster.prepare(memory=lost.memory)
    write_position(lost, seen_at=seen_at, flushed=here.checkpoint + 1)
    with pytest.raises(Refused, match="is older than the database that was last seen") as refused:
        lost.cluster.prepare(memory=lost.memory)
    assert refused.value.stable_code == "postgres.data_older"
    lost.cluster.note_placed(at=seen_at - timedelta(seconds=1))
    with pytest.raises(Refused):
        lost.cluster.prepare(memory=lost.memory)
    lost.cluster.note_placed(at=seen_at + timedelta(seconds=1))
    lost.cluster.prepare(memory=lost.memory)
    assert lost.cluster.marker.read_text().splitlines()[0] == here.system_identifier


def test_of_a_database_that_was_killed_its_own_records_tell_how_far_it_goes(
    lost: Lost, living: Living
) -> None:
    """The living one was not shut down: its control file says less than it holds."""
    living.execute("SELECT pg_logical_emit_message(true, 'test', repeat('x', 100000))")
    [[flushed]] = living.execute("SELECT pg_current_wal_flush_lsn() - '0/0'::pg_lsn")
    control = living.cluster.control()
    end = int(str(flushed))
    assert not control.is_at_rest
    assert control.checkpoint < end
    assert reaches(living.cluster.data_dir, control, end)
    assert not reaches(living.cluster.data_dir, control, end + 3 * SEGMENT_BYTES)
    assert not reaches(living.cluster.data_dir, control, end + 16384)


def test_beginning_anew_sets_aside_and_deletes_nothing(lost: Lost) -> None:
    for remember in (marker, position, facts, unfilled, ledger):
        remember(lost)
    kept = open_ledger(lost.site.settings.ledger_location)
    system = lost.was.system_identifier
    try:
        with pytest.raises(Invalid) as wrong:
            begin_anew(lost.site, kept, system="1", keep_data=False, actor="test", at=clock.now())
        assert wrong.value.hint is not None
        assert system in wrong.value.hint.en
        moved = begin_anew(lost.site, kept, system=system, keep_data=False, actor="test", at=clock.now())
    finally:
        kept.store.close()
    assert {one.was.name for one in moved} == {
        "postgres.marker", "position.json", "received", "archived", "backups",
    }  # fmt: skip
    aside = next(one.now for one in moved if one.was.name == "backups")
    assert (aside / "base" / "20261126T000000000000Z" / "backup.json").exists()
    lost.cluster.init(PASSWORD, memory=lost.memory)
    assert lost.cluster.system_identifier() != system


def test_beginning_anew_waits_for_another_place_elsewhere(lost: Lost) -> None:
    elsewhere(lost)
    with pytest.raises(Refused, match="holds the older backups"):
        begin_anew(
            lost.site, None, system=lost.was.system_identifier, keep_data=False, actor="t", at=clock.now()
        )


def test_beginning_anew_is_refused_while_the_database_runs(lost: Lost, living: Living) -> None:
    marker(lost)
    lost.cluster.data_dir.symlink_to(living.cluster.data_dir)
    with pytest.raises(Conflict):
        begin_anew(
            lost.site, None, system=lost.was.system_identifier, keep_data=False, actor="t", at=clock.now()
        )


def test_the_ledger_learns_of_a_database_once(lost: Lost) -> None:
    for _ in range(2):
        note_seen(lost.site, lost.was)
    kept = open_ledger(lost.site.settings.ledger_location)
    try:
        assert kept.count() == 1
    finally:
        kept.store.close()
    note_seen(lost.site, replace(lost.was, timeline=2))
    assert [one.timeline for one in lost.memory.recall()] == [2]
