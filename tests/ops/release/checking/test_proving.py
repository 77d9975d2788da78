"""Tests and analysis of a commit: counted, never taken on trust."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hrx.ops.release.checking.proving import check_static, check_tests
from hrx.ops.release.checking.results import Bench
from hrx.ops.release.gathering import ask_git
from hrx.ops.release.releases import Outcome, Release
from tests.ops.release.checking.benching import commit_all, make_bench

pytestmark = pytest.mark.req("R3.1-1")
GOOD = "print('.... [100%]')\nprint('4 passed, 1 skipped in 0.31s')\nprint('1 passed, 0 failed')\n"


def checkout(tmp_path: Path, script: str) -> Bench:
    """A git checkout whose `prove.py` does what the script says."""
    root = tmp_path / "checkout"
    for name in ("deploy", "web/node_modules", ".venv/bin"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / ".gitignore").write_text("var/\n.venv/\nnode_modules\n")
    (root / "deploy" / "prove.py").write_text(script)
    for lock in ("requirements-dev.lock", "web/package-lock.json"):
        (root / lock).write_text("{}\n")
    for program in ("pytest", "ruff"):
        (root / ".venv" / "bin" / program).touch()
    commit_all(root)
    return make_bench(root)


def test_what_was_counted_is_told(tmp_path: Path) -> None:
    found = check_tests(checkout(tmp_path, GOOD))
    assert (found.outcome, found.detail.en) == (Outcome.PASSED, "4 passed, 1 skipped")


def test_what_held_only_alone_is_counted_and_named(tmp_path: Path) -> None:
    said = (
        "2 failed, 40 passed, 1 skipped in 9.10s",
        "Once more, alone: 2",
        "2 passed in 0.31s",
        "Failed beside others, passed alone:",
        "  tests/test_a.py::test_one",
        "  tests/test_b.py::test_two[x y]",
        "1 passed, 0 failed",
    )
    found = check_tests(checkout(tmp_path, "".join(f"print({line!r})\n" for line in said)))
    assert found.outcome is Outcome.PASSED
    assert found.detail.en == (
        "42 passed, 1 skipped; failed beside others, passed alone:"
        " tests/test_a.py::test_one, tests/test_b.py::test_two[x y]"
    )


@pytest.mark.parametrize(
    "script",
    [
        "print('3 passed, 1 failed in 0.31s')\n",
        "print('4 passed, 2 errors in 0.31s')\n",
        "print('1 failed in 0.31s\\nOnce more, alone: 1\\n1 failed in 0.31s')\nimport sys; sys.exit(1)\n",
        "print('no tests ran in 0.01s')\n",
        "print('all is well')\n",
        GOOD + "import sys; sys.exit(1)\n",
        GOOD + "import time; time.sleep(300)\n",
    ],
    ids=["failed", "errors", "twice", "none", "no count", "exit 1", "hangs"],
)
def test_what_does_not_hold_or_cannot_be_counted_fails(tmp_path: Path, script: str) -> None:
    bench = checkout(tmp_path, script)
    chosen = make_bench(bench.layout.root, check_tests_timeout_s=10.0)
    found = check_tests(chosen if "sleep" in script else bench)
    assert found.outcome is Outcome.FAILED
    assert str(bench.folder / "tests.log") in found.detail.en


def test_a_proof_that_failed_is_named(tmp_path: Path) -> None:
    script = "print('  ok      ruff            1.2 s')\nprint('  FAILED  mypy           10.0 s')\n"
    found = check_static(checkout(tmp_path, script))
    assert found.outcome is Outcome.FAILED
    assert "mypy" in found.detail.en
    assert "ruff" not in found.detail.en


def test_without_the_packages_of_development_it_is_not_checked(tmp_path: Path) -> None:
    bench = checkout(tmp_path, GOOD)
    (bench.layout.root / ".venv" / "bin" / "pytest").unlink()
    found = check_tests(bench)
    assert found.outcome is Outcome.NOT_CHECKED
    assert "bootstrap.py --dev" in found.detail.en


def release_of(commit: str) -> Release:
    return Release(id="r1", version="1", commit=commit, built_at=datetime.now(UTC), components={})


def test_an_older_commit_is_tested_in_a_clone_of_its_own(tmp_path: Path) -> None:
    bench = checkout(tmp_path, GOOD)
    root = bench.layout.root
    older = commit_of(root)
    (root / "deploy" / "prove.py").write_text("print('0 passed, 9 failed in 1s')\n")
    commit_all(root)
    assert check_tests(bench).outcome is Outcome.FAILED
    found = check_tests(make_bench(root, release=release_of(older)))
    assert (found.outcome, found.detail.en) == (Outcome.PASSED, "4 passed, 1 skipped")


def test_a_commit_that_wants_other_packages_is_not_checked(tmp_path: Path) -> None:
    bench = checkout(tmp_path, GOOD)
    root = bench.layout.root
    older = commit_of(root)
    (root / "requirements-dev.lock").write_text("pytest==99\n")
    commit_all(root)
    found = check_tests(make_bench(root, release=release_of(older)))
    assert found.outcome is Outcome.NOT_CHECKED
    assert "requirements-dev.lock" in found.detail.en


def test_changes_that_no_commit_has_are_told(tmp_path: Path) -> None:
    bench = checkout(tmp_path, GOOD)
    (bench.layout.root / "new.txt").touch()
    assert "changes that no commit has" in check_tests(bench).detail.en
    shutil.rmtree(bench.folder)


def commit_of(root: Path) -> str:
    return ask_git(root, "rev-parse", "HEAD")
