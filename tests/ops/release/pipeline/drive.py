"""A runner in a process of its own: `python -m tests.ops.release.pipeline.drive HOME RUN`."""

from __future__ import annotations

import sys
from pathlib import Path

from hrx.ops.ledger.entries import open_ledger
from hrx.ops.release.pipeline.engine import Bench, Runner
from hrx.ops.release.pipeline.starting import Keepers
from hrx.ops.release.pipeline.storing import RunStore
from hrx.ops.release.store import ReleaseStore
from tests.ops.release.pipeline.workshop import TestGate

home = Path(sys.argv[1])
bench = Bench(
    store=RunStore(home / "pipelines"),
    releases=ReleaseStore(home / "releases"),
    ledger=open_ledger(f"sqlite:///{home / 'ledger.sqlite3'}"),
    gate=TestGate(),
    keepers=Keepers(home / "repository"),
)
Runner(bench, sys.argv[2], actor="machine:sato").drive()
