"""A rollout that is over is in the list from which the way back is planned (R3.7-1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hrx.kit.settings import load
from hrx.ops.release.asking import Counted, plan_way_back, read_ground
from hrx.ops.release.placing import place_rollout
from hrx.ops.release.releases import Environment, Slot
from hrx.ops.release.store import ReleaseStore
from hrx.ops.release.strategies.progress import Progress, Stand
from hrx.ops.release.strategies.rollout import Rollout, Strategy
from hrx.ops.settings import OpsSettings
from tests.conftest import ROOT
from tests.ops.release.shop import R2, R3

pytestmark = pytest.mark.req("R3.7-1")
HERE = Environment.STAGING
AT = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> OpsSettings:
    monkeypatch.setenv("HRX_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("HRX_ENVIRONMENT", HERE.value)
    return load(OpsSettings)


def rollout(release_id: str, slot: Slot, stand: Stand) -> Progress:
    one = Rollout(id=f"to-{release_id}", release_id=release_id, strategy=Strategy.BLUE_GREEN, new=slot)
    return Progress(rollout=one, began_at=AT, step_at=AT, stand=stand)


def test_what_was_promoted_is_live_and_the_way_back_starts_there(settings: OpsSettings) -> None:
    store = ReleaseStore(settings.var_dir / "releases")
    for one in (R2, R3):
        store.add(one)
    assert place_rollout(settings, rollout("r2", Slot.BLUE, Stand.PROMOTED), by="sato")
    done = rollout("r3", Slot.GREEN, Stand.PROMOTED)
    assert not place_rollout(settings, replace(done, stand=Stand.RUNNING), by="sato")
    assert store.look(HERE).live == "r2"
    for _ in range(2):
        assert place_rollout(settings, done, by="sato")
    assert len(store.list_placements(HERE)) == 3, "a repeated note adds nothing"
    assert (store.look(HERE).live, sorted(store.look(HERE).warm)) == ("r3", ["r2", "r3"])
    ground = read_ground(store, HERE, migrations=ROOT / "migrations", database_url=None)
    assert plan_way_back(ground, None, Counted()).to == "r2"


def test_what_rolled_itself_back_is_not_live(settings: OpsSettings) -> None:
    store = ReleaseStore(settings.var_dir / "releases")
    for one in (R2, R3):
        store.add(one)
    place_rollout(settings, rollout("r2", Slot.BLUE, Stand.PROMOTED), by="sato")
    assert place_rollout(settings, rollout("r3", Slot.GREEN, Stand.ROLLED_BACK), by="auto")
    assert store.look(HERE).live == "r2"
    assert not place_rollout(settings, rollout("unknown", Slot.GREEN, Stand.PROMOTED), by="sato")
    assert store.look(HERE).live == "r2"
