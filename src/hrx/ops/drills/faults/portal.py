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
from hrx.ops.targets.machine.haproxy import say_state, send_command
from hrx.ops.targets.machine.processes import find_stack_processes
from hrx.ops.targets.machine.readiness import ask
from hrx.ops.targets.machine.secrets import parse_env
from hrx.ops.targets.machine.slot_code import read_slot_code
from hrx.ops.targets.target import PartState

_PROGRAM: Final = "drill-web"
_START_S: Final = 30.0


def _find_slots(ground: Ground, params: Params) -> Memo:
    """The live slot, and the other, which after a deploy runs on as the way back: its port is needed."""
    live = params["part"].removeprefix("web-")
    resting = "green" if live == "blue" else "blue"
    states = {part.name: part.state for part in ground.plane.target.list_parts()}
    return {"live": live, "resting": resting, "ran": states.get(f"web-{resting}") is PartState.RUNNING}


def _release(ground: Ground, params: Params, memo: Memo) -> Let:
    live, resting = str(memo["live"]), str(memo["resting"])
    build = _damaged_build(ground, params["damage"], live=live)
    if memo["ran"]:
        ground.plane.target.stop_part(f"web-{resting}", timeout_s=_START_S)
    known = parse_env((ground.layout.run / "env" / f"web-{resting}.env").read_text())
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
    _switch(ground, live=resting, resting=live)

    def let_go() -> None:
        process.kill()
        process.wait(timeout=10)

    return let_go


def _find_build(ground: Ground, *, live: str) -> Path:
    """The portal that people have: a release's, or the checkout's newest."""
    placed = read_slot_code(ground.layout.run).get(f"web-{live}")
    if placed is not None:
        return placed.portal
    return max(
        (path for path in (ground.layout.var / "web").iterdir() if not path.name.startswith(".")),
        key=lambda path: path.stat().st_mtime,
    )


def _damaged_build(ground: Ground, damage: str, *, live: str) -> Path:
    copy = ground.layout.run / "drill-web"
    shutil.rmtree(copy, ignore_errors=True)
    # Hard links: a copy of 60 MB in no time. What is damaged is removed first, never written through.
    shutil.copytree(_find_build(ground, live=live), copy, symlinks=True, copy_function=os.link)
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
    send_command(ground.layout.haproxy_socket, say_state("web", f"web-{live}", "ready"))
    # Not before the edge itself has seen it well: nobody may meet an edge without a server.
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and not _is_up(ground, f"web-{live}"):
        time.sleep(0.1)
    send_command(ground.layout.haproxy_socket, say_state("web", f"web-{resting}", "maint"))


def _is_up(ground: Ground, server: str) -> bool:
    stat = send_command(ground.layout.haproxy_socket, "show stat")
    return any(line.startswith(f"web,{server},") and ",UP," in line for line in stat.splitlines())


def _roll_back(ground: Ground, _params: Params, memo: Memo) -> None:
    _switch(ground, live=str(memo["live"]), resting=str(memo["resting"]))
    for process in find_stack_processes(ground.layout.stack_mark):
        try:
            if process.environ().get("HRX_PROGRAM") == _PROGRAM:
                process.kill()
        except (psutil.Error, OSError):
            continue
    shutil.rmtree(ground.layout.run / "drill-web", ignore_errors=True)
    if memo["ran"]:
        ground.plane.target.start_part(f"web-{memo['resting']}", timeout_s=_START_S)
        # The warm way back as it was: checked by the edge, and without requests.
        send_command(ground.layout.haproxy_socket, say_state("web", f"web-{memo['resting']}", "drain"))


FAULTS: Final = (
    FaultSpec(
        id="portal.bad_release",
        title=Text(ja="壊れた画面をリリースする", en="Release a broken front end"),
        prepare=_find_slots,
        inject=_release,
        undo=_roll_back,
    ),
)
