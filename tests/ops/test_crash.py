"""A run may be killed at any moment: it is found, and resumed or closed; nothing is done without a record."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hrx.kit.errors import Conflict
from hrx.ops import lock
from hrx.ops.ledger.entries import Kind
from hrx.ops.operators.roles import Actor
from hrx.ops.run.approvals import approve
from hrx.ops.run.executor import close_run, new_run_id, resume_run
from hrx.ops.run.looking import find_process
from hrx.ops.run.plane import Plane
from hrx.ops.run.planning import PlanRecord, propose
from hrx.ops.run.records import RunState, StepState, find_run, get_run, list_unfinished
from hrx.ops.targets.target import PartState
from tests.conftest import ROOT
from tests.ops.conftest import SmallMachine, make_operator

pytestmark = pytest.mark.req("R5.4-1")

#: run_started, then started + done for each of: look, restart, and started + proof for the proof.
LAST_ENTRY_BEFORE_THE_END = 7


def run_until_killed(
    plane: Plane, machine: SmallMachine, ledger_url: str, *, actor: Actor, after: int
) -> str:
    """Start an approved restart of the worker in a process that dies after its Nth entry."""
    record = propose(plane, "restart-part", params={"part": "worker"}, reason="crash", actor=actor)
    approve(plane, record.seq, actor=actor, plan_hash=record.plan.plan_hash)
    run_id = new_run_id()
    done = start_run(plane, machine, ledger_url, record, run_id=run_id, actor=actor, after=after)
    assert done == -signal.SIGKILL
    return run_id


def start_run(
    plane: Plane,
    machine: SmallMachine,
    ledger_url: str,
    record: PlanRecord,
    *,
    run_id: str,
    actor: Actor,
    after: int,
) -> int:
    return subprocess.run(
        [
            sys.executable,
            str(Path(__file__).with_name("crashing_run.py")),
            str(record.seq),
            run_id,
            actor.name,
            str(after),
        ],
        env={
            **os.environ,
            **machine.environment(ledger_url),
            "HRX_RUNBOOK_DIR": str(plane.settings.runbook_dir),
        },
        cwd=ROOT,
        timeout=60,
        check=False,
    ).returncode


@pytest.mark.parametrize("after", range(1, LAST_ENTRY_BEFORE_THE_END + 1))
def test_a_run_killed_at_any_entry_is_found_and_resumed_to_its_end(
    plane: Plane, machine: SmallMachine, ledger_url: str, after: int
) -> None:
    actor = make_operator(plane.ledger, "aoki")
    run_id = run_until_killed(plane, machine, ledger_url, actor=actor, after=after)
    assert [run.run_id for run in list_unfinished(plane)] == [run_id]
    done_before = get_run(plane, run_id).done_keys
    run = resume_run(plane, run_id, actor=actor)
    assert run.state is RunState.SUCCEEDED
    assert list_unfinished(plane) == []
    assert find_process(plane, "worker").state is PartState.RUNNING
    assert plane.ledger.verify().is_valid
    again = [entry for entry in run.entries if entry.kind is Kind.STEP_STARTED]
    repeated = {key for key in done_before if sum(e.body["step"] == key for e in again) > 1}
    assert repeated <= {"answers"}, "a finished step was done again"


@pytest.mark.parametrize("after", [1, 4, 5])
def test_a_dead_run_can_be_closed_with_what_it_did_taken_back(
    plane: Plane, machine: SmallMachine, ledger_url: str, after: int
) -> None:
    actor = make_operator(plane.ledger, "aoki")
    run_id = run_until_killed(plane, machine, ledger_url, actor=actor, after=after)
    machine.supervisor().stop("worker", timeout_s=10)
    run = close_run(plane, run_id, actor=actor, reason="not needed any more")
    assert run.state is RunState.CLOSED
    restart = next(item for item in run.steps if item.step.key == "restart")
    touched = after >= 4
    assert restart.state is (StepState.UNDONE if touched else StepState.PENDING)
    state = find_process(plane, "worker").state
    assert state is (PartState.RUNNING if touched else PartState.STOPPED)
    assert list_unfinished(plane) == []


def test_the_lock_of_a_killed_run_does_not_outlive_its_process(
    plane: Plane, machine: SmallMachine, ledger_url: str
) -> None:
    actor = make_operator(plane.ledger, "aoki")
    run_until_killed(plane, machine, ledger_url, actor=actor, after=4)
    assert len(lock.list_held(plane.ledger)) == 1
    taken = lock.acquire(plane.ledger, "part:worker", owner="baba", reason="next", valid_s=5)
    assert taken.owner == "baba"


def test_a_run_that_ended_is_neither_resumed_nor_closed(
    plane: Plane, machine: SmallMachine, ledger_url: str
) -> None:
    actor = make_operator(plane.ledger, "aoki")
    record = propose(plane, "restart-part", params={"part": "worker"}, reason="x", actor=actor)
    approve(plane, record.seq, actor=actor, plan_hash=record.plan.plan_hash)
    run_id = new_run_id()
    assert start_run(plane, machine, ledger_url, record, run_id=run_id, actor=actor, after=0) == 0
    assert get_run(plane, run_id).state is RunState.SUCCEEDED
    with pytest.raises(Conflict):
        resume_run(plane, run_id, actor=actor)
    with pytest.raises(Conflict):
        close_run(plane, run_id, actor=actor, reason="why not")
    assert find_run(plane, "nothing") is None
