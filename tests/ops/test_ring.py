"""The ring end to end: look, find, plan, approve, run, record, look again, on real processes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from hrx.kit import clock
from hrx.kit.errors import Conflict, Forbidden, Invalid, NotFound
from hrx.ops import lock
from hrx.ops.check import Status
from hrx.ops.ledger.entries import EntryFilter, Kind
from hrx.ops.operators.accounts import disable_operator, set_role
from hrx.ops.operators.roles import Actor, Role
from hrx.ops.plan import ApprovalRule
from hrx.ops.run.approvals import AuthorMayNotApprove, NotApproved, approve
from hrx.ops.run.executor import new_run_id, run_plan
from hrx.ops.run.looking import find_process, look_at_part
from hrx.ops.run.plane import Plane
from hrx.ops.run.planning import PlanDrifted, PlanRecord, get_plan, make_plan, propose, refuse_drift
from hrx.ops.run.records import RunState, StepState, get_run
from hrx.ops.runbook.parts import get_part
from tests.ops.conftest import SmallMachine, make_operator

pytestmark = pytest.mark.req("R5.4-1")


def propose_restart(plane: Plane, part: str, *, actor: Actor) -> PlanRecord:
    return propose(plane, "restart-part", params={"part": part}, reason="it hangs", actor=actor)


def run_approved(plane: Plane, record: PlanRecord, *, actor: Actor) -> str:
    approve(plane, record.seq, actor=actor, plan_hash=record.plan.plan_hash)
    run_id = new_run_id()
    run_plan(plane, record.seq, actor=actor, run_id=run_id)
    return run_id


@pytest.mark.req("R1-2")
def test_a_part_is_restarted_and_seen_from_outside_to_answer(plane: Plane, machine: SmallMachine) -> None:
    actor = make_operator(plane.ledger, "aoki")
    before = find_process(plane, "worker").pid
    run_id = run_approved(plane, propose_restart(plane, "worker", actor=actor), actor=actor)
    run = get_run(plane, run_id)
    assert run.state is RunState.SUCCEEDED
    assert [step.state for step in run.steps] == [StepState.DONE] * 3
    assert find_process(plane, "worker").pid not in (None, before)
    proof = run.steps[-1]
    assert proof.is_proof
    assert proof.evidence["status"] == "ok"
    assert plane.ledger.verify().is_valid


def test_what_happened_is_on_record_in_the_order_of_the_ring(plane: Plane) -> None:
    actor = make_operator(plane.ledger, "aoki")
    run_approved(plane, propose_restart(plane, "worker", actor=actor), actor=actor)
    kinds = [entry.kind for entry in reversed(plane.ledger.list_entries()) if entry.actor == "aoki"]
    assert kinds == [
        Kind.PLAN,
        Kind.APPROVAL,
        Kind.RUN_STARTED,
        Kind.STEP_STARTED,
        Kind.STEP_DONE,
        Kind.STEP_STARTED,
        Kind.STEP_DONE,
        Kind.STEP_STARTED,
        Kind.PROOF,
        Kind.RUN_FINISHED,
    ]


def test_evidence_kept_before_a_restart_has_its_secrets_masked(plane: Plane) -> None:
    actor = make_operator(plane.ledger, "aoki")
    run_id = run_approved(plane, propose_restart(plane, "worker", actor=actor), actor=actor)
    tail = get_run(plane, run_id).steps[0].evidence["log_tail"]
    assert "part started" in tail
    assert "hunter2secret" not in tail


def test_planning_again_in_the_same_situation_gives_the_same_hash(plane: Plane) -> None:
    first = make_plan(plane, "restart-part", params={"part": "worker"})
    with clock.shifted(timedelta(days=3)):
        again = make_plan(plane, "restart-part", params={"part": "worker"})
    assert first.plan_hash == again.plan_hash
    other = make_plan(plane, "restart-part", params={"part": "redis"})
    assert first.plan_hash != other.plan_hash


def test_planning_changes_nothing(plane: Plane) -> None:
    before = find_process(plane, "worker").pid
    make_plan(plane, "restart-part", params={"part": "worker"})
    assert find_process(plane, "worker").pid == before
    assert plane.ledger.count() == 0


def test_a_plan_does_not_run_without_anybodys_word(plane: Plane) -> None:
    actor = make_operator(plane.ledger, "aoki")
    record = propose_restart(plane, "worker", actor=actor)
    before = find_process(plane, "worker").pid
    run_id = new_run_id()
    with pytest.raises(NotApproved):
        run_plan(plane, record.seq, actor=actor, run_id=run_id)
    assert find_process(plane, "worker").pid == before
    assert get_run(plane, run_id).state is RunState.REFUSED


def test_one_approval_is_good_for_one_run(plane: Plane) -> None:
    actor = make_operator(plane.ledger, "aoki")
    record = propose_restart(plane, "worker", actor=actor)
    run_approved(plane, record, actor=actor)
    with pytest.raises(NotApproved):
        run_plan(plane, record.seq, actor=actor, run_id=new_run_id())


def test_an_approval_grows_old(plane: Plane) -> None:
    actor = make_operator(plane.ledger, "aoki")
    record = propose_restart(plane, "worker", actor=actor)
    approve(plane, record.seq, actor=actor, plan_hash=record.plan.plan_hash)
    with clock.shifted(timedelta(seconds=plane.settings.approval_valid_s + 1)), pytest.raises(NotApproved):
        run_plan(plane, record.seq, actor=actor, run_id=new_run_id())


def test_an_approval_of_one_plan_does_not_serve_another(plane: Plane) -> None:
    actor = make_operator(plane.ledger, "aoki")
    first = propose_restart(plane, "worker", actor=actor)
    second = propose_restart(plane, "worker", actor=actor)
    approve(plane, first.seq, actor=actor, plan_hash=first.plan.plan_hash)
    with pytest.raises(NotApproved):
        run_plan(plane, second.seq, actor=actor, run_id=new_run_id())


def test_approving_another_hash_than_the_one_on_record_is_refused(plane: Plane) -> None:
    actor = make_operator(plane.ledger, "aoki")
    record = propose_restart(plane, "worker", actor=actor)
    with pytest.raises(Conflict):
        approve(plane, record.seq, actor=actor, plan_hash="0" * 64)


def test_an_approved_plan_dies_when_the_situation_drifts(plane: Plane, machine: SmallMachine) -> None:
    actor = make_operator(plane.ledger, "aoki")
    record = propose_restart(plane, "worker", actor=actor)
    approve(plane, record.seq, actor=actor, plan_hash=record.plan.plan_hash)
    machine.supervisor().stop("worker", timeout_s=10)
    with pytest.raises(PlanDrifted) as refused:
        run_plan(plane, record.seq, actor=actor, run_id=new_run_id())
    assert "part.runs: yes → no" in refused.value.message.en
    assert find_process(plane, "worker").pid is None


def test_restarting_a_running_edge_loses_requests_so_another_person_must_agree(plane: Plane) -> None:
    author = make_operator(plane.ledger, "aoki", role=Role.ADMIN)
    record = propose_restart(plane, "haproxy", actor=author)
    assert record.plan.is_irreversible
    assert record.plan.approval_needed is ApprovalRule.OTHER
    with pytest.raises(AuthorMayNotApprove):
        approve(plane, record.seq, actor=author, plan_hash=record.plan.plan_hash)
    approver = make_operator(plane.ledger, "baba", role=Role.APPROVER)
    approve(plane, record.seq, actor=approver, plan_hash=record.plan.plan_hash)
    run_id = new_run_id()
    assert run_plan(plane, record.seq, actor=author, run_id=run_id).state is RunState.SUCCEEDED


def test_the_shell_user_can_never_be_the_second_person(plane: Plane) -> None:
    author = make_operator(plane.ledger, "aoki")
    record = propose_restart(plane, "haproxy", actor=author)
    shell = Actor(name="machine:root", role=Role.ADMIN, is_operator=False)
    with pytest.raises(AuthorMayNotApprove):
        approve(plane, record.seq, actor=shell, plan_hash=record.plan.plan_hash)


def test_a_part_that_is_down_has_nothing_to_lose_and_needs_no_second_person(
    plane: Plane, machine: SmallMachine
) -> None:
    machine.supervisor().stop("haproxy", timeout_s=10)
    actor = make_operator(plane.ledger, "aoki")
    record = propose_restart(plane, "haproxy", actor=actor)
    assert not record.plan.is_irreversible
    run_id = run_approved(plane, record, actor=actor)
    assert get_run(plane, run_id).state is RunState.SUCCEEDED


def test_an_approval_ends_with_the_approvers_role(plane: Plane) -> None:
    author = make_operator(plane.ledger, "aoki")
    make_operator(plane.ledger, "root-admin", role=Role.ADMIN)
    for leave in ("disable", "demote"):
        approver = make_operator(plane.ledger, f"baba-{leave}", role=Role.APPROVER)
        record = propose_restart(plane, "haproxy", actor=author)
        approve(plane, record.seq, actor=approver, plan_hash=record.plan.plan_hash)
        if leave == "disable":
            disable_operator(plane.ledger, approver.name, by="test", reason="left")
        else:
            set_role(plane.ledger, approver.name, role=Role.VIEWER, by="test")
        with pytest.raises(NotApproved):
            run_plan(plane, record.seq, actor=author, run_id=new_run_id())


def test_a_viewer_neither_plans_nor_runs(plane: Plane) -> None:
    viewer = make_operator(plane.ledger, "chiba", role=Role.VIEWER)
    with pytest.raises(Forbidden):
        propose_restart(plane, "worker", actor=viewer)
    record = propose_restart(plane, "worker", actor=make_operator(plane.ledger, "aoki"))
    with pytest.raises(Forbidden):
        run_plan(plane, record.seq, actor=viewer, run_id=new_run_id())


def test_a_part_that_does_not_come_back_is_a_failed_run_with_its_undo_on_record(
    impatient_plane: Plane, machine: SmallMachine
) -> None:
    plane = impatient_plane
    actor = make_operator(plane.ledger, "aoki")
    record = propose_restart(plane, "worker", actor=actor)
    machine.set_mood("worker", "not_ready")
    run_id = run_approved(plane, record, actor=actor)
    run = get_run(plane, run_id)
    assert run.state is RunState.FAILED
    assert run.steps[1].state is StepState.UNDONE
    assert run.steps[2].state is StepState.FAILED
    assert run.message is not None
    assert "not ready" in run.message.en
    assert lock.list_held(plane.ledger) == []


def test_two_runs_on_one_part_do_not_meet(plane: Plane) -> None:
    actor = make_operator(plane.ledger, "aoki")
    record = propose_restart(plane, "worker", actor=actor)
    approve(plane, record.seq, actor=actor, plan_hash=record.plan.plan_hash)
    other = make_operator(plane.ledger, "baba")
    with lock.holding(plane.ledger, "part:worker", owner="baba", reason="patching", valid_s=60):
        with pytest.raises(lock.LockHeld) as held:
            run_plan(plane, record.seq, actor=other, run_id=new_run_id())
        assert "baba" in held.value.message.en
        assert "patching" in held.value.message.en
    run_plan(plane, record.seq, actor=actor, run_id=new_run_id())


def test_ten_runs_started_at_once_on_one_approval_give_one_restart(plane: Plane) -> None:
    actor = make_operator(plane.ledger, "aoki")
    record = propose_restart(plane, "worker", actor=actor)
    approve(plane, record.seq, actor=actor, plan_hash=record.plan.plan_hash)
    outcomes: list[str] = []

    def start() -> None:
        try:
            outcomes.append(run_plan(plane, record.seq, actor=actor, run_id=new_run_id()).state.value)
        except (lock.LockHeld, NotApproved) as error:
            outcomes.append(error.stable_code)

    threads = [threading.Thread(target=start) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("succeeded") == 1
    assert len(outcomes) == 10
    started = plane.ledger.list_entries(EntryFilter(kinds=(Kind.RUN_STARTED,)))
    assert len(started) == 1
    assert plane.ledger.verify().is_valid


def test_wrong_parameters_and_unknown_names_are_said_before_anything_happens(plane: Plane) -> None:
    with pytest.raises(Invalid):
        make_plan(plane, "restart-part", params={})
    with pytest.raises(Invalid):
        make_plan(plane, "restart-part", params={"part": "worker", "colour": "red"})
    with pytest.raises(NotFound):
        make_plan(plane, "restart-part", params={"part": "mainframe"})
    with pytest.raises(NotFound):
        make_plan(plane, "dance", params={})
    with pytest.raises(NotFound):
        get_plan(plane, 999)


@pytest.mark.req("R1-3")
@pytest.mark.parametrize(
    ("mood", "status"),
    [
        ("ready", Status.OK),
        ("degraded", Status.DEGRADED),
        ("not_ready", Status.DOWN),
        ("slow", Status.DOWN),
    ],
)
def test_a_look_says_how_a_part_is(plane: Plane, machine: SmallMachine, mood: str, status: Status) -> None:
    machine.set_mood("worker", mood)
    info = get_part(plane.content.parts, "worker")
    view = look_at_part(plane, info, process=find_process(plane, "worker"))
    assert view.status is status
    if mood == "degraded":
        assert "cache" in view.summary.en
    if mood == "slow":
        assert "0.5 s" in view.summary.en
        machine.set_mood("worker", "ready")


def test_a_suspended_part_goes_on_where_it_was_and_is_seen_to_answer(plane: Plane) -> None:
    actor = make_operator(plane.ledger, "aoki")
    pid = find_process(plane, "worker").pid
    assert pid is not None
    child_free = propose(plane, "resume-part", params={"part": "worker"}, reason="check", actor=actor)
    assert child_free.plan.facts == {"part.is_suspended": "no"}
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: plane.target.list_suspended("worker") == (pid,))
        record = propose(plane, "resume-part", params={"part": "worker"}, reason="suspended", actor=actor)
        assert record.plan.facts == {"part.is_suspended": "yes"}
        approve(plane, record.seq, actor=actor, plan_hash=record.plan.plan_hash)
        run = run_plan(plane, record.seq, actor=actor, run_id=new_run_id())
    finally:
        os.kill(pid, signal.SIGCONT)
    assert run.state is RunState.SUCCEEDED
    assert find_process(plane, "worker").pid == pid
    resumed = next(item for item in run.steps if item.step.key == "resume")
    assert resumed.evidence["resumed_pids"] == [pid]
    with pytest.raises(PlanDrifted):
        refuse_drift(plane, record)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
