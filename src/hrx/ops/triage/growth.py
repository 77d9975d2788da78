"""How the folders of our data grew, kept by the running console: who fills a disk shows over minutes.

A look walks every folder of ours on the disk, so it is taken on a thread of its own, and the rarer the longer
it takes."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hrx.kit import clock
from hrx.ops.run.plane import Plane
from hrx.ops.targets.machine.usage import list_volumes, places_of

_EVERY_S: Final = 30.0
_KEEP: Final = 120
#: So many times as long as a look took, the next one waits: at most a fiftieth of one core.
_REST: Final = 50
_WALK_S: Final = 20.0
#: What is on the disk and in none of our folders.
ELSEWHERE: Final = "elsewhere"
#: Files of statements that sort or hash more than their memory holds; gone when the statement ends.
TEMPORARY: Final = "database-temporary"
#: Places within others, named on their own: they grow for reasons of their own.
_WITHIN: Final = {"postgres/pg_wal": "database-wal", "postgres/base/pgsql_tmp": TEMPORARY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What lay where at one moment, in bytes; `available_bytes` is that of the disk `volume`."""

    at_s: float
    volume: str
    places: Mapping[str, int]
    available_bytes: int


@dataclass(slots=True)
class _Kept:
    """The looks of one folder of data."""

    sizes: deque[Sizes] = field(default_factory=lambda: deque(maxlen=_KEEP))
    due_s: float = 0.0
    is_looking: bool = False


_kept: dict[Path, _Kept] = {}
_guard: Final = threading.Lock()


def note_growth(plane: Plane) -> None:
    """Have the folders measured when it is time; a round of the ticker, which waits for nobody."""
    var = plane.settings.var_dir.resolve()
    with _guard:
        kept = _kept.setdefault(var, _Kept())
        if kept.is_looking or clock.monotonic_s() < kept.due_s:
            return
        kept.is_looking = True
    threading.Thread(target=_note, args=(var, kept), name="growth", daemon=True).start()


def _note(var: Path, kept: _Kept) -> None:
    began_s = clock.monotonic_s()
    try:
        found = measure_places(var, within_s=_WALK_S)
        if found is not None:
            kept.sizes.append(found)
    finally:
        took_s = clock.monotonic_s() - began_s
        kept.due_s, kept.is_looking = clock.monotonic_s() + max(_EVERY_S, _REST * took_s), False


def oldest_of(var: Path) -> Sizes | None:
    """The oldest look that is kept, about an hour ago; None before the first."""
    kept = _kept.get(var.resolve())
    return kept.sizes[0] if kept and kept.sizes else None


def measure_places(var: Path, *, within_s: float) -> Sizes | None:
    """What lies where now on the fullest of our disks.

    None when the walk is not over in time, or nothing of ours is there."""
    volumes = list_volumes(places_of(var))
    if not volumes:
        return None
    fullest = min(volumes, key=lambda one: one.free_ratio)
    deadline_s = clock.monotonic_s() + within_s
    try:
        home = os.stat(places_of(var)[fullest.name]).st_dev
    except OSError:
        return None
    found = _walk(var, device=home, deadline_s=deadline_s)
    if found is None:
        return None
    used = fullest.capacity_bytes - fullest.available_bytes
    found[ELSEWHERE] = max(0, used - sum(found.values()))
    return Sizes(
        at_s=clock.monotonic_s(),
        volume=fullest.name,
        places=found,
        available_bytes=fullest.available_bytes,
    )


def _walk(var: Path, *, device: int, deadline_s: float) -> dict[str, int] | None:
    names = {folder.name: place for place, folder in places_of(var).items()}
    found: dict[str, int] = {}
    linked: set[int] = set()
    waiting = [(str(var), "", "")]
    while waiting:
        if clock.monotonic_s() > deadline_s:
            return None
        folder, path, place = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            # Gone, or not ours to read: then it counts as elsewhere.
            continue
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            below = f"{path}/{entry.name}" if path else entry.name
            here = _WITHIN.get(below) or place or names.get(below, below)
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_folder:
                waiting.append((entry.path, below, here))
            if status.st_dev != device or status.st_ino in linked:
                continue
            if status.st_nlink > 1 and not is_folder:
                linked.add(status.st_ino)
            found[here] = found.get(here, 0) + status.st_blocks * 512
    return found
