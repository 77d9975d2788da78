"""Programs of ours that the machine waits for: one that takes too long is told in words."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from hrx.kit.errors import Unavailable
from hrx.ops.drills.rotating.programs import come_to_copy
from hrx.ops.targets.machine.database import load_demo
from hrx.ops.targets.machine.layout import Layout

pytestmark = pytest.mark.req("R1-1")
_FOR_EVER = "import time; time.sleep(600)"


def test_a_loader_that_does_not_end_is_told_with_what_to_do_next(layout: Layout, tmp_path: Path) -> None:
    package = tmp_path / "hrx" / "app" / "demo"
    package.mkdir(parents=True)
    for folder in (package, package.parent, package.parent.parent):
        (folder / "__init__.py").touch()
    (package / "__main__.py").write_text(_FOR_EVER)
    slow = replace(layout, root=tmp_path)
    with pytest.raises(Unavailable, match="demo company was not done within") as told:
        load_demo(slow, variables={}, timeout_s=0.5)
    assert told.value.stable_code == "stack.program_too_slow"
    assert told.value.hint is not None


def test_a_receiver_that_does_not_answer_is_told(tmp_path: Path) -> None:
    receiver = tmp_path / "pg_receivewal"
    receiver.write_text("#!/bin/sh\nexec sleep 600\n")
    receiver.chmod(0o700)
    with pytest.raises(Unavailable, match=r"Nobody may copy: > 0\.5 s"):
        come_to_copy(
            str(receiver),
            {"HRX_BACKUP_CONNINFO": f"host={os.devnull}"},
            passfile=tmp_path / "pass",
            timeout_s=0.5,
        )
