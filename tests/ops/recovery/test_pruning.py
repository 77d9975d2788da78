"""Retention takes all that nothing needs and nothing that anything needs: tried against every moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrx.kit.errors import HrxError
from hrx.ops.recovery.basebackup import BackupKind, BaseBackup
from hrx.ops.recovery.planning import Stock, Target, plan_restore
from hrx.ops.recovery.pruning import plan_pruning, prune, sweep_unfinished
from hrx.ops.recovery.records import KeptSegment
from hrx.ops.recovery.vault import Vault
from hrx.ops.recovery.wal import SEGMENT_BYTES, Segment

pytestmark = pytest.mark.req("R6.1-1")
#: Past, so that no moment of it is in the future.
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
SLOT: Final = timedelta(hours=6)


def moment(slot: float) -> datetime:
    return START + slot * SLOT


@st.composite
def vaults(draw: st.DrawFn) -> tuple[list[BaseBackup], list[KeptSegment], datetime, int]:
    """A segment every six hours for weeks; backups at some of them, each full or on an earlier one."""
    slots = draw(st.integers(20, 80))
    segments = [
        KeptSegment(segment=Segment(1, n), received_at=moment(n + 1)) for n in range(slots)
    ]  # holds what was committed from slot n to n + 1
    backups: list[BaseBackup] = []
    for slot in sorted(draw(st.sets(st.integers(0, slots - 2), min_size=1, max_size=8))):
        parent = draw(st.sampled_from([None, *[one.id for one in backups]]))
        backups.append(
            BaseBackup(
                id=f"b{slot:03}", kind=BackupKind.INCREMENTAL if parent else BackupKind.FULL, parent=parent,
                system_identifier="1", timeline=1, start=slot * SEGMENT_BYTES + 40,
                end=slot * SEGMENT_BYTES + 400, began_at=moment(slot + 0.1), ended_at=moment(slot + 0.2),
                data_bytes=1, stored_bytes=1, sha256="", key="",
            )
        )  # fmt: skip
    return backups, segments, moment(slots), draw(st.integers(1, 15))


def stock(backups: list[BaseBackup], segments: list[KeptSegment]) -> Stock:
    return Stock(backups=tuple(backups), segments=tuple(segments), histories={})


def is_plannable(found: Stock, target: Target) -> bool:
    try:
        plan_restore(found, target=target)
    except HrxError:
        return False
    return True


@given(made=vaults(), data=st.data())
def test_every_moment_stays_and_nothing_else_does(
    made: tuple[list[BaseBackup], list[KeptSegment], datetime, int], data: st.DataObject
) -> None:
    backups, segments, now, keep_days = made
    full = stock(backups, segments)
    points = data.draw(st.sets(st.integers(0, segments[-1].segment.end - 1), max_size=2))
    proven = data.draw(st.sampled_from([None, *[one.id for one in backups]]))
    plan = plan_pruning(backups, segments, now=now, keep_days=keep_days, points=points, proven=proven)
    kept_backups = [one for one in backups if one not in plan.backups]
    kept_segments = [one for one in segments if one not in plan.segments]
    left = stock(kept_backups, kept_segments)

    targets = [Target(lsn=point) for point in points]
    begin = now - timedelta(days=keep_days)
    steps = int((now - begin) / (SLOT / 4))
    targets += [Target(time=begin + step * (SLOT / 4)) for step in range(steps)]
    proven_one = next((one for one in backups if one.id == proven), None)
    if proven_one is not None:
        targets.append(Target(lsn=proven_one.end))
    could = [target for target in targets if is_plannable(full, target)]
    assert all(is_plannable(left, target) for target in could)

    used_backups = set()
    used_segments = set()
    for target in could:
        needed = plan_restore(full, target=target)
        used_backups |= {one.id for one in needed.chain}
        used_segments |= set(needed.segments)
    for one in kept_backups:
        rescues_a_moment = one.id in used_backups or one.ended_at > begin or one is backups[0]
        assert rescues_a_moment or any(one.id == other.parent for other in kept_backups), one.id
    first = min((one.segment.number for one in used_segments), default=0)
    oldest_base = min(one.start // SEGMENT_BYTES for one in backups if one in kept_backups)
    assert all(one.segment.number >= min(first, oldest_base) for one in kept_segments)

    again = plan_pruning(
        kept_backups, kept_segments, now=now, keep_days=keep_days, points=points, proven=proven
    )
    assert (again.backups, again.segments) == ((), ())


def test_nothing_goes_without_any_backup() -> None:
    segments = [KeptSegment(segment=Segment(1, n), received_at=moment(n)) for n in range(5)]
    plan = plan_pruning([], segments, now=moment(500), keep_days=30)
    assert (plan.backups, plan.segments) == ((), ())


def test_an_unfinished_backup_is_swept_and_a_finished_one_stays(vault: Vault) -> None:
    vault.put_bytes("base/killed/base.tar", b"half")
    vault.put_bytes("base/whole/base.tar", b"all")
    with vault.folder.writing("base/whole/backup.json") as file:
        file.write(b"{}")
    assert sweep_unfinished(vault) == ["killed"]
    assert sweep_unfinished(vault) == []
    assert [name.split("/")[1] for name in vault.list_names("base")] == ["whole"]


def test_pruning_may_be_killed_and_run_again(vault: Vault) -> None:
    old = [KeptSegment(segment=Segment(1, n), received_at=moment(n)) for n in range(3)]
    for one in old:
        vault.put_bytes(one.name, b"x")
    base = BaseBackup(
        id="b", kind=BackupKind.FULL, parent=None, system_identifier="1", timeline=1,
        start=2 * SEGMENT_BYTES + 40, end=2 * SEGMENT_BYTES + 400, began_at=moment(2), ended_at=moment(2),
        data_bytes=1, stored_bytes=1, sha256="", key="",
    )  # fmt: skip
    plan = plan_pruning([base], old, now=moment(3), keep_days=30)
    assert [one.segment.number for one in plan.segments] == [0, 1]
    vault.delete(old[0].name)
    assert len(prune(vault, plan)) == 2
    assert len(prune(vault, plan)) == 2
    assert len(list(vault.list_names("wal"))) == 1
