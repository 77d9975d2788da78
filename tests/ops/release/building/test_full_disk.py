"""A disk that is really full while a release is built: wherever it strikes, it is told and nothing stays."""

from __future__ import annotations

import resource
from datetime import datetime
from pathlib import Path

import pytest

from hrx.kit.errors import Unavailable
from hrx.ops.release.building.building import REQUIREMENTS, build_release
from hrx.ops.release.building.sources import export
from hrx.ops.release.releases import Build, Component, Release, SbomReference
from hrx.ops.release.store import ReleaseStore
from hrx.ops.targets.machine.layout import Layout
from tests.ops.release.building.test_parts import checkout as checkout
from tests.ops.release.building.test_parts import git
from tests.ops.release.deployers.site import in_child

pytestmark = [pytest.mark.req("R3.1-1", "R3.1-2"), pytest.mark.timeout(120)]
_KIB = 1024
#: Sizes of the largest file of each part, in the order in which they are written.
_PORTAL, _SOURCES, _RECORD = 40 * _KIB, 80 * _KIB, 120 * _KIB


@pytest.fixture
def layout(checkout: Path, tmp_path: Path) -> Layout:
    """A checkout whose parts are built already."""
    files = {
        "deploy/bootstrap.py": "",
        "pyproject.toml": '[project]\nname = "hrx"\nversion = "0.1.0"\n',
        "web/package-lock.json": '{"packages": {}}',
        "src/hrx/large.txt": "x" * _SOURCES,
    }
    for name, content in files.items():
        path = checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (checkout / ".gitignore").write_text(".venv/\n.next/\n")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "-m", "second")
    built = checkout / "web" / ".next" / "standalone" / ".next"
    (built / "static").mkdir(parents=True)
    (built / "BUILD_ID").write_text("one")
    (built / "static" / "large.js").write_text("x" * _PORTAL)
    made = Layout(root=checkout, var=tmp_path / "var", user=None, tools=tmp_path / "tools")
    made.var.mkdir()
    return made


def build(layout: Layout) -> Release:
    def gather(name: str, at: datetime, sbom: SbomReference) -> Release:
        parts = {
            Component.API: Build(version="1", parts={REQUIREMENTS: "-"}),
            Component.WEB: Build(version="1"),
        }
        return Release(
            id=name, version="9" * _RECORD, commit="c8f2a61d0b7", built_at=at, components=parts, sbom=sbom
        )

    store = ReleaseStore(layout.var / "releases")
    return build_release(layout, store, gather, check_portal=lambda _: None, tell=lambda _: None)


@pytest.mark.parametrize("limit", [_PORTAL - _KIB, _SOURCES - _KIB, _RECORD - _KIB])
def test_it_ends_with_words_and_leaves_nothing_half_made(layout: Layout, limit: int) -> None:
    def build_without_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with pytest.raises(Unavailable) as told:
            build(layout)
        assert told.value.stable_code == "release.not_written"
        assert "File too large" in told.value.message.en
        assert told.value.hint is not None

    assert in_child(build_without_room) == 0
    releases = layout.var / "releases"
    assert list(releases.glob("r*")) == []
    assert [path for path in layout.var.rglob(".*") if path.name != ".next"] == [], "no draft is left"
    assert list((layout.var / "releases").rglob("*.new")) == []
    # Room was made.
    assert build(layout).id == "r1"
    assert (releases / "r1" / "code" / "src" / "hrx" / "large.txt").stat().st_size == _SOURCES


def test_a_commit_that_is_gone_is_told_in_gits_own_words(layout: Layout) -> None:
    with pytest.raises(Unavailable, match="f00f00"):
        export(layout.root, "f00f00" * 6 + "f00f", layout.var / "code")
    assert not (layout.var / "code.new").exists()
