"""Marks of visibility that an increment brings back wrongly are taken away from a combined backup.

A change to a row clears the mark of its page ("visible to all") in the visibility map, but its record does
not name the map's block, so the summaries that increments are made of do not know that it changed. Combined,
the map still says "visible to all" of pages that have changed since: a count by an index alone returns
deleted rows. Seen with PostgreSQL 18.4, and told on pgsql-hackers in March 2026 ("Why clearing the VM doesn't
require registering vm buffer in WAL record"). The page's own header has the truth; a mark less is safe.

A page of nothing but zeros keeps its mark: that is how the checks see that its rows are gone."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Final

_PAGE: Final = 8192
#: Pages of a relation in one file of 1 GiB.
_SEGMENT_PAGES: Final = 131_072
#: PageHeaderData: pd_checksum, pd_flags, pd_upper; and what follows it.
_CHECKSUM_AT: Final = 8
_FLAGS_AT: Final = 10
_UPPER_AT: Final = 14
_CONTENT_AT: Final = 24
_PD_ALL_VISIBLE: Final = 0x0004
#: Two bits a page: visible to all, frozen.
_PAGES_A_BYTE: Final = 4
_MAPPED: Final = (_PAGE - _CONTENT_AT) * _PAGES_A_BYTE
_FORKS: Final = ("base/*/*_vm", "global/*_vm", "pg_tblspc/*/*/*/*_vm")
# storage/checksum_impl.h: thirty-two running FNV-1a sums over the page, folded into one.
_PRIME: Final = 16_777_619
_BEGIN: Final = (
    0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
    0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
    0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
    0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756,
)  # fmt: skip


def clear_stale_marks(data_dir: Path) -> int:
    """Of a stopped server's files; gives how many pages of tables lost a mark that was wrong."""
    return sum(_clear(path) for pattern in _FORKS for path in sorted(data_dir.glob(pattern)))


def checksum_of(page: bytes, block: int) -> int:
    """The checksum that PostgreSQL gives this page of 8 KiB at this place of its file."""
    words = struct.unpack("<2048I", page[:_CHECKSUM_AT] + b"\0\0" + page[_CHECKSUM_AT + 2 :])
    folded = 0
    for lane, found in enumerate(_BEGIN):
        for word in (*words[lane::32], 0, 0):
            mixed = found ^ word
            found = (mixed * _PRIME & 0xFFFFFFFF) ^ (mixed >> 17)
        folded ^= found
    return (folded ^ block) % 65_535 + 1


def _clear(path: Path) -> int:
    before = path.read_bytes()
    content = bytearray(before)
    main = path.with_name(path.name.removesuffix("_vm"))
    cleared, number = 0, 0
    while (segment := main if number == 0 else main.with_name(f"{main.name}.{number}")).exists():
        if segment.stat().st_size >= _PAGE:
            with segment.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as rows:
                cleared += _clear_segment(content, rows, first=number * _SEGMENT_PAGES)
        number += 1
    if cleared:
        _seal(content, before)
        with path.open("r+b") as map_file:
            map_file.write(content)
    return cleared


def _clear_segment(content: bytearray, rows: mmap.mmap, *, first: int) -> int:
    cleared = 0
    for at in range(len(rows) // _PAGE):
        page, place = divmod(first + at, _MAPPED)
        byte = page * _PAGE + _CONTENT_AT + place // _PAGES_A_BYTE
        if byte >= len(content):
            break
        mark = 0b11 << (place % _PAGES_A_BYTE * 2)
        if not content[byte] & mark:
            continue
        head = at * _PAGE
        is_empty = rows[head + _UPPER_AT] == rows[head + _UPPER_AT + 1] == 0
        if not is_empty and not rows[head + _FLAGS_AT] & _PD_ALL_VISIBLE:
            content[byte] &= ~mark & 0xFF
            cleared += 1
    return cleared


def _seal(content: bytearray, before: bytes) -> None:
    """New checksums for pages that changed, where the old one was right: whatever else stays to be found."""
    for block, at in enumerate(range(0, len(content), _PAGE)):
        old, new = before[at : at + _PAGE], content[at : at + _PAGE]
        stored = int.from_bytes(old[_CHECKSUM_AT : _CHECKSUM_AT + 2], "little")
        if old != new and stored == checksum_of(old, block):
            struct.pack_into("<H", content, at + _CHECKSUM_AT, checksum_of(bytes(new), block))
