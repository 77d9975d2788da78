"""Faults inside the application, by the file that it reads (hrx.app.platform.faults)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import orjson

from hrx.kit.errors import Invalid, Text
from hrx.ops.drills.faults.fault import FaultSpec, Let, Memo, Params, nothing_held
from hrx.ops.drills.ground import Ground

_FIGURES: Final = (
    "route_ratio", "spin_ms", "leak_mib_s", "leak_max_mib", "held_connections", "slow_sql_s", "clock_skew_s",
)  # fmt: skip
_WORDS: Final = ("route", "route_mode")


def _disturb(ground: Ground, params: Params, _memo: Memo) -> Let:
    wanted: dict[str, object] = {}
    for name, value in params.items():
        if name in _FIGURES:
            number = float(value)
            wanted[name] = int(number) if number.is_integer() else number
        elif name in _WORDS:
            wanted[name] = value
        elif name != "part":
            raise Invalid(
                Text(ja=f"「{name}」という故障はありません", en=f"There is no fault “{name}”"),
                code="drill.unknown_fault",
            )
    path = _file(ground, params)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_bytes(orjson.dumps(wanted))
    draft.replace(path)
    return nothing_held


def _calm(ground: Ground, params: Params, _memo: Memo) -> None:
    _file(ground, params).unlink(missing_ok=True)


def _file(ground: Ground, params: Params) -> Path:
    return ground.layout.faults / f"{params['part']}.json"


FAULTS: Final = (
    FaultSpec(
        id="app.disturb",
        title=Text(ja="アプリケーションの中で故障を起こす", en="Disturb the application from within"),
        inject=_disturb,
        undo=_calm,
    ),
)
