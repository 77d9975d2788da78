"""A drill means the slot that people are on: HAProxy tells which, and a drill that cannot know refuses."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from hrx.kit.errors import Refused
from hrx.ops.drills.experiments import get_experiment, load_experiments
from hrx.ops.drills.live import list_services, name_live
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.machine.ports import Ports
from hrx.ops.targets.machine.shares import MachineEdge
from hrx.ops.targets.machine.toolchain import Toolchain
from tests.conftest import ROOT
from tests.ops.machine.conftest import folder, layout, ports, tools
from tests.ops.machine.edges import make_edge, serving, wait_for

__all__ = ["folder", "layout", "ports", "tools"]
pytestmark = pytest.mark.req("R5.2-2", "R3.1-2")
EXPERIMENTS = load_experiments(ROOT / "drills")


@pytest.fixture
def edge(layout: Layout, ports: Ports, tools: Toolchain) -> Iterator[MachineEdge]:
    """The edge of this machine with two API servers behind it."""
    made = make_edge(layout, ports, tools)
    made.prepare()
    haproxy = subprocess.Popen(made.argv(), env={**os.environ, **made.tool.environment()})
    try:
        with serving("blue", ports["api_blue"]), serving("green", ports["api_green"]):
            wait_for(ports, "/readyz", 200)
            yield MachineEdge(send=made.command, folder=made.folder)
    finally:
        haproxy.kill()
        haproxy.wait(timeout=10)


def test_a_drill_means_the_slot_that_takes_requests_now(edge: MachineEdge, layout: Layout) -> None:
    hung = get_experiment(EXPERIMENTS, "api-hung")
    for slot in ("green", "blue"):
        edge.send_all([("api", slot)])
        found = name_live(Machine(layout), hung)
        assert [dict(call.arguments) for call in found.method] == [{"part": f"api-{slot}"}]
        assert f"part-down:api-{slot}" in found.expects.conditions
        assert list_services(found) == ()
        assert found.probes == hung.probes


def test_a_drill_refuses_while_two_slots_share_the_requests(edge: MachineEdge, layout: Layout) -> None:
    edge.share("api", new="green", percent=10)
    with pytest.raises(Refused) as refused:
        name_live(Machine(layout), get_experiment(EXPERIMENTS, "api-hung"))
    assert refused.value.stable_code == "drill.live_not_known"
    assert "api-blue, api-green" in refused.value.message.en


def test_a_drill_refuses_where_no_edge_tells(layout: Layout) -> None:
    with pytest.raises(Refused) as refused:
        name_live(Machine(layout), get_experiment(EXPERIMENTS, "web-hung"))
    assert refused.value.stable_code == "drill.live_not_known"


def test_a_drill_about_no_slot_needs_no_edge(layout: Layout) -> None:
    redis = get_experiment(EXPERIMENTS, "redis-stopped")
    assert name_live(Machine(layout), redis) == redis


def test_no_drill_names_a_slot_by_its_colour() -> None:
    for one in EXPERIMENTS:
        texts = [value for call in one.method for value in call.arguments.values()] + [
            *one.expects.conditions
        ]
        assert not [text for text in texts if text.endswith(("-blue", "-green"))], one.id
