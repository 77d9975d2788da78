"""Which slot may rest: never the one that people use. The switch itself is tested on a real edge."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hrx.ops.run.acting.slots import MayNotRest, NoSlot
from hrx.ops.run.actions import get_action
from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.run.planning import make_plan
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.target import PartState, PartStatus
from tests.ops.conftest import SmallMachine

pytestmark = pytest.mark.req("R5.2-2")


class MachineWithSlots(Machine):
    """Two slots of the API, of which the edge uses one."""

    live = "api-blue"
    running = frozenset({"api-blue", "api-green"})

    def list_live(self, service: str) -> tuple[str, ...]:
        assert service == "api"
        return (self.live,)

    def list_parts(self) -> list[PartStatus]:
        return [
            PartStatus(name=name, state=PartState.RUNNING if name in self.running else PartState.STOPPED)
            for name in ("api-blue", "api-green")
        ]

    def stop_part(self, name: str, *, timeout_s: float) -> PartStatus:
        self.running = self.running - {name}
        return PartStatus(name=name, state=PartState.STOPPED)


@pytest.fixture
def slots(settings: OpsSettings, machine: SmallMachine) -> Iterator[tuple[Plane, MachineWithSlots]]:
    target = MachineWithSlots(machine.layout)
    with opened_plane(settings, target=target) as opened:
        yield opened, target


def test_a_spare_slot_rests_when_nobody_uses_it(slots: tuple[Plane, MachineWithSlots]) -> None:
    plane, target = slots
    params = {"part": "api-green"}
    assert make_plan(plane, "rest-slot", params=params).facts == {"slot.may_rest": "yes"}
    for _ in range(2):
        assert get_action("slot.rest").perform(plane, params, 5) == {"part": "api-green", "stopped": True}
    assert target.running == {"api-blue"}
    assert get_action("slot.prove_rests").perform(plane, params, 5)["state"] == "stopped"


def test_a_slot_in_use_and_the_one_that_always_runs_never_rest(slots: tuple[Plane, MachineWithSlots]) -> None:
    plane, target = slots
    target.live = "api-green"
    for part in ("api-green", "api-blue"):
        with pytest.raises(MayNotRest):
            make_plan(plane, "rest-slot", params={"part": part})
        # Even when the edge was switched after the plan was made.
        assert get_action("slot.rest").perform(plane, {"part": part}, 5)["stopped"] is False
    assert target.running == {"api-blue", "api-green"}
    with pytest.raises(NoSlot):
        make_plan(plane, "rest-slot", params={"part": "worker"})
