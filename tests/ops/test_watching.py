"""The watcher records changes, not looks, and remembers across its own restarts."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hrx.kit import clock
from hrx.ops.check import Status
from hrx.ops.console.pages.overview import headline
from hrx.ops.ledger.entries import EntryFilter, Kind
from hrx.ops.observe.watching import Watcher
from hrx.ops.run.plane import Plane
from hrx.ops.signal import SignalState
from hrx.ops.targets.rising import is_rising, rising
from tests.ops.conftest import SmallMachine

pytestmark = pytest.mark.req("R1-2")


def findings(plane: Plane, part: str) -> list[str]:
    entries = plane.ledger.list_entries(EntryFilter(kinds=(Kind.FINDING,), subject=f"part:{part}"))
    return [entry.body["status"] for entry in reversed(entries)]


def test_a_state_is_recorded_once_and_its_changes_once_each(plane: Plane, machine: SmallMachine) -> None:
    watcher = Watcher(plane)
    for mood in ("ready", "not_ready", "ready"):
        machine.set_mood("worker", mood)
        for _ in range(4):
            watcher.look_once()
    assert findings(plane, "worker") == ["ok", "down", "ok"]


def test_a_single_failed_look_is_no_event(plane: Plane, machine: SmallMachine) -> None:
    watcher = Watcher(plane)
    for mood in ("ready", "ready", "not_ready", "ready", "ready"):
        machine.set_mood("worker", mood)
        watcher.look_once()
    assert findings(plane, "worker") == ["ok"]


def test_since_when_survives_a_restart_of_the_watcher(plane: Plane, machine: SmallMachine) -> None:
    first = Watcher(plane)
    for _ in range(3):
        first.look_once()
    since = first.snapshot.since["worker"]
    second = Watcher(plane)
    second.look_once()
    second.look_once()
    assert second.snapshot.since["worker"] == since
    assert findings(plane, "worker") == ["ok"]


@pytest.mark.req("R1-3")
def test_losing_an_optional_part_degrades_and_losing_a_required_one_takes_down(
    plane: Plane, machine: SmallMachine
) -> None:
    snapshot = Watcher(plane).look_once()
    assert snapshot.status is Status.DOWN
    found = {view.info.name: view.status for view in snapshot.views}
    assert found["postgres"] is Status.DOWN
    assert found["redis"] is Status.DOWN
    assert found["worker"] is Status.OK
    assert "down" in headline(snapshot).en


def test_looking_goes_on_when_the_ledger_cannot_be_written(
    plane: Plane, machine: SmallMachine, ledger_url: str
) -> None:
    watcher = Watcher(plane)
    path = ledger_url.removeprefix("sqlite:///")
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE head")
    connection.close()
    machine.set_mood("worker", "not_ready")
    for _ in range(3):
        snapshot = watcher.look_once()
    assert snapshot.problem is not None
    view = snapshot.find_view("worker")
    assert view is not None
    assert view.status is Status.DOWN


def test_memory_of_running_parts_is_measured(plane: Plane, machine: SmallMachine) -> None:
    sizes = Watcher(plane).look_once().memory_bytes
    assert sizes["worker"] > 1_000_000


def test_a_first_start_is_no_alarm_and_one_that_takes_too_long_is(
    plane: Plane, machine: SmallMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, SignalState]] = []
    now_s = clock.monotonic_s()
    monkeypatch.setattr(clock, "monotonic_s", lambda: now_s)
    watcher = Watcher(plane, tell=lambda signals: told.extend((one.key, one.state) for one in signals))
    for _ in range(3):
        watcher.look_once()
    assert ("part-down:postgres", SignalState.FIRING) in told, "the product's own parts are told at once"
    assert ("part-down:prometheus", SignalState.FIRING) not in told
    now_s += 31
    watcher.look_once()
    assert ("part-down:prometheus", SignalState.FIRING) in told


def test_a_part_that_was_well_once_is_told_at_once_even_by_a_watcher_that_just_began(
    plane: Plane, machine: SmallMachine
) -> None:
    first = Watcher(plane)
    first.look_once()
    first.look_once()
    assert findings(plane, "worker") == ["ok"]
    told: list[str] = []
    machine.set_mood("worker", "not_ready")
    second = Watcher(plane, tell=lambda signals: told.extend(one.key for one in signals))
    for _ in range(3):
        second.look_once()
    assert "part-down:worker" in told


def test_what_goes_down_while_the_whole_place_is_brought_up_is_told_only_if_it_stays_down(
    plane: Plane, machine: SmallMachine, tmp_path: Path
) -> None:
    told: list[tuple[str, SignalState]] = []
    marked = replace(plane, settings=plane.settings.model_copy(update={"var_dir": tmp_path}))
    watcher = Watcher(marked, tell=lambda signals: told.extend((one.key, one.state) for one in signals))
    for _ in range(2):
        watcher.look_once()
    told.clear()
    with rising(tmp_path):
        for mood in ("not_ready", "ready", "not_ready"):
            machine.set_mood("worker", mood)
            for _ in range(3):
                watcher.look_once()
        assert told == []
    watcher.look_once()
    assert told == [], "what ends with the start needs a moment to be seen as over"
    with clock.shifted(timedelta(seconds=11)):
        watcher.look_once()
        assert told == [("part-down:worker", SignalState.FIRING)]


def test_a_start_that_was_killed_or_takes_for_ever_hides_nothing(tmp_path: Path) -> None:
    assert not is_rising(tmp_path)
    with rising(tmp_path):
        assert is_rising(tmp_path)
        with clock.shifted(timedelta(minutes=6)):
            assert not is_rising(tmp_path)
    killed = "import os, sys; from pathlib import Path; from hrx.ops.targets.rising import rising\n"
    killed += "with rising(Path(sys.argv[1])): os._exit(9)"
    done = subprocess.run([sys.executable, "-c", killed, str(tmp_path)], timeout=60, check=False)
    assert done.returncode == 9
    assert not is_rising(tmp_path)
    (tmp_path / "run" / "rising.json").write_text("{ half")
    assert not is_rising(tmp_path)
