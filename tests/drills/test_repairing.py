"""What counts as a repair in a drill, and drills that go wrong themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

import pytest

from hrx.kit import clock
from hrx.kit.errors import Unavailable
from hrx.ops.drills import running, undoing
from hrx.ops.drills.experiments import load_experiments
from hrx.ops.drills.faults import registry
from hrx.ops.drills.faults.fault import FaultSpec
from hrx.ops.drills.ground import Ground
from hrx.ops.drills.journal import Injected, find_injected, list_outcomes
from hrx.ops.ledger.drills import DRILL_LOCK
from hrx.ops.ledger.leases import find_lease
from hrx.ops.plan import ApprovalRule
from hrx.ops.runbook.content import load_content
from hrx.ops.targets.target import PartState
from tests.conftest import ROOT
from tests.drills.test_engine import (
    ME,
    experiment,
    ground,
    impatient_runbook,
    ledger,
    ledger_url,
    machine,
    plane,
    settings,
    small_machine,
    state_of,
)
from tests.ops.conftest import SmallMachine

__all__ = [
    "ground",
    "impatient_runbook",
    "ledger",
    "ledger_url",
    "machine",
    "plane",
    "settings",
    "small_machine",
]
pytestmark = pytest.mark.req("R5.2-2")


@pytest.fixture
def undone_at(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """When the drill began to take its fault back."""
    found: list[datetime] = []
    real = undoing.undo

    def undo(ground: Ground, injected: Sequence[Injected], *, actor: str) -> list[Injected]:
        if injected:
            found.append(clock.now())
        return real(ground, injected, actor=actor)

    monkeypatch.setattr(running, "undo", undo)
    return found


def test_a_repair_is_measured_while_the_fault_is_still_in(
    ground: Ground, machine: SmallMachine, undone_at: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    def repair(ground: Ground, *_: object, **__: object) -> str:
        with ground.plane.ledger.store.read() as connection:
            held = find_lease(connection, DRILL_LOCK)
        assert held is not None
        assert held.expires_at - clock.now() > timedelta(minutes=2), "its proofs may take long"
        ground.plane.target.start_part("worker", timeout_s=20)
        return "restart-part"

    monkeypatch.setattr(running, "repair", repair)
    one = replace(experiment(machine, give_up_s=0.3), repairs=True)
    outcome = running.run_drill(ground, one, actor=ME, quiet_s=0)
    assert (outcome.repaired_by, outcome.problem) == ("restart-part", None)
    assert outcome.recover_s is not None
    assert outcome.at + timedelta(seconds=outcome.recover_s) < undone_at[0]


def test_what_only_claims_to_repair_is_no_repair(
    ground: Ground, machine: SmallMachine, undone_at: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "repair", lambda *_, **__: "restart-part")
    real = running._RECOVER_S
    monkeypatch.setattr(running, "_RECOVER_S", 0.6)
    monkeypatch.setattr(running, "_take_back", _then(running._take_back, monkeypatch, real))
    one = replace(experiment(machine, give_up_s=0.3), repairs=True)
    outcome = running.run_drill(ground, one, actor=ME, quiet_s=0)
    assert (outcome.repaired_by, outcome.problem) == ("rollback", None)
    assert outcome.recover_s is not None
    assert outcome.at + timedelta(seconds=outcome.recover_s) > undone_at[0]


def _then(real: Callable[..., None], patch: pytest.MonkeyPatch, patience_s: float) -> Callable[..., None]:
    """Take back, and be patient from then on."""

    def take_back(drill: object) -> None:
        patch.setattr(running, "_RECOVER_S", patience_s)
        real(drill)

    return take_back


def test_a_fault_that_breaks_ends_its_own_drill_and_is_taken_back(
    ground: Ground, machine: SmallMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = registry.FAULTS["part.stop"]

    def burst(*arguments: object) -> None:
        stop.inject(*arguments)  # type: ignore[arg-type]
        raise ProcessLookupError

    broken = FaultSpec(id=stop.id, title=stop.title, inject=burst, undo=stop.undo)  # type: ignore[arg-type]
    monkeypatch.setattr(registry, "FAULTS", MappingProxyType({stop.id: broken}))
    outcome = running.run_drill(ground, experiment(machine), actor=ME, quiet_s=0)
    assert outcome.problem == "bug: ProcessLookupError"
    assert find_injected(ground.plane.ledger) == []
    assert state_of(ground.plane, "worker") is PartState.RUNNING
    assert list_outcomes(ground.plane.ledger)[0] == outcome


def test_a_drill_whose_people_cannot_sign_in_puts_nothing_in(ground: Ground, machine: SmallMachine) -> None:
    one = replace(experiment(machine), traffic=2.0)
    with pytest.raises(Unavailable, match="cannot sign in") as refused:
        running.run_drill(ground, one, actor=ME, quiet_s=0)
    assert refused.value.hint is not None
    assert find_injected(ground.plane.ledger) == []
    assert state_of(ground.plane, "worker") is PartState.RUNNING


def test_a_drill_that_repairs_has_something_that_its_own_word_suffices_for() -> None:
    content = load_content(ROOT / "runbook")
    approvals = {item.id: item.approval for item in content.procedures}
    proposed = {
        cause.id: {approvals[item.procedure] for item in cause.proposals}
        for sop in content.sops
        for cause in sop.causes
    }
    repairing = [one for one in load_experiments(ROOT / "drills") if one.repairs]
    assert len(repairing) >= 12
    for one in repairing:
        for cause in one.expects.causes:
            assert proposed[cause] - {ApprovalRule.OTHER}, f"{one.id}: nobody could repair {cause}"
