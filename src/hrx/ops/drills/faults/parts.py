"""Faults of whole parts, from outside: stopped, killed, frozen."""

from __future__ import annotations

import os
import signal
from typing import Final

import psutil

from hrx.kit.errors import Text, Unavailable
from hrx.ops.drills.faults.fault import FaultSpec, Let, Memo, Params, nothing_held
from hrx.ops.drills.ground import Ground
from hrx.ops.targets.target import PartState

_TIMEOUT_S: Final = 60.0


def _find(ground: Ground, params: Params) -> Memo:
    """The process of the part, told apart from a later one with the same number."""
    for status in ground.plane.target.list_parts():
        if status.name == params["part"] and status.pid is not None:
            return {"pid": status.pid, "started": psutil.Process(status.pid).create_time()}
    raise Unavailable(
        Text(ja=f"{params['part']} は動いていません", en=f"{params['part']} does not run"),
        code="drill.part_not_running",
    )


def _process(memo: Memo) -> psutil.Process | None:
    try:
        found = psutil.Process(int(str(memo["pid"])))
        return found if abs(found.create_time() - float(str(memo["started"]))) < 1 else None
    except psutil.Error:
        return None


def _stop(ground: Ground, params: Params, _memo: Memo) -> Let:
    ground.plane.target.stop_part(params["part"], timeout_s=_TIMEOUT_S)
    return nothing_held


def _start(ground: Ground, params: Params, _memo: Memo) -> None:
    ground.plane.target.start_part(params["part"], timeout_s=_TIMEOUT_S)


def _kill(_ground: Ground, _params: Params, memo: Memo) -> Let:
    os.kill(int(str(memo["pid"])), signal.SIGKILL)
    return nothing_held


def _freeze(_ground: Ground, _params: Params, memo: Memo) -> Let:
    os.kill(int(str(memo["pid"])), signal.SIGSTOP)
    return nothing_held


def _thaw(ground: Ground, params: Params, memo: Memo) -> None:
    found = _process(memo)
    if found is not None:
        found.send_signal(signal.SIGCONT)
    states = {status.name: status.state for status in ground.plane.target.list_parts()}
    if states.get(params["part"]) not in (PartState.RUNNING, PartState.STARTING):
        _start(ground, params, memo)


FAULTS: Final = (
    FaultSpec(
        id="part.stop", title=Text(ja="部品を止めておく", en="Hold a part down"), inject=_stop, undo=_start
    ),
    FaultSpec(
        id="part.kill",
        title=Text(ja="部品を強制終了する", en="Kill a part"),
        prepare=_find,
        inject=_kill,
        undo=_start,
    ),
    FaultSpec(
        id="part.freeze",
        title=Text(ja="部品を固める(SIGSTOP)", en="Freeze a part (SIGSTOP)"),
        prepare=_find,
        inject=_freeze,
        undo=_thaw,
    ),
)
