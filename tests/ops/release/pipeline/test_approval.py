"""A second person's word on exactly one plan, and the calendar, on a plane of its own (R3.1-1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from hrx.kit import clock
from hrx.kit.errors import Conflict, Forbidden
from hrx.ops import lock
from hrx.ops.ledger.entries import open_ledger
from hrx.ops.operators.accounts import disable_operator
from hrx.ops.operators.roles import Actor, Role
from hrx.ops.release.pipeline.beginning import prepare_resume
from hrx.ops.release.pipeline.engine import Bench, Runner
from hrx.ops.release.pipeline.stages import Run, RunStand
from hrx.ops.release.releases import CheckResult, Environment, Outcome, Slot
from hrx.ops.release.results import ResultShelf
from hrx.ops.run.approvals import AuthorMayNotApprove
from hrx.ops.run.pipelines import (
    NotAPerson,
    NothingToApprove,
    PlaneGate,
    approve_run,
    find_asked,
    find_gate,
    give_despite,
    open_bench,
)
from hrx.ops.run.plane import Plane
from tests.conftest import ROOT
from tests.ops.conftest import make_operator
from tests.ops.release.pipeline.workshop import Workshop
from tests.ops.release.shop import R1

pytestmark = pytest.mark.req("R3.1-1")
MACHINE = Actor(name="machine:sato", role=Role.ADMIN, is_operator=False)


@dataclass(slots=True)
class Office:
    """A workshop whose gate is the plane's own, with people; `run` has come to its approval."""

    shop: Workshop
    plane: Plane
    run: Run

    @property
    def gate(self) -> PlaneGate:
        return find_gate(self.plane, root=self.shop.repository)

    @property
    def bench(self) -> Bench:
        return open_bench(self.plane, root=self.shop.repository)

    def drive(self) -> RunStand:
        return Runner(self.bench, self.run.id, actor="machine:sato").drive()

    def plan_hash(self) -> str:
        asked = find_asked(self.gate, self.run_now(), self.bench.store.records(self.run))
        assert asked is not None
        return asked.record.plan.plan_hash

    def run_now(self) -> Run:
        return self.bench.store.get(self.run.id)

    def approve(self, actor: Actor, plan_hash: str = "") -> None:
        approve_run(self.gate, self.run_now(), actor=actor, plan_hash=plan_hash or self.plan_hash())

    def says(self, stage: str) -> str:
        said = self.bench.store.records(self.run)[stage].says
        return said.en if said is not None else ""


@pytest.fixture
def suzuki(plane: Plane) -> Actor:
    return make_operator(plane.ledger, "suzuki", role=Role.APPROVER)


@pytest.fixture
def office(shop: Workshop, plane: Plane, tmp_path: Path) -> Iterator[Office]:
    """The calendar is empty, and no database tells what runs: a test says where that is to be let go."""
    runbook = tmp_path / "runbook"
    runbook.mkdir()
    for name in ("pipeline.yaml", "calendar.yaml"):
        (runbook / name).write_text((ROOT / "runbook" / name).read_text())
    (runbook / "calendar.yaml").write_text("holds: []\n")
    settings = plane.settings.model_copy(
        update={"var_dir": shop.home, "runbook_dir": runbook, "ops_database_url": None}
    )
    own = replace(plane, settings=settings, ledger=open_ledger(shop.ledger_url))
    made = Office(shop=shop, plane=own, run=shop.begin(shop.whole()))
    yield made
    own.ledger.store.close()


@pytest.fixture
def asking(office: Office) -> Office:
    """Everything before production is done."""
    assert office.drive() is RunStand.WAITING
    return office


def people(office: Office, *names: str, role: Role = Role.APPROVER) -> list[Actor]:
    return [make_operator(office.plane.ledger, name, role=role) for name in names]


def let_go(office: Office, actor: Actor) -> None:
    """Nobody can tell here whether an import is running."""
    hold = give_despite(office.gate, office.run_now(), actor=actor, reason="no database in this test")
    assert hold is not None


def test_a_second_person_lets_it_go_on(asking: Office) -> None:
    (suzuki,) = people(asking, "suzuki")
    asking.approve(suzuki)
    let_go(asking, suzuki)
    assert asking.drive() is RunStand.PASSED
    assert asking.says("approval").startswith("approved by suzuki")


@pytest.mark.parametrize("author", ["sato", "tanaka", "ito", "kato"])
def test_nobody_who_wrote_or_began_it_may_approve(shop: Workshop, office: Office, author: str) -> None:
    """sato began it, tanaka wrote the commit, ito wrote it too, kato is known by another address."""
    runbook = office.plane.settings.runbook_dir / "pipeline.yaml"
    runbook.write_text(runbook.read_text().replace("authors: {}", "authors: {K.Kato@home.example: kato}"))
    message = "A change.\n\nCo-authored-by: Ito <ito@minato-seiki.example>\n"
    shop.add_commit("k.kato@home.example")
    live = shop.add_release(R1, commit=shop.git("rev-parse", "HEAD~1"))
    office.gate.ground.store.place(
        Environment(office.plane.settings.environment), Slot.BLUE, live.id, weight=100, by="t", expected=None
    )
    shop.add_commit("tanaka@minato-seiki.example", message=message)
    built = replace(shop.releases.get("r2"), id="r5", commit=shop.commit)
    shop.releases.add(built)
    shop.mood("build", stdout='{"release": "r5"}')
    office.bench.store.save(replace(office.run, commit=shop.commit))
    assert office.drive() is RunStand.WAITING
    (person,) = people(office, author)
    with pytest.raises(AuthorMayNotApprove):
        office.approve(person)
    (suzuki,) = people(office, "suzuki")
    office.approve(suzuki)


def test_the_machines_user_and_a_responder_may_not_approve(asking: Office) -> None:
    with pytest.raises(AuthorMayNotApprove):
        asking.approve(MACHINE)
    (mori,) = people(asking, "mori", role=Role.RESPONDER)
    with pytest.raises(Forbidden):
        asking.approve(mori)


def test_the_plan_says_what_was_not_checked(shop: Workshop, office: Office) -> None:
    shop.mood("audit", outcome="not_checked")
    assert office.drive() is RunStand.WAITING
    asked = find_asked(office.gate, office.run_now(), office.bench.store.records(office.run))
    assert asked is not None
    facts = asked.record.plan.facts
    assert facts["release.checks"] == "tests=passed, audit=not_checked, staging=passed"
    assert facts["release.replaces"] == "checkout"
    assert facts["release.migrations"] == "unknown", "no database tells where the schema stands"
    assert [step.key for step in asked.record.plan.steps] == ["production", "smoke"]


def test_a_word_is_void_when_another_release_went_live_meanwhile(asking: Office) -> None:
    (suzuki,) = people(asking, "suzuki")
    former = asking.plan_hash()
    asking.approve(suzuki)
    live = asking.shop.add_release(R1)
    where = Environment(asking.plane.settings.environment)
    asking.gate.ground.store.place(where, Slot.BLUE, live.id, weight=100, by="t", expected=None)
    assert asking.drive() is RunStand.WAITING
    assert "the word of suzuki is void (release.replaces: checkout → r1)" in asking.says("approval")
    with pytest.raises(Conflict) as caught:
        asking.approve(suzuki, former)
    assert caught.value.stable_code == "plan.other_hash"
    asking.approve(suzuki)
    let_go(asking, suzuki)
    assert asking.drive() is RunStand.PASSED


def test_a_word_given_before_a_hold_is_asked_for_anew_when_a_check_changes(asking: Office) -> None:
    (suzuki,) = people(asking, "suzuki")
    asking.approve(suzuki)
    assert asking.drive() is RunStand.WAITING
    records = asking.bench.store.records(asking.run)
    assert records["production"].stand.value == "held", "nobody knows whether an import is running"
    let_go(asking, suzuki)
    asking.shop.mood("tests", outcome="not_checked")
    prepare_resume(asking.bench.store, asking.plane.ledger, asking.run_now(), again=["tests"], actor="suzuki")
    assert asking.drive() is RunStand.WAITING
    assert "tests=not_checked" in asking.says("approval")
    assert "production" not in asking.shop.begun()


def test_a_word_gets_old(asking: Office) -> None:
    (suzuki,) = people(asking, "suzuki")
    asking.approve(suzuki)
    let_go(asking, suzuki)
    with clock.shifted(timedelta(seconds=asking.plane.settings.approval_valid_s + 5)):
        assert asking.drive() is RunStand.WAITING
        assert "too old" in asking.says("approval")


def test_a_word_ends_with_the_account_of_who_gave_it(asking: Office) -> None:
    (suzuki,) = people(asking, "suzuki")
    people(asking, "mori", role=Role.ADMIN)
    asking.approve(suzuki)
    let_go(asking, suzuki)
    disable_operator(asking.plane.ledger, "suzuki", by="mori", reason="left")
    assert asking.drive() is RunStand.WAITING
    assert "production" not in asking.shop.begun()


def test_a_word_is_good_for_one_try(asking: Office) -> None:
    (suzuki,) = people(asking, "suzuki")
    asking.approve(suzuki)
    let_go(asking, suzuki)
    asking.shop.mood("production", exit=1)
    assert asking.drive() is RunStand.FAILED
    prepare_resume(asking.bench.store, asking.plane.ledger, asking.run_now(), actor="suzuki")
    assert asking.drive() is RunStand.WAITING
    assert "pipeline.attempt: 1 → 2" in asking.says("approval")


def test_there_is_nothing_to_approve_before_the_checks_are_done(office: Office) -> None:
    (suzuki,) = people(office, "suzuki")
    with pytest.raises(NothingToApprove):
        approve_run(office.gate, office.run_now(), actor=suzuki, plan_hash="0" * 64)


def test_going_on_despite_the_calendar_takes_an_approver_and_is_told(asking: Office) -> None:
    suzuki, mori = people(asking, "suzuki", "mori")
    (kato,) = people(asking, "kato", role=Role.RESPONDER)
    asking.approve(suzuki)
    run = asking.run_now()
    with pytest.raises(NotAPerson):
        give_despite(asking.gate, run, actor=MACHINE, reason="hurry")
    with pytest.raises(Forbidden):
        give_despite(asking.gate, run, actor=kato, reason="hurry")
    give_despite(asking.gate, run, actor=mori, reason="a hole in sign-in")
    assert asking.drive() is RunStand.PASSED
    told = [one for one in asking.shop.told(run) if one.body["act"] == "despite"]
    assert [(one.actor, one.body["reason"]) for one in told] == [("mori", "a hole in sign-in")]
    assert "not known: an import is running" in told[0].body["held_by"]["en"]


def test_what_comes_up_after_the_word_still_holds(asking: Office) -> None:
    (suzuki,) = people(asking, "suzuki")
    asking.approve(suzuki)
    let_go(asking, suzuki)
    with lock.holding(asking.plane.ledger, "database", owner="suzuki", reason="switch", valid_s=60):
        assert asking.drive() is RunStand.WAITING
        assert "a restore or a switch is under way (database)" in asking.says("production")
    assert asking.drive() is RunStand.PASSED


def test_results_of_the_run_are_what_the_release_shows(asking: Office) -> None:
    found = [one.check for one in ResultShelf(asking.bench.releases.folder).find("r2")]
    assert CheckResult(name="tests", outcome=Outcome.PASSED) in found
