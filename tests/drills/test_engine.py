"""The engine of drills on the small machine: refuses, measures, always takes back, survives its own death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hrx.kit import clock
from hrx.kit.errors import Refused, Text
from hrx.ops.drills.experiments import (
    Expectations,
    Experiment,
    FaultCall,
    SteadyProbe,
    get_experiment,
    load_experiments,
)
from hrx.ops.drills.faults.registry import get_fault
from hrx.ops.drills.ground import Ground
from hrx.ops.drills.journal import Outcome, find_injected, list_outcomes
from hrx.ops.drills.measuring import list_open_drills
from hrx.ops.drills.report import summarise
from hrx.ops.drills.running import run_drill
from hrx.ops.drills.undoing import abort
from hrx.ops.incidents.actions import responding
from hrx.ops.incidents.intake import take_signals
from hrx.ops.ledger.signals import find_conditions
from hrx.ops.operators.roles import Actor, Role
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.sops import Sop, load_sops
from hrx.ops.signal import Severity, Signal, SignalSource, SignalState
from hrx.ops.targets.target import PartState
from tests.conftest import ROOT
from tests.ops.browsing import Browser, serving
from tests.ops.conftest import (
    SmallMachine,
    impatient_runbook,
    ledger,
    ledger_url,
    machine,
    make_operator,
    plane,
    settings,
    small_machine,
)

# The small machine's fixtures, for this folder.
__all__ = ["impatient_runbook", "ledger", "ledger_url", "machine", "plane", "settings", "small_machine"]
pytestmark = pytest.mark.req("R5.2-2")
ME = Actor(name="machine:test", role=Role.ADMIN, is_operator=False)


@pytest.fixture
def ground(plane: Plane, machine: SmallMachine) -> Iterator[Ground]:
    found = Ground(plane=plane, layout=machine.layout)
    yield found
    abort(found, actor="test")


def experiment(machine: SmallMachine, *, part: str = "worker", give_up_s: float = 8.0) -> Experiment:
    """Stop a part of the small machine; it is well when it answers."""
    port = machine.ports[part]
    return Experiment(
        id="worker-stopped",
        title=Text(ja="止まる", en="Stopped"),
        what=Text(ja="止める", en="Stop it"),
        suite="fast",
        waits_for=None,
        probes=(
            SteadyProbe(
                name="answers", url=f"http://127.0.0.1:{port}/readyz", tolerance=200, contains="ready"
            ),
        ),
        method=(FaultCall(fault="part.stop", arguments={"part": part}),),
        expects=Expectations(
            sop="5.2.2",
            conditions=("part-down:worker",),
            causes=("worker-stopped",),
            is_outage=True,
            page_within_s=10.0,
            give_up_s=give_up_s,
        ),
        traffic=0.0,
        repairs=False,
    )


def state_of(plane: Plane, part: str) -> PartState:
    return next(found.state for found in plane.target.list_parts() if found.name == part)


def test_a_stopped_part_is_noticed_by_the_running_plane_and_is_back_in_the_end(
    ground: Ground, machine: SmallMachine
) -> None:
    make_operator(ground.plane.ledger, "mori", role=Role.VIEWER)
    with serving(ground.plane) as address:
        outcome = run_drill(ground, experiment(machine), actor=ME, quiet_s=2)
        browser = Browser(address)
        browser.sign_in("mori")
        page = browser.get("/drills").text
        browser.close()
    assert "Background work is held down." in page
    assert f"{outcome.detect_s:.1f} s" in page
    assert outcome.condition == "part-down:worker"
    assert outcome.detect_s is not None
    assert 0 < outcome.detect_s < 8
    assert outcome.recover_s is not None
    assert outcome.problem is None
    assert state_of(ground.plane, "worker") is PartState.RUNNING
    assert find_injected(ground.plane.ledger) == []
    assert list_outcomes(ground.plane.ledger)[0] == outcome


def test_what_begins_during_a_drill_is_marked_and_what_begins_after_is_not(
    ground: Ground, machine: SmallMachine
) -> None:
    with serving(ground.plane):
        run_drill(ground, experiment(machine, give_up_s=4), actor=ME, quiet_s=2)
    assert is_drill(ground.plane)
    later = Signal(
        source=SignalSource.WATCHER,
        key="part-down:worker",
        name="PartDown",
        state=SignalState.FIRING,
        started_at=clock.now() + timedelta(hours=3),
        summary=Text(ja="本当に止まった", en="Really down"),
        part="worker",
        severity=Severity.MAJOR,
    )
    with clock.shifted(timedelta(hours=3)):
        take_signals(ground.plane, [later])
    assert not is_drill(ground.plane)


def test_what_people_practise_stays_in_until_they_repair_it_and_the_incident_is_theirs(
    ground: Ground, machine: SmallMachine
) -> None:
    def repair_when_paged(text: Text) -> None:
        if "noticed" in text.en:
            for one in list_open_drills(ground.plane.ledger):
                responding.acknowledge(ground.plane, one.id, actor=ME)
            ground.plane.target.start_part("worker", timeout_s=20)

    with serving(ground.plane):
        outcome = run_drill(ground, experiment(machine), actor=ME, say=repair_when_paged, patience_s=30)
    assert (outcome.repaired_by, outcome.problem) == ("people", None)
    assert outcome.recover_s is not None
    assert outcome.detect_s is not None
    assert outcome.recover_s > outcome.detect_s
    assert outcome.incident_id in [one.id for one in list_open_drills(ground.plane.ledger)]
    assert find_injected(ground.plane.ledger) == []


def test_what_people_do_not_repair_in_time_is_taken_back(ground: Ground, machine: SmallMachine) -> None:
    with serving(ground.plane):
        outcome = run_drill(ground, experiment(machine), actor=ME, patience_s=3)
    assert outcome.repaired_by == "rollback"
    assert state_of(ground.plane, "worker") is PartState.RUNNING


def is_drill(plane: Plane) -> bool:
    """How the condition of the drills here is marked since it last began."""
    with plane.ledger.store.read() as connection:
        return bool(find_conditions(connection, ["part-down:worker"])["part-down:worker"].body["is_drill"])


def test_nothing_is_put_in_while_a_real_incident_is_open(ground: Ground, machine: SmallMachine) -> None:
    real = Signal(
        source=SignalSource.CLI,
        key="said:slow",
        name="said",
        state=SignalState.FIRING,
        started_at=clock.now(),
        summary=Text(ja="遅い", en="It is slow"),
        severity=Severity.MINOR,
    )
    take_signals(ground.plane, [real])
    with pytest.raises(Refused, match="real"):
        run_drill(ground, experiment(machine), actor=ME)
    assert find_injected(ground.plane.ledger) == []


def test_production_needs_an_approver(ground: Ground, machine: SmallMachine) -> None:
    settings = ground.plane.settings.model_copy(update={"environment": "production"})
    production = Ground(plane=replace(ground.plane, settings=settings), layout=ground.layout)
    with pytest.raises(Refused):
        run_drill(production, experiment(machine), actor=ME)
    responder = Actor(name="r", role=Role.RESPONDER, is_operator=True)
    with pytest.raises(Refused):
        run_drill(production, experiment(machine), actor=responder)


_KILLED = """
import sys
from pathlib import Path
from hrx.ops.drills import running
from hrx.ops.drills.ground import Ground
from hrx.ops.run.plane import opened_plane
from hrx.ops.settings import OpsSettings
from hrx.kit.settings import load
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import Machine
from tests.drills.test_engine import ME, experiment
from tests.ops.conftest import SmallMachine
var, ports = Path(sys.argv[1]), {"worker": int(sys.argv[2])}
layout = Layout(root=Path(sys.argv[3]), var=var, tools=var / "tools", user=None)
machine = SmallMachine(layout=layout, ports=ports)
with opened_plane(load(OpsSettings), target=Machine(layout)) as plane:
    running.run_drill(
        Ground(plane=plane, layout=layout),
        experiment(machine, give_up_s=60),
        actor=ME,
        say=lambda text: print(text.en, flush=True),
    )
"""


def test_a_killed_drill_is_found_and_taken_back(
    ground: Ground, machine: SmallMachine, ledger_url: str
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(machine.layout.var), str(machine.ports["worker"]), str(ROOT)],
        env={**os.environ, **machine.environment(ledger_url)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and state_of(ground.plane, "worker") is not PartState.STOPPED:
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)
    assert state_of(ground.plane, "worker") is PartState.STOPPED
    with pytest.raises(Refused, match="abort"):
        run_drill(ground, experiment(machine), actor=ME)
    done, left = abort(ground, actor="test")
    assert [one.call.fault for one in done] == ["part.stop"]
    assert left == []
    assert state_of(ground.plane, "worker") is PartState.RUNNING
    assert abort(ground, actor="test") == ([], [])


def test_every_experiment_names_faults_that_exist_and_promises_outages_within_twenty_seconds() -> None:
    found = load_experiments(ROOT / "drills")
    sops = {sop.id: sop for sop in load_sops(ROOT / "runbook")}
    for one in found:
        for call in one.method:
            get_fault(call.fault)
        assert one.probes, one.id
        assert set(one.expects.causes) <= causes_within(sops, one.expects.sop), one.id
        if one.expects.is_outage:
            assert one.expects.page_within_s is not None, one.id
            assert one.expects.page_within_s <= 20, one.id
    numbers = [f"5.2.{last}" for last in range(1, 6)]
    by_sop = {sop: [one for one in found if one.expects.sop == sop] for sop in numbers}
    assert all(len(drills) >= 5 for drills in by_sop.values())
    assert get_experiment(found, "api-stopped").repairs


def causes_within(sops: Mapping[str, Sop], number: str) -> set[str]:
    """The causes that a triage of this SOP may blame: its own, and those of what it follows."""
    own = {cause.id for cause in sops[number].causes}
    return own.union(*(causes_within(sops, one) for one in sops[number].follows))


def test_unknown_is_no_blame_and_shares_are_of_all_drills() -> None:
    def outcome(cause: str | None, *, wrong: bool = False) -> Outcome:
        return Outcome(
            run_id="r",
            drill="d",
            at=clock.now(),
            fault="f",
            sop="5.2.2",
            alert="a",
            condition="c",
            detect_s=1.0,
            page_s=4.0 if cause else None,
            cause_s=None,
            recover_s=9.0,
            first_cause=cause,
            expected_cause=("right",),
            evidence_complete=cause == "right",
            repaired_by="rollback",
            is_outage=True,
            page_within_s=5.0,
            incident_id=1,
            wrongly_blamed=("other",) if wrong else (),
        )

    found = summarise([outcome("right"), outcome(None), outcome("other", wrong=True), outcome("right")])
    assert (found.drills, found.right_ratio, found.wrong_ratio) == (4, 0.5, 0.25)
    assert (found.paged_in_time, found.paged_promised) == (3, 4)


def test_a_file_without_expectations_is_refused(tmp_path: Path) -> None:
    from hrx.ops.runbook.reading import ContentWrong

    (tmp_path / "x.yaml").write_text("steady-state-hypothesis: {probes: []}\nmethod: []\n")
    with pytest.raises(ContentWrong, match="extension"):
        load_experiments(tmp_path)
