"""What every part of the ring needs, opened once: settings, content, the ledger, the target, the eyes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hrx.kit.settings import load
from hrx.ops.ledger.entries import Ledger, open_ledger
from hrx.ops.runbook.content import Content, load_content
from hrx.ops.seams.http import HttpSeam
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import find_layout
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """The opened operations plane. None of it needs the application, its database or its cache."""

    settings: OpsSettings
    content: Content
    ledger: Ledger
    target: Target
    http: HttpSeam


@contextmanager
def opened_plane(settings: OpsSettings, *, target: Target | None = None) -> Iterator[Plane]:
    """Open the plane, with this machine as its target unless told otherwise; closes it at the end."""
    http = HttpSeam(timeout_s=settings.look_timeout_s)
    ledger = open_ledger(settings.ledger_location)
    try:
        yield Plane(
            settings=settings,
            content=load_content(settings.runbook_dir),
            ledger=ledger,
            target=target or Machine(find_layout(load(MachineSettings))),
            http=http,
        )
    finally:
        http.close()
        ledger.store.close()
