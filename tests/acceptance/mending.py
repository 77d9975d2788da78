"""Makes a shared stack whole again that a failed test has left in pieces."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import suppress

from hrx.kit.errors import Unavailable
from hrx.ops.targets.machine.machine import RESTING
from hrx.ops.targets.target import PartState
from tests.acceptance.operating import eventually, run_hrx, supervisor_of
from tests.conftest import Stack, last_lines

#: What a new beginning keeps: passwords that tests have read already.
_KEPT = "secrets.env"


def mend(stack: Stack, *, patience_s: float, only_failed: bool = False) -> None:
    """Nothing where every part runs, or does within `patience_s`. Else another start; when that is not enough
    (the data are gone, a take-over was cut in two), a new beginning in the same folder.

    `only_failed`: leave alone what is merely stopped."""
    with suppress(AssertionError):
        eventually(
            lambda: not _list_broken(stack, only_failed=only_failed),
            within_s=patience_s,
            what="every part runs",
        )
    broken = _list_broken(stack, only_failed=only_failed)
    if not broken:
        return
    # Past the capture: the test that is to blame is one before this, and this one will pass.
    said = last_lines(stack.var, parts=broken)
    print(f"\nThe stack is broken, and mended: {', '.join(broken)}{said}", file=sys.__stderr__)
    with suppress(subprocess.TimeoutExpired):
        if run_hrx(stack, "up", "--json").returncode == 0:
            return
    run_hrx(stack, "down")
    for kept in stack.var.iterdir():
        if kept.name != _KEPT:
            shutil.rmtree(kept) if kept.is_dir() and not kept.is_symlink() else kept.unlink()
    up = run_hrx(stack, "up", "--json")
    assert up.returncode == 0, up.stdout + up.stderr + last_lines(stack.var)


def _list_broken(stack: Stack, *, only_failed: bool) -> list[str]:
    try:
        parts = supervisor_of(stack).list_parts()
    except Unavailable:
        return ["supervisor"]
    return [
        part.name
        for part in parts
        if part.name not in RESTING
        and (part.state is PartState.FAILED if only_failed else part.state is not PartState.RUNNING)
    ]
