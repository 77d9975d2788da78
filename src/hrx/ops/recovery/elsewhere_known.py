"""What is there, kept in memory: a vault of 30 days has tens of thousands of files, and news are looked for
every few seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hrx.ops.recovery.elsewhere_state import Tail, content_name, join_tails, segment_of
from hrx.ops.recovery.places import Kept
from hrx.ops.recovery.wal import Segment


@dataclass(slots=True)
class Known:
    """Files of the copy by name, their sizes in bytes. `version` changes when some may have gone."""

    sizes: dict[str, int] = field(default_factory=dict)
    whole: set[Segment] = field(default_factory=set)
    tails: dict[str, Tail] = field(default_factory=dict)
    size_bytes: int = 0
    version: int = 0

    def learn(self, listing: Iterable[Kept]) -> None:
        """Forget everything and believe this."""
        found = Known()
        for one in listing:
            found.add(one.name, one.size_bytes)
        self.sizes, self.whole, self.tails = found.sizes, found.whole, found.tails
        self.size_bytes, self.version = found.size_bytes, self.version + 1

    def add(self, name: str, size_bytes: int) -> None:
        self.size_bytes += size_bytes - self.sizes.get(name, 0)
        self.sizes[name] = size_bytes
        segment = segment_of(name)
        if segment is not None:
            self.whole.add(segment)
        elif name.startswith("tail/") and (tail := Tail.parse(content_name(name))):
            self.tails[name] = tail

    def remove(self, name: str) -> None:
        self.size_bytes -= self.sizes.pop(name, 0)
        self.tails.pop(name, None)
        segment = segment_of(name)
        if segment is not None:
            self.whole.discard(segment)
        self.version += 1

    def pieces_of(self, segment: Segment) -> list[Tail]:
        """What is there of a segment that was not full, from its first byte on."""
        return join_tails(list(self.tails.values()), segment)

    def list_replaced(self) -> list[str]:
        """Pieces of segments that are there in full by now, and pieces within a larger one."""
        there = list(self.tails.items())
        return [
            name
            for name, one in there
            if one.segment in self.whole or any(_replaces(other, (name, one)) for other in there)
        ]


def _replaces(other: tuple[str, Tail], one: tuple[str, Tail]) -> bool:
    """Whether the other piece holds all of this one; of two alike one stays."""
    (other_name, larger), (name, piece) = other, one
    if name == other_name or larger.segment != piece.segment:
        return False
    is_alike = (larger.start, larger.end) == (piece.start, piece.end)
    return larger.start <= piece.start and piece.end <= larger.end and (not is_alike or other_name < name)
