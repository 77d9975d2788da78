"""Sources turned away by a real HAProxy: within a second, across its restart, and no longer than told."""

from __future__ import annotations

import http.client
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from hrx.kit import clock
from hrx.kit.errors import NotFound
from hrx.ops.console.duties import WORKS
from hrx.ops.ledger.entries import EntryFilter, Kind
from hrx.ops.ledger.timers import list_due, list_timers
from hrx.ops.operators.roles import Actor
from hrx.ops.run.acting import sources
from hrx.ops.run.acting.sources import LIFT, MayNotBeBlocked
from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.run.planning import make_plan
from hrx.ops.run.records import RunState
from hrx.ops.seams.addresses import shorten_address
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.haproxy import Edge
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.machine.ports import Ports
from hrx.ops.targets.machine.toolchain import Toolchain
from tests.ops.conftest import SmallMachine, make_operator
from tests.ops.machine.edges import make_edge, serving
from tests.ops.repair.conftest import evidence_of, run_procedure

pytestmark = pytest.mark.req("R5.2-3")
#: Another of this machine's own addresses plays the attacker.
ATTACKER = "127.0.0.2"


class MachineWithEdge(Machine):
    """The small machine's parts; the edge is a HAProxy of the test's own, unknown to the supervisor."""

    is_edge_up = True

    def _edge_runs(self) -> bool:
        return self.is_edge_up


class RunningEdge:
    """A HAProxy that can be restarted."""

    def __init__(self, edge: Edge) -> None:
        self.edge = edge
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.edge.prepare()
        self.process = subprocess.Popen(
            self.edge.argv(),
            env={**os.environ, **self.edge.tool.environment()},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while self.status() != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=10)

    def status(self, *, source: str = "127.0.0.1") -> int:
        """What a request from this address gets; 0 when nobody answers."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.edge.ports.edge, timeout=5, source_address=(source, 0)
        )
        try:
            with closing(connection):
                connection.request("GET", "/readyz")
                return connection.getresponse().status
        except OSError:
            return 0


@pytest.fixture
def running_edge(layout: Layout, ports: Ports, tools: Toolchain) -> Iterator[RunningEdge]:
    with serving("api-blue", ports["api_blue"]):
        made = RunningEdge(make_edge(layout, ports, tools))
        made.start()
        yield made
        made.stop()


@pytest.fixture
def guarding(
    settings: OpsSettings, layout: Layout, ports: Ports, running_edge: RunningEdge
) -> Iterator[Plane]:
    """A plane in front of which a real edge stands."""
    seeing = settings.model_copy(update={"edge_url": f"http://127.0.0.1:{ports.edge}"})
    with opened_plane(seeing, target=MachineWithEdge(layout)) as opened:
        yield opened


@pytest.fixture
def actor(guarding: Plane) -> Actor:
    return make_operator(guarding.ledger, "aoki")


def note_in_api_log(layout: Layout, address: str) -> str:
    """The API saw this address; gives its short form, by which triage names it."""
    path = layout.log / "api-blue.log"
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write(f'{{"event":"request","address":"{address}","status":401}}\n')
    return shorten_address(address)


def test_a_source_named_by_triage_is_turned_away_within_a_second_and_only_it(
    guarding: Plane,
    actor: Actor,
    running_edge: RunningEdge,
    layout: Layout,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The attacker of this test is loopback, which is refused otherwise; see the next test.
    monkeypatch.setattr(sources, "refuse_source", lambda _plane, _source: None)
    monkeypatch.setattr("hrx.ops.run.facts.refuse_source", lambda _plane, _source: None)
    short = note_in_api_log(layout, ATTACKER)
    assert running_edge.status(source=ATTACKER) == 200
    run = run_procedure(guarding, "block-source", {"source": short, "minutes": "5"}, actor=actor)
    assert run.state is RunState.SUCCEEDED, run.message
    assert running_edge.status(source=ATTACKER) == 403
    assert running_edge.status() == 200
    started, ended = (
        next(item for item in run.steps if item.step.key == key) for key in ("block", "turned-away")
    )
    assert started.started_at is not None
    assert ended.ended_at is not None
    assert (ended.ended_at - started.started_at).total_seconds() < 1
    told = "".join(str(entry.body) for entry in guarding.ledger.list_entries(EntryFilter(), limit=100))
    assert ATTACKER not in told
    assert evidence_of(run, "block")["sources"] == [short]

    running_edge.stop()
    running_edge.start()
    assert running_edge.status(source=ATTACKER) == 403

    [timer] = list_timers(guarding.ledger.store, subject=f"source:{short}")
    assert timer.kind == LIFT
    with guarding.ledger.store.read() as connection:
        assert list_due(connection, kinds=(LIFT,)) == []
    with clock.shifted(timedelta(minutes=5, seconds=1)):
        with guarding.ledger.store.read() as connection:
            due = list_due(connection, kinds=(LIFT,))
        assert [one.id for one in due] == [timer.id]
        WORKS[LIFT](guarding, due[0])
        WORKS[LIFT](guarding, due[0])
    assert running_edge.status(source=ATTACKER) == 200
    kept = guarding.ledger.list_entries(EntryFilter(kinds=(Kind.CONTAINMENT,)))
    assert [entry.body for entry in kept] == [{"change": "unblocked", "source": short}]


def test_a_network_is_blocked_twice_lifted_once_and_its_timer_goes_with_it(
    guarding: Plane, actor: Actor, running_edge: RunningEdge
) -> None:
    params = {"source": "203.0.113.99/24"}
    for _ in range(2):
        run = run_procedure(guarding, "block-source", params, actor=actor)
        assert run.state is RunState.SUCCEEDED, run.message
    assert guarding.target.list_blocked() == ["203.0.113.0/24"]
    assert guarding.target.is_blocked("203.0.113.5")
    assert not guarding.target.is_blocked("203.0.114.5")
    lifted = run_procedure(guarding, "unblock-source", params, actor=actor)
    assert lifted.state is RunState.SUCCEEDED, lifted.message
    assert not guarding.target.is_blocked("203.0.113.5")
    assert list_timers(guarding.ledger.store, subject="source:203.0.113.0/24") == []
    assert running_edge.status() == 200


def test_a_block_is_kept_for_the_next_start_when_the_edge_is_down(
    guarding: Plane, running_edge: RunningEdge
) -> None:
    running_edge.stop()
    assert isinstance(guarding.target, MachineWithEdge)
    guarding.target.is_edge_up = False
    guarding.target.change_blocked(add=[ATTACKER])
    running_edge.start()
    assert running_edge.status(source=ATTACKER) == 403


@pytest.mark.parametrize(
    "source",
    ["127.0.0.1", "127.0.0.0/16", "::1", "0.0.0.0/0", "::/0", "203.0.0.0/8", "2001::/16", "198.51.100.0/24"],
)
def test_our_own_and_everybody_are_refused_when_planning(
    settings: OpsSettings, machine: SmallMachine, source: str
) -> None:
    ours = settings.model_copy(update={"never_blocked": "198.51.100.7"})
    with (
        opened_plane(ours, target=Machine(machine.layout)) as plane,
        pytest.raises(MayNotBeBlocked),
    ):
        make_plan(plane, "block-source", params={"source": source})


def test_this_machines_own_addresses_and_unknown_short_forms_are_refused(plane: Plane) -> None:
    import psutil

    for addresses in psutil.net_if_addrs().values():
        for one in addresses:
            if one.family.name == "AF_INET":
                with pytest.raises(MayNotBeBlocked):
                    make_plan(plane, "block-source", params={"source": one.address})
    with pytest.raises(NotFound):
        make_plan(plane, "block-source", params={"source": "203.0.113.x#00000000"})


def test_a_plan_names_an_address_of_the_log_by_its_short_form(guarding: Plane, layout: Layout) -> None:
    short = note_in_api_log(layout, "203.0.113.200")
    plan = make_plan(guarding, "block-source", params={"source": "203.0.113.200"})
    assert plan.params["source"] == short
    assert "203.0.113.200" not in str(plan)
    assert not Path(layout.run / "edge" / "blocked.acl").read_text()
