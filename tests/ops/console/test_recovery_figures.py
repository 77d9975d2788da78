"""Backups and what would be lost, as Prometheus is told of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import pytest

from hrx.kit import clock
from hrx.ops.console.recovery_figures import RecoveryFigures
from hrx.ops.console.standings import Standings
from hrx.ops.recovery.places import Folder
from hrx.ops.recovery.positions import Position, Sample, write_position
from hrx.ops.recovery.proofs import Proof, write_proof
from hrx.ops.recovery.site import Site, open_site
from hrx.ops.recovery.tallies import count_run
from hrx.ops.recovery.wal import Segment
from hrx.ops.settings import OpsSettings

pytestmark = pytest.mark.req("R6.1-1", "R4.1-1")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("HRX_VAR_DIR", str(tmp_path / "var"))
    return open_site(OpsSettings(var_dir=tmp_path / "var", backup_conninfo="host=nowhere"))


def read(site: Site) -> dict[str, dict[tuple[str, ...], float]]:
    figures = RecoveryFigures(Standings(site))
    return {
        metric.name.removeprefix("hrx_"): {tuple(one.labels.values()): one.value for one in metric.samples}
        for metric in figures.collect()
    }


def put_backup(folder: Folder, name: str, *, kind: str = "full", at: datetime | None = None) -> None:
    now = at or clock.now()
    told = {
        "id": name, "kind": kind, "parent": None if kind == "full" else "gone", "system_identifier": "1",
        "timeline": 1, "start": "0/1000028", "end": "0/1000100", "began_at": now, "ended_at": now,
        "data_bytes": 5, "stored_bytes": 3, "sha256": "", "key": "",
    }  # fmt: skip
    with folder.writing(f"base/{name}/backup.json") as file:
        file.write(orjson.dumps(told))


def put_segment(folder: Folder, number: int) -> None:
    segment = Segment(1, number)
    with folder.writing(f"wal/00000001/{segment.name}-{int(clock.now().timestamp())}.zst.age") as file:
        file.write(b"x")


def test_a_keeper_that_never_was_is_as_old_as_can_be(site: Site) -> None:
    found = read(site)
    assert found["backup_keeper_seen_timestamp_seconds"] == {(): 0.0}
    assert (
        found["rpo_seconds"]
        == found["backup_receiving"]
        == found["backup_last_verified_timestamp_seconds"]
        == {}
    )


def test_what_would_be_lost_is_told_in_seconds_and_commits(site: Site) -> None:
    now = clock.now()
    position = Position(
        system_identifier="1", timeline=1, checkpoint_lsn=1, flushed_lsn=30, received_lsn=15, seen_at=now,
        looked_at=now, answers=True, is_receiving=True, slot_state="reserved",
        samples=tuple(
            Sample(at=now - timedelta(seconds=30 - lsn), flushed=lsn, finished=lsn * 10, running=0)
            for lsn in (10, 20, 30)
        ),
    )  # fmt: skip
    write_position(site.position_file, position)
    found = read(site)
    assert found["rpo_seconds"][()] == pytest.approx(20, abs=2)
    assert found["rpo_commits"] == {(): 200}
    assert found["backup_receiving"] == {(): 1}
    write_position(site.position_file, replace(position, answers=False))
    assert read(site)["backup_receiving"] == {}, "nobody knows while the database is away"


def test_backups_count_by_what_their_restore_has_shown(site: Site) -> None:
    put_backup(site.folder, "a")
    put_backup(site.folder, "b")
    put_backup(site.folder, "c", kind="incremental")
    began = read(site)["backup_last_verified_timestamp_seconds"]
    assert list(began) == [("full",)], "never proven: it ages from the first backup on"
    now = clock.now()
    proof = Proof(
        backup_id="a", began_at=now, ended_at=now, is_well=True, seconds={}, data_bytes=1, records_bytes=1
    )
    write_proof(site.folder, proof)
    write_proof(site.folder, replace(proof, backup_id="b", is_well=False))
    count_run(site, "full", "failed")
    found = read(site)
    assert found["backups"] == {
        ("proven",): 1, ("unproven",): 0, ("overdue",): 0, ("failed",): 1, ("broken",): 1
    }  # fmt: skip
    assert found["backup_last_verified_timestamp_seconds"] == {("full",): now.timestamp()}
    assert found["backup_runs"][("full", "failed")] == 1
    with clock.shifted(timedelta(days=2)):
        assert read(site)["backups"][("overdue",)] == 0, "a and b were tried, c is broken"


def test_a_hole_is_counted_as_soon_as_it_is_there(site: Site) -> None:
    put_backup(site.folder, "a")
    for number in (1, 2, 5):
        put_segment(site.folder, number)
    assert read(site)["backup_missing_segments"] == {(): 2}
