"""One text file read from its end: newest first, in blocks, and only as far back as somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text, Unavailable
from hrx.ops.observe.logs.files import TextFile
from hrx.ops.observe.logs.parsing import LineReader, find_moment, names_moment, read_lines
from hrx.ops.observe.logs.records import LogRecord

_BLOCK: Final = 256 * 1024
#: Threads write into one file without an order among them; lines are put in order over this stretch.
_SLACK: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From when until when (`since` ≤ at < `until`); None is open."""

    since: datetime | None = None
    until: datetime | None = None


def scan_back(
    text: TextFile,
    *,
    window: Window,
    may_match: Callable[[bytes], bool],
    matches: Callable[[LogRecord], bool],
    deadline_s: float,
) -> Iterator[LogRecord]:
    """The matching records of one file, newest first.

    `may_match` looks at the bytes of a whole block and may skip it. Raises TookTooLong past `deadline_s`
    (on the clock of `clock.monotonic_s`)."""
    kept: list[LogRecord] = []
    end = _end_of_last_line(text)
    while end > 0:
        if clock.monotonic_s() > deadline_s:
            raise too_long()
        start, block = _block_before(text, end)
        before = find_moment(block.split(b"\n")) or text.modified_at
        oldest = next(read_lines(block, LineReader(text.part, before=before)), None)
        end = start
        if oldest is None:
            continue
        if window.until is not None and oldest.at - _SLACK >= window.until:
            continue
        if may_match(block):
            reader = LineReader(text.part, before=before)
            kept += [one for one in read_lines(block, reader, offset=start) if matches(one)]
            kept.sort(key=_order)
        if window.since is not None and oldest.at + _SLACK < window.since:
            break
        # What lies before may still be newer than the oldest of what is known.
        while kept and kept[-1].at >= oldest.at + _SLACK:
            yield kept.pop()
    while kept:
        yield kept.pop()


def _order(one: LogRecord) -> tuple[datetime, int]:
    return one.at, one.offset


def too_long() -> Unavailable:
    return Unavailable(
        Text(ja="検索に時間がかかりすぎました", en="The search took too long"),
        hint=Text(
            ja="期間を短くするか、部品や相関 ID で絞り込んでください。",
            en="Ask for a shorter time, or name a part or a correlation id.",
        ),
        code="logs.too_long",
    )


def _end_of_last_line(text: TextFile) -> int:
    """Where whole lines end: of a live file the last line may be half written; a closed one is done."""
    if text.stem is not None:
        return text.size_bytes
    end = text.size_bytes
    while end > 0:
        start = max(0, end - _BLOCK)
        at = _read(text, start, end).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0


def _block_before(text: TextFile, end: int) -> tuple[int, bytes]:
    """Whole lines that end at `end`, the first of them one that names its moment (or the file's first)."""
    size = _BLOCK
    while True:
        start = max(0, end - size)
        block = _read(text, start, end)
        if start == 0:
            return 0, block
        at = block.find(b"\n") + 1
        while 0 < at < len(block):
            line_end = block.find(b"\n", at)
            if names_moment(block[at : line_end if line_end >= 0 else len(block)]):
                return start + at, block[at:]
            at = line_end + 1
        size *= 4


def _read(text: TextFile, start: int, end: int) -> bytes:
    text.file.seek(start)
    return text.file.read(end - start)
