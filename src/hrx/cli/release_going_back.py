"""`hrx release rollback --to`: the planner's way back, run step by step through the ring.

A way back that died is found first: the same command says where it stood and goes on, or takes it back."""

from __future__ import annotations

from dataclasses import dataclass

import typer

from hrx.cli import output
from hrx.cli.plane import confirm
from hrx.cli.procedure_text import plan_document, run_document, show_plan, show_run
from hrx.cli.release_rollback import show_refused
from hrx.kit.errors import Text
from hrx.ops.lock import LockHeld, is_abandoned, list_held
from hrx.ops.operators.roles import Actor
from hrx.ops.plan import ApprovalRule, Plan
from hrx.ops.release.deploying import LOCK
from hrx.ops.release.rollback.plans import RollbackRefused
from hrx.ops.run.approvals import approve, find_approval, require_approval
from hrx.ops.run.executor import close_run, new_run_id, resume_run, run_plan
from hrx.ops.run.plane import Plane
from hrx.ops.run.planning import PlanRecord, list_plans, make_plan, propose
from hrx.ops.run.records import RunRecord, RunState, list_unfinished
from hrx.ops.run.way_back import PROCEDURE

_REASON = Text(ja="リリースを戻す", en="Roll back the release")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was typed. `to` empty: the release before."""

    to: str
    lose: tuple[str, ...]
    may_stop: bool
    undo: bool
    reason: str
    dry_run: bool

    @property
    def params(self) -> dict[str, str]:
        return {
            "to": self.to or "before",
            "lose": ",".join(self.lose) or "nothing",
            "stop": "yes" if self.may_stop else "no",
        }


def go_back(plane: Plane, asked: Asked, *, actor: Actor, yes: bool, as_json: bool) -> None:
    """Plan, have it approved, run it, and end with how it went; exit code 4 where it is not safe.

    Raises NotApproved (4) with the plan on record, LockHeld, PlanDrifted."""
    dead = _find_dead(plane)
    if dead is not None:
        _take_up(plane, dead, asked, actor=actor, yes=yes, as_json=as_json)
        return
    try:
        plan = make_plan(plane, PROCEDURE, params=asked.params)
    except RollbackRefused as refused:
        show_refused(refused, as_json=as_json)
        raise typer.Exit(output.REFUSED) from None
    if asked.dry_run:
        _show(plan, seq=None, as_json=as_json, is_result=True)
        return
    record = _find_or_propose(plane, plan, asked, actor=actor)
    _show(record.plan, seq=record.seq, as_json=as_json, is_result=False)
    if plan.approval_needed is ApprovalRule.OTHER:
        require_approval(plane, record)
    confirm(Text(ja="この計画で戻しますか?", en="Go back by this plan?"), yes=yes)
    if plan.approval_needed is ApprovalRule.OWN and find_approval(plane, record) is None:
        approve(plane, record.seq, actor=actor, plan_hash=record.plan.plan_hash)
    _end(run_plan(plane, record.seq, actor=actor, run_id=new_run_id()), as_json=as_json)


def require_no_way_back(plane: Plane) -> None:
    """Raises LockHeld while one is under way: two hands on one edge."""
    for held in list_held(plane.ledger):
        if held.name == LOCK and not is_abandoned(held):
            raise LockHeld(held)


def _find_dead(plane: Plane) -> RunRecord | None:
    """The newest way back whose process is gone before its end."""
    dead = (run for run in list_unfinished(plane) if run.plan is not None)
    return next((run for run in dead if run.plan and run.plan.procedure == PROCEDURE), None)


def _take_up(plane: Plane, dead: RunRecord, asked: Asked, *, actor: Actor, yes: bool, as_json: bool) -> None:
    if not as_json:
        show_run(dead)
    if asked.dry_run:
        if as_json:
            output.show_json({**run_document(dead), "dry_run": True})
        return
    if asked.undo:
        confirm(Text(ja="途中までの手順を取り消しますか?", en="Take back what it did?"), yes=yes)
        reason = asked.reason or _REASON.in_language(plane.settings.language)
        done = close_run(plane, dead.run_id, actor=actor, reason=reason)
        _end(done, as_json=as_json, wanted=RunState.CLOSED)
        return
    confirm(Text(ja="止まったところから続けますか?", en="Go on where it stopped?"), yes=yes)
    _end(resume_run(plane, dead.run_id, actor=actor), as_json=as_json)


def _find_or_propose(plane: Plane, plan: Plan, asked: Asked, *, actor: Actor) -> PlanRecord:
    """The very plan that somebody approved meanwhile, else a new record of it."""
    for record in list_plans(plane):
        if record.plan.plan_hash == plan.plan_hash and find_approval(plane, record) is not None:
            return record
    reason = asked.reason or _REASON.in_language(plane.settings.language)
    return propose(plane, PROCEDURE, params=asked.params, reason=reason, actor=actor)


def _show(plan: Plan, *, seq: int | None, as_json: bool, is_result: bool) -> None:
    if not as_json:
        show_plan(plan, seq=seq)
    elif is_result:
        output.show_json({**plan_document(plan, seq=seq), "dry_run": True})


def _end(done: RunRecord, *, as_json: bool, wanted: RunState = RunState.SUCCEEDED) -> None:
    if as_json:
        output.show_json(run_document(done))
    else:
        show_run(done)
    if done.state is not wanted:
        raise typer.Exit(output.FAILED)
