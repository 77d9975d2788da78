"""Memory of the whole idle stack, brought up by `hrx up` as a newcomer would, and left alone for a while."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import STACK_MEMORY, Figure, Section
from benchmarks.servers import ROOT, free_port

_MIB: Final = 1024 * 1024
_HRX: Final = [sys.executable, "-m", "hrx.cli"]


def measure_stack(*, settle_s: float) -> list[Section]:
    """PSS of every part, which counts shared pages once; the demo company is loaded, nobody looks at it."""
    var = Path(tempfile.mkdtemp(prefix="hrx-bench-stack-"))
    var.chmod(0o711)
    environment = {
        **os.environ,
        "HRX_VAR_DIR": str(var),
        "HRX_EDGE_PORT": str(free_port()),
        "HRX_OPS_PORT": str(free_port()),
    }
    try:
        _run("up", environment=environment)
        time.sleep(settle_s)
        told = _run("status", "--memory", environment=environment)
    finally:
        subprocess.run(
            [*_HRX, "down"], env=environment, cwd=ROOT, capture_output=True, timeout=120, check=False
        )
        shutil.rmtree(var, ignore_errors=True)
    return [_tell(told, settle_s=settle_s)]


def _run(*arguments: str, environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [*_HRX, *arguments, "--json"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"hrx {' '.join(arguments)}: {done.stdout}{done.stderr}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _tell(told: dict[str, Any], *, settle_s: float) -> Section:
    parts = {part["name"]: part["memory_bytes"] for part in told["parts"] if part["memory_bytes"]}
    accounted = sum(parts.values())
    total = told["memory_bytes"]
    others = {"supervisord": total - accounted} if total > accounted else {}
    return Section(
        name=f"memory of the idle stack, {settle_s:g} s after `hrx up`",
        notes=("Proportional set size, summed over the processes of each part.",),
        figures=[
            Figure(what="together", value=total / _MIB, unit="MiB", aim=STACK_MEMORY, raw={"parts": parts}),
            *(
                Figure(what=name, value=size / _MIB, unit="MiB")
                for name, size in sorted((parts | others).items(), key=lambda item: -item[1])
            ),
        ],
    )
