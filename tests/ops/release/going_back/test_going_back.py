"""The planner's plan done on a machine: in order, seen from outside, on record, and refused where it is not
safe (R3.7-1)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from hrx.kit import clock
from hrx.ops.operators.roles import Actor, Role
from hrx.ops.plan import Effect
from hrx.ops.recovery.proofs import Proof, write_proof
from hrx.ops.recovery.site import open_site
from hrx.ops.release.deploying import count_unknown_jobs, move_worker
from hrx.ops.release.kept_jobs import JobsNotKept
from hrx.ops.release.releases import Slot
from hrx.ops.release.rollback.plans import RollbackRefused
from hrx.ops.run.approvals import AuthorMayNotApprove, NotApproved, approve
from hrx.ops.run.executor import close_run, new_run_id, run_plan
from hrx.ops.run.plane import Plane
from hrx.ops.run.planning import PlanDrifted, PlanRecord, propose
from hrx.ops.run.records import RunRecord, RunState, StepState, get_run
from hrx.ops.run.way_back import PROCEDURE
from hrx.ops.targets.machine.slot_code import read_slot_code
from tests.conftest import ROOT
from tests.ops.conftest import make_operator
from tests.ops.console.test_recovery_figures import put_backup
from tests.ops.release.going_back.conftest import MakeHouse
from tests.ops.release.going_back.house import DEMAND, EXPAND, House

pytestmark = [pytest.mark.req("R3.7-1"), pytest.mark.timeout(600)]
OpenPlane = Callable[[House], Plane]


def say_run(run: RunRecord) -> str:
    """What a failed assertion should tell."""
    steps = [f"{one.step.key} {one.state.value} {one.message.en if one.message else ''}" for one in run.steps]
    return f"{run.state.value}: {run.message.en if run.message else ''} {steps}"


def planned(plane: Plane, actor: Actor, **params: str) -> PlanRecord:
    return propose(plane, PROCEDURE, params=params, reason="it is bad", actor=actor)


def go(plane: Plane, actor: Actor, **params: str) -> RunRecord:
    record = planned(plane, actor, **params)
    approve(plane, record.seq, actor=actor, plan_hash=record.plan.plan_hash)
    return run_plan(plane, record.seq, actor=actor, run_id=new_run_id())


@pytest.mark.parametrize("is_warm", [True, False])
def test_the_release_before_is_back_for_people_worker_and_record(
    make_house: MakeHouse, open_plane: OpenPlane, is_warm: bool
) -> None:
    house = make_house(up=EXPAND, is_warm=is_warm)
    plane = open_plane(house)
    house.enqueue("greet", 2)
    done = go(plane, make_operator(plane.ledger, "aoki"), to="r1")
    assert done.state is RunState.SUCCEEDED, say_run(done)
    assert house.served()["slot"] == "blue"
    assert house.served()["commit"] == "1" * 12
    assert house.place.store.look(house.place.environment).live == "r1"
    assert house.revision() == "0002", "the schema stays where it can"
    # The newer worker finished its own before the older one took over.
    assert house.count_jobs() == {("greet", "succeeded"): 2}
    house.enqueue("import_people")
    assert house.state("worker") == "running"


def test_jobs_that_only_newer_code_knows_are_kept_for_it_and_none_fails(make_house: MakeHouse) -> None:
    house = make_house(up=EXPAND)
    house.block("greet", is_blocked=True)
    house.enqueue("greet", 2)
    wait_for(lambda: house.count_jobs().get(("greet", "doing")) == 2, "both are under way")
    house.enqueue("greet")
    house.run_sql(
        "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 day' WHERE status = 'todo'"
    )
    assert count_unknown_jobs(house.place, Slot.BLUE) == {"greet": 3}
    moved = move_worker(house.place, Slot.BLUE)
    assert sum(moved.kept.values()) >= 3, moved
    house.block("greet", is_blocked=False)
    house.enqueue("import_people")
    wait_for(lambda: ("import_people", "succeeded") in house.count_jobs(), "the older worker works")
    assert house.count_jobs() == {("greet", "kept"): 3, ("import_people", "succeeded"): 1}
    assert move_worker(house.place, Slot.BLUE).kept == {}, "it may be repeated"
    assert move_worker(house.place, Slot.GREEN).given_back == {"greet": 3}
    wait_for(lambda: house.count_jobs().get(("greet", "succeeded")) == 2, "what was under way is done")
    assert house.count_jobs()[("greet", "todo")] == 1, "the one for tomorrow waits for tomorrow"
    [(is_tomorrow,)] = house.run_sql(
        "SELECT scheduled_at BETWEEN now() + interval '23 hours' AND now() + interval '25 hours' "
        "FROM procrastinate_jobs WHERE status = 'todo'"
    )
    assert is_tomorrow


def test_a_worker_that_would_fail_jobs_stays_where_they_cannot_be_kept(make_house: MakeHouse) -> None:
    house = make_house(up=EXPAND)
    house.layout.secrets_file.write_text("")
    with pytest.raises(JobsNotKept, match="greet"):
        move_worker(house.place, Slot.BLUE)
    assert read_slot_code(house.layout.run)["worker"].release == "r2"
    assert house.state("worker") == "running"
    assert count_unknown_jobs(house.place, Slot.BLUE) == {"greet": None}, "nobody can count them either"
    move_worker(house.place, Slot.BLUE, fails_jobs=True)
    assert read_slot_code(house.layout.run)["worker"].release == "r1"


def test_a_loss_is_named_counted_backed_up_and_approved_by_another(
    make_house: MakeHouse, open_plane: OpenPlane
) -> None:
    house = make_house(up=DEMAND)
    plane = open_plane(house)
    aoki = make_operator(plane.ledger, "aoki", role=Role.APPROVER)
    sato = make_operator(plane.ledger, "sato", role=Role.APPROVER)
    house.run_sql("INSERT INTO person (name, nickname) VALUES ('青木', 'あお'), ('佐藤', 'さと')")
    wanted = {"to": "r1", "stop": "yes", "lose": "app.person.nickname"}
    with pytest.raises(RollbackRefused) as refused:
        planned(plane, aoki, to="r1", stop="yes")
    assert "values of app.person.nickname would be lost" in " ".join(one.en for one in refused.value.reasons)
    with pytest.raises(RollbackRefused) as refused:
        planned(plane, aoki, **wanted)
    assert "no fresh verified backup" in " ".join(one.en for one in refused.value.reasons)
    prove_backup(plane)
    record = planned(plane, aoki, **wanted)
    lossy = next(step for step in record.plan.steps if step.effect is Effect.IRREVERSIBLE)
    assert lossy.loses is not None
    switch = record.plan.steps[0]
    assert switch.action.params["services"] == "web", "the older API must not meet the newer tables"
    assert lossy.loses.en == "app.person.nickname goes with its values (values: 2)"
    with pytest.raises(AuthorMayNotApprove):
        approve(plane, record.seq, actor=aoki, plan_hash=record.plan.plan_hash)
    approve(plane, record.seq, actor=sato, plan_hash=record.plan.plan_hash)
    # Somebody writes one more: what was approved is not what would be lost now.
    house.run_sql("INSERT INTO person (name, nickname) VALUES ('鈴木', 'すず')")
    with pytest.raises(PlanDrifted, match=r"nickname=2 → app.person.nickname=3"):
        run_plan(plane, record.seq, actor=aoki, run_id=new_run_id())
    assert house.served()["slot"] == "green"
    again = planned(plane, aoki, **wanted)
    with pytest.raises(NotApproved):
        run_plan(plane, again.seq, actor=aoki, run_id=new_run_id())
    approve(plane, again.seq, actor=sato, plan_hash=again.plan.plan_hash)
    done = run_plan(plane, again.seq, actor=aoki, run_id=new_run_id())
    assert done.state is RunState.SUCCEEDED, say_run(done)
    assert (house.revision(), house.served()["slot"]) == ("0001", "blue")
    assert house.state("worker") == "running"
    assert house.run_sql("SELECT count(*) FROM person") == [(3,)]


def test_killed_at_every_step_and_in_its_middle_it_goes_on_where_it_stood(
    make_house: MakeHouse, open_plane: OpenPlane
) -> None:
    house = make_house(up=DEMAND)
    plane = open_plane(house)
    aoki = make_operator(plane.ledger, "aoki")
    sato = make_operator(plane.ledger, "sato", role=Role.APPROVER)
    prove_backup(plane)
    house.enqueue("greet", 2)
    record = planned(plane, aoki, to="r1", stop="yes", lose="app.person.nickname")
    approve(plane, record.seq, actor=sato, plan_hash=record.plan.plan_hash)
    run_id = new_run_id()
    assert crash(house, "start", record, run_id, entries=1) == -signal.SIGKILL
    killed = set()
    for step in record.plan.steps:
        # Right before its action, in the middle of the longest one, and right after its end was recorded.
        assert crash(house, "resume", record, run_id, entries=2) == -signal.SIGKILL
        killed |= {one.step.key for one in get_run(plane, run_id).steps if one.state is StepState.RUNNING}
        if step.action.id == "rollback.downgrade":
            crash(house, "resume", record, run_id, entries=2, seconds=0.25)
        # One that writes to the ledger itself dies in its middle at first.
        for _ in range(3):
            if step.key not in get_run(plane, run_id).done_keys:
                assert crash(house, "resume", record, run_id, entries=3) == -signal.SIGKILL
        assert step.key in get_run(plane, run_id).done_keys, say_run(get_run(plane, run_id))
    assert crash(house, "resume", record, run_id, entries=999) == 0
    done = get_run(plane, run_id)
    assert done.state is RunState.SUCCEEDED, say_run(done)
    assert killed >= {step.key for step in record.plan.steps}, "each was killed after it had begun"
    assert (house.revision(), house.served()["slot"], house.state("worker")) == ("0001", "blue", "running")
    assert ("greet", "failed") not in house.count_jobs()
    assert house.place.store.look(house.place.environment).live == "r1"


def test_killed_half_way_it_can_be_taken_back(make_house: MakeHouse, open_plane: OpenPlane) -> None:
    house = make_house(up=EXPAND)
    plane = open_plane(house)
    aoki = make_operator(plane.ledger, "aoki")
    record = planned(plane, aoki, to="r1")
    approve(plane, record.seq, actor=aoki, plan_hash=record.plan.plan_hash)
    run_id = new_run_id()
    # Begun, and two entries for each step: it dies with everything done but the proofs.
    entries = 1 + 2 * len(record.plan.steps)
    assert crash(house, "start", record, run_id, entries=entries) == -signal.SIGKILL
    assert house.served()["slot"] == "blue"
    done = close_run(plane, run_id, actor=aoki, reason="the older one is no better")
    assert done.state is RunState.CLOSED, say_run(done)
    assert {one.state for one in done.steps if not one.is_proof and one.step.undo} == {StepState.UNDONE}
    assert house.served()["slot"] == "green"
    assert house.place.store.look(house.place.environment).live == "r2"
    assert read_slot_code(house.layout.run)["worker"].release == "r2"


def test_after_the_schema_went_down_newer_code_gets_no_request_again(
    make_house: MakeHouse, open_plane: OpenPlane
) -> None:
    house = make_house(up=DEMAND)
    plane = open_plane(house)
    aoki = make_operator(plane.ledger, "aoki")
    sato = make_operator(plane.ledger, "sato", role=Role.APPROVER)
    prove_backup(plane)
    record = planned(plane, aoki, to="r1", stop="yes", lose="app.person.nickname")
    approve(plane, record.seq, actor=sato, plan_hash=record.plan.plan_hash)
    run_id = new_run_id()
    entries = 1 + 2 * len(record.plan.steps)
    assert crash(house, "start", record, run_id, entries=entries) == -signal.SIGKILL
    done = close_run(plane, run_id, actor=aoki, reason="as a test")
    refused = [one.body["message"]["en"] for one in done.entries if one.body.get("is_undone") is False]
    said = " ".join(refused)
    assert "on which r2 does not run; r1 stays" in said
    assert (house.served()["slot"], house.revision()) == ("blue", "0001")


def test_the_command_says_where_a_dead_one_stood_and_goes_on(
    make_house: MakeHouse, open_plane: OpenPlane
) -> None:
    house = make_house(up=EXPAND)
    plane = open_plane(house)
    aoki = make_operator(plane.ledger, "aoki")
    record = planned(plane, aoki, to="r1")
    approve(plane, record.seq, actor=aoki, plan_hash=record.plan.plan_hash)
    assert crash(house, "start", record, new_run_id(), entries=2) == -signal.SIGKILL
    looked = hrx(house, "release", "rollback", "--to", "r1", "--dry-run", "--json")
    assert looked.returncode == 0, looked.stderr
    assert json.loads(looked.stdout)["state"] == "died"
    gone_on = hrx(house, "release", "rollback", "--to", "r1", "--yes")
    assert gone_on.returncode == 0, gone_on.stdout + gone_on.stderr
    assert "…" in gone_on.stdout.partition("✓")[0], "first where it stood"
    assert house.served()["slot"] == "blue"
    forward = hrx(house, "release", "rollback", "--to", "r2", "--yes", "--json")
    assert json.loads(forward.stdout)["state"] == "succeeded", "the way forward is planned and run alike"
    assert house.served()["slot"] == "green"


def wait_for(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def crash(
    house: House, how: str, record: PlanRecord, run_id: str, *, entries: int, seconds: float = 0.0
) -> int:
    """The run in a process that dies so; its exit code."""
    program = str(Path(__file__).with_name("crashing.py"))
    return subprocess.run(
        [sys.executable, program, how, str(record.seq), run_id, "aoki", str(entries), str(seconds)],
        env={**os.environ, **house.environment},
        cwd=ROOT,
        timeout=300,
        check=False,
    ).returncode


def hrx(house: House, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hrx.cli", *words],
        env={**os.environ, **house.environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def prove_backup(plane: Plane) -> None:
    """As after a restore that showed the last seconds."""
    site, now = open_site(plane.settings), clock.now()
    put_backup(site.folder, "a")
    write_proof(
        site.folder,
        Proof(
            backup_id="a", began_at=now, ended_at=now, is_well=True, seconds={"fetch": 1.0},
            data_bytes=5, records_bytes=5, last_commit_at=now - timedelta(seconds=5),
        ),
    )  # fmt: skip
