"""Release drills: what they promise and keep on record, and the versions that they ship. The drills
themselves bring a whole stack up and take minutes: `make drill SUITE=release`."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from hrx.kit import clock
from hrx.kit.errors import NotFound
from hrx.ops.drills.experiments import load_experiments
from hrx.ops.drills.journal import Journal, find_injected, list_outcomes
from hrx.ops.drills.recovery.experiments import load_recovery_experiments
from hrx.ops.drills.recovery.outcomes import list_recovery_outcomes
from hrx.ops.drills.release.experiments import choose, load_release_experiments
from hrx.ops.drills.release.outcomes import ReleaseOutcome, list_release_outcomes, write_outcome
from hrx.ops.drills.release.running import ON_FOLDER, ON_STACK
from hrx.ops.drills.release.stack import DrillUnderWay, Ground, made_ground
from hrx.ops.drills.release.versions import make_version
from hrx.ops.ledger.entries import Ledger, open_ledger
from hrx.ops.release.releases import Component
from hrx.ops.release.store import ReleaseStore
from hrx.ops.targets.machine.layout import Layout
from tests.conftest import ROOT
from tests.ops.release.shop import R1

pytestmark = [pytest.mark.req("R3.1-2", "R3.7-1"), pytest.mark.timeout(120)]
DRILLS = ROOT / "drills"
KNOWN = load_release_experiments(DRILLS)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    found = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    yield found
    found.store.close()


def measured(**more: object) -> ReleaseOutcome:
    found = ReleaseOutcome(
        run_id="r", drill="deploy-under-load", at=clock.now(), figures={"requests": 812, "lost": 0},
        limits={"lost": 0}, said=("more_errors",),
    )  # fmt: skip
    return replace(found, **more)  # type: ignore[arg-type]


def test_every_experiment_names_what_is_built_and_no_two_drills_are_called_alike() -> None:
    assert {one.func for one in KNOWN} == set(ON_STACK) | set(ON_FOLDER)
    assert all(one.limits for one in KNOWN)
    others = [
        *(one.id for one in load_experiments(DRILLS)),
        *(one.id for one in load_recovery_experiments(DRILLS)),
    ]
    every = [*others, *(one.id for one in KNOWN)]
    assert len(set(every)) == len(every)
    with pytest.raises(NotFound):
        choose(KNOWN, ["nobody-there"])


def test_a_promise_is_kept_only_by_what_was_measured_with_nothing_left_half_way() -> None:
    assert measured().is_kept
    assert measured(figures={"requests": 812, "lost": 1}).exceeded == ("lost",)
    assert measured(figures={"requests": 812}).exceeded == ("lost",), "not measured is not kept"
    assert not measured(left=("web answers as nobody",)).is_kept
    assert not measured(problem="it got stuck").is_kept


def test_what_was_measured_is_evidence_beside_the_other_suites(ledger: Ledger) -> None:
    journal = Journal(ledger=ledger, run_id="r", drill="deploy-under-load", actor="test")
    found = measured(left=("the worker that runs is another",))
    seq = write_outcome(journal, found)
    assert list_release_outcomes(ledger) == [replace(found, evidence_seq=seq)]
    assert (list_outcomes(ledger), list_recovery_outcomes(ledger), find_injected(ledger)) == ([], [], [])


def test_a_version_on_trial_leaves_the_built_one_as_it_is(tmp_path: Path) -> None:
    store = ReleaseStore(tmp_path)
    base = store.add(R1)
    api = Path("code") / "src" / "hrx" / "app" / "api.py"
    sources = (ROOT / "src" / "hrx" / "app" / "api.py").read_text()
    for name, content in ((str(api), sources), ("portal/.next/BUILD_ID", "one"), ("sbom.cdx.json", "{}")):
        path = tmp_path / base.id / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    sound, broken = make_version(store, base), make_version(store, base, is_broken=True)
    assert len({one.commit[:12] for one in (base, sound, broken)}) == 3
    assert sound.components[Component.WEB] == base.components[Component.WEB]
    assert (tmp_path / sound.id / api).read_text() == sources
    damaged = (tmp_path / broken.id / api).read_text()
    assert (tmp_path / base.id / api).read_text() == sources
    assert "status_code=500" in damaged
    compile(damaged, "api.py", "exec")
    assert damaged.index("status_code=500") < damaged.index('if __name__ == "__main__"')


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_command_of_a_drill_ends_with_it_or_before_the_next(tmp_path: Path, is_killed: bool) -> None:
    """A deploy that outlived its drill went on switching on a stack that was being taken down."""
    machine = Layout(root=ROOT, var=tmp_path / "living", user=None, tools=tmp_path / "tools")

    def start(ground: Ground) -> tuple[subprocess.Popen[bytes], list[psutil.Process]]:
        waiting = subprocess.Popen(
            ["/bin/sh", "-c", "sleep 300 & wait"], env=ground.environment(), start_new_session=True
        )
        family = psutil.Process(waiting.pid)
        deadline = time.monotonic() + 30
        while not family.children():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return waiting, family.children()

    with made_ground(machine) as ground:
        started = None if is_killed else start(ground)
    if is_killed:
        # As after `kill -9` of the drill: its folder and what it had started stand as they stood.
        ground.home.mkdir()
        started = start(ground)
        with made_ground(machine):
            pass
    assert started is not None
    command, below = started
    command.wait(30)
    assert psutil.wait_procs(below, timeout=30)[1] == []


def test_what_a_killed_drill_left_goes_before_the_next_and_two_do_not_meet(tmp_path: Path) -> None:
    machine = Layout(root=ROOT, var=tmp_path / "living", user=None, tools=tmp_path / "tools")
    with made_ground(machine) as ground:
        home = ground.home
        with pytest.raises(DrillUnderWay), made_ground(machine):
            pass
        with made_ground(machine, name="full") as other:
            assert other.home != home
    assert not home.exists()
    # As after `kill -9`: the folder, and a program of its stack.
    (home / "var" / "run").mkdir(parents=True)
    left = subprocess.Popen(["sleep", "300"], env={"HRX_STACK": str(home / "var"), "PATH": os.defpath})
    with made_ground(machine) as ground:
        assert ground.home == home
        assert list(home.iterdir()) == []
    assert left.wait(60) != 0
    assert not home.exists()
