"""How much memory the stack really takes: proportional set size, which counts shared pages once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class PartMemory:
    """One part with all its processes; `is_exact` is False when only the resident size could be read."""

    part: str
    size_bytes: int
    processes: int
    is_exact: bool


def measure_memory(pids: Mapping[str, int]) -> list[PartMemory]:
    """Memory of each part, given the process id that leads it; parts that ended meanwhile are left out."""
    measured = []
    for part, pid in pids.items():
        try:
            leader = psutil.Process(pid)
            family = [leader, *([] if part == "supervisord" else leader.children(recursive=True))]
        except psutil.Error:
            continue
        sizes = [size for process in family if (size := _size(process)) is not None]
        measured.append(
            PartMemory(
                part=part,
                size_bytes=sum(size for size, _ in sizes),
                processes=len(sizes),
                is_exact=all(exact for _, exact in sizes),
            )
        )
    return measured


def _size(process: psutil.Process) -> tuple[int, bool] | None:
    try:
        return int(process.memory_full_info().pss), True
    except psutil.AccessDenied:
        pass
    except psutil.Error:
        return None
    try:
        return int(process.memory_info().rss), False
    except psutil.Error:
        return None
