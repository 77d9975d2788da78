"""Live files are closed by size and by age, and no line is lost: renamed first, then their writer opens anew.

The supervisor holds every file and writes on into the renamed one until it is told to open its files again;
nothing is copied and nothing cut off. It does not rotate by itself (two rotators would lose lines), so a
plane that is down means files that grow, not lines that are gone. A closed file that somebody still holds is
left alone, and its holder told again at the next round: a kill between the two steps costs nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from hrx.kit import clock
from hrx.ops.observe.logs.files import (
    LogFolders,
    closed_name,
    list_closed,
    list_former,
    list_live,
)
from hrx.ops.observe.logs.parsing import find_moment

#: Where the first moment of a file is looked for; programs that name none write little.
_HEAD: Final = 64 * 1024
_PROC: Final = Path("/proc")
#: Where no list of open files can be had, a file counts as held for so long after its last line.
_QUIET: Final = timedelta(seconds=60)


def rotate(
    folders: LogFolders,
    *,
    max_bytes: int,
    max_age_s: float,
    reopen: Callable[[], None],
    supervised: Container[str],
) -> list[Path]:
    """Close what is due and have the writer open its files anew; gives the closed files.

    A file that is not `supervised` has a writer who opens nothing anew: it is closed while nobody holds it.

    Raises what `reopen` raises; what is closed by then is told again at the next call."""
    folders.closed.mkdir(mode=0o700, parents=True, exist_ok=True)
    closed = [_close(folders, path, part=part) for path, part in list_former(folders)]
    due = [path for path in list_live(folders) if _is_due(path, max_bytes=max_bytes, max_age_s=max_age_s)]
    others = [path for path in due if path.stem not in supervised]
    held = _find_open(others)
    closed += [_close(folders, path, part=path.stem) for path in due if path not in held]
    if find_held(folders):
        reopen()
    return closed


def find_held(folders: LogFolders) -> frozenset[int]:
    """Inodes of closed files that some process may still write to."""
    held = _find_open([closed.path for closed in list_closed(folders)])
    return frozenset(path.stat().st_ino for path in held if path.exists())


def _find_open(paths: Sequence[Path]) -> set[Path]:
    """Those that some process has open, or may have where the kernel does not tell."""
    if not paths:
        return set()
    names = _list_open({str(path) for path in paths})
    if names is None:
        return {path for path in paths if _is_fresh(path)}
    return {path for path in paths if str(path) in names}


def _is_due(path: Path, *, max_bytes: int, max_age_s: float) -> bool:
    try:
        seen = path.stat()
        if seen.st_size == 0:
            return False
        if seen.st_size >= max_bytes:
            return True
        with path.open("rb") as file:
            first = find_moment(file.read(_HEAD).split(b"\n"))
    except FileNotFoundError:
        return False
    begun = first or datetime.fromtimestamp(seen.st_mtime, UTC)
    return clock.now() - begun >= timedelta(seconds=max_age_s)


def _close(folders: LogFolders, path: Path, *, part: str) -> Path:
    # The true time, not a moved one: no two files may get one name.
    name = closed_name(part, at=datetime.now(UTC), inode=path.stat().st_ino)
    return path.rename(folders.closed / name)


def _list_open(wanted: set[str]) -> set[str] | None:
    """Which of these files some process has open; None where the kernel does not tell."""
    if not (_PROC / "self" / "fd").is_dir():
        return None
    found = set()
    for process in _PROC.iterdir():
        if not process.name.isdigit():
            continue
        # Processes of others cannot be asked, and cannot have our private files open.
        with suppress(OSError):
            for handle in os.scandir(process / "fd"):
                with suppress(OSError):
                    name = os.readlink(handle.path)
                    if name in wanted:
                        found.add(name)
    return found


def _is_fresh(path: Path) -> bool:
    with suppress(OSError):
        return datetime.now(UTC) - datetime.fromtimestamp(path.stat().st_mtime, UTC) < _QUIET
    return False
