"""How the memory of parts went, kept by the running console: a leak shows over minutes, not in one look."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from hrx.kit import clock
from hrx.ops.run.plane import Plane
from hrx.ops.targets.machine.memory import measure_memory

_EVERY_S: Final = 10.0
_KEEP: Final = 60
#: Less than this is no trend.
_AT_LEAST_S: Final = 45.0
_START_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    at_s: float
    pid: int
    size_bytes: int


_samples: dict[str, deque[_Sample]] = {}
_due_s = 0.0


def note_memory(plane: Plane) -> None:
    """Measure every part, at most every ten seconds; a round of the ticker."""
    global _due_s
    if clock.monotonic_s() < _due_s:
        return
    _due_s = clock.monotonic_s() + _EVERY_S
    pids = {status.name: status.pid for status in plane.target.list_parts() if status.pid is not None}
    for found in measure_memory(pids):
        kept = _samples.setdefault(found.part, deque(maxlen=_KEEP))
        kept.append(_Sample(at_s=clock.monotonic_s(), pid=pids[found.part], size_bytes=found.size_bytes))


def growth_of(part: str, *, pid: int) -> float | None:
    """Bytes per minute that this process has grown by since the oldest sample; None without a history."""
    known = [sample for sample in _samples.get(part, ()) if sample.pid == pid]
    # What a start takes in its first half minute would look like a leak for minutes.
    mine = [sample for sample in known if sample.at_s - known[0].at_s >= _START_S]
    if not mine or mine[-1].at_s - mine[0].at_s < _AT_LEAST_S:
        return None
    return (mine[-1].size_bytes - mine[0].size_bytes) / (mine[-1].at_s - mine[0].at_s) * 60
