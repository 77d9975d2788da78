"""Reading what there is while others write: quick when nothing changed, never stale where it matters, no hole
that is none."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hrx.kit import clock
from hrx.ops.recovery import records, retention
from hrx.ops.recovery.basebackup import BackupKind, BaseBackup
from hrx.ops.recovery.copies import CopyFacts, CopyState
from hrx.ops.recovery.coverage import find_coverage
from hrx.ops.recovery.keys import create_key
from hrx.ops.recovery.planning import Stock, Target, plan_restore
from hrx.ops.recovery.records import (
    KeptSegment,
    fetch_segment,
    list_all_segments,
    list_received,
    list_segments,
    look_at_segments,
    ship,
)
from hrx.ops.recovery.retention import prune_old
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.vault import Vault
from hrx.ops.recovery.wal import SEGMENT_BYTES, Segment
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import Layout

pytestmark = pytest.mark.req("R6.1-1")
AT = datetime(2026, 4, 1, tzinfo=UTC)


def put(vault: Vault, number: int, *, timeline: int = 1) -> KeptSegment:
    kept = KeptSegment(segment=Segment(timeline, number), received_at=AT + timedelta(minutes=number))
    vault.put(kept.name, io.BytesIO(b"records"))
    return kept


def settle(vault: Vault) -> None:
    """As if nobody had written here for a while."""
    for folder in (vault.folder.root, *(one for one in vault.folder.root.rglob("*") if one.is_dir())):
        os.utime(folder, ns=(10**18, 10**18))


def receive(directory: Path, number: int, *, name: str | None = None) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / (name or Segment(1, number).name)
    with path.open("wb") as file:
        file.truncate(SEGMENT_BYTES)
    return path


def base(*, segment: int) -> BaseBackup:
    return BaseBackup(
        id="b", kind=BackupKind.FULL, parent=None, system_identifier="7", timeline=1,
        start=segment * SEGMENT_BYTES + 40, end=segment * SEGMENT_BYTES + 400, began_at=AT, ended_at=AT,
        data_bytes=1, stored_bytes=1, sha256="", key="age1",
    )  # fmt: skip


def test_a_look_reads_a_folder_that_did_not_change_only_once(vault: Vault) -> None:
    """Whatever was read again is another list."""
    kept = [put(vault, number) for number in (1, 2, 3)]
    settle(vault)
    first = look_at_segments(vault)
    assert list(first) == kept
    assert look_at_segments(vault) is first
    kept.append(put(vault, 4))
    assert list(look_at_segments(vault)) == kept
    vault.delete(kept[0].name)
    assert list(look_at_segments(vault)) == kept[1:]


def test_whoever_restores_or_removes_never_believes_the_time_of_a_folder(vault: Vault) -> None:
    """A folder on a network may say that it did not change although it did."""
    put(vault, 1)
    settle(vault)
    look_at_segments(vault)
    put(vault, 2)
    settle(vault)
    assert len(look_at_segments(vault)) == 1
    assert [one.segment.number for one in list_segments(vault)] == [1, 2]
    assert [one.segment.number for one in look_at_segments(vault)] == [1, 2]


def test_a_change_in_the_same_tick_of_the_clock_is_seen(vault: Vault) -> None:
    first = put(vault, 1)
    folder = vault.folder.root / "wal" / "00000001"
    before = folder.stat()
    assert len(look_at_segments(vault)) == 1
    put(vault, 2)
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert len(look_at_segments(vault)) == 2
    assert look_at_segments(vault)[0] == first


def test_segments_of_two_timelines_are_in_order(vault: Vault) -> None:
    kept = [put(vault, 5, timeline=2), put(vault, 4), put(vault, 255), put(vault, 256)]
    assert list_segments(vault) == sorted(kept, key=lambda one: one.segment)


def test_coverage_of_the_same_segments_is_of_the_filling_one_of_now(vault: Vault) -> None:
    for number in (1, 2, 3):
        put(vault, number)
    settle(vault)
    segments = look_at_segments(vault)
    until = AT + timedelta(hours=1)
    backups = [base(segment=1)]
    (span,) = find_coverage(backups, segments, filling=Segment(1, 4), until=until).spans
    assert span.end == until
    found = find_coverage(backups, segments, filling=Segment(1, 5), until=until)
    assert [hole.count for hole in found.holes] == [1]
    assert found.spans[0].end == segments[-1].received_at
    assert find_coverage(backups, segments, filling=None, until=until).holes == ()


@pytest.mark.parametrize("moment", ["before the vault is read", "after it was read", "never"])
def test_a_whole_segment_on_its_way_into_the_vault_is_no_hole(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    for number in (1, 2):
        put(vault, number)
    received = tmp_path / "received"
    receive(received, 3)
    receive(received, 4, name=f"{Segment(1, 4).name}.partial")
    read = records.list_segments

    def meanwhile(of: Vault) -> list[KeptSegment]:
        monkeypatch.setattr(records, "list_segments", read)
        if moment == "before the vault is read":
            ship(of, received)
        found = read(of)
        if moment == "after it was read":
            ship(of, received)
        return found

    monkeypatch.setattr(records, "list_segments", meanwhile)
    segments, tail = list_all_segments(vault, received)
    stock = Stock(backups=(base(segment=1),), segments=tuple(segments), histories={}, tail=tail)
    plan = plan_restore(stock, target=Target())
    assert [one.segment.number for one in plan.segments] == [1, 2, 3]
    assert plan.tail == Segment(1, 4)

    into = tmp_path / "fetched"
    fetch_segment(vault, plan.segments[-1], into, received_dir=received)
    assert into.stat().st_size == SEGMENT_BYTES


def test_a_segment_that_the_second_way_shipped_is_found_under_its_time(vault: Vault, tmp_path: Path) -> None:
    received, archived = tmp_path / "received", tmp_path / "archived"
    planned = records.as_kept(received, Segment(1, 3))
    os.utime(receive(archived, 3), (1_700_000_000, 1_700_000_000))
    (shipped,) = ship(vault, archived)
    assert shipped.name != planned.name
    fetch_segment(vault, planned, tmp_path / "into", received_dir=received)
    assert (tmp_path / "into").stat().st_size == SEGMENT_BYTES


def test_a_file_that_gets_its_whole_name_while_the_folder_is_read_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(tmp_path, 3)
    whole = receive(tmp_path, 4)
    receive(tmp_path, 5, name=f"{Segment(1, 5).name}.partial")
    there = Path.iterdir

    def torn(folder: Path) -> Iterator[Path]:
        return (one for one in there(folder) if one != whole)

    monkeypatch.setattr(Path, "iterdir", torn)
    assert list_received(tmp_path) == ([Segment(1, 3), Segment(1, 4)], Segment(1, 5))


def test_a_history_that_is_kept_is_not_looked_for_in_all_records(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receiver keeps it for ever, and shipping is tried each second."""
    (tmp_path / "00000002.history").write_text("1\t0/3000060\tswitched\n")
    assert ship(vault, tmp_path) == []
    assert records.read_histories(vault)[2][0].parent == 1

    def walk(_: object) -> None:
        raise AssertionError("the vault was looked through")

    # Every way of walking through folders ends there.
    monkeypatch.setattr(os, "scandir", walk)
    assert ship(vault, tmp_path) == []


def test_a_reader_with_no_key_lists_as_well(vault: Vault) -> None:
    put(vault, 1)
    blind = replace(vault, keyring=replace(vault.keyring, identities=()))
    assert len(look_at_segments(blind)) == 1


def site_at(tmp_path: Path) -> Site:
    settings = OpsSettings(var_dir=tmp_path, backup_key_file=tmp_path / "key")
    return Site(settings=settings, layout=Layout(root=tmp_path, var=tmp_path, user=None, tools=tmp_path))


def test_what_a_lost_slot_left_goes_when_nothing_needs_it(tmp_path: Path) -> None:
    site = site_at(tmp_path)
    create_key(site.key_file)
    site.received_dir.mkdir(parents=True)
    now = clock.now().timestamp()
    days_of = {3: 40, 5: 2, 6: 2, 9: 0}
    for number, days in days_of.items():
        path = receive(site.received_dir, number, name=f"{Segment(1, number).name}.partial")
        os.utime(path, (now - days * 86_400, now - days * 86_400))
    put(site.vault, 6)
    prune_old(site)
    left = {path.name.removesuffix(".partial") for path in site.received_dir.iterdir()}
    assert left == {Segment(1, 5).name, Segment(1, 9).name}


def test_what_a_copy_was_made_of_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = site_at(tmp_path)
    old = replace(base(segment=1), id="old", ended_at=clock.now() - timedelta(days=90))
    newer = replace(base(segment=5), id="newer", ended_at=clock.now() - timedelta(days=40))
    monkeypatch.setattr(retention, "list_bases", lambda _: [old, newer])
    assert [one.id for one in retention.look_for_old(site).backups] == ["old"]
    copy = CopyFacts(
        name="c", state=CopyState.READY, said="latest", meant={}, began_at=AT, backup_ids=("old",),
        data_bytes=1, segments=1,
    )  # fmt: skip
    monkeypatch.setattr(retention, "list_copies", lambda _: [copy])
    assert retention.look_for_old(site).backups == ()
