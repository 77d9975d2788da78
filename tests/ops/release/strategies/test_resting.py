"""After the warm window the version that requests left is stopped; the way back starts it. Figures follow."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hrx.kit import clock
from hrx.ops.ledger.entries import EntryFilter, Kind
from hrx.ops.lock import holding
from hrx.ops.release.releases import Slot
from hrx.ops.release.strategies.progress import Stand
from hrx.ops.release.strategies.rollout import Rollout, Strategy
from hrx.ops.release.strategies.running import begin, roll_back, run
from hrx.ops.release.strategies.storing import rollout_folder
from hrx.ops.release.strategies.warmth import find_start_s, say_way_back
from hrx.ops.run.plane import Plane
from hrx.ops.run.resting import SlotKeeper
from hrx.ops.targets.machine.haproxy import keep_live
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.live import find_live_parts, find_resting, follow_with_scrapes
from tests.ops.release.strategies.place import Place

pytestmark = pytest.mark.req("R3.1-2", "R3.7-1")
SERVICES = ("api", "web")


@pytest.fixture
def promoted(place: Place, plane: Plane) -> Place:
    """People are on green; blue runs on."""
    place.store = type(place.store)(rollout_folder(plane.settings.var_dir))
    rollout = Rollout(
        id="r7-1", release_id="r7", strategy=Strategy.BLUE_GREEN, new=Slot.GREEN, drain_within_s=1.0
    )
    place.be_known()
    begin(place.store, place.slots, rollout)
    with place.visited():
        assert run(place.store, place.slots, look_s=0.05).stand is Stand.PROMOTED
    return place


def with_window(plane: Plane, window_s: float) -> Plane:
    return replace(plane, settings=plane.settings.model_copy(update={"warm_window_s": window_s}))


def keep(place: Place, plane: Plane, *, later: timedelta = timedelta()) -> None:
    """One look of the duty, so much later, waited for."""
    layout = Layout(root=place.var, var=place.var, user=None, tools=place.var)
    keeper = SlotKeeper(lambda: place.slots, lambda: layout)
    with clock.shifted(later):
        keeper.keep(plane)
        keeper.wait(30)


def running(place: Place) -> list[str]:
    return [f"{one}-{slot}" for slot in Slot for one in SERVICES if place.slots.is_running(one, slot)]


def test_the_left_slot_is_warm_for_its_window_then_rests_and_comes_back_at_a_word(
    promoted: Place, plane: Plane
) -> None:
    plane = with_window(plane, 1800)
    keep(promoted, plane)
    assert running(promoted) == ["api-blue", "web-blue", "api-green", "web-green"]
    with promoted.asked_by(2) as got:
        for _ in range(2):
            keep(promoted, plane, later=timedelta(seconds=1801))
        assert running(promoted) == ["api-green", "web-green"]
    assert set(got) == {"api-green"}, "people noticed nothing"
    told = plane.ledger.list_entries(EntryFilter(kinds=(Kind.ROLLOUT,)), limit=10)
    assert [one.body["rested"] for one in told if "rested" in one.body] == [["api-blue", "web-blue"]]
    # The way back starts what rests, and nobody is sent to what does not answer.
    with promoted.asked_by(2) as got:
        assert roll_back(promoted.store, promoted.slots, look_s=0.05).stand is Stand.ROLLED_BACK
    assert None not in got
    assert promoted.ask("/api/v1/me") == "api-blue"


def test_what_the_way_back_left_rests_as_well(promoted: Place, plane: Plane) -> None:
    roll_back(promoted.store, promoted.slots, look_s=0.05)
    keep(promoted, with_window(plane, 1800), later=timedelta(hours=1))
    assert running(promoted) == ["api-blue", "web-blue"]


def test_without_a_window_nothing_is_ever_stopped(promoted: Place, plane: Plane) -> None:
    keep(promoted, with_window(plane, 0), later=timedelta(days=30))
    assert len(running(promoted)) == 4


def test_whom_the_edge_uses_or_a_procedure_holds_is_not_stopped(promoted: Place, plane: Plane) -> None:
    # Somebody switched the API by hand; the record of the rollout does not know.
    promoted.slots.edge.send_all([("api", "blue")])
    with holding(plane.ledger, "slot:web-blue", owner="sato", reason="switch-slot", valid_s=600):
        keep(promoted, with_window(plane, 1800), later=timedelta(hours=1))
    assert {"api-blue", "web-blue"} <= set(running(promoted))


def test_a_rollout_under_way_is_nobodys_to_rest(promoted: Place, plane: Plane) -> None:
    with promoted.store.locked():
        keep(promoted, with_window(plane, 1e-9))
    assert len(running(promoted)) == 4


def test_the_way_back_says_whether_it_is_warm_and_what_the_start_took(promoted: Place) -> None:
    progress = promoted.store.get()
    took_s = find_start_s(progress)
    assert took_s is not None
    assert took_s > 0
    assert "still runs" in say_way_back(progress, is_warm=True).en
    assert f"took {took_s:.0f} s" in say_way_back(progress, is_warm=False).en


def test_figures_and_starts_follow_the_slot_that_people_are_on(tmp_path: Path) -> None:
    layout = Layout(root=tmp_path, var=tmp_path, user=None, tools=tmp_path)
    slots = [f"{one}_{slot}_metrics" for one in SERVICES for slot in Slot]
    ports = {name: 9000 + number for number, name in enumerate(slots)}
    assert follow_with_scrapes(layout, ports) == [], "no Prometheus, nothing to lead"
    targets = tmp_path / "prometheus" / "targets"
    targets.mkdir(parents=True)
    assert follow_with_scrapes(layout, ports) == ["api-blue", "web-blue"]
    assert find_resting(layout) == {"api-green", "web-green", "postgres-standby"}
    (tmp_path / "run" / "edge").mkdir(parents=True)
    keep_live(tmp_path / "run" / "edge", "api", "green")
    assert find_live_parts(layout) == {"api-green", "web-blue"}
    assert follow_with_scrapes(layout, ports) == ["api-green"]
    assert follow_with_scrapes(layout, ports) == []
    assert sorted(path.stem for path in targets.glob("*.json")) == ["api-green", "web-blue"]
    (entry,) = json.loads((targets / "api-green.json").read_text())
    assert entry["labels"]["part"] == "api-green"
    assert find_resting(layout) == {"api-blue", "web-green", "postgres-standby"}
