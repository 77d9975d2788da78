"""The one executor: lock, plan again, require the approval, do the steps, prove, record, release.

It can be killed at any moment. Everything is written to the ledger before and after it happens, so a dead run
is found, and resumed from its first unfinished step or closed with what it did taken back."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from hrx.kit import clock
from hrx.kit.errors import Conflict, HrxError, Text
from hrx.ops import lock as locks
from hrx.ops.ledger.entries import Kind
from hrx.ops.ledger.leases import Lease
from hrx.ops.lock import LockLost
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.plan import Plan, Step
from hrx.ops.run.approvals import require_approval
from hrx.ops.run.plane import Plane
from hrx.ops.run.planning import PlanRecord, get_plan, refuse_drift
from hrx.ops.run.records import RunRecord, RunState, get_run
from hrx.ops.run.stepping import Failure, Recorder, do_step, undo_step


def new_run_id() -> str:
    """A short id that people can read out: 12 hex digits."""
    return secrets.token_hex(6)


@dataclass(slots=True)
class _Held:
    """The lock of a run, renewed as it goes."""

    plane: Plane
    lease: Lease

    def renew_for(self, step: Step) -> None:
        valid_s = step.timeout_s + self.plane.settings.lock_margin_s
        self.lease = locks.renew(self.plane.ledger, self.lease, valid_s=valid_s)


def run_plan(plane: Plane, plan_seq: int, *, actor: Actor, run_id: str) -> RunRecord:
    """Run a recorded plan to its end; gives the run as recorded, failed or not.

    Raises Forbidden, LockHeld, PlanDrifted or NotApproved when it may not start; that is recorded too."""
    record = get_plan(plane, plan_seq)
    recorder = Recorder(plane=plane, run_id=run_id, actor=actor.name, lock=record.plan.lock)
    try:
        require(actor, Permission.PLAN_AND_RUN)
        held = _take_lock(plane, record, actor=actor, run_id=run_id)
    except HrxError as error:
        _record_refusal(recorder, plan_seq, error)
        raise
    try:
        try:
            refuse_drift(plane, record)
            approval = require_approval(plane, record)
        except HrxError as error:
            _record_refusal(recorder, plan_seq, error)
            raise
        recorder.write(
            Kind.RUN_STARTED,
            {
                "approval_seq": approval.seq if approval else None,
                "approved_by": approval.approver if approval else None,
                "plan_hash": record.plan.plan_hash,
                "plan_seq": plan_seq,
                "procedure": record.plan.procedure,
            },
        )
        _go(recorder, held, record.plan, skip=frozenset())
    finally:
        locks.release(plane.ledger, held.lease)
    return get_run(plane, run_id)


def resume_run(plane: Plane, run_id: str, *, actor: Actor) -> RunRecord:
    """Go on with a run that died, from its first unfinished step; finished steps are not done again.

    The approval it started under still counts: the plan is the same, and half of it has happened.
    Raises Conflict unless the run died, LockHeld when somebody else is at the same thing."""
    require(actor, Permission.PLAN_AND_RUN)
    run, record = _get_dead(plane, run_id)
    recorder = Recorder(plane=plane, run_id=run_id, actor=actor.name, lock=record.plan.lock)
    held = _take_lock(plane, record, actor=actor, run_id=run_id)
    try:
        recorder.write(Kind.RUN_RESUMED, {"plan_seq": run.plan_seq, "done": sorted(run.done_keys)})
        _go(recorder, held, record.plan, skip=run.done_keys)
    finally:
        locks.release(plane.ledger, held.lease)
    return get_run(plane, run_id)


def close_run(plane: Plane, run_id: str, *, actor: Actor, reason: str) -> RunRecord:
    """End a run that died: what it did is taken back, last step first, and it is marked closed.

    Raises Conflict unless the run died, LockHeld when somebody else is at the same thing."""
    require(actor, Permission.PLAN_AND_RUN)
    run, record = _get_dead(plane, run_id)
    recorder = Recorder(plane=plane, run_id=run_id, actor=actor.name, lock=record.plan.lock)
    held = _take_lock(plane, record, actor=actor, run_id=run_id)
    try:
        touched = [item.step for item in run.steps if item.started_at is not None and not item.is_proof]
        not_undone = _undo(recorder, held, touched)
        _finish(
            recorder,
            outcome=RunState.CLOSED,
            message=Text(ja=f"閉じました: {reason}", en=f"Closed: {reason}"),
            not_undone=not_undone,
        )
    finally:
        locks.release(plane.ledger, held.lease)
    return get_run(plane, run_id)


def _take_lock(plane: Plane, record: PlanRecord, *, actor: Actor, run_id: str) -> _Held:
    # The reason carries the run's id: whoever meets the lock can open the run (`records` reads it back).
    lease = locks.acquire(
        plane.ledger,
        record.plan.lock,
        owner=actor.name,
        reason=f"{record.plan.title.in_language(plane.settings.language)} ({run_id})",
        valid_s=record.plan.steps[0].timeout_s + plane.settings.lock_margin_s,
    )
    return _Held(plane, lease)


def _go(recorder: Recorder, held: _Held, plan: Plan, *, skip: frozenset[str]) -> None:
    """Steps, then proofs; on the first failure everything touched is taken back, last first."""
    touched: list[Step] = []
    try:
        for step in plan.steps:
            touched.append(step)
            if step.key in skip:
                continue
            held.renew_for(step)
            failure = do_step(recorder, step, is_proof=False)
            if failure is not None:
                _give_up(recorder, held, touched, failure)
                return
        for proof in plan.proofs:
            held.renew_for(proof)
            failure = do_step(recorder, proof, is_proof=True)
            if failure is not None:
                _give_up(recorder, held, touched, failure)
                return
    except LockLost as error:
        # Somebody else works on the same thing now; taking back our steps would be a second pair of hands.
        _finish(recorder, outcome=RunState.FAILED, message=error.message, not_undone=_keys(touched))
        return
    _finish(
        recorder,
        outcome=RunState.SUCCEEDED,
        message=Text(ja="外から確かめました", en="Confirmed from outside"),
        not_undone=(),
    )


def _give_up(recorder: Recorder, held: _Held, touched: Sequence[Step], failure: Failure) -> None:
    not_undone = _undo(recorder, held, touched)
    _finish(recorder, outcome=RunState.FAILED, message=failure.message, not_undone=not_undone)


def _undo(recorder: Recorder, held: _Held, touched: Sequence[Step]) -> tuple[str, ...]:
    """Take steps back, the last first; gives the keys of those that could not be."""
    failed: list[str] = []
    for step in reversed(touched):
        held.renew_for(step)
        if not undo_step(recorder, step):
            failed.append(step.key)
    return tuple(failed)


def _finish(recorder: Recorder, *, outcome: RunState, message: Text, not_undone: tuple[str, ...]) -> None:
    recorder.write(
        Kind.RUN_FINISHED,
        {
            "outcome": outcome.value,
            "message": {"ja": message.ja, "en": message.en},
            "not_undone": list(not_undone),
            "finished_at": clock.now().isoformat(),
        },
    )


def _record_refusal(recorder: Recorder, plan_seq: int, error: HrxError) -> None:
    hint = {"ja": error.hint.ja, "en": error.hint.en} if error.hint else None
    recorder.write(
        Kind.RUN_REFUSED,
        {
            "plan_seq": plan_seq,
            "code": error.stable_code,
            "message": {"ja": error.message.ja, "en": error.message.en},
            "hint": hint,
        },
    )


def _get_dead(plane: Plane, run_id: str) -> tuple[RunRecord, PlanRecord]:
    run = get_run(plane, run_id)
    if run.state is not RunState.DIED:
        raise Conflict(
            Text(
                ja=f"実行 {run_id} は中断していません(状態: {run.state})",
                en=f"Run {run_id} did not die (it is {run.state})",
            ),
            hint=Text(
                ja=f"`hrx procedure status {run_id}` を見てください。",
                en=f"See `hrx procedure status {run_id}`.",
            ),
            code="run.not_dead",
        )
    return run, get_plan(plane, run.plan_seq)


def _keys(steps: Sequence[Step]) -> tuple[str, ...]:
    return tuple(step.key for step in steps)
