"""Change records (WAL): received from the server as they are written, and shipped into the vault when full.

The receiver is PostgreSQL's own pg_receivewal with a slot: after `kill -9` and a deleted data directory it
had lost 0 or 1 commits, where archiving of whole segments lost 488 to 1,459 (recovery anchors 3.3). What it
has not filled yet lies in a `.partial` file, which every restore reads."""

from __future__ import annotations

import functools
import re
import shutil
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from hrx.kit import clock
from hrx.ops.recovery.places import FileNotThere
from hrx.ops.recovery.shelf import Shelf
from hrx.ops.recovery.vault import SUFFIX, Vault
from hrx.ops.recovery.wal import SEGMENT_BYTES, Fork, Segment, history_timeline, parse_history
from hrx.ops.targets.machine.backups import SLOT as SLOT
from hrx.ops.targets.machine.backups import create_slot_argv as create_slot_argv
from hrx.ops.targets.machine.backups import receiver_argv as receiver_argv

_PARTIAL: Final = ".partial"
_KEPT: Final = re.compile(rf"wal/[0-9A-F]{{8}}/(?P<segment>[0-9A-F]{{24}})-(?P<at>\d+){re.escape(SUFFIX)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSegment:
    """A segment in the vault. Everything in it was written by `received_at` (whole seconds, rounded up),
    which is part of its name: a copy elsewhere has other times of its own."""

    segment: Segment
    received_at: datetime

    @property
    def name(self) -> str:
        at = int(self.received_at.timestamp())
        return f"wal/{self.segment.timeline:08X}/{self.segment.name}-{at}"


def list_received(directory: Path) -> tuple[list[Segment], Segment | None]:
    """Whole segments in the receiver's folder, in order, and the one that is being filled."""
    names = [path.name for path in directory.iterdir()] if directory.is_dir() else []
    whole = sorted(segment for name in names if (segment := Segment.parse(name)))
    filling = sorted(
        segment
        for name in names
        if name.endswith(_PARTIAL) and (segment := Segment.parse(name.removesuffix(_PARTIAL)))
    )
    last = filling[-1] if filling else None
    if last is not None and last.number:
        # A file that gets its whole name while the folder is read may be met under neither name.
        before = Segment(last.timeline, last.number - 1)
        if before not in whole and (directory / before.name).exists():
            whole = sorted([*whole, before])
    return whole, last


def partial_of(path: Path) -> Path:
    return path.with_name(path.name + _PARTIAL)


def ship(vault: Vault, directory: Path) -> list[KeptSegment]:
    """Put every whole segment and history file into the vault, then remove them here; gives what was shipped.

    May be killed at any point and run again: what is in the vault already is not put twice. Raises
    PlaceUnavailable; what was not shipped stays."""
    for path in sorted(directory.iterdir()) if directory.is_dir() else []:
        timeline = history_timeline(path.name)
        # The receiver keeps them, so they are met every time.
        if timeline is not None and not vault.has(history_name(timeline)):
            vault.put_bytes(history_name(timeline), path.read_bytes())
    shipped = []
    whole, _ = list_received(directory)
    known = {one.segment for one in list_segments(vault)} if whole else set()
    for segment in whole:
        path = directory / segment.name
        facts = path.stat()
        if facts.st_size != SEGMENT_BYTES:
            continue
        if segment not in known:
            received_at = datetime.fromtimestamp(int(facts.st_mtime) + 1, tz=UTC)
            kept = KeptSegment(segment=segment, received_at=received_at)
            with path.open("rb") as file:
                vault.put(kept.name, file)
            shipped.append(kept)
        path.unlink()
    return shipped


def list_segments(vault: Vault) -> list[KeptSegment]:
    """Every segment of the vault, in order, as it is now: for whoever restores, ships or removes."""
    return list(_listing_of(vault.folder.root).read(is_anew=True))


def list_all_segments(vault: Vault, received_dir: Path) -> tuple[list[KeptSegment], Segment | None]:
    """Those of the vault and whole ones that are on their way into it, in order; and the one being filled.

    What is here is read first: a segment that is shipped meanwhile is seen twice, not never."""
    whole, filling = list_received(received_dir)
    kept = {one.segment: one for one in list_segments(vault)}
    here = [as_kept(received_dir, one) for one in whole if one not in kept]
    return sorted([*kept.values(), *here], key=lambda one: one.segment) if here else list(
        kept.values()
    ), filling


def as_kept(received_dir: Path, segment: Segment) -> KeptSegment:
    """A whole segment of the receiver's as it will be called in the vault."""
    try:
        at_s = (received_dir / segment.name).stat().st_mtime
    except FileNotFoundError:
        # Shipped meanwhile.
        at_s = clock.now().timestamp()
    return KeptSegment(segment=segment, received_at=datetime.fromtimestamp(int(at_s) + 1, tz=UTC))


def fetch_segment(vault: Vault, kept: KeptSegment, into: Path, *, received_dir: Path | None) -> None:
    """Write a segment to `into`, wherever it is by now: it may be shipped at any moment.

    Raises FileNotThere, BackupFileDamaged, PlaceUnavailable."""
    try:
        return _read_kept(vault, kept, into)
    except FileNotThere:
        if received_dir is None:
            raise
    with suppress(FileNotFoundError):
        shutil.copyfile(received_dir / kept.segment.name, into)
        return None
    # The second way may have shipped it, under a time of its own.
    found = next((one for one in list_segments(vault) if one.segment == kept.segment), kept)
    return _read_kept(vault, found, into)


def _read_kept(vault: Vault, kept: KeptSegment, into: Path) -> None:
    with into.open("wb") as file:
        vault.read_into(kept.name, file)


def look_at_segments(vault: Vault) -> tuple[KeptSegment, ...]:
    """The same for whoever tells how things stand, every few seconds: folders whose time did not change are
    believed to hold what they held. Gives the same object again when nothing changed."""
    return _listing_of(vault.folder.root).read(is_anew=False)


def list_histories(vault: Vault) -> frozenset[int]:
    """Timelines whose history is in the vault."""
    found = (history_timeline(Path(name).name) for name in vault.list_names("wal"))
    return frozenset(one for one in found if one is not None)


def history_name(timeline: int) -> str:
    return f"wal/{timeline:08X}/{timeline:08X}.history"


def read_histories(vault: Vault) -> dict[int, tuple[Fork, ...]]:
    """By timeline: the forks that led to it."""
    return {
        timeline: parse_history(vault.get_bytes(history_name(timeline)).decode())
        for timeline in list_histories(vault)
    }


class _Listing:
    """The segments of one vault as they were read last. A name is taken apart once, for it never changes."""

    def __init__(self, root: Path) -> None:
        self._shelf = Shelf(root)
        self._turn = threading.Lock()
        self._by_name: dict[str, KeptSegment] = {}
        self._names: list[list[str]] = []
        self._kept: tuple[KeptSegment, ...] = ()

    def read(self, *, is_anew: bool) -> tuple[KeptSegment, ...]:
        with self._turn:
            # Lists of names are told apart as objects: there is a new one for a folder that was read again.
            names = [folder.names for folder in self._shelf.walk("wal", is_anew=is_anew)]
            if len(names) != len(self._names) or any(
                one is not other for one, other in zip(names, self._names, strict=True)
            ):
                known = self._by_name
                found = {name: known.get(name) or _parse(name) for folder in names for name in folder}
                self._by_name = {name: one for name, one in found.items() if one is not None}
                if self._by_name.keys() != known.keys():
                    # Names of one width, of which the timeline and the number come first.
                    self._kept = tuple(one for _, one in sorted(self._by_name.items()))
                self._names = names
            return self._kept


@functools.lru_cache(maxsize=4)
def _listing_of(root: Path) -> _Listing:
    return _Listing(root)


def _parse(stored: str) -> KeptSegment | None:
    found = _KEPT.fullmatch(stored)
    segment = Segment.parse(found["segment"]) if found else None
    if found is None or segment is None:
        return None
    return KeptSegment(segment=segment, received_at=datetime.fromtimestamp(int(found["at"]), tz=UTC))
