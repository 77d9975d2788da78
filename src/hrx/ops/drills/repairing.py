"""Repairing a drill as a person would: by what the triage proposed for the cause that it blames.

A proposal that needs another person's word is not run: a drill has only its own."""

from __future__ import annotations

import logging

from hrx.kit.errors import HrxError
from hrx.ops.drills.ground import Ground
from hrx.ops.drills.measuring import Noticed
from hrx.ops.operators.roles import Actor
from hrx.ops.plan import ApprovalRule
from hrx.ops.run.approvals import approve
from hrx.ops.run.executor import new_run_id, run_plan
from hrx.ops.run.planning import propose
from hrx.ops.run.records import RunState

_log = logging.getLogger("hrx.ops.drills")


def repair(ground: Ground, noticed: Noticed, *, actor: Actor) -> str | None:
    """Run the first proposal that may be run; gives the procedure when its proofs were seen, else None."""
    for proposal in noticed.proposals:
        if proposal.get("missing"):
            continue
        procedure = str(proposal["procedure"])
        try:
            params = dict(proposal.get("params", {}))
            if _run(ground, procedure, params, actor=actor, incident_id=noticed.incident_id):
                return procedure
        except HrxError as error:
            _log.warning(
                "drill.not_repaired", extra={"fields": {"procedure": procedure, "code": error.stable_code}}
            )
    return None


def _run(
    ground: Ground, procedure: str, params: dict[str, str], *, actor: Actor, incident_id: int | None
) -> bool:
    record = propose(
        ground.plane, procedure, params=params, reason="drill", actor=actor, incident_id=incident_id
    )
    if record.plan.approval_needed is ApprovalRule.OTHER:
        return False
    if record.plan.approval_needed is ApprovalRule.OWN:
        approve(ground.plane, record.seq, actor=actor, plan_hash=record.plan.plan_hash)
    done = run_plan(ground.plane, record.seq, actor=actor, run_id=new_run_id())
    return done.state is RunState.SUCCEEDED
