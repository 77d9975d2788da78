"""A release on staging beside a living stack, walked through in a browser, and gone again."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from hrx.ops.release.building.building import BUILD, CODE, PORTAL, REQUIREMENTS
from hrx.ops.release.building.environments import ensure_environment
from hrx.ops.release.building.locks import lock_digest
from hrx.ops.release.building.sources import export
from hrx.ops.release.gathering import ask_git
from hrx.ops.release.releases import Build, Component, Release
from hrx.ops.release.store import ReleaseStore
from hrx.ops.targets.machine.ports import is_free
from tests.acceptance.operating import list_unwell
from tests.conftest import ROOT, Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(1500),
    pytest.mark.req("R3.1-1"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A living stack with a release built for it, and room for staging."""

    stack: Stack
    release: Release
    folder: Path
    port: int
    shift: int

    def ask(self, *arguments: str, **more: str) -> tuple[int, dict[str, Any]]:
        done = subprocess.run(
            [sys.executable, "-m", "hrx.cli", "release", "check", *arguments, "--json"],
            cwd=ROOT, capture_output=True, text=True, timeout=900, check=False,
            env={
                "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
                **self.stack.environment,
                "HRX_STAGING_DIR": str(self.folder),
                "HRX_STAGING_PORT": str(self.port),
                "HRX_STAGING_PORT_SHIFT": str(self.shift),
                **more,
            },
        )  # fmt: skip
        assert done.stdout, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return done.returncode, found

    def commit_of(self, url: str) -> str:
        return str(httpx.get(f"{url}/version", timeout=20, trust_env=False).json()["commit"])

    def list_left(self) -> list[int]:
        """Processes of staging that still are: those of its stack, and servers on its data that carry no
        mark (the proof of a backup)."""
        found = []
        for process in psutil.process_iter():
            try:
                is_on_data = any(f"{self.folder}/" in word for word in process.cmdline())
                if is_on_data or process.environ().get("HRX_STACK") == str(self.folder):
                    found.append(process.pid)
            except (psutil.Error, OSError):
                continue
        return found


def find_two_ports() -> int:
    """A port that is free, as the next one is; below those that clients are given."""
    for _ in range(100):
        port = secrets.randbelow(6_000) + 24_500
        if is_free(port) and is_free(port + 1):
            return port
    raise AssertionError("no two free ports beside each other")


def build_release(stack: Stack, name: str) -> Release:
    """The commit that is checked out, laid out as `hrx release build` lays it out, without building anew."""
    store = ReleaseStore(stack.var / "releases")
    home = store.folder / name
    home.mkdir(parents=True)
    commit = ask_git(ROOT, "rev-parse", "HEAD")
    export(ROOT, commit, home / CODE)
    info = home / CODE / "src" / "hrx-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hrx\nVersion: 0.1.0\n")
    ensure_environment(ROOT, home / CODE, releases=store.folder)
    built = ROOT / "web" / ".next" / "standalone"
    shutil.copytree(built, home / PORTAL, symlinks=True)
    parts = {REQUIREMENTS: lock_digest(home / CODE)}
    return store.add(
        Release(
            id=name,
            version="0.1.0",
            # Told apart from the living stack's by its name alone: the code is the same.
            commit=commit,
            built_at=datetime.now(UTC),
            components={
                Component.API: Build(version="0.1.0", parts=parts),
                Component.WEB: Build(version="0.1.0", parts={BUILD: "built"}),
            },
        )
    )


@pytest.fixture
def beside(stack: Stack, tmp_path: Path) -> Iterator[Beside]:
    tmp_path.chmod(0o711)
    for above in tmp_path.parents[:2]:
        above.chmod(0o711)
    made = Beside(
        stack=stack,
        release=build_release(stack, "r901"),
        folder=stack.var.with_name(f"{stack.var.name}-staging"),
        port=find_two_ports(),
        shift=secrets.randbelow(4) * 400 + 23_000,
    )
    try:
        yield made
    finally:
        made.ask("staging", "--down")
        shutil.rmtree(made.folder, ignore_errors=True)
        shutil.rmtree(stack.var / "releases" / "r901", ignore_errors=True)


def test_a_release_comes_up_beside_the_living_stack_is_walked_through_and_goes(beside: Beside) -> None:
    before = beside.commit_of(beside.stack.portal_url)
    _, early = beside.ask("e2e", "--release", "r901")
    assert early["outcome"] == "not_checked"

    code, up = beside.ask("staging", "--release", "r901")
    assert (code, up["outcome"]) == (0, "passed"), up
    url = f"http://127.0.0.1:{beside.port}"
    assert beside.commit_of(url) == beside.release.commit[:12]
    first = beside.list_left()

    code, again = beside.ask("staging", "--release", "r901")
    assert (code, again["outcome"]) == (0, "passed"), again
    assert set(first) & set(beside.list_left()), "what was up was started anew"

    code, walked = beside.ask("e2e", "--release", "r901")
    assert (code, walked["outcome"]) == (0, "passed"), walked
    steps = [one["step"] for one in walked["findings"]]
    assert steps == ["sign-in", "directory", "search", "person", "language", "sign-out"]

    code, smoke = beside.ask("smoke", "--release", "r901", HRX_SMOKE_URL=url)
    assert (code, smoke["outcome"]) == (0, "passed"), smoke

    code, down = beside.ask("staging", "--down")
    assert (code, down["outcome"]) == (0, "passed"), down
    assert beside.list_left() == []
    # The living stack was not touched by any of it.
    assert beside.commit_of(beside.stack.portal_url) == before
    assert list_unwell(beside.stack) == []


def test_a_folder_in_which_something_lives_is_refused(beside: Beside) -> None:
    for folder in (beside.stack.var, beside.stack.var.parent, beside.stack.var / "releases"):
        code, found = beside.ask("staging", "--release", "r901", HRX_STAGING_DIR=str(folder))
        assert (code, found["error"]["code"]) == (4, "staging.unsafe")
