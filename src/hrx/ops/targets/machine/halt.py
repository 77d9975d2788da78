"""The end of a stack: in order while the supervisor answers, by the processes' own mark when it does not."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hrx.kit.errors import Refused, Text
from hrx.ops.targets.machine import processes
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import PARTS
from hrx.ops.targets.machine.native import reach_programs
from hrx.ops.targets.machine.postgres import PostgresCluster
from hrx.ops.targets.machine.progress import Report, silent, step
from hrx.ops.targets.machine.supervisor import Supervisor

_ORDERLY_END_S: Final = 75.0
#: It is thrown away; nothing of it has to be written out.
_PROOF_ENDS_S: Final = 10.0


def take_down(layout: Layout, *, report: Report = silent, proving: Path | None = None) -> list[str]:
    """Stop every part in order, the data and its copies last, then the supervisor; gives who is left.

    `proving`: where backups are proven, when it is not below the stack's own folder. Harmless when nothing
    runs. Works without a supervisor: what it left behind is ended as well."""
    if not layout.run.exists():
        return []
    with alone(layout):
        supervisor = Supervisor(layout.supervisor_socket)
        if supervisor.is_answering():
            _stop_in_order(supervisor, report=report)
            _end_supervisor(supervisor)
        return end_leftovers(layout, proving=proving)


def remove_stack(layout: Layout) -> None:
    """Take down and delete everything below `var`. For tests and throw-away stacks only: all data is lost."""
    take_down(layout)
    shutil.rmtree(layout.var, ignore_errors=True)


def _stop_in_order(supervisor: Supervisor, *, report: Report) -> None:
    """The edge first, so that nobody is cut off in mid-request; then all that works on the data, the data,
    and whoever receives its last changes; the keeper of the backups ships those and ends last."""
    known = {part.name for part in supervisor.list_parts()}
    ends = (["redis", "postgres"], ["wal-receiver", "postgres-standby"], ["backup"])
    middle = [name for name in PARTS if name != "haproxy" and not any(name in end for end in ends)]
    for names in (["haproxy"], middle, *ends):
        present = [name for name in names if name in known]
        label = ", ".join(present)
        with step(report, ja=label, en=label), ThreadPoolExecutor(max_workers=8) as workers:
            list(workers.map(lambda name: supervisor.stop(name, timeout_s=_ORDERLY_END_S), present))


def _end_supervisor(supervisor: Supervisor) -> None:
    pid = supervisor.pid()
    supervisor.shutdown()
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and processes.is_alive(pid):
        time.sleep(0.05)


def end_leftovers(layout: Layout, *, proving: Path | None = None) -> list[str]:
    """End what a supervisor that died left behind; PostgreSQL by its own programs first.

    A proof of a backup that was under way is a server of its own: nobody else knows of it once its keeper
    has ended."""
    processes.end_processes_on(proving or layout.proving, timeout_s=_PROOF_ENDS_S)
    if not processes.find_stack_processes(layout.stack_mark):
        return []
    for data_dir in (layout.postgres_data, layout.standby_data):
        if not (data_dir / "PG_VERSION").exists():
            continue
        cluster = PostgresCluster(
            data_dir=data_dir,
            port=0,
            socket_dir=layout.run,
            run_as=layout.user,
            install_dir=reach_programs(layout).postgres_dir,
        )
        cluster.stop(mode="fast")
    return processes.end_stack_processes(layout.stack_mark, timeout_s=15)


@contextmanager
def alone(layout: Layout) -> Iterator[None]:
    """One `up` or `down` at a time; the lock ends with the process that holds it."""
    with (layout.run / "up.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused(
                Text(
                    ja="別の `make up` または `make down` が実行中です。",
                    en="Another `make up` or `make down` is at work.",
                ),
                hint=Text(
                    ja="終わるのを待って、もう一度実行してください。",
                    en="Wait for it to end, then try again.",
                ),
                code="stack.lock_held",
            ) from error
        yield


def has_leftovers(layout: Layout) -> bool:
    """Whether any process of this stack is alive."""
    return bool(processes.find_stack_processes(layout.stack_mark))
