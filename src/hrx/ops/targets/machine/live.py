"""Which slots people are on by what stands on this machine's disk, and what may therefore rest.

The edge keeps on disk to whom its next start sends everybody; who starts, looks and counts reads it there, so
that all of them mean the same slot, also while the edge is down."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from hrx.ops.targets.machine.haproxy import read_live
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.prometheus import write_target

SERVICES: Final = ("api", "web")
_FIRST: Final = "blue"
_OTHER: Final = {"blue": "green", "green": "blue"}
#: It needs a primary first, and whether there is one at all is a setting.
_STANDBY: Final = "postgres-standby"


def find_live_part(layout: Layout, service: str) -> str:
    """The slot of a service that a start of the edge would give all requests to."""
    return f"{service}-{read_live(layout.run / 'edge').get(service, _FIRST)}"


def find_live_parts(layout: Layout) -> frozenset[str]:
    return frozenset(find_live_part(layout, service) for service in SERVICES)


def find_resting(layout: Layout) -> frozenset[str]:
    """The parts that need not run: the other slots, whichever they are now, and the standby."""
    return frozenset(_other(part) for part in find_live_parts(layout)) | {_STANDBY}


def follow_with_scrapes(layout: Layout, ports: Mapping[str, int]) -> list[str]:
    """Have Prometheus ask the live slots and not the others; gives the parts that are new to it.

    Prometheus reads the folder again by itself. Nothing is done where there is none. Raises OSError."""
    folder = layout.var / "prometheus" / "targets"
    if not folder.is_dir():
        return []
    added = []
    for part in sorted(find_live_parts(layout)):
        port = ports.get(f"{part.replace('-', '_')}_metrics")
        if port is None:
            continue
        if not (folder / f"{part}.json").exists():
            write_target(folder, part, port=port, user=layout.user)
            added.append(part)
        # A slot that rests answers nobody, and that is no outage.
        with suppress(FileNotFoundError):
            (folder / f"{_other(part)}.json").unlink()
    return added


def _other(part: str) -> str:
    service, _, slot = part.rpartition("-")
    return f"{service}-{_OTHER[slot]}"
