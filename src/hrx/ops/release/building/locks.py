"""The lock files of a tree: which Python packages a release has, and what tells two states of them apart."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: The second holds packages that are installed without what they depend on; commits from before it have none.
PYTHON_LOCKS: Final = ("requirements.lock", "requirements-encoders.lock")
_PINNED: Final = re.compile(
    r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)", re.M
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    name: str
    version: str


def list_python(tree: Path) -> tuple[Package, ...]:
    """Every pin of the lock files. Raises OSError."""
    return tuple(
        Package(name=found["name"], version=found["version"])
        for lock in list_locks(tree)
        for found in _PINNED.finditer(lock.read_text(encoding="utf-8"))
    )


def lock_digest(tree: Path) -> str:
    """SHA-256 of the lock files, in hex. Raises OSError."""
    return hashlib.sha256(b"".join(lock.read_bytes() for lock in list_locks(tree))).hexdigest()


def list_locks(tree: Path) -> list[Path]:
    """Those that the tree has."""
    first, *others = (tree / name for name in PYTHON_LOCKS)
    return [first, *(lock for lock in others if lock.is_file())]
