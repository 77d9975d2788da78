"""Benches for checks: a tree of its own, settings of its own, and programs that a test wrote."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hrx.kit.errors import Text
from hrx.ops.release.checking.results import Bench
from hrx.ops.release.releases import Release
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import Layout

NOTHING = Text(ja="", en="")


def make_bench(
    root: Path, *, var: Path | None = None, release: Release | None = None, **chosen: Any
) -> Bench:
    """`root` is the checkout that is looked at; its var folder lies in it unless told otherwise."""
    var = var or root / "var"
    var.mkdir(exist_ok=True)
    return Bench(
        layout=Layout(root=root, var=var, user=None, tools=var / "tools"),
        settings=OpsSettings(var_dir=var, runbook_dir=root / "runbook").model_copy(update=chosen),
        release=release,
        tell=_hear,
    )


def write_program(folder: Path, name: str, script: str) -> Path:
    """A program of that name which does what the script says."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{script}")
    path.chmod(0o755)
    return path


def commit_all(root: Path) -> str:
    """Everything in `root` as one commit; gives its id."""
    for argv in (
        ("init", "-q"),
        ("add", "-A"),
        ("-c", "user.name=試験", "-c", "user.email=t@example.test", "commit", "-q", "-m", "state"),
    ):
        subprocess.run(["git", *argv], cwd=root, check=True, timeout=60, env=_plain())
    said = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=root,
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
        env=_plain(),
    )
    return said.stdout.strip()


def _plain() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


def _hear(_said: Text) -> None:
    return
