"""What a restore would need: pure work over what the vault holds. Refuses what cannot be right.

A hole in the change records is no matter of taste: PostgreSQL itself, given no target, comes up short of it
and says nothing (26,000 of 38,001 rows, recovery anchors 3.6). So the plan names every file, or does not
exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Refused, Text
from hrx.ops.recovery.basebackup import BackupKind, BaseBackup
from hrx.ops.recovery.records import KeptSegment
from hrx.ops.recovery.wal import Fork, Segment, format_lsn, list_needed

_MARGIN: Final = timedelta(seconds=60)


class NotRestorable(Refused):
    """The moment that was asked for cannot be brought back from what is there."""

    code = "recovery.not_restorable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """Everything that a restore may use. `tail`: the segment still being received, and how far it is
    filled."""

    backups: tuple[BaseBackup, ...]
    segments: tuple[KeptSegment, ...]
    histories: Mapping[int, tuple[Fork, ...]]
    tail: Segment | None = None
    tail_end: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The moment to bring back: a time, a position, or (both None) the newest there is."""

    time: datetime | None = None
    lsn: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePlan:
    """`chain`: the full backup and its increments, in order; `segments`: what is replayed on it, in order.

    `end`: replay must reach this position, or it is short of what is known to exist (None: PostgreSQL
    decides by the time, and refuses by itself when it ends before it)."""

    target: Target
    chain: tuple[BaseBackup, ...]
    segments: tuple[KeptSegment, ...]
    tail: Segment | None
    timeline: int
    end: int | None

    @property
    def data_bytes(self) -> int:
        return self.chain[0].data_bytes + sum(one.stored_bytes for one in self.chain[1:])


def plan_restore(stock: Stock, *, target: Target) -> RestorePlan:
    """The newest backup before the target and every segment after it. Raises NotRestorable, and says why."""
    _check_moment(stock, target)
    timeline = max((one.timeline for one in stock.backups), default=1)
    timeline = max([timeline, *(one.segment.timeline for one in stock.segments)])
    forks = stock.histories.get(timeline, ())
    base = _choose_base(stock, target)
    chain = _chain_of(stock, base)
    end = _known_end(stock, timeline, target)
    needed = list_needed(forks, timeline, start=base.start, end=max(end, base.end))
    there = {one.segment: one for one in stock.segments}
    with_tail = stock.tail is not None and needed[-1] == stock.tail and stock.tail not in there
    missing = [one for one in needed if one not in there and not (with_tail and one == stock.tail)]
    if missing:
        raise _hole(stock, missing)
    return RestorePlan(
        target=target,
        chain=chain,
        segments=tuple(there[one] for one in needed if one in there),
        tail=stock.tail if with_tail else None,
        timeline=timeline,
        end=None if target.time else end,
    )


def _check_moment(stock: Stock, target: Target) -> None:
    if not stock.backups:
        raise NotRestorable(
            Text(ja="バックアップがまだ 1 つもありません", en="There is no backup yet"),
            hint=Text(ja="`hrx recover backup` で取ります。", en="Take one with `hrx recover backup`."),
        )
    if target.time and target.time > clock.now():
        raise NotRestorable(
            Text(
                ja=f"{target.time:%Y-%m-%d %H:%M:%S} はまだ来ていません",
                en=f"{target.time:%Y-%m-%d %H:%M:%S} is in the future",
            ),
            hint=Text(
                ja="過去の時刻を指定するか、`--to latest` を使います。",
                en="Name a past time, or `--to latest`.",
            ),
        )


def _choose_base(stock: Stock, target: Target) -> BaseBackup:
    """The newest one that was over before the target: within a backup's own time nothing is consistent."""
    fitting = [
        one
        for one in stock.backups
        if (target.time is None or one.ended_at <= target.time)
        and (target.lsn is None or one.end <= target.lsn)
    ]
    if not fitting:
        first = min(stock.backups, key=lambda one: one.ended_at)
        oldest = f"{first.ended_at:%Y-%m-%d %H:%M:%S} UTC"
        raise NotRestorable(
            Text(
                ja=f"その時点より前のバックアップがありません。最も古いのは {oldest} です",
                en=f"No backup is older than that; the oldest ended at {oldest}",
            ),
            hint=Text(
                ja=f"`--to {first.ended_at:%Y-%m-%dT%H:%M:%SZ}` より後を指定します。",
                en=f"Name a moment after `--to {first.ended_at:%Y-%m-%dT%H:%M:%SZ}`.",
            ),
        )
    return max(fitting, key=lambda one: one.ended_at)


def _chain_of(stock: Stock, base: BaseBackup) -> tuple[BaseBackup, ...]:
    by_id = {one.id: one for one in stock.backups}
    chain = [base]
    while chain[0].kind is BackupKind.INCREMENTAL:
        parent = by_id.get(chain[0].parent or "")
        if parent is None:
            raise NotRestorable(
                Text(
                    ja=f"増分 {chain[0].id} の元になるバックアップ {chain[0].parent} がありません",
                    en=f"Increment {chain[0].id} needs backup {chain[0].parent}, which is gone",
                ),
                hint=Text(
                    ja="別の場所の写しから取り戻すか、より古い時点を指定します。",
                    en="Fetch it from the copy elsewhere, or name an older moment.",
                ),
            )
        chain.insert(0, parent)
    return tuple(chain)


def _known_end(stock: Stock, timeline: int, target: Target) -> int:
    """How far replay has to read: the position asked for, or to the first segment received well after the
    time, or everything that there is."""
    if target.lsn is not None:
        return target.lsn
    last = max((one.segment.end for one in stock.segments), default=0)
    # Of a tail whose filling nobody noted, its first byte is known to be there.
    begun = stock.tail.start + 1 if stock.tail else 0
    newest = max(last, begun, stock.tail_end or 0)
    if target.time is None:
        return newest
    # A segment that came just after the time may hold nothing later than it, and PostgreSQL stops only at a
    # commit that is later.
    later = [one.segment.end for one in stock.segments if one.received_at > target.time + _MARGIN]
    return min(later, default=newest)


def _hole(stock: Stock, missing: Sequence[Segment]) -> NotRestorable:
    first, last = missing[0], missing[-1]
    before = max((one.received_at for one in stock.segments if one.segment.end <= first.start), default=None)
    until = f"{before:%Y-%m-%d %H:%M:%S} UTC" if before else "–"
    return NotRestorable(
        Text(
            ja=f"変更記録が欠けています: {first.name} から {last.name} まで {len(missing)} 本"
            f"({format_lsn(first.start)} から)。欠けの手前で最後に届いた時刻は {until}",
            en=f"Change records are missing: {first.name} to {last.name}, {len(missing)} in all "
            f"(from {format_lsn(first.start)}). The last one before the hole came at {until}",
        ),
        hint=Text(
            ja="別の場所の写しから `hrx recover fetch` で取り戻すか、欠けより前の時刻を指定します。",
            en="Get them from the copy elsewhere with `hrx recover fetch`, or name a time before the hole.",
        ),
    )
