"""When one press is enough to go back, and when it is not (R3.7-1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hrx.ops.release.asking import NothingBefore
from hrx.ops.release.migrations.revisions import read_revisions
from hrx.ops.release.releases import Build, Component, Environment, Slot
from hrx.ops.release.returning import WayBack, check_press, find_way_back
from hrx.ops.release.rollback.losing import Loss, LossKind
from hrx.ops.release.rollback.plans import StepKind
from hrx.ops.release.store import ReleaseStore
from hrx.ops.release.strategies.progress import Progress, Stand
from hrx.ops.release.strategies.rollout import Rollout, Strategy
from tests.conftest import ROOT
from tests.ops.release.shop import R1, R2, R3, R4, fill_store

pytestmark = pytest.mark.req("R3.7-1")
HERE = Environment.DEVELOPMENT
MIGRATIONS = ROOT / "migrations"
AT = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)


def progress(release_id: str, slot: Slot, stand: Stand) -> Progress:
    one = Rollout(id=f"to-{release_id}", release_id=release_id, strategy=Strategy.BLUE_GREEN, new=slot)
    return Progress(rollout=one, began_at=AT, step_at=AT, stand=stand)


def find(done: Progress | None, store: ReleaseStore) -> WayBack:
    return find_way_back(done, store, HERE, migrations=MIGRATIONS, database_url=None)


def test_under_way_back_is_one_command_and_on_its_way_or_done_it_is_none() -> None:
    for stand, is_enough in (
        (Stand.RUNNING, True),
        (Stand.ASKING, True),
        (Stand.UNDOING, False),
        (Stand.ROLLED_BACK, False),
    ):
        found = check_press(progress("r3", Slot.BLUE, stand), to="r2", plan=None, has_same_schema=False)
        assert (found is None) is is_enough, stand
    assert check_press(None, to=None, plan=None, has_same_schema=True) is not None


def test_after_its_end_the_planner_is_asked_for_what_the_old_slot_holds(tmp_path: Path) -> None:
    way = find(progress("r2", Slot.GREEN, Stand.PROMOTED), fill_store(tmp_path, live=R2))
    assert way.why_not is None
    assert way.plan is not None
    assert (way.to, way.plan.to) == ("r1", "r1")


def test_jobs_that_only_the_new_version_knows_are_done_before(tmp_path: Path) -> None:
    way = find(progress("r3", Slot.BLUE, Stand.PROMOTED), fill_store(tmp_path, live=R3))
    assert way.plan is not None
    assert StepKind.DRAIN_JOBS in {step.kind for step in way.plan.steps}
    assert way.why_not is not None
    assert "Jobs" in way.why_not.en


def test_a_plan_that_loses_values_or_leads_elsewhere_is_not_a_press(tmp_path: Path) -> None:
    done = progress("r2", Slot.GREEN, Stand.PROMOTED)
    plan = find(done, fill_store(tmp_path, live=R2)).plan
    assert plan is not None
    lost = Loss(subject="app.person.kana", kind=LossKind.DROPPED, rows=3)
    assert check_press(done, to="r1", plan=plan, has_same_schema=False) is None
    assert check_press(done, to="r0", plan=plan, has_same_schema=False) is not None
    assert check_press(done, to="r1", plan=replace(plan, loss=(lost,)), has_same_schema=False) is not None
    assert check_press(done, to="r1", plan=None, has_same_schema=True) is not None


def test_back_to_the_checkout_is_a_press_only_on_the_schema_of_the_checkout(tmp_path: Path) -> None:
    head = read_revisions(MIGRATIONS)[-1].id
    for name, schema, is_enough in (("same", head, True), ("other", "0001", False)):
        store = ReleaseStore(tmp_path / name)
        store.add(replace(R1, components={**R1.components, Component.SCHEMA: Build(version=schema)}))
        store.place(HERE, Slot.GREEN, "r1", weight=100, by="sato", expected=None)
        way = find(progress("r1", Slot.GREEN, Stand.PROMOTED), store)
        assert way.to is None
        assert isinstance(way.refused, NothingBefore)
        assert (way.why_not is None) is is_enough
    unknown = ReleaseStore(tmp_path / "unknown")
    assert find(progress("r9", Slot.GREEN, Stand.PROMOTED), unknown).why_not is not None


def test_what_is_live_without_a_rollout_is_planned_but_not_pressed(tmp_path: Path) -> None:
    way = find(None, fill_store(tmp_path, live=R4))
    assert way.plan is not None
    assert way.why_not is not None
