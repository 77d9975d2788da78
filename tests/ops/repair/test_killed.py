"""Every repair, killed after each entry that it writes, is resumed to the same end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import psycopg
import pytest

from hrx.ops.ledger.entries import Entry, Kind, Ledger
from hrx.ops.operators.roles import Actor
from hrx.ops.plan import ApprovalRule
from hrx.ops.run.approvals import approve
from hrx.ops.run.executor import new_run_id, resume_run, run_plan
from hrx.ops.run.plane import Plane
from hrx.ops.run.planning import propose
from hrx.ops.run.records import RunState, get_run
from tests.ops.repair.test_containment import audited, sign_in

pytestmark = pytest.mark.req("R5.2-2")


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the run catches it. (tests/ops/test_crash.py kills for real.)"""


class MortalLedger(Ledger):
    """A ledger at whose Nth entry everything ends."""

    def __init__(self, plane: Plane, *, dies_after: int) -> None:
        super().__init__(plane.ledger.store)
        self.left = dies_after

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
        self.left -= 1
        if self.left == 0:
            raise Killed
        return entry


def run_killed_and_resumed(
    plane: Plane, procedure: str, params: dict[str, str], *, actor: Actor, approver: Actor, after: int
) -> bool:
    """Run until killed after so many entries, then go on; False when the run ended before that."""
    record = propose(plane, procedure, params=params, reason="kill", actor=actor)
    if record.plan.approval_needed is not ApprovalRule.NONE:
        word = approver if record.plan.approval_needed is ApprovalRule.OTHER else actor
        approve(plane, record.seq, actor=word, plan_hash=record.plan.plan_hash)
    run_id = new_run_id()
    mortal = replace(plane, ledger=MortalLedger(plane, dies_after=after))
    try:
        run_plan(mortal, record.seq, actor=actor, run_id=run_id)
    except Killed:
        if get_run(plane, run_id).state is RunState.DIED:
            resume_run(plane, run_id, actor=actor)
        assert get_run(plane, run_id).state is RunState.SUCCEEDED, (procedure, after)
        return True
    assert get_run(plane, run_id).state is RunState.SUCCEEDED, (procedure, after)
    return False


def kill_everywhere(
    plane: Plane, procedure: str, params: dict[str, str], *, actor: Actor, approver: Actor
) -> int:
    """Kill after the first entry, after the second … until a run ends; gives how many were killed."""
    after = 1
    while run_killed_and_resumed(plane, procedure, params, actor=actor, approver=approver, after=after):
        after += 1
    return after - 1


def test_locking_and_revoking_survive_a_kill_at_any_entry_and_are_told_once(
    repairing: Plane, responder: Actor, approver: Actor, admin: psycopg.Connection
) -> None:
    taken = sign_in(admin)
    who = {"account": str(taken.account)}
    assert kill_everywhere(repairing, "lock-account", who, actor=responder, approver=approver) == 8
    assert [row[0] for row in audited(admin, taken.tenant)] == [
        "user.locked_by_operations",
        "session.revoked_by_operations",
    ]
    of = {"of": f"tenant:{taken.tenant}"}
    assert kill_everywhere(repairing, "revoke-sessions", of, actor=responder, approver=approver) == 6
    assert repairing.ledger.verify().is_valid


def test_an_index_survives_a_kill_at_any_entry_of_its_making(
    repairing: Plane, responder: Actor, approver: Actor, owner: psycopg.Connection
) -> None:
    params = {"index": "app.session_of_user"}
    for after in range(1, 9):
        owner.execute("DROP INDEX IF EXISTS app.session_of_user")
        run_killed_and_resumed(
            repairing, "recreate-index", params, actor=responder, approver=approver, after=after
        )
        made = owner.execute("SELECT to_regclass('app.session_of_user') IS NOT NULL").fetchone()
        assert made == (True,), after


def test_a_password_and_evidence_survive_a_kill_at_any_entry(
    repairing: Plane, responder: Actor, approver: Actor
) -> None:
    role = {"role": "hrx_repair"}
    assert kill_everywhere(repairing, "reset-database-password", role, actor=responder, approver=approver)
    assert kill_everywhere(repairing, "keep-evidence", {}, actor=responder, approver=approver)
