"""A release runs on the revision that it was built with, whether or not anybody kept what its tables were."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hrx.ops.release.fits import Fault
from hrx.ops.release.graph import ReleaseGraph
from hrx.ops.release.releases import Build, Component, Release
from hrx.ops.release.shapes import SchemaShape

pytestmark = pytest.mark.req("R3.7-1")
RELEASE = Release(
    id="r1",
    version="1",
    commit="a" * 40,
    built_at=datetime(2026, 11, 27, tzinfo=UTC),
    components={Component.SCHEMA: Build(version="0010"), Component.API: Build(version="a")},
)
TODAY = SchemaShape(columns={})


def faults(release: Release, revision: str, shape: SchemaShape | None) -> set[Fault]:
    graph = ReleaseGraph(releases={release.id: release}, history=[release.id])
    return {one.fault for one in graph.judge_fit(release, revision=revision, shape=shape)}


def test_its_own_revision_fits_also_when_nobody_recorded_its_tables() -> None:
    assert faults(RELEASE, "0010", TODAY) == set()
    assert faults(RELEASE, "0010", None) == set()


def test_another_revision_is_not_known_to_fit() -> None:
    assert faults(RELEASE, "0011", TODAY) == {Fault.SCHEMA_UNKNOWN}
    assert faults(replace(RELEASE, shape=TODAY), "0011", None) == {Fault.SCHEMA_UNKNOWN}
