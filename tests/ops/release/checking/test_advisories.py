"""Versions held against advisories: what OSV's format means, in two ecosystems."""

from __future__ import annotations

import itertools
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from hrx.ops.release.building.locks import PYTHON_LOCKS, Package, list_python
from hrx.ops.release.checking.auditing.advisories import search
from hrx.ops.release.checking.auditing.holes import Severity
from hrx.ops.release.checking.auditing.packages import NPM, PYPI, list_node
from hrx.ops.release.checking.auditing.versions import VersionUnclear, node_version
from tests.conftest import ROOT
from tests.ops.release.checking.advising import JINJA, JINJA_AGAIN, NEXT, put

pytestmark = pytest.mark.req("R3.1-1")


def hits(folder: Path, name: str, version: str, *, ecosystem: str = PYPI) -> list[str]:
    found = search(folder, [Package(name=name, version=version)], ecosystem=ecosystem)
    return [one.id for one in found.holes]


@pytest.mark.parametrize(
    ("version", "is_hit"),
    [("2.11", True), ("3.1.3", True), ("3.1.4rc1", True), ("3.1.4", False), ("3.1.10", False)],
)
def test_a_version_before_the_fix_is_found_and_one_after_is_not(
    tmp_path: Path, version: str, is_hit: bool
) -> None:
    put(tmp_path, JINJA)
    assert (hits(tmp_path, "Jinja2", version) == ["GHSA-h75v-3vvj-5mfj"]) is is_hit


@pytest.mark.parametrize(
    ("version", "is_hit"),
    [
        ("11.1.3", False), ("12.0.0", True), ("12.3.5", False), ("13.5.8", True), ("14.2.25", False),
        ("15.2.3-canary.1", True), ("15.2.3", False), ("15.2.10", False), ("16.0.0", False),
    ],
)  # fmt: skip
def test_each_line_of_releases_has_its_own_fix(tmp_path: Path, version: str, is_hit: bool) -> None:
    put(tmp_path, NEXT)
    assert bool(hits(tmp_path, "next", version, ecosystem=NPM)) is is_hit


def test_one_hole_told_by_two_databases_is_one_finding_with_the_severity_that_is_known(
    tmp_path: Path,
) -> None:
    put(tmp_path, JINJA, JINJA_AGAIN)
    found = search(tmp_path, [Package(name="jinja2", version="3.1.3")], ecosystem=PYPI)
    (hole,) = found.holes
    assert hole.names == {"GHSA-h75v-3vvj-5mfj", "PYSEC-2024-9001", "CVE-2024-34064"}
    assert (hole.severity, hole.fixed) == (Severity.MODERATE, ("3.1.4",))
    assert found.read == 2


def test_the_last_affected_version_is_affected_and_the_next_is_not(tmp_path: Path) -> None:
    events = [{"introduced": "1.2.0"}, {"last_affected": "1.4.0"}]
    put(tmp_path, with_range(events))
    assert [bool(hits(tmp_path, "jinja2", one)) for one in ("1.1.9", "1.2.0", "1.4.0", "1.4.0.1")] == [
        False, True, True, False,
    ]  # fmt: skip


def test_a_hole_that_came_back_is_found_in_both_spans_whatever_the_order(tmp_path: Path) -> None:
    events = [{"introduced": "0"}, {"fixed": "1.5"}, {"introduced": "2.0"}, {"fixed": "2.3"}]
    for number, order in enumerate(itertools.permutations(events)):
        folder = put(tmp_path / str(number), with_range(list(order)))
        assert [bool(hits(folder, "jinja2", one)) for one in ("1.4", "1.5", "2.2", "2.3")] == [
            True, False, True, False,
        ]  # fmt: skip


def test_what_was_withdrawn_counts_no_more(tmp_path: Path) -> None:
    put(tmp_path, {**JINJA, "withdrawn": "2026-11-22T00:00:00Z"})
    assert hits(tmp_path, "jinja2", "3.1.0") == []


def test_an_advisory_that_only_knows_commits_is_a_finding_that_says_that_it_is_unclear(
    tmp_path: Path,
) -> None:
    only_git = {**JINJA_AGAIN, "affected": [{**JINJA_AGAIN["affected"][0], "versions": []}]}
    put(tmp_path, only_git)
    (hole,) = search(tmp_path, [Package(name="jinja2", version="3.1.9")], ecosystem=PYPI).holes
    assert hole.unclear
    put(tmp_path, JINJA_AGAIN)
    assert hits(tmp_path, "jinja2", "3.1.9") == []


def test_an_archive_as_the_database_publishes_it_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("GHSA-h75v-3vvj-5mfj.json", json.dumps(JINJA))
    assert hits(tmp_path, "jinja2", "3.1.0") == ["GHSA-h75v-3vvj-5mfj"]
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 cut off")
    (tmp_path / "half.json").write_text('{"id": "GHSA-')
    found = search(tmp_path, [], ecosystem=PYPI)
    assert sorted(found.unreadable) == ["broken.zip", "half.json"]


def test_another_ecosystems_package_of_the_same_name_is_none_of_ours(tmp_path: Path) -> None:
    put(tmp_path, NEXT)
    found = search(tmp_path, [Package(name="next", version="14.0.0")], ecosystem=PYPI)
    assert (found.holes, found.read, found.newest_at) == ((), 0, None)


def test_node_versions_stand_in_the_order_that_the_standard_gives() -> None:
    # The example of semver.org, clause 11, and its first one.
    said = (
        "1.0.0-alpha < 1.0.0-alpha.1 < 1.0.0-alpha.beta < 1.0.0-beta < 1.0.0-beta.2 < 1.0.0-beta.11 "
        "< 1.0.0-rc.1 < 1.0.0 < 2.0.0 < 2.1.0 < 2.1.1"
    )
    versions = [node_version(one) for one in said.split(" < ")]
    assert all(earlier < later for earlier, later in itertools.pairwise(versions))
    assert node_version("1.0.0+build.7") == node_version("1.0.0")
    with pytest.raises(VersionUnclear):
        node_version("latest")


def test_the_real_locks_are_read_whole() -> None:
    python = list_python(ROOT)
    lines = [line for name in PYTHON_LOCKS for line in (ROOT / name).read_text().splitlines()]
    pins = [one for one in lines if one[:1].isalnum()]
    assert [f"{one.name}=={one.version}" for one in python] == [one.split()[0] for one in pins]
    assert len(python) > 50
    node = {one.name for one in list_node(ROOT)}
    assert {"next", "react"} <= node
    assert "vitest" not in node


def with_range(events: list[dict[str, str]]) -> dict[str, Any]:
    affected = {**JINJA["affected"][0], "ranges": [{"type": "ECOSYSTEM", "events": events}]}
    return {**JINJA, "affected": [affected]}
