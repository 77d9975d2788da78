"""Change records (WAL): received from the server as they are written, and shipped into the vault when full.

The receiver is PostgreSQL's own pg_receivewal with a slot: after `kill -9` and a deleted data directory it
had lost 0 or 1 commits, where archiving of whole segments lost 488 to 1,459 (recovery anchors 3.3). What it
has not filled yet lies in a `.partial` file, which every restore reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from hrx.ops.recovery.vault import Vault
from hrx.ops.recovery.wal import SEGMENT_BYTES, Fork, Segment, history_timeline, parse_history

SLOT: Final = "hrx_receiver"
_PARTIAL: Final = ".partial"
_KEPT: Final = re.compile(r"wal/[0-9A-F]{8}/(?P<segment>[0-9A-F]{24})-(?P<at>\d+)")


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


def receiver_argv(program: str, *, conninfo: str, directory: Path) -> list[str]:
    """The receiver's command for a supervisor. It tries again by itself when the server is away.

    It flushes what it received at once: otherwise it would do so once a segment, and what it says of itself
    (`flush_lsn`) would be 16 MiB late. That costs 0.14 CPU s a segment (recovery anchors 3.4)."""
    return [
        program,
        f"--dbname={conninfo}",
        f"--directory={directory}",
        f"--slot={SLOT}",
        "--synchronous",
        "--status-interval=1",
        "--no-password",
    ]


def create_slot_argv(program: str, *, conninfo: str) -> list[str]:
    """Make the slot; harmless when it is there. Without it the server may remove what was not received."""
    return [
        program, f"--dbname={conninfo}", f"--slot={SLOT}", "--create-slot", "--if-not-exists",
        "--no-password", ]  # fmt: skip


def list_received(directory: Path) -> tuple[list[Segment], Segment | None]:
    """Whole segments in the receiver's folder, in order, and the one that is being filled."""
    names = [path.name for path in directory.iterdir()] if directory.is_dir() else []
    whole = sorted(segment for name in names if (segment := Segment.parse(name)))
    filling = sorted(
        segment
        for name in names
        if name.endswith(_PARTIAL) and (segment := Segment.parse(name.removesuffix(_PARTIAL)))
    )
    return whole, filling[-1] if filling else None


def partial_of(path: Path) -> Path:
    return path.with_name(path.name + _PARTIAL)


def ship(vault: Vault, directory: Path) -> list[KeptSegment]:
    """Put every whole segment and history file into the vault, then remove them here; gives what was shipped.

    May be killed at any point and run again: what is in the vault already is not put twice. Raises
    PlaceUnavailable; what was not shipped stays."""
    known = {one.segment: one for one in list_segments(vault)}
    for path in sorted(directory.iterdir()) if directory.is_dir() else []:
        timeline = history_timeline(path.name)
        if timeline is not None and timeline not in list_histories(vault):
            vault.put_bytes(history_name(timeline), path.read_bytes())
    shipped = []
    whole, _ = list_received(directory)
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
    """Every segment of the vault, in order."""
    return sorted(_kept(vault), key=lambda one: one.segment)


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


def _kept(vault: Vault) -> Iterator[KeptSegment]:
    for name in vault.list_names("wal"):
        found = _KEPT.fullmatch(name)
        segment = Segment.parse(found["segment"]) if found else None
        if found and segment:
            yield KeptSegment(segment=segment, received_at=datetime.fromtimestamp(int(found["at"]), tz=UTC))
