"""How long the archive is kept: by days, by size, and by what is free on its disk; the oldest day goes first.

The newest day is never removed to make room: what is going on now is what is needed. Text that waits for the
archive is never removed at all."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import groupby
from pathlib import Path

from hrx.kit import clock
from hrx.ops.observe.logs.files import ArchivedFile, LogFolders, list_archived


class Reason(StrEnum):
    """Why a day was removed."""

    AGE = "age"
    SIZE = "size"
    DISK = "disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How much is kept; see the settings HRX_LOG_KEEP_* and HRX_LOG_MIN_FREE_BYTES."""

    days: int
    size_bytes: int
    free_bytes: int


def retain(folders: LogFolders, keep: Keep) -> Counter[Reason]:
    """Remove what is too old or too much; gives how many files went, by reason."""
    removed: Counter[Reason] = Counter()
    by_day = [(day, list(files)) for day, files in groupby(list_archived(folders), key=lambda one: one.day)]
    sizes = {day: sum(_size(one) for one in files) for day, files in by_day}
    oldest_kept = clock.now().date() - timedelta(days=keep.days)
    for place, (day, files) in enumerate(by_day):
        reason = _reason(
            folders, keep, day, is_newest=place == len(by_day) - 1, oldest_kept=oldest_kept, sizes=sizes
        )
        if reason is None:
            break
        for one in files:
            one.path.unlink(missing_ok=True)
        _remove_empty(folders, day)
        del sizes[day]
        removed[reason] += len(files)
    return removed


def _reason(
    folders: LogFolders, keep: Keep, day: date, *, is_newest: bool, oldest_kept: date, sizes: dict[date, int]
) -> Reason | None:
    if day < oldest_kept:
        return Reason.AGE
    if is_newest:
        return None
    if sum(sizes.values()) > keep.size_bytes:
        return Reason.SIZE
    if shutil.disk_usage(folders.archive).free < keep.free_bytes:
        return Reason.DISK
    return None


def _size(one: ArchivedFile) -> int:
    with suppress(OSError):
        return one.path.stat().st_size
    return 0


def _remove_empty(folders: LogFolders, day: date) -> None:
    for folder in _folders_of(folders, day):
        with suppress(OSError):
            folder.rmdir()


def _folders_of(folders: LogFolders, day: date) -> Iterator[Path]:
    home = folders.archive / f"day={day.isoformat()}"
    yield from home.glob("part=*")
    yield home
