"""The parts of a release: a commit's own files, an environment without the checkout, what is inside."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hrx.kit.errors import Refused
from hrx.ops.release.building.contents import write_contents
from hrx.ops.release.building.environments import ensure_environment
from hrx.ops.release.building.locks import PYTHON_LOCKS
from hrx.ops.release.building.sources import export, read_head
from hrx.ops.release.gathering import TreeIsDirty
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R3.1-1")


def git(root: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@example.jp", *arguments],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    for name in ("src/hrx/a.py", "web/page.tsx", "migrations/env.py", "requirements.lock"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}\n")
    site = root / ".venv" / "lib" / "site-packages"
    for name in ("library/__init__.py", "__editable__.hrx-0.1.0.pth", "hrx-0.1.0.dist-info/METADATA"):
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (root / ".venv" / "bin").mkdir()
    (root / ".venv" / "bin" / "python").symlink_to("/usr/bin/python3")
    (root / ".gitignore").write_text(".venv/\n")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    return root


def test_what_no_commit_has_is_refused_and_named(checkout: Path) -> None:
    (checkout / "src" / "hrx" / "a.py").write_text("changed\n")
    with pytest.raises(TreeIsDirty, match=r"src/hrx/a\.py"):
        read_head(checkout)
    git(checkout, "stash", "-q")
    assert len(read_head(checkout).short) == 12


def test_the_files_of_the_commit_appear_whole(checkout: Path, tmp_path: Path) -> None:
    head = read_head(checkout)
    export(checkout, head.id, tmp_path / "code")
    assert (tmp_path / "code" / "src" / "hrx" / "a.py").read_text() == "src/hrx/a.py\n"
    assert not (tmp_path / "code" / ".venv").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"checkout", "code"}, "no draft is left"
    (checkout / "web" / "page.tsx").write_text("other\n")
    git(checkout, "commit", "-qam", "second")
    later = read_head(checkout)
    assert (later.trees["src"], later.trees["web"] == head.trees["web"]) == (head.trees["src"], False)


def test_an_environment_is_made_once_for_a_lock_and_has_not_the_checkouts_product(
    checkout: Path, tmp_path: Path
) -> None:
    releases = tmp_path / "releases"
    python = ensure_environment(checkout, checkout, releases=releases)
    site = python.parents[1] / "lib" / "site-packages"
    assert [path.name for path in site.iterdir()] == ["library"]
    (site / "library" / "__init__.py").stat()
    assert ensure_environment(checkout, checkout, releases=releases) == python
    other = tmp_path / "other"
    other.mkdir()
    (other / "requirements.lock").write_text("another\n")
    with pytest.raises(Refused) as refused:
        ensure_environment(checkout, other, releases=releases)
    assert refused.value.stable_code == "release.other_lock"
    assert len(list((releases / "_environments").iterdir())) == 1
    (checkout / "requirements-encoders.lock").write_text("encoder\n")
    assert ensure_environment(checkout, checkout, releases=releases) != python, "of other packages"


def test_the_list_of_what_is_inside_names_every_pinned_package_once(tmp_path: Path) -> None:
    found = write_contents(tmp_path, code=ROOT, release="r1", commit="abc", at=datetime.now(UTC))
    document = json.loads((tmp_path / found.path).read_text())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    names = [one["purl"] for one in document["components"]]
    assert len(names) == len(set(names))
    pinned = [
        line for name in PYTHON_LOCKS for line in (ROOT / name).read_text().splitlines() if "==" in line
    ]
    assert sum(name.startswith("pkg:pypi/") for name in names) == len(pinned)
    assert any(name.startswith("pkg:npm/next@") for name in names)
    assert not any(name.startswith("pkg:npm/typescript@") for name in names), "a tool of the build"
