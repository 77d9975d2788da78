"""Names and positions of PostgreSQL's change records (WAL): pure arithmetic, no files.

A segment is 16 MiB, PostgreSQL's default, which initdb of the embedded server does not change. A position
(LSN) is a byte number in the endless stream of one timeline; it is written as two hexadecimal halves,
`0/3000060`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from hrx.kit.errors import Invalid, Text

SEGMENT_BYTES: Final = 16 * 1024 * 1024
_PER_LOG: Final = 0x1_0000_0000 // SEGMENT_BYTES
_SEGMENT: Final = re.compile(r"(?P<timeline>[0-9A-F]{8})(?P<log>[0-9A-F]{8})(?P<segment>[0-9A-F]{8})")
_HISTORY: Final = re.compile(r"(?P<timeline>[0-9A-F]{8})\.history")
_LSN: Final = re.compile(r"(?P<high>[0-9A-Fa-f]{1,8})/(?P<low>[0-9A-Fa-f]{1,8})")


def parse_lsn(text: str) -> int:
    """The byte number of a written position. Raises Invalid."""
    found = _LSN.fullmatch(text.strip())
    if found is None:
        raise Invalid(
            Text(ja=f"WAL の位置として読めません: {text}", en=f"Not a WAL position: {text}"),
            hint=Text(ja="`0/3000060` の形です。", en="It looks like `0/3000060`."),
            code="recovery.not_a_position",
        )
    return int(found["high"], 16) << 32 | int(found["low"], 16)


def format_lsn(position: int) -> str:
    """A position as PostgreSQL writes it."""
    return f"{position >> 32:X}/{position & 0xFFFF_FFFF:X}"


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One file of 16 MiB of one timeline. `number` counts from the beginning of the stream."""

    timeline: int
    number: int

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """None for anything else that lies in such a folder: history files, `.partial`, `.backup`."""
        found = _SEGMENT.fullmatch(name)
        if found is None or int(found["segment"], 16) >= _PER_LOG:
            return None
        return cls(int(found["timeline"], 16), int(found["log"], 16) * _PER_LOG + int(found["segment"], 16))

    @classmethod
    def at(cls, timeline: int, position: int) -> Self:
        """The segment that holds the byte at this position."""
        return cls(timeline, position // SEGMENT_BYTES)

    @property
    def name(self) -> str:
        return f"{self.timeline:08X}{self.number // _PER_LOG:08X}{self.number % _PER_LOG:08X}"

    @property
    def start(self) -> int:
        """The position of its first byte."""
        return self.number * SEGMENT_BYTES

    @property
    def end(self) -> int:
        """The position just after its last byte."""
        return self.start + SEGMENT_BYTES

    @property
    def next(self) -> Segment:
        return Segment(self.timeline, self.number + 1)


def address_of(head: bytes) -> int:
    """The position that a segment's first page says it has: the second eight bytes, xlp_pageaddr of its
    XLogLongPageHeader."""
    return int.from_bytes(head[8:16], "little")


def history_timeline(name: str) -> int | None:
    """The timeline that a history file is of; None when the name is not one's."""
    found = _HISTORY.fullmatch(name)
    return int(found["timeline"], 16) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """Where a timeline left its parent: recovery follows the parent up to `at` and no further."""

    parent: int
    at: int


def parse_history(text: str) -> tuple[Fork, ...]:
    """The forks that led to a timeline, oldest first; lines are `parent <tab> position <tab> reason`.

    Raises Invalid for a file that is not one."""
    forks = []
    for line in text.splitlines():
        words = line.split("\t")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if len(words) < 2 or not words[0].strip().isdigit():
            raise Invalid(
                Text(ja="タイムラインの履歴として読めません", en="Not a timeline history"),
                code="recovery.not_a_history",
            )
        forks.append(Fork(parent=int(words[0]), at=parse_lsn(words[1])))
    return tuple(forks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Segments of one timeline without a hole between `first` and `last`, both included."""

    first: Segment
    last: Segment

    @property
    def start(self) -> int:
        return self.first.start

    @property
    def end(self) -> int:
        return self.last.end


def list_runs(segments: Iterable[Segment]) -> list[Run]:
    """Unbroken runs, in order; between two runs of one timeline there is a hole."""
    runs: list[Run] = []
    first = last = None
    for segment in sorted(set(segments), key=lambda one: (one.timeline, one.number)):
        if first is None or last is None:
            first = segment
        elif segment.number != last.number + 1 or segment.timeline != last.timeline:
            runs.append(Run(first=first, last=last))
            first = segment
        last = segment
    if first is not None and last is not None:
        runs.append(Run(first=first, last=last))
    return runs


def join_runs(runs: Iterable[Run]) -> list[Run]:
    """Runs of which some may touch or overlap, as `list_runs` gives them."""
    joined: list[Run] = []
    for run in sorted(runs, key=lambda one: one.first):
        before = joined[-1] if joined else None
        if before and run.first <= before.last.next:
            joined[-1] = Run(first=before.first, last=max(before.last, run.last))
        else:
            joined.append(run)
    return joined


def list_needed(forks: tuple[Fork, ...], timeline: int, *, start: int, end: int) -> list[Segment]:
    """The segments that replay from `start` to `end` on `timeline` reads, each on the timeline it lies on.

    `start` and `end` are positions; the segment that holds `end` is included unless `end` is its first
    byte."""
    last_number = max(start, end - 1) // SEGMENT_BYTES
    numbers = range(start // SEGMENT_BYTES, last_number + 1)
    return [Segment(_lies_on(forks, timeline, number), number) for number in numbers]


def _lies_on(forks: tuple[Fork, ...], timeline: int, number: int) -> int:
    """The oldest timeline that was not left yet when this segment ended.

    A segment in which two timelines part is read from the younger, which begins with a copy of the
    elder's."""
    return next((fork.parent for fork in forks if number < fork.at // SEGMENT_BYTES), timeline)
