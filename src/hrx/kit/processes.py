"""Processes by a name that outlives them: who held something, and whether they still can.

Cheap to load: it is the first thing that short programs do."""

from __future__ import annotations

import os
import platform

import psutil


def is_process_gone(named: str) -> bool:
    """Whether a process of this machine, as `name_this_process` named it, no longer exists.

    One that ended and was not waited for by its parent does nothing any more, and counts as gone."""
    host, _, rest = named.partition("|")
    pid, _, started = rest.partition("|")
    if host != platform.node():
        return False
    try:
        found = psutil.Process(int(pid))
        is_other = abs(found.create_time() - float(started)) > 1
        return bool(is_other or found.status() == psutil.STATUS_ZOMBIE)
    except (psutil.NoSuchProcess, ValueError):
        return True


def is_number_reused(named: str) -> bool:
    """Whether another process of this machine has that one's number by now; a zombie still has its own."""
    _, _, rest = named.partition("|")
    pid, _, started = rest.partition("|")
    try:
        return bool(abs(psutil.Process(int(pid)).create_time() - float(started)) > 1)
    except (psutil.NoSuchProcess, ValueError):
        return False


def name_this_process() -> str:
    """Host, pid and start: a pid alone is used again by other processes."""
    return f"{platform.node()}|{os.getpid()}|{psutil.Process().create_time():.2f}"
