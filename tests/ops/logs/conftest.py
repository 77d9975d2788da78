"""A real supervisord that holds the log of a program which writes numbered lines as fast as it can."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hrx.ops.observe.logs.files import LogFolders
from hrx.ops.targets.machine.supervisor import Supervisor
from tests.ops.logs.writing_logs import make_folders

LINES = 30_000
_WRITER = f"""
import json, sys, time
from datetime import UTC, datetime
for number in range({LINES}):
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = {{"at": at, "level": "info", "event": "line", "number": number, "pad": "x" * 100}}
    print(json.dumps(line), flush=True)
    if number % 300 == 0:
        time.sleep(0.01)
print("the end", flush=True)
time.sleep(600)
"""
_CONFIG = """
[unix_http_server]
file={run}/s.sock
[supervisord]
logfile={log}/supervisord.log
logfile_maxbytes=0
pidfile={run}/supervisord.pid
nodaemon=true
silent=true
user={user}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[program:worker]
command={python} {run}/writer.py
autostart=true
startsecs=0
redirect_stderr=true
stdout_logfile={log}/worker.log
stdout_logfile_maxbytes=0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """A writer that has just begun."""

    folders: LogFolders
    supervisor: Supervisor


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[Writing]:
    """Ends the writer and its supervisor at the end."""
    import getpass

    folders = make_folders(tmp_path)
    (tmp_path / "writer.py").write_text(_WRITER)
    config = tmp_path / "supervisord.conf"
    config.write_text(
        _CONFIG.format(run=tmp_path, log=folders.live, user=getpass.getuser(), python=sys.executable)
    )
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(config)]
    )
    supervisor = Supervisor(tmp_path / "s.sock")
    try:
        deadline = time.monotonic() + 20
        while not supervisor.is_answering():
            assert time.monotonic() < deadline, "supervisord did not start"
            time.sleep(0.05)
        yield Writing(folders=folders, supervisor=supervisor)
    finally:
        process.terminate()
        process.wait(timeout=20)
