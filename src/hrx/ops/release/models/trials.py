"""Trying a model's file in a process of its own: it has been judged by nobody yet."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import orjson

from hrx.kit.models.records import Golden
from hrx.ops.release.models.gating import Trial

WITHIN_S: Final = 120.0
_SHOWN: Final = 200


def try_model(content: bytes, golden: Sequence[Golden], *, within_s: float = WITHIN_S) -> Trial:
    """What it is made of and answers; a crash, a hang or a file that is none is a trial with `error`."""
    with tempfile.TemporaryDirectory(prefix="hrx-model-") as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(content)
        asked = orjson.dumps({"path": str(path), "rows": [one.row for one in golden]})
        try:
            done = subprocess.run(
                [sys.executable, "-m", "hrx.kit.models.trying"],
                input=asked,
                capture_output=True,
                timeout=within_s,
                check=False,
                cwd=folder,
                # Nothing of ours: no setting, no secret.
                env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(sys.path)},
            )
        except subprocess.TimeoutExpired:
            return Trial(error=f"no answer within {within_s:g} s")
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        return Trial(error=f"cannot be loaded ({said[-1][:_SHOWN] if said else f'exit {done.returncode}'})")
    told = orjson.loads(done.stdout)
    return Trial(
        operators=tuple(told["operators"]),
        has_external_data=told["has_external_data"],
        answers=told["answers"],
        alone=told.get("alone", ()),
    )
