"""What a restore would need: pure work over what the vault holds. Refuses what cannot be right.

A hole in the change records is no matter of taste: PostgreSQL itself, given no target, comes up short of it
and says nothing (26,000 of 38,001 rows, recovery anchors 3.6). So the plan names every file, or does not
exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
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
    filled. `distrusted`: backups that failed their proof."""

    backups: tuple[BaseBackup, ...]
    segments: tuple[KeptSegment, ...]
    histories: Mapping[int, tuple[Fork, ...]]
    tail: Segment | None = None
    tail_end: int | None = None
    distrusted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The moment to bring back: a time, a position, or (both None) the newest there is.

    `is_before`: stop just before the record at that position instead of after it."""

    time: datetime | None = None
    lsn: int | None = None
    is_before: bool = False


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
    """The newest backup before the target and every segment after it. Raises NotRestorable, and says why.

    A backup that failed its proof, and what is built on it, serves only where nothing else does."""
    if stock.distrusted:
        with suppress(NotRestorable):
            return _plan(_without_distrusted(stock), target)
    return _plan(stock, target)


def _without_distrusted(stock: Stock) -> Stock:
    kept: list[BaseBackup] = []
    for one in sorted(stock.backups, key=lambda backup: backup.began_at):
        is_built_on_it = one.parent is not None and one.parent not in {parent.id for parent in kept}
        if one.id not in stock.distrusted and not is_built_on_it:
            kept.append(one)
    return replace(stock, backups=tuple(kept))


def _plan(stock: Stock, target: Target) -> RestorePlan:
    _check_moment(stock, target)
    timeline = _choose_timeline(stock, target)
    forks = stock.histories.get(timeline, ())
    base = _choose_base(stock, target, timeline=timeline, forks=forks)
    chain = _chain_of(stock, base)
    end = _known_end(stock, target, timeline=timeline, forks=forks)
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
        end=end if target.time is None and target.lsn is None else None,
    )


def _choose_timeline(stock: Stock, target: Target) -> int:
    """The history that was lived at that time; the newest for a position or for the newest moment.

    A switch to a copy begins another, and the moments between the copy's and the switch belong to the one
    before. What is first known of a timeline is its first backup, taken at once, or its first records."""
    begun: dict[int, datetime] = {}
    for timeline, at in (
        *((one.timeline, one.began_at) for one in stock.backups),
        *((one.segment.timeline, one.received_at) for one in stock.segments),
    ):
        begun[timeline] = min(at, begun.get(timeline, at))
    if target.time is not None:
        lived = [timeline for timeline, at in begun.items() if at <= target.time]
        return max(lived, default=min(begun, default=1))
    return max((*begun, stock.tail.timeline if stock.tail else 1))


def list_line(stock: Stock) -> list[KeptSegment]:
    """The segments of the history that is lived now, in order: of each history that led to it only what was
    lived before it was left."""
    if not stock.segments:
        return []
    timeline = _choose_timeline(stock, Target())
    there = {one.segment: one for one in stock.segments}
    start, end = min(one.start for one in there), max(one.end for one in there)
    needed = list_needed(stock.histories.get(timeline, ()), timeline, start=start, end=end)
    return [there[one] for one in needed if one in there]


def _is_on_line(one: int, end: int, *, timeline: int, forks: tuple[Fork, ...]) -> bool:
    """Whether what ends at this position of timeline `one` is part of the history that led to `timeline`."""
    return one == timeline or any(fork.parent == one and end <= fork.at for fork in forks)


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


def _choose_base(stock: Stock, target: Target, *, timeline: int, forks: tuple[Fork, ...]) -> BaseBackup:
    """The newest one that was over before the target: within a backup's own time nothing is consistent.

    One of a history that was left is not it, however new."""
    fitting = [
        one
        for one in stock.backups
        if _is_on_line(one.timeline, one.end, timeline=timeline, forks=forks)
        and (target.time is None or one.ended_at <= target.time)
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


def _known_end(stock: Stock, target: Target, *, timeline: int, forks: tuple[Fork, ...]) -> int:
    """How far replay has to read: the position asked for, or to the first segment received well after the
    time, or everything that there is."""
    if target.lsn is not None:
        # The record that begins there has to be read, too.
        return target.lsn + 1
    mine = [
        one
        for one in stock.segments
        if _is_on_line(one.segment.timeline, one.segment.start, timeline=timeline, forks=forks)
    ]
    last = max((one.segment.end for one in mine), default=0)
    # Of a tail whose filling nobody noted, its first byte is known to be there.
    is_mine = stock.tail is not None and stock.tail.timeline == timeline
    begun = stock.tail.start + 1 if stock.tail and is_mine else 0
    newest = max(last, begun, (stock.tail_end or 0) if is_mine else 0)
    if target.time is None:
        return newest
    # A segment that came just after the time may hold nothing later than it, and PostgreSQL stops only at a
    # commit that is later.
    later = [
        one.segment.end
        for one, at in zip(mine, list_arrivals(mine), strict=True)
        if at > target.time + _MARGIN
    ]
    return min(later, default=newest)


def list_arrivals(segments: Sequence[KeptSegment]) -> list[datetime]:
    """When each of these, in order, had come at the latest, also by a clock that jumped ahead meanwhile:
    nothing comes after what follows it, or after now."""
    arrivals: list[datetime] = []
    latest = clock.now()
    for one in reversed(segments):
        latest = min(latest, one.received_at)
        arrivals.append(latest)
    return arrivals[::-1]


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
