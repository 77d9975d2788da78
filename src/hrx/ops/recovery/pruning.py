"""What retention may take from the vault: what no moment of the window, no restore point and no proof needs.

Kept are: the newest backup that was over before the window began (its moments need it), everything younger,
the parents of all these, the newest proven backup with its parents, what a named restore point or a hold
needs; and change records from the oldest of these on. Nothing else is."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hrx.kit import clock
from hrx.ops.recovery.basebackup import BackupKind, BaseBackup, delete_backup
from hrx.ops.recovery.records import KeptSegment
from hrx.ops.recovery.vault import Vault
from hrx.ops.recovery.wal import Segment

_FACTS: Final = "backup.json"
#: A file that somebody writes for so long is nobody's.
_UNFINISHED_FOR_S: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class PrunePlan:
    """What would go, in the order in which it goes: increments before their parents, old records first."""

    backups: tuple[BaseBackup, ...]
    segments: tuple[KeptSegment, ...]
    keep_from: datetime

    @property
    def stored_bytes(self) -> int:
        """Of the backups; records are not measured before they go."""
        return sum(one.stored_bytes for one in self.backups)


def plan_pruning(
    backups: Sequence[BaseBackup],
    segments: Sequence[KeptSegment],
    *,
    now: datetime,
    keep_days: int,
    points: Collection[int] = (),
    proven: str | None = None,
    held: Collection[str] = (),
) -> PrunePlan:
    """`points`: positions of named restore points; `proven`: the newest proven backup; `held`: backups that
    somebody uses. Pure."""
    keep_from = now - timedelta(days=keep_days)
    in_order = sorted(backups, key=lambda one: one.ended_at)
    before = [one for one in in_order if one.ended_at <= keep_from]
    bases = [one for one in in_order if one.ended_at > keep_from] + before[-1:]
    bases += [one for one in in_order if one.id == proven or one.id in held]
    spans: list[tuple[BaseBackup, int]] = []
    for point in points:
        base = max((one for one in in_order if one.end <= point), key=lambda one: one.end, default=None)
        if base is not None:
            bases.append(base)
            spans.append((base, point))
    kept = {part.id for one in bases for part in _chain(one, in_order)}
    window = before[-1:] or in_order[:1]
    proven_base = next((one for one in in_order if one.id == proven), None)
    if proven_base is not None:
        # To be consistent it needs the records of its own time.
        spans.append((proven_base, proven_base.end + 1))
    spans += [(one, one.end + 1) for one in in_order if one.id in held]
    return PrunePlan(
        backups=tuple(one for one in reversed(in_order) if one.id not in kept),
        segments=tuple(
            one
            for one in sorted(segments, key=lambda kept_one: kept_one.segment)
            if not _is_needed(one.segment, window=window, spans=spans)
        ),
        keep_from=keep_from,
    )


def prune(vault: Vault, plan: PrunePlan) -> list[str]:
    """Carry it out; gives the stored names that are gone. May be killed anywhere and run again.

    A backup's facts go first, so that half a removal never looks like a backup; then its proofs."""
    gone: list[str] = []
    for one in plan.backups:
        gone += list(vault.folder.list_names(f"base/{one.id}"))
        delete_backup(vault, one)
        for name in list(vault.folder.list_names(f"proofs/{one.id}")):
            vault.folder.delete(name)
            gone.append(name)
        for folder in (f"base/{one.id}", f"proofs/{one.id}"):
            shutil.rmtree(vault.folder.root / folder, ignore_errors=True)
    for segment in plan.segments:
        vault.delete(segment.name)
        gone.append(vault.stored_name(segment.name))
    return gone


def sweep_unfinished(vault: Vault) -> list[str]:
    """Remove backups that were begun and never finished, and files whose writer was killed a day ago.

    Nobody may be taking a backup meanwhile (`claimed_vault`)."""
    gone = []
    root = vault.folder.root
    for folder in (root / "base").glob("*"):
        if folder.is_dir() and not (folder / _FACTS).exists():
            shutil.rmtree(folder, ignore_errors=True)
            gone.append(folder.name)
    now_s = clock.now().timestamp()
    for path in root.rglob("*.writing"):
        try:
            if now_s - path.stat().st_mtime > _UNFINISHED_FOR_S:
                path.unlink()
                gone.append(path.name)
        except FileNotFoundError:
            continue
    return gone


def _chain(backup: BaseBackup, backups: Sequence[BaseBackup]) -> list[BaseBackup]:
    by_id = {one.id: one for one in backups}
    chain = [backup]
    while chain[-1].kind is BackupKind.INCREMENTAL:
        parent = by_id.get(chain[-1].parent or "")
        if parent is None:
            break
        chain.append(parent)
    return chain


def _is_needed(
    segment: Segment, *, window: Sequence[BaseBackup], spans: Sequence[tuple[BaseBackup, int]]
) -> bool:
    """By the window: everything from its oldest base on. By a point: from its base up to it."""
    if not window:
        return True
    base = window[0]
    if segment.timeline >= base.timeline and segment.end > base.start:
        return True
    return any(
        segment.end > one.start and segment.start <= until
        for one, until in spans
        if segment.timeline >= one.timeline
    )
