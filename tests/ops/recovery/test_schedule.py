"""When a backup is due, of which kind, and when not: missed runs, new timelines, holes, failures in a row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hrx.ops.recovery.basebackup import BackupKind, BaseBackup
from hrx.ops.recovery.schedule import Due, Server, find_due

pytestmark = pytest.mark.req("R6.1-1")
#: 02:30 in Tokyo.
RUN = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)
SERVER = Server(system_identifier="7", timeline=1)


def backup(at: datetime, *, parent: str | None = None, timeline: int = 1, start: int = 0) -> BaseBackup:
    return BaseBackup(
        id=at.strftime("%Y%m%dT%H%M%S000Z"),
        kind=BackupKind.INCREMENTAL if parent else BackupKind.FULL,
        parent=parent,
        system_identifier="7",
        timeline=timeline,
        start=start,
        end=start + 1,
        began_at=at,
        ended_at=at + timedelta(minutes=1),
        data_bytes=1,
        stored_bytes=1,
        sha256="",
        key="",
    )


def due(
    backups: list[BaseBackup],
    now: datetime,
    *,
    server: Server | None = SERVER,
    distrusted: frozenset[str] = frozenset(),
    holes_after: int | None = None,
) -> Due | None:
    return find_due(
        backups,
        now=now,
        daily_at="02:30",
        full_every_days=7,
        server=server,
        distrusted=distrusted,
        holes_after=holes_after,
    )


def test_the_first_is_a_full_one_then_increments_daily_and_a_full_one_each_week() -> None:
    first = due([], RUN)
    assert first is not None
    assert first.parent is None
    taken = [backup(RUN)]
    for day in range(1, 15):
        now = RUN + timedelta(days=day)
        assert due(taken, now - timedelta(minutes=1)) is None
        # Missed for hours, it is made up for.
        found = due(taken, now + timedelta(hours=5))
        assert found is not None
        assert (found.parent is None) is (day % 7 == 0)
        taken.append(backup(now, parent=found.parent.id if found.parent else None))
        assert due(taken, now + timedelta(hours=5)) is None


def test_a_new_timeline_and_a_hole_want_one_at_once_and_another_system_counts_as_none() -> None:
    taken = [backup(RUN)]
    soon = RUN + timedelta(hours=1)
    later = due(taken, soon, server=Server(system_identifier="7", timeline=2))
    assert later is not None
    assert later.parent is None
    other = due(taken, soon, server=Server(system_identifier="8", timeline=1))
    assert other is not None
    assert other.parent is None
    hole = due(taken, soon, holes_after=100)
    assert hole is not None
    assert due([*taken, backup(soon, start=200)], soon, holes_after=100) is None


def test_what_failed_its_restore_is_taken_anew_but_ever_more_seldom() -> None:
    taken = [backup(RUN)]
    soon = RUN + timedelta(minutes=2)
    again = due(taken, soon, distrusted=frozenset({taken[0].id}))
    assert again is not None
    assert again.parent is None
    waits = []
    for _ in range(12):
        taken.append(backup(taken[-1].ended_at))
        failed = frozenset(one.id for one in taken)
        at = taken[-1].ended_at
        while due(taken, at, distrusted=failed) is None:
            at += timedelta(minutes=1)
        waits.append(at - taken[-1].ended_at)
    assert waits[0] == timedelta(minutes=2)
    assert waits == sorted(waits)
    assert max(waits) <= timedelta(hours=6)
    # One that is well ends the waiting.
    well = backup(taken[-1].ended_at)
    assert due([*taken, well], well.ended_at, distrusted=failed) is None
