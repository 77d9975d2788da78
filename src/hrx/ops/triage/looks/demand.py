"""How much processor a process wants: what it got and what it queued for. A busy machine misleads nobody.

On two cores shared by ten, a process that spins gets 0.3 of one and looks idle by its use alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_NS: Final = 1e9


def measure_wanted_core(pid: int, *, for_s: float) -> float | None:
    """The share of a core that its busiest thread wants over the next `for_s` seconds, 0 to 1.

    Run time and time in the run queue, by the kernel's schedstat of each thread. One that never waits for
    anything but the processor wants all of it; one that is starved wakes, queues and sleeps, and wants less.
    None when the process is gone or the kernel does not count."""
    before, started = _wanted_ns(pid), time.monotonic()
    time.sleep(for_s)
    after, took = _wanted_ns(pid), time.monotonic() - started
    if not before or not after:
        return None
    # Threads that came or went meanwhile are left out.
    wanted = (after[tid] - before[tid] for tid in after.keys() & before.keys())
    return round(max(wanted, default=0) / _NS / took, 2)


def _wanted_ns(pid: int) -> dict[str, int]:
    found: dict[str, int] = {}
    try:
        for task in (_PROC / str(pid) / "task").iterdir():
            ran, queued, *_ = (task / "schedstat").read_text().split()
            found[task.name] = int(ran) + int(queued)
    except (OSError, ValueError):
        return {}
    return found
