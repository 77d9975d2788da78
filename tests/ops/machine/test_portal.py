"""What a tab of an older portal still loads is kept when the portal itself is long gone."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.portal import keep_assets, publish_portal

pytestmark = pytest.mark.req("R3.1-3")


def build(root: Path, name: str) -> Path:
    """A portal as its builder leaves it, with one chunk of its own."""
    built = root / "web" / ".next" / "standalone"
    shutil.rmtree(built, ignore_errors=True)
    (built / ".next" / "static" / "chunks").mkdir(parents=True)
    (built / ".next" / "BUILD_ID").write_text(name)
    (built / ".next" / "static" / "chunks" / f"{name}.js").write_text(f"// {name}")
    return built


@pytest.fixture
def here(layout: Layout, folder: Path) -> Layout:
    return replace(layout, root=folder)


def test_the_files_of_the_last_ten_builds_outlive_their_portals(here: Layout) -> None:
    for number in range(13):
        build(here.root, f"b{number:02}")
        home = publish_portal(here)
        os.utime(home, (number, number))
        os.utime(here.kept_assets / home.name, (number, number))
    assert sorted(path.name for path in here.kept_assets.iterdir()) == [f"b{n:02}" for n in range(3, 13)]
    assert len(list((here.var / "web").iterdir())) == 3, "whole portals are large, and few are kept"
    chunk = here.kept_assets / "b03" / "chunks" / "b03.js"
    assert chunk.read_text() == "// b03"


def test_a_build_that_is_placed_again_counts_as_new(here: Layout) -> None:
    portals = []
    for number in range(10):
        built = build(here.root, f"b{number:02}")
        portals.append(shutil.copytree(built, here.root / f"r{number}"))
        keep_assets(here, portals[-1])
        os.utime(here.kept_assets / f"b{number:02}", (number, number))
    # The oldest is what somebody went back to, out of its release folder.
    keep_assets(here, portals[0])
    build(here.root, "b10")
    publish_portal(here)
    kept = sorted(path.name for path in here.kept_assets.iterdir())
    assert "b00" in kept
    assert "b01" not in kept


def test_what_is_kept_is_whole_and_nothing_half_is_left(here: Layout) -> None:
    portal = build(here.root, "b1")
    for _ in range(2):
        keep_assets(here, portal)
    assert [path.name for path in here.kept_assets.iterdir()] == ["b1"]
