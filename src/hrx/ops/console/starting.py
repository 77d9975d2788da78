"""Starting a run as a process of its own: it goes on while the console is restarted, even by that run."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from typing import Final, Literal

from hrx.kit import ids, log
from hrx.kit.errors import Text
from hrx.kit.settings import to_environment
from hrx.ops.ledger.entries import Kind
from hrx.ops.run.plane import Plane
from hrx.ops.run.planning import PlanRecord

_log = logging.getLogger("hrx.ops.console")
#: Where the process of a run says what it cannot say in the ledger.
RUNS_LOG: Final = "runs.log"


def start_run(plane: Plane, record: PlanRecord, *, run_id: str, operator: str) -> None:
    """Start running a plan and return at once; how it goes is read from the ledger."""
    process = _start(plane, "start", run_id, operator, ("--plan", str(record.seq)))

    def reap() -> None:
        code = _wait(process, run_id)
        if not plane.ledger.list_run(run_id):
            _record_silence(plane, record, run_id=run_id, operator=operator, code=code)

    threading.Thread(target=reap, name=f"reap-{run_id}", daemon=True).start()


def go_on_with_run(
    plane: Plane, verb: Literal["resume", "close"], *, run_id: str, operator: str, reason: str = ""
) -> None:
    """Start resuming or closing a run that died, and return at once."""
    # One argument, so that a reason beginning with a hyphen stays a reason.
    process = _start(plane, verb, run_id, operator, (f"--reason={reason}",))
    threading.Thread(target=_wait, args=(process, run_id), name=f"reap-{run_id}", daemon=True).start()


def _start(
    plane: Plane, verb: str, run_id: str, operator: str, more: tuple[str, ...]
) -> subprocess.Popen[bytes]:
    arguments = [
        *(sys.executable, "-m", "hrx.ops.run", verb),
        *("--run-id", run_id, "--operator", operator),
        *("--correlation-id", log.correlation_id.get() or ids.new_correlation_id()),
        *more,
    ]
    log_path = plane.settings.var_dir / "log" / RUNS_LOG
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as output:
        return subprocess.Popen(
            arguments,
            # The run sees the same ledger, parts and limits as the console that shows it.
            env={**os.environ, **to_environment(plane.settings)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # A session of its own: the supervisor ends the console's process group, not this.
            start_new_session=True,
        )


def _wait(process: subprocess.Popen[bytes], run_id: str) -> int:
    """Take the exit status, so that no zombie is left behind."""
    code = process.wait()
    _log.info("run.process_ended", extra={"fields": {"run_id": run_id, "exit_code": code}})
    return code


def _record_silence(plane: Plane, record: PlanRecord, *, run_id: str, operator: str, code: int) -> None:
    """The process ended before its first entry: without this, the page of the run would wait forever."""
    message = Text(
        ja=f"実行のプロセスが何も記録せずに終わりました(終了コード {code})。何も変更していません。",
        en=f"The run's process ended before it recorded anything (exit code {code}); nothing was changed.",
    )
    hint = Text(
        ja=f"var/log/{RUNS_LOG} の最後の行を見てください。",
        en=f"See the last lines of var/log/{RUNS_LOG}.",
    )
    plane.ledger.append(
        Kind.RUN_REFUSED,
        actor=operator,
        subject=record.plan.lock,
        run_id=run_id,
        body={
            "plan_seq": record.seq,
            "code": "run.process_ended",
            "message": {"ja": message.ja, "en": message.en},
            "hint": {"ja": hint.ja, "en": hint.en},
        },
    )
