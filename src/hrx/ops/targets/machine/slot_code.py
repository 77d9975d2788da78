"""Which code each program of the product runs: this checkout's, or that of a release in a folder of its own.

The record outlives restarts; `hrx up` reads it as well, so that a release that people use is not replaced by
what lies in the checkout. Nothing is started here: a slot is filled first and woken by the rollout."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from hrx.kit.errors import Conflict, Text
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.portal import keep_assets, publish_portal
from hrx.ops.targets.machine.supervisor import Supervisor
from hrx.ops.targets.machine.supervisor_config import read_commit, replace_program

_RECORD: Final = "slot-code.json"
_STOPS_WITHIN_S: Final = 60.0
WORKER: Final = "worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotCode:
    """`code` is the release's tree of sources, `python` the interpreter of its environment, `portal` the
    built portal with its `start.mjs`."""

    release: str
    commit: str
    code: Path
    python: Path
    portal: Path

    @property
    def is_there(self) -> bool:
        return all(path.exists() for path in (self.code, self.python, self.portal / "start.mjs"))

    @property
    def variables(self) -> dict[str, str]:
        """What its programs know besides the settings. The path wins over what the environment installed."""
        return {"HRX_COMMIT": self.commit, "PYTHONPATH": str(self.code / "src")}


def read_slot_code(run: Path) -> dict[str, SlotCode]:
    """By part; a part that is not named, or whose release is gone, runs the checkout's code."""
    try:
        kept: dict[str, Any] = json.loads((run / _RECORD).read_text())
        found = {part: _from_json(values) for part, values in kept.items()}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {part: one for part, one in found.items() if one.is_there}


def write_slot_code(run: Path, codes: Mapping[str, SlotCode]) -> None:
    """Which code a stack's parts run from its next start on; for a stack that is not up."""
    _write_record(run, {part: _to_json(code) for part, code in codes.items()})


def place_code(layout: Layout, supervisor: Supervisor, part: str, code: SlotCode | None) -> bool:
    """Have the part run this code from its next start on; None: the checkout's. It is stopped by that.

    Gives whether it was stopped: harmless when it is so already, and after a death in between. The caller
    makes sure that nobody uses it. Raises Unavailable, Conflict when the stack has no such program."""
    kept = _read_record(layout.run)
    wanted = _to_json(code) if code is not None else None
    if code is None and kept.get(part) is None:
        return False
    source = code or _checkout(layout)
    if part.startswith("web-"):
        # Before it is started: whoever has a tab of it keeps what the tab will load.
        keep_assets(layout, source.portal)
    argv, cwd = _start_of(part, source, layout)
    variables = source.variables if code is not None else {"HRX_COMMIT": source.commit}
    if not replace_program(
        layout,
        part,
        argv=argv,
        cwd=cwd,
        variables=variables,
        fingerprint=source.release,
        without=_ONLY_RELEASES if code is None else (),
    ):
        raise Conflict(
            Text(ja=f"この機械に {part} はありません", en=f"This machine has no program {part}"),
            hint=Text(ja="`hrx up` を実行してください。", en="Run `hrx up`."),
            code="release.no_program",
        )
    # Compared with what runs, so that what a death left undone is done now.
    change = supervisor.reload_config()
    if part in change.changed:
        supervisor.drop(part, timeout_s=_STOPS_WITHIN_S)
    is_stopped = part in (*change.changed, *change.added)
    if is_stopped:
        supervisor.adopt(part)
    # Last: until then a repeated call does it all again.
    _write_record(layout.run, {**_read_record(layout.run), part: wanted})
    return is_stopped


#: What only programs of a release know.
_ONLY_RELEASES: Final = ("PYTHONPATH",)


def _start_of(part: str, source: SlotCode, layout: Layout) -> tuple[list[str], Path]:
    if part.startswith("web-"):
        return [str(source.portal / "start.mjs")], source.portal
    module = "hrx.app.worker" if part == WORKER else "hrx.app.api"
    return [str(source.python), "-m", module], source.code


def _checkout(layout: Layout) -> SlotCode:
    return SlotCode(
        release="",
        commit=read_commit(layout.root),
        code=layout.root,
        python=Path(sys.executable),
        portal=publish_portal(layout),
    )


def _read_record(run: Path) -> dict[str, Any]:
    try:
        kept: dict[str, Any] = json.loads((run / _RECORD).read_text())
    except (OSError, ValueError):
        return {}
    return kept


def _write_record(run: Path, kept: Mapping[str, Any]) -> None:
    draft = run / f"{_RECORD}.new"
    draft.write_text(json.dumps({part: one for part, one in kept.items() if one is not None}, indent=1))
    draft.replace(run / _RECORD)


def _to_json(code: SlotCode) -> dict[str, str]:
    return {name: str(value) for name, value in asdict(code).items()}


def _from_json(values: Mapping[str, str]) -> SlotCode:
    return SlotCode(
        release=values["release"],
        commit=values["commit"],
        code=Path(values["code"]),
        python=Path(values["python"]),
        portal=Path(values["portal"]),
    )
