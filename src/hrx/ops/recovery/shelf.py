"""Names of the vault's files, kept in memory: a vault of 30 days has tens of thousands, and somebody looks
every few seconds."""

from __future__ import annotations

import os
import time
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hrx.ops.recovery.places import WRITING
from hrx.ops.recovery.vault import KEYS

#: A folder's time tells of changes only when they are not in the same tick of the clock.
_SETTLED_NS: Final = 2_000_000_000


@dataclass(slots=True)
class ShelfFolder:
    """One folder. `names` is another list whenever it was looked into again."""

    path: Path
    changed_ns: int
    names: list[str]
    below: list[Path]
    #: The version of what was known elsewhere when all of it was there; None: not all was.
    sent_at: int | None = None


@dataclass(slots=True)
class Shelf:
    """Looks again only into folders that changed, unless it is told to look into all."""

    root: Path
    _folders: dict[Path, ShelfFolder] = field(default_factory=dict)

    def names(self, top: str = "", *, is_anew: bool = False) -> Iterator[str]:
        """Everything under a folder, in no order."""
        for folder in self.walk(top, is_anew=is_anew):
            yield from folder.names

    def new(self, known: Container[str], *, version: int, top: str = "") -> list[str]:
        """What is not among the known, in order. `version` changes when any of these may have gone."""
        found: list[str] = []
        for folder in self.walk(top):
            if folder.sent_at == version:
                continue
            missing = [name for name in folder.names if name not in known and name != KEYS]
            if not missing:
                folder.sent_at = version
            found += missing
        return sorted(found)

    def walk(self, top: str = "", *, is_anew: bool = False) -> Iterator[ShelfFolder]:
        """Every folder from `top` down. `is_anew`: the folders' own times are not trusted."""
        waiting = [self.root / top if top else self.root]
        while waiting:
            path = waiting.pop()
            try:
                changed_ns = path.stat().st_mtime_ns
                found = self._folders.get(path)
                if is_anew or found is None or found.changed_ns != changed_ns:
                    found = self._folders[path] = _scan(path, self.root, changed_ns)
            except FileNotFoundError:
                self._folders.pop(path, None)
                continue
            yield found
            waiting.extend(found.below)


def _scan(path: Path, root: Path, changed_ns: int) -> ShelfFolder:
    names: list[str] = []
    below: list[Path] = []
    prefix = path.relative_to(root).as_posix()
    prefix = "" if prefix == "." else prefix + "/"
    # Looked at before the folder is: what is put meanwhile is seen the next time. Not the product's clock,
    # which tests move: this is compared with what the disk says.
    is_settled = time.time_ns() - changed_ns > _SETTLED_NS
    with os.scandir(path) as found:
        for one in found:
            if one.is_dir():
                below.append(Path(one.path))
            elif not one.name.endswith(WRITING):
                names.append(prefix + one.name)
    return ShelfFolder(path=path, changed_ns=changed_ns if is_settled else -1, names=names, below=below)
