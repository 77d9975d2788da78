"""Which moments can be brought back, and where the chain of change records has a hole: pure work over names.

A hole is told within seconds of its appearing: before a restore needs what is missing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hrx.ops.recovery.basebackup import BackupKind, BaseBackup
from hrx.ops.recovery.records import KeptSegment
from hrx.ops.recovery.wal import Run, Segment, join_runs, list_runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Every moment from `begin` to `end` can be brought back."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Segments that are missing between two that are there; both included."""

    first: Segment
    last: Segment

    @property
    def count(self) -> int:
        return self.last.number - self.first.number + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """`spans` in order, without overlap; `gaps` between them; `broken`: backups that lack a parent."""

    spans: tuple[Span, ...]
    gaps: tuple[Span, ...]
    holes: tuple[Hole, ...]
    broken: tuple[str, ...]


def find_coverage(
    backups: Sequence[BaseBackup],
    segments: Sequence[KeptSegment],
    *,
    filling: Segment | None,
    until: datetime,
) -> Coverage:
    """`segments`: those of the vault and whole ones that the receiver still has. `filling`: what it is
    filling now; connected to the rest, everything up to `until` is covered."""
    index = _index(segments)
    received = index.received
    runs = join_runs([*index.runs, Run(first=filling, last=filling)]) if filling else index.runs
    whole = {one.id for one in backups if _is_whole(one, backups)}
    spans = []
    for one in backups:
        if one.id not in whole:
            continue
        last = _follow(runs, Segment.at(one.timeline, one.start))
        if last is None or last.end < one.end:
            continue
        end = until if last == filling else received[last]
        if end > one.ended_at:
            spans.append(Span(begin=one.ended_at, end=end))
    merged = _merge(spans)
    first = min((Segment.at(one.timeline, one.start) for one in backups), default=None)
    return Coverage(
        spans=tuple(merged),
        gaps=tuple(Span(begin=a.end, end=b.begin) for a, b in itertools.pairwise(merged)),
        holes=tuple(_list_holes(runs, first=first)),
        broken=tuple(one.id for one in backups if one.id not in whole),
    )


@dataclass(frozen=True, slots=True)
class _Index:
    segments: Sequence[KeptSegment]
    received: Mapping[Segment, datetime]
    runs: Sequence[Run]


#: Of tens of thousands of segments it takes a third of a second, and they seldom change between two looks.
_indexed: list[_Index] = []


def _index(segments: Sequence[KeptSegment]) -> _Index:
    """The same object of segments, which cannot change, gives the same again."""
    for one in _indexed:
        if one.segments is segments:
            return one
    received = {one.segment: one.received_at for one in segments}
    made = _Index(segments, received, list_runs(received))
    if isinstance(segments, tuple):
        _indexed[:] = [made]
    return made


def _is_whole(backup: BaseBackup, backups: Sequence[BaseBackup]) -> bool:
    by_id: Mapping[str, BaseBackup] = {one.id: one for one in backups}
    one: BaseBackup | None = backup
    while one is not None and one.kind is BackupKind.INCREMENTAL:
        one = by_id.get(one.parent or "")
    return one is not None


def _follow(runs: Sequence[Run], start: Segment) -> Segment | None:
    """The last segment that replay from `start` reaches without a hole, over younger timelines too."""
    run = next((one for one in runs if one.first <= start <= one.last), None)
    while run is not None:
        here = run
        # Where timelines part, the younger begins with a copy of the elder's last segment, which need not
        # be there on its own.
        run = next(
            (
                one
                for one in runs
                if one.first.timeline > here.last.timeline
                and here.first.number < one.first.number <= here.last.number + 1
                and one.last.number >= here.last.number
            ),
            None,
        )
        if run is None:
            return here.last
    return None


def _list_holes(runs: Sequence[Run], *, first: Segment | None) -> Iterable[Hole]:
    """Between runs of one timeline, as far as any backup needs them."""
    for before, after in itertools.pairwise(runs):
        if before.first.timeline != after.first.timeline:
            continue
        hole = Hole(first=before.last.next, last=Segment(after.first.timeline, after.first.number - 1))
        if first is None or hole.last.number >= first.number:
            yield hole


def _merge(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for one in sorted(spans, key=lambda span: span.begin):
        if merged and one.begin <= merged[-1].end:
            merged[-1] = Span(begin=merged[-1].begin, end=max(merged[-1].end, one.end))
        else:
            merged.append(one)
    return merged
