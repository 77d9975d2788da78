"""A way back that is killed with SIGKILL some seconds after its Nth entry in the ledger. Started by tests.

`crashing.py start|resume PLAN_SEQ RUN_ID OPERATOR ENTRIES SECONDS`"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace

from hrx.kit.settings import load
from hrx.ops.ledger.entries import Entry, Kind, Ledger
from hrx.ops.operators.accounts import get_operator
from hrx.ops.operators.roles import Actor
from hrx.ops.run.executor import resume_run, run_plan
from hrx.ops.run.plane import opened_plane
from hrx.ops.settings import OpsSettings


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class MortalLedger(Ledger):
    """A ledger whose process dies at a chosen entry, or a while after it: in the middle of a step."""

    entries, seconds, appended = 0, 0.0, 0

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
        if self.appended == self.entries:
            if not self.seconds:
                die()
            timer = threading.Timer(self.seconds, die)
            timer.daemon = True
            timer.start()
        return entry


how, plan_seq, run_id, name, entries, seconds = sys.argv[1:]
with opened_plane(load(OpsSettings)) as plane:
    mortal = MortalLedger(plane.ledger.store)
    mortal.entries, mortal.seconds = int(entries), float(seconds)
    found = get_operator(plane.ledger, name)
    actor = Actor(name=found.name, role=found.role, is_operator=True)
    opened = replace(plane, ledger=mortal)
    if how == "start":
        run_plan(opened, int(plan_seq), actor=actor, run_id=run_id)
    else:
        resume_run(opened, run_id, actor=actor)
