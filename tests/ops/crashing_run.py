"""A run that is killed with SIGKILL right after its Nth entry in the ledger (0: never). Started by tests.

`crashing_run.py PLAN_SEQ RUN_ID OPERATOR CRASH_AFTER`"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace

from hrx.kit.settings import load
from hrx.ops.ledger.entries import Entry, Kind, Ledger
from hrx.ops.operators.accounts import get_operator
from hrx.ops.operators.roles import Actor
from hrx.ops.run.executor import run_plan
from hrx.ops.run.plane import opened_plane
from hrx.ops.settings import OpsSettings


class MortalLedger(Ledger):
    """A ledger whose process dies at a chosen entry."""

    crash_after = 0
    appended = 0

    def append(
        self,
        kind: Kind,
        *,
        actor: str,
        subject: str = "",
        body: Mapping[str, object] | None = None,
        run_id: str = "",
    ) -> Entry:
        entry = super().append(kind, actor=actor, subject=subject, body=body, run_id=run_id)
        self.appended += 1
        if self.appended == self.crash_after:
            os.kill(os.getpid(), signal.SIGKILL)
        return entry


plan_seq, run_id, name, crash_after = sys.argv[1:]
with opened_plane(load(OpsSettings)) as plane:
    mortal = MortalLedger(plane.ledger.store)
    mortal.crash_after = int(crash_after)
    found = get_operator(plane.ledger, name)
    actor = Actor(name=found.name, role=found.role, is_operator=True)
    run_plan(replace(plane, ledger=mortal), int(plan_seq), actor=actor, run_id=run_id)
