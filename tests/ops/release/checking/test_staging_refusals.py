"""What staging refuses, and what is not checked without it; nothing is started here."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hrx.ops.release.checking.browsing import check_e2e
from hrx.ops.release.checking.results import Bench
from hrx.ops.release.checking.staging import StagingUnsafe, check_staging, end_staging, find_staging
from hrx.ops.release.releases import Build, Component, Outcome, Release
from tests.ops.release.checking.benching import make_bench

pytestmark = pytest.mark.req("R3.1-1")
RECORDED = Release(
    id="r1",
    version="1",
    commit="a" * 40,
    built_at=datetime.now(UTC),
    components={Component.API: Build(version="1")},
)


def staged_in(bench: Bench, folder: Path) -> Bench:
    return replace(bench, settings=bench.settings.model_copy(update={"staging_dir": folder}))


def test_a_folder_in_which_something_lives_is_refused_before_anything_is_touched(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, release=RECORDED)
    (tmp_path / "var" / "secrets.env").write_text("HRX_X=1")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    for folder in (tmp_path / "var", tmp_path, tmp_path / "mine"):
        for act in (check_staging, end_staging, check_e2e):
            with pytest.raises(StagingUnsafe):
                act(staged_in(bench, folder))
    assert (tmp_path / "mine" / "letter.txt").read_text() == "mine"


def test_a_release_that_was_recorded_and_not_built_is_not_checked(tmp_path: Path) -> None:
    for release in (None, RECORDED):
        found = check_staging(make_bench(tmp_path, release=release))
        assert found.outcome is Outcome.NOT_CHECKED
        assert "hrx release build" in found.detail.en


def test_without_a_staging_there_is_nothing_to_end_and_nothing_to_walk_through(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, release=RECORDED)
    assert find_staging(bench.settings, bench.layout) is None
    assert end_staging(bench).outcome is Outcome.PASSED
    found = check_e2e(bench)
    assert found.outcome is Outcome.NOT_CHECKED
    assert "hrx release check staging" in found.detail.en


def test_the_end_to_end_walk_is_of_the_release_that_is_up(tmp_path: Path) -> None:
    folder = tmp_path / "var" / "staging"
    folder.mkdir(parents=True)
    (folder / ".staging").write_text("r2")
    (folder / "staging.json").write_text('{"release": "r2", "url": "http://127.0.0.1:1"}')
    found = check_e2e(make_bench(tmp_path, release=RECORDED))
    assert found.outcome is Outcome.NOT_CHECKED
    (folder / "staging.json").write_text("{half")
    bench = make_bench(tmp_path)
    assert find_staging(bench.settings, bench.layout) is None
