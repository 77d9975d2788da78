"""What a part takes of this machine, read from /proc: CPU time, file operations, space on its disks.

A process that ended is not lost: the kernel adds its CPU time and its reads and writes to its parent when
the parent collects it, and the postmaster collects every backend."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

#: proc(5): the start of a process in ticks since the boot is the 22nd field of its stat.
_START_FIELD: Final = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeUsage:
    """All processes below one, ended children included. Operations are None when we may not read them."""

    cpu_s: float
    reads: int | None
    writes: int | None


def measure_usage(pid: int) -> TreeUsage | None:
    """What a process and its children have taken since they began; None when it is gone."""
    try:
        leader = psutil.Process(pid)
        own = leader.cpu_times()
        family = [leader, *leader.children(recursive=True)]
    except psutil.Error:
        return None
    cpu_s = own.children_user + own.children_system
    reads: int | None = 0
    writes: int | None = 0
    for process in family:
        try:
            times = process.cpu_times()
            cpu_s += times.user + times.system
            operations = process.io_counters()
        except psutil.AccessDenied:
            reads = writes = None
            continue
        except psutil.Error:
            continue
        if reads is not None and writes is not None:
            reads, writes = reads + operations.read_count, writes + operations.write_count
    return TreeUsage(cpu_s=cpu_s, reads=reads, writes=writes)


def measure_age_s(pid: int) -> float | None:
    """How long a process has run, to a hundredth of a second; None when it is gone.

    By the kernel's own clock: the supervisor counts whole seconds, and so does the moment of the boot."""
    try:
        said = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name in brackets may hold blanks and brackets; what follows it is the third field.
    ticks = int(said.rpartition(")")[2].split()[_START_FIELD - 3])
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """One disk, named after the first thing of ours that lies on it."""

    name: str
    available_bytes: int
    capacity_bytes: int

    @property
    def free_ratio(self) -> float:
        """What is left of what we may use, from 0 to 1; the figure that the rule on disks is about."""
        return self.available_bytes / self.capacity_bytes if self.capacity_bytes else 0.0


def places_of(var: Path) -> dict[str, Path]:
    """Where our data lies, by what it is; the first on a disk gives the disk its name."""
    return {
        "database": var / "postgres",
        "files": var / "storage",
        "ledger": var / "ops",
        "logs": var / "log",
        "releases": var / "web",
    }


def list_volumes(places: Mapping[str, Path]) -> list[Volume]:
    """The disks under these folders, each once; folders that are not there are left out."""
    found: dict[int, Volume] = {}
    for name, path in places.items():
        try:
            device = os.stat(path).st_dev
            space = shutil.disk_usage(path)
        except OSError:
            continue
        if device not in found:
            # Root may fill what others may not: capacity is what is used and what may still be.
            found[device] = Volume(
                name=name, available_bytes=space.free, capacity_bytes=space.used + space.free
            )
    return list(found.values())


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineUsage:
    """What the whole machine has taken since it started: CPU seconds by what they went into, bytes that came
    and went; and its memory now."""

    cpu_s: Mapping[str, float]
    memory_bytes: int
    available_bytes: int
    received_bytes: int
    sent_bytes: int


def measure_machine() -> MachineUsage:
    """The machine as the kernel counts it. Loopback is left out: it is the parts talking to each other."""
    cpu, memory = psutil.cpu_times(), psutil.virtual_memory()
    cards = [card for name, card in psutil.net_io_counters(pernic=True).items() if not name.startswith("lo")]
    return MachineUsage(
        cpu_s={
            "user": cpu.user,
            "nice": cpu.nice,
            "system": cpu.system,
            "idle": cpu.idle,
            "iowait": cpu.iowait,
            "interrupt": cpu.irq + cpu.softirq,
            "steal": cpu.steal,
        },
        memory_bytes=memory.total,
        available_bytes=memory.available,
        received_bytes=sum(card.bytes_recv for card in cards),
        sent_bytes=sum(card.bytes_sent for card in cards),
    )
