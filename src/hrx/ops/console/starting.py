"""Starting a run as a process of its own: it goes on while the console is restarted, even by that run."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from typing import Literal

from hrx.kit import ids, log
from hrx.ops.run.plane import Plane

_log = logging.getLogger("hrx.ops.console")


def start_run(
    plane: Plane,
    verb: Literal["start", "resume", "close"],
    *,
    run_id: str,
    operator: str,
    plan_seq: int | None = None,
    reason: str = "",
) -> None:
    """Start the process and return at once; how it goes is read from the ledger."""
    arguments = [
        *(sys.executable, "-m", "hrx.ops.run", verb),
        *("--run-id", run_id, "--operator", operator),
        *("--correlation-id", log.correlation_id.get() or ids.new_correlation_id()),
        *(("--plan", str(plan_seq)) if plan_seq is not None else ()),
        # One argument, so that a reason beginning with a hyphen stays a reason.
        *((f"--reason={reason}",) if reason else ()),
    ]
    log_path = plane.settings.var_dir / "log" / "runs.log"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as output:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # A session of its own: the supervisor ends the console's process group, not this.
            start_new_session=True,
        )
    threading.Thread(target=_reap, args=(process, run_id), name=f"reap-{run_id}", daemon=True).start()


def _reap(process: subprocess.Popen[bytes], run_id: str) -> None:
    """Take the exit status, so that no zombie is left behind."""
    code = process.wait()
    _log.info("run.process_ended", extra={"fields": {"run_id": run_id, "exit_code": code}})
