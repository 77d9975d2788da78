"""How many backups were tried and how they went, kept over restarts: figures are made from it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

import orjson

from hrx.ops.recovery.site import Site

_FILE: Final = "tallies.json"


def count_run(site: Site, kind: str, outcome: str) -> None:
    """One more run of this kind (full, incremental, proof) with this outcome (succeeded, failed)."""
    path = _path(site)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
    with path.with_suffix(".lock").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        found = read_tallies(site)
        found[kind, outcome] = found.get((kind, outcome), 0) + 1
        fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
        fresh.write_bytes(orjson.dumps([[*key, count] for key, count in sorted(found.items())]))
        fresh.rename(path)


def read_tallies(site: Site) -> dict[tuple[str, str], int]:
    """By kind and outcome; empty when nothing was counted yet."""
    try:
        return {
            (kind, outcome): int(count) for kind, outcome, count in orjson.loads(_path(site).read_bytes())
        }
    except (OSError, ValueError, TypeError):
        return {}


def _path(site: Site) -> Path:
    return site.layout.recovery / _FILE
