"""What a release needs of this machine's slots: woken once, asked at their own ports."""

from __future__ import annotations

from pathlib import Path

import pytest

from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.machine.ports import Ports
from hrx.ops.targets.machine.shares import MachineEdge
from hrx.ops.targets.machine.slots import MachineSlots, find_slots
from hrx.ops.targets.target import PartState, PartStatus
from tests.ops.machine.edges import serving

pytestmark = pytest.mark.req("R3.1-2")


class Supervised:
    """A supervisor's list, on which a start is written down."""

    def __init__(self, **states: PartState) -> None:
        self.states = {name.replace("_", "-"): state for name, state in states.items()}
        self.started: list[str] = []

    def list_parts(self) -> list[PartStatus]:
        return [PartStatus(name=name, state=state) for name, state in self.states.items()]

    def start_part(self, name: str, *, timeout_s: float) -> PartStatus:
        self.started.append(name)
        self.states[name] = PartState.RUNNING
        return PartStatus(name=name, state=PartState.RUNNING)

    def stop_part(self, name: str, *, timeout_s: float) -> PartStatus:
        self.states[name] = PartState.STOPPED
        return PartStatus(name=name, state=PartState.STOPPED)


def _slots(parts: Supervised, ports: dict[str, int]) -> MachineSlots:
    return MachineSlots(edge=MachineEdge(send=str, folder=Path()), parts=parts, ports=ports)


def test_a_slot_is_started_unless_it_runs() -> None:
    parts = Supervised(api_green=PartState.STOPPED, web_green=PartState.RUNNING)
    slots = _slots(parts, {})
    for _ in range(2):
        slots.wake("api", "green")
        slots.wake("web", "green")
    assert parts.started == ["api-green"]


def test_a_slot_is_stopped_by_name_and_twice_is_harmless() -> None:
    parts = Supervised(api_blue=PartState.RUNNING, api_green=PartState.RUNNING)
    slots = _slots(parts, {})
    for _ in range(2):
        slots.stop("api", "blue")
    assert not slots.is_running("api", "blue")
    assert slots.is_running("api", "green")


def test_a_slot_is_asked_at_its_own_port(ports: Ports) -> None:
    slots = _slots(Supervised(), {"api_green": ports["api_green"], "web_green": ports["web_green"]})
    assert not slots.is_alive("api", "green")
    with serving("api-green", ports["api_green"]):
        assert slots.is_ready("api", "green")
        assert slots.is_alive("api", "green")
        assert not slots.is_ready("web", "green")
    assert not slots.is_ready("api", "blue"), "no port is known"


def test_the_slots_of_a_stack_are_found_by_its_folder(layout: Layout, ports: Ports) -> None:
    layout.ports_file.write_text(f'{{"api_blue": {ports["api_blue"]}}}')
    slots = find_slots(layout)
    assert slots.edge.kept("api") == "blue"
    with serving("api-blue", ports["api_blue"]):
        assert slots.is_alive("api", "blue")
    assert Machine(layout).list_parts(), "no supervisor is asked before a slot is woken"
