"""What the machine, the database and the disks take.

Without a database of our own on this machine the figures of its processes are announced and stay empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from hrx.kit import clock
from hrx.kit.catalogue import (
    DB_CPU,
    DB_DISK,
    DB_MEMORY,
    MACHINE_CPU,
    MACHINE_MEMORY,
    MACHINE_MEMORY_LEFT,
    MACHINE_NETWORK,
    STORAGE_AVAILABLE,
    STORAGE_CAPACITY,
)
from hrx.ops.console.desk import Desk
from hrx.ops.targets.machine.usage import (
    TreeUsage,
    list_volumes,
    measure_machine,
    measure_usage,
    places_of,
    usable_cores,
)

#: Processes are read anew at most this often, however often somebody asks.
_MEASURE_EVERY_S: Final = 5.0
_DATABASE: Final = "postgres"


class MachineFigures(Collector):
    """Measured when Prometheus asks, at most every five seconds."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._pid: int | None = None
        self._at_s = 0.0
        self._usage: TreeUsage | None = None
        self._ratio: float | None = None

    def describe(self) -> list[Metric]:
        """Nothing: the names are known without collecting."""
        return []

    def collect(self) -> Iterator[Metric]:
        self._measure()
        yield from self._list_database()
        yield from self._list_volumes()
        yield from _list_machine()

    def _measure(self) -> None:
        now_s = clock.monotonic_s()
        view = self._desk.snapshot.find_view(_DATABASE)
        pid = view.process.pid if view is not None else None
        if pid == self._pid and now_s - self._at_s < _MEASURE_EVERY_S:
            return
        former = self._usage if pid == self._pid else None
        usage = measure_usage(pid) if pid is not None else None
        self._ratio = None
        if former is not None and usage is not None:
            busy_s = max(0.0, usage.cpu_s - former.cpu_s)
            self._ratio = min(1.0, busy_s / (now_s - self._at_s) / usable_cores())
        self._pid, self._at_s, self._usage = pid, now_s, usage

    def _list_database(self) -> Iterator[Metric]:
        cpu, memory, disk = DB_CPU.family(), DB_MEMORY.family(), DB_DISK.counter_family()
        if self._ratio is not None:
            cpu.add_metric((), self._ratio)
        size_bytes = self._desk.snapshot.memory_bytes.get(_DATABASE)
        if size_bytes is not None:
            memory.add_metric((), size_bytes)
        if self._usage is not None and self._usage.reads is not None and self._usage.writes is not None:
            disk.add_metric(("read",), self._usage.reads)
            disk.add_metric(("write",), self._usage.writes)
        yield from (cpu, memory, disk)

    def _list_volumes(self) -> Iterator[Metric]:
        var = self._desk.plane.settings.var_dir
        available, capacity = STORAGE_AVAILABLE.family(), STORAGE_CAPACITY.family()
        for volume in list_volumes(places_of(var)):
            available.add_metric((volume.name,), volume.available_bytes)
            capacity.add_metric((volume.name,), volume.capacity_bytes)
        yield from (available, capacity)


def _list_machine() -> Iterator[Metric]:
    usage = measure_machine()
    cpu, network = MACHINE_CPU.counter_family(), MACHINE_NETWORK.counter_family()
    for mode, seconds in usage.cpu_s.items():
        cpu.add_metric((mode,), seconds)
    for direction, size_bytes in (("receive", usage.received_bytes), ("transmit", usage.sent_bytes)):
        network.add_metric((direction,), size_bytes)
    yield from (cpu, network)
    yield MACHINE_MEMORY.family(usage.memory_bytes)
    yield MACHINE_MEMORY_LEFT.family(usage.available_bytes)
