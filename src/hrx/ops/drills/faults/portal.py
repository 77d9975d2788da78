"""A bad front-end release: a damaged copy of the live build on the resting slot, switched live."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Final

import psutil

from hrx.kit.errors import Text, Unavailable
from hrx.ops.drills.faults.fault import FaultSpec, Let, Memo, Params
from hrx.ops.drills.ground import Ground
from hrx.ops.targets.machine.haproxy import send_command
from hrx.ops.targets.machine.processes import find_stack_processes
from hrx.ops.targets.machine.readiness import ask
from hrx.ops.targets.machine.secrets import parse_env

_PROGRAM: Final = "drill-web-green"
_START_S: Final = 30.0


def _release(ground: Ground, params: Params, _memo: Memo) -> Let:
    build = _damaged_build(ground, params["damage"])
    known = parse_env((ground.layout.run / "env" / "web-green.env").read_text())
    node = shutil.which("node", path=known.get("PATH")) or "node"
    with (ground.layout.log / f"{_PROGRAM}.log").open("ab") as output:
        process = subprocess.Popen(
            [node, "--max-old-space-size=192", str(build / "start.mjs")],
            cwd=build,
            env={**known, "HRX_PROGRAM": _PROGRAM},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    # As a release does: traffic moves when the new slot is ready, and this one says that it is.
    _wait_until_ready(f"http://127.0.0.1:{known['HRX_WEB_PORT']}/web/readyz")
    _switch(ground, live="green", resting="blue")

    def let_go() -> None:
        process.kill()
        process.wait(timeout=10)

    return let_go


def _damaged_build(ground: Ground, damage: str) -> Path:
    live = max(
        (path for path in (ground.layout.var / "web").iterdir() if not path.name.startswith(".")),
        key=lambda path: path.stat().st_mtime,
    )
    copy = ground.layout.run / "drill-web"
    shutil.rmtree(copy, ignore_errors=True)
    # Hard links: a copy of 60 MB in no time. What is damaged is removed first, never written through.
    shutil.copytree(live, copy, symlinks=True, copy_function=os.link)
    if damage == "scripts":
        for chunk in (copy / ".next" / "static" / "chunks").glob("*.js"):
            chunk.unlink()
    else:
        page = copy / ".next" / "server" / "app" / "sign-in" / "page.js"
        page.unlink()
        page.write_text('throw new Error("bad release (drill)");\n')
    return copy


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if ask(url, timeout_s=1).is_ready:
            return
        time.sleep(0.1)
    raise Unavailable(
        Text(ja="訓練用の画面が起動しません", en="The drill's portal does not start"),
        code="drill.portal_not_started",
    )


def _switch(ground: Ground, *, live: str, resting: str) -> None:
    send_command(ground.layout.haproxy_socket, f"set server web/web-{live} state ready")
    # Not before the edge itself has seen it well: nobody may meet an edge without a server.
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and not _is_up(ground, f"web-{live}"):
        time.sleep(0.1)
    send_command(ground.layout.haproxy_socket, f"set server web/web-{resting} state maint")


def _is_up(ground: Ground, server: str) -> bool:
    stat = send_command(ground.layout.haproxy_socket, "show stat")
    return any(line.startswith(f"web,{server},") and ",UP," in line for line in stat.splitlines())


def _roll_back(ground: Ground, _params: Params, _memo: Memo) -> None:
    _switch(ground, live="blue", resting="green")
    for process in find_stack_processes(ground.layout.stack_mark):
        try:
            if process.environ().get("HRX_PROGRAM") == _PROGRAM:
                process.kill()
        except (psutil.Error, OSError):
            continue
    shutil.rmtree(ground.layout.run / "drill-web", ignore_errors=True)


FAULTS: Final = (
    FaultSpec(
        id="portal.bad_release",
        title=Text(ja="壊れた画面をリリースする", en="Release a broken front end"),
        inject=_release,
        undo=_roll_back,
    ),
)
