"""Stages as real processes: order, parallel work, failures, limits, and the death of the runner (R3.1-1)."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from hrx.kit.errors import Text
from hrx.ops.lock import LockHeld
from hrx.ops.release.pipeline.beginning import PipelineUnderWay, look_at, prepare_resume
from hrx.ops.release.pipeline.gates import Hold
from hrx.ops.release.pipeline.stages import Definition, Goal, OnDeath, Reads, RunStand
from hrx.ops.release.releases import Outcome
from hrx.ops.release.results import ResultShelf
from tests.ops.release.pipeline.workshop import R1, R2, Workshop, is_alive, wait_until

pytestmark = pytest.mark.req("R3.1-1")


def test_a_commit_comes_to_people_stage_by_stage_and_the_ledger_tells_each_step(shop: Workshop) -> None:
    run = shop.begin(shop.whole())
    assert shop.drive(run) is RunStand.PASSED
    assert set(shop.stands(run).values()) == {"passed"}
    assert shop.begun()[0] == "build"
    assert shop.begun()[3:] == ["staging", "production", "smoke"]
    assert shop.store.get(run.id).release_id == "r2"
    told = [(one.body["stage"], one.body["stand"]) for one in shop.told(run) if one.body["act"] == "stage"]
    for name in ("build", "tests", "audit", "staging", "production", "smoke"):
        assert told.index((name, "running")) < told.index((name, "passed"))
    approved = next(one for one in shop.told(run) if one.body.get("stage") == "approval")
    assert (approved.actor, approved.body["stand"]) == ("suzuki", "passed")


def test_on_the_way_to_staging_nothing_of_production_is_there(shop: Workshop) -> None:
    run = shop.begin(shop.whole(), goal=Goal.STAGING)
    assert shop.drive(run) is RunStand.PASSED
    assert [one.id for one in run.stages] == ["build", "tests", "audit", "staging"]


def test_stages_that_need_nothing_of_each_other_run_together_two_at_most(shop: Workshop) -> None:
    definition = shop.whole()
    three = (*definition.stages[:3], shop.stage("static", "build"))
    run = shop.begin(Definition(stages=three))
    with shop.holding("tests", "audit", "static"):
        process = shop.start_runner(run)
        wait_until(lambda: len(shop.begun()) == 3, what="two checks at the same time")
        assert shop.ended() == ["build"], "both are at work"
        time.sleep(1)
        assert len(shop.begun()) == 3, "the third waits for a place"
        shop.let_go(shop.begun()[1])
        wait_until(lambda: len(shop.begun()) == 4, what="the third in the place that became free")
    assert process.wait(90) == 0
    assert set(shop.stands(run).values()) == {"passed"}


@pytest.mark.parametrize("name", ["build", "tests", "staging", "production", "smoke"])
def test_a_killed_runner_costs_nothing_the_next_takes_the_running_stage_up(shop: Workshop, name: str) -> None:
    run = shop.begin(shop.whole())
    with shop.holding(name):
        process = shop.start_runner(run)
        wait_until(lambda: name in shop.begun(), what=f"{name} at work")
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        stand, records = look_at(shop.store, shop.bench().ledger, run)
        assert (stand, records[name].stand.value) == (RunStand.LEFT, "running")
        runner = shop.runner(run)
        assert runner.tick() is RunStand.RUNNING
    assert shop.drive(run) is RunStand.PASSED
    begun = shop.begun()
    assert len(begun) == len(set(begun)) == 6, f"nothing was begun twice: {begun}"


@pytest.mark.parametrize("name", ["tests", "production"])
def test_a_stage_that_ends_while_nobody_drives_is_not_repeated(shop: Workshop, name: str) -> None:
    run = shop.begin(shop.whole())
    with shop.holding(name):
        process = shop.start_runner(run)
        wait_until(lambda: name in shop.begun(), what=f"{name} at work")
        process.kill()
        process.wait(30)
    wait_until(lambda: name in shop.ended(), what="its end without a runner")
    assert shop.drive(run) is RunStand.PASSED
    assert shop.begun(name) == [name]


@pytest.mark.parametrize("name", ["tests", "production"])
def test_when_all_was_killed_the_stage_is_begun_again_and_what_is_done_is_not(
    shop: Workshop, name: str
) -> None:
    shop.mood(name, child=True, outcome="passed")
    run = shop.begin(shop.whole())
    with shop.holding(name):
        process = shop.start_runner(run)
        wait_until(lambda: (shop.acts / f"{name}.child").exists(), what=f"{name} at work")
        for pid in (process.pid, shop.keeper_pid(run, name)):
            os.kill(pid, signal.SIGKILL)
        process.wait(30)
        left = int((shop.acts / f"{name}.child").read_text() or 0)
        assert is_alive(left), "the command itself lives on"
        second = shop.start_runner(run)
        wait_until(lambda: shop.begun(name) == [name, name], what="its second beginning")
        assert not is_alive(left), "two of the same never run at once"
    assert second.wait(90) == 0
    assert look_at(shop.store, shop.bench().ledger, run)[0] is RunStand.PASSED
    assert shop.begun().count("build") == 1
    assert shop.store.records(run)[name].attempt == 2


def test_what_must_not_be_repeated_blindly_asks_a_person_first(shop: Workshop) -> None:
    stages = (
        shop.stage("build", reads=Reads.RELEASE),
        shop.stage("load", "build", on_death=OnDeath.ASK, changes=True),
    )
    shop.mood("build", stdout='{"release": "r2"}')
    run = shop.begin(Definition(stages=stages))
    with shop.holding("load"):
        process = shop.start_runner(run)
        wait_until(lambda: "load" in shop.begun(), what="load at work")
        os.kill(shop.keeper_pid(run, "load"), signal.SIGKILL)
        process.wait(90)
        record = shop.store.records(run)["load"]
        assert record.stand.value == "failed"
        assert record.says is not None
        assert "resume p1 --again load" in record.says.en
    prepare_resume(shop.store, shop.bench().ledger, run, again=["load"], actor="suzuki")
    assert shop.drive(run) is RunStand.PASSED
    assert shop.begun("load") == ["load", "load"]


def test_a_failed_stage_stops_what_needs_it_and_lets_the_rest_end(shop: Workshop) -> None:
    shop.mood("tests", exit=1, outcome="failed", detail="3 of 2,000 failed")
    run = shop.begin(shop.whole())
    assert shop.drive(run) is RunStand.FAILED
    stands = shop.stands(run)
    assert (stands["tests"], stands["audit"]) == ("failed", "passed")
    assert {stands[name] for name in ("staging", "approval", "production", "smoke")} == {"blocked"}
    record = shop.store.records(run)["tests"]
    assert record.exit_code == 1
    assert record.says is not None
    assert record.says.en == "exit code 1: 3 of 2,000 failed"
    shop.mood("tests")
    prepare_resume(shop.store, shop.bench().ledger, run, actor="suzuki")
    assert shop.drive(run) is RunStand.PASSED
    assert shop.begun().count("audit") == 1


@pytest.mark.parametrize(
    "mood",
    [
        {"outcome": "not_checked", "detail": "the registry was not reached"},
        {"stdout": ""},
        {"stdout": "all fine"},
        {"stdout": '{"outcome": "PASSED"}'},
    ],
)
def test_what_was_not_checked_is_never_called_passed(shop: Workshop, mood: dict[str, object]) -> None:
    shop.mood("audit", **mood)
    run = shop.begin(shop.whole())
    assert shop.drive(run) is RunStand.UNCHECKED
    assert shop.stands(run)["audit"] == "not_checked"
    assert shop.stands(run)["smoke"] == "passed", "it goes on, visibly"
    kept = {one.check.name: one.check.outcome for one in ResultShelf(shop.releases.folder).find("r2")}
    assert kept["audit"] is Outcome.NOT_CHECKED
    assert kept["tests"] is Outcome.PASSED


def test_an_exit_code_that_is_not_zero_outweighs_fine_words(shop: Workshop) -> None:
    shop.mood("audit", outcome="passed", exit=1)
    run = shop.begin(shop.whole())
    assert shop.drive(run) is RunStand.FAILED
    assert shop.stands(run)["audit"] == "failed"


def test_results_are_beside_the_release_which_stays_what_it_was(shop: Workshop) -> None:
    before = shop.releases.get("r2")
    shop.mood("audit", outcome="not_checked", detail="offline")
    shop.drive(shop.begin(shop.whole(), goal=Goal.STAGING))
    after = shop.releases.get("r2")
    assert after == before
    shown = ResultShelf(shop.releases.folder).show_with(after)
    assert {one.name: (one.outcome.value, one.detail) for one in shown.checks} == {
        "audit": ("not_checked", "offline"),
        "staging": ("passed", ""),
        "tests": ("passed", ""),
    }


def test_a_stage_past_its_limit_is_killed_with_everything_it_started(shop: Workshop) -> None:
    shop.mood("tests", child=True)
    definition = shop.whole()
    late = shop.stage("tests", "build", timeout_s=2)
    run = shop.begin(Definition(stages=(definition.stages[0], late)))
    with shop.holding("tests"):
        assert shop.drive(run) is RunStand.FAILED
    said = shop.store.records(run)["tests"].says
    assert said is not None
    assert said.en == "took longer than 2 s"
    child = int((shop.acts / "tests.child").read_text())
    wait_until(lambda: not is_alive(child), what="the end of what it started")


def test_the_limit_holds_although_the_runner_was_killed(shop: Workshop) -> None:
    definition = shop.whole()
    late = shop.stage("tests", "build", timeout_s=3)
    run = shop.begin(Definition(stages=(definition.stages[0], late)))
    with shop.holding("tests"):
        process = shop.start_runner(run)
        wait_until(lambda: "tests" in shop.begun(), what="tests at work")
        process.kill()
        process.wait(30)
        folder = shop.store.stage(run, late)
        wait_until(folder.result(1).exists, what="its end by the limit")
    assert shop.drive(run) is RunStand.FAILED


def test_secrets_that_a_command_says_reach_neither_log_nor_record(shop: Workshop) -> None:
    secret = "hunter2hunter2"  # the point of the test
    said = f"postgresql://hrx:{secret}@db/hrx token={secret}"
    shop.mood("tests", exit=1, stderr=said, stdout=json.dumps({"outcome": "failed", "detail": said}))
    run = shop.begin(shop.whole())
    assert shop.drive(run) is RunStand.FAILED
    written = [path for path in shop.store.folder.rglob("*") if path.is_file()]
    assert any("••••••" in path.read_text() for path in written)
    assert not [path for path in written if secret in path.read_text()]
    assert not [one for one in shop.told(run) if secret in str(one.body)]


def test_stop_ends_what_runs_and_begins_nothing_more(shop: Workshop) -> None:
    run = shop.begin(shop.whole())
    with shop.holding("tests"):
        process = shop.start_runner(run)
        wait_until(lambda: "tests" in shop.begun(), what="tests at work")
        shop.store.ask_stop(run.id)
        assert process.wait(90) == 0
        stands = shop.stands(run)
        assert stands["tests"] == "stopped"
        assert {stands["staging"], stands["production"]} == {"stopped"}
    assert look_at(shop.store, shop.bench().ledger, run)[0] is RunStand.STOPPED
    prepare_resume(shop.store, shop.bench().ledger, run, actor="suzuki")
    assert shop.drive(run) is RunStand.PASSED


def test_one_run_at_a_time_goes_to_an_environment(shop: Workshop) -> None:
    run = shop.begin(shop.whole())
    with shop.holding("build"):
        process = shop.start_runner(run)
        wait_until(lambda: "build" in shop.begun(), what="build at work")
        with pytest.raises(PipelineUnderWay, match="p1"):
            shop.begin(shop.whole())
        with pytest.raises(LockHeld):
            shop.drive(run)
        with pytest.raises(LockHeld):
            prepare_resume(shop.store, shop.bench().ledger, run, actor="suzuki")
    assert process.wait(90) == 0
    assert shop.begin(shop.whole()).id == "p2"


def test_a_release_of_another_commit_is_not_taken_for_this_one(shop: Workshop) -> None:
    shop.add_release(R1, commit="f" * 40)
    definition = shop.whole()
    shop.mood("build", stdout='{"release": "r1"}')
    run = shop.begin(definition)
    assert shop.drive(run) is RunStand.FAILED
    said = shop.store.records(run)["build"].says
    assert said is not None
    assert "is of commit ffffffffffff" in said.en


def test_a_release_that_is_there_is_not_built(shop: Workshop) -> None:
    run = shop.begin(shop.whole(), release=shop.releases.get(R2.id))
    assert shop.drive(run) is RunStand.PASSED
    assert "build" not in shop.begun()


def test_without_a_word_it_waits_and_goes_on_when_there_is_one(shop: Workshop) -> None:
    shop.gate.word = ""
    run = shop.begin(shop.whole())
    assert shop.drive(run) is RunStand.WAITING
    assert shop.stands(run)["approval"] == "asking"
    shop.gate.word = "suzuki"
    assert shop.drive(run) is RunStand.PASSED
    assert shop.begun().count("tests") == 1


def test_what_the_calendar_holds_is_held_with_its_reason(shop: Workshop) -> None:
    shop.gate.hold = Hold(
        reason=Text(ja="給与の締め", en="payroll cut-off"), ids=frozenset({"calendar:payroll"})
    )
    run = shop.begin(shop.whole())
    assert shop.drive(run) is RunStand.WAITING
    record = shop.store.records(run)["production"]
    assert record.stand.value == "held"
    assert record.says is not None
    assert record.says.en == "payroll cut-off"
    # The word is withdrawn while it is held.
    shop.gate.word = ""
    shop.gate.hold = None
    assert shop.drive(run) is RunStand.WAITING
    assert shop.stands(run)["approval"] == "asking"
    assert "production" not in shop.begun()
    shop.gate.word = "suzuki"
    assert shop.drive(run) is RunStand.PASSED


def test_a_job_waits_for_a_place_among_those_that_run(shop: Workshop) -> None:
    definition = shop.whole()
    run = shop.begin(Definition(stages=(*definition.stages[:3], shop.stage("static", "build"))))
    shop.drive(run, "build")
    with shop.holding("tests", "audit"):
        others = [shop.runner(run, name) for name in ("tests", "audit")]
        assert [one.tick() for one in others] == [RunStand.RUNNING, RunStand.RUNNING]
        third = shop.runner(run, "static")
        assert third.tick() is RunStand.RUNNING
        assert shop.stands(run)["static"] == "waiting"
    assert [one.drive() for one in (*others, third)] == [RunStand.PASSED] * 3


def test_each_stage_may_be_a_job_of_its_own(shop: Workshop) -> None:
    run = shop.begin(shop.whole())
    assert shop.drive(run, "tests") is RunStand.WAITING, "its needs are not done"
    assert shop.drive(run, "build") is RunStand.PASSED
    assert shop.begun() == ["build"]
    for name in ("tests", "audit", "staging", "approval", "production", "smoke"):
        assert shop.drive(run, name) is RunStand.PASSED, name
    assert look_at(shop.store, shop.bench().ledger, run)[0] is RunStand.PASSED
