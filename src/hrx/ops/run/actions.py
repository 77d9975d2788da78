"""What the runner can do, by id. Content names these ids; adding one here is the only way to add a power.

Every action is safe to run again, returns evidence, and keeps to the time limit that it is given."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text, Unavailable
from hrx.kit.secrets import mask_text
from hrx.ops.check import Status
from hrx.ops.plan import Action
from hrx.ops.run.looking import PartView, find_process, look_at_part
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.parts import get_part
from hrx.ops.runbook.reading import wrong
from hrx.ops.targets.target import PartStatus

Evidence = Mapping[str, object]
_PROVE_EVERY_S: Final = 0.5
_LOG_TAIL_BYTES: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSpec:
    """One power: what it does in words, whether it only reads, and the function."""

    id: str
    title: Text
    only_reads: bool
    perform: Callable[[Plane, Mapping[str, str], float], Evidence]


class NotProven(Unavailable):
    """The change was made, but looking from outside does not confirm it."""

    code = "run.not_proven"


def perform(plane: Plane, action: Action, *, timeout_s: float) -> Evidence:
    """Do it, within about `timeout_s`. Raises HrxError saying why it could not be done."""
    return get_action(action.id).perform(plane, action.params, timeout_s)


def get_action(action_id: str) -> ActionSpec:
    """The power of this id. Raises ContentWrong: a procedure asked for something that does not exist."""
    found = ACTIONS.get(action_id)
    if found is None:
        raise wrong(action_id, f"is no action; there are {', '.join(sorted(ACTIONS))}")
    return found


def view_to_evidence(view: PartView) -> dict[str, object]:
    """A look at a part as plain values for the ledger."""
    return {
        "part": view.info.name,
        "status": view.status.value,
        "summary": {"ja": view.summary.ja, "en": view.summary.en},
        "state": view.process.state.value,
        "pid": view.process.pid,
        "uptime_s": view.process.uptime_s,
        "latency_ms": view.latency_ms,
        "version": dict(view.version),
        "facts": {finding.check.id: dict(finding.evidence) for finding in view.findings if finding.evidence},
        "observed_at": view.observed_at.isoformat(),
    }


def _look(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    """Evidence before a change: the view, and the end of the part's own log."""
    view = _view(plane, params)
    tail = plane.target.tail_log(params["part"], size_bytes=_LOG_TAIL_BYTES)
    return {**view_to_evidence(view), "log_tail": mask_text(tail)}


def _start(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    return _status(plane.target.start_part(params["part"], timeout_s=timeout_s))


def _stop(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    return _status(plane.target.stop_part(params["part"], timeout_s=timeout_s))


def _restart(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    before = find_process(plane, params["part"])
    after = plane.target.restart_part(params["part"], timeout_s=timeout_s)
    return {"pid_before": before.pid, **_status(after)}


def _prove_well(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    """Look until the part is well from outside (degraded counts: it answers), or say what was seen last."""
    deadline = clock.monotonic_s() + timeout_s - plane.settings.look_timeout_s
    looks = 0
    while True:
        view, looks = _view(plane, params), looks + 1
        if view.status in (Status.OK, Status.DEGRADED):
            return {**view_to_evidence(view), "looks": looks}
        if clock.monotonic_s() >= deadline:
            raise NotProven(
                Text(
                    ja=f"{timeout_s:g} 秒待っても外から確認できません: {view.summary.ja}",
                    en=f"Not confirmed from outside within {timeout_s:g} s: {view.summary.en}",
                ),
                hint=Text(
                    ja=f"`make logs PART={params['part']}` で記録を見てください。",
                    en=f"See `make logs PART={params['part']}`.",
                ),
            )
        time.sleep(_PROVE_EVERY_S)


def _view(plane: Plane, params: Mapping[str, str]) -> PartView:
    info = get_part(plane.content.parts, params["part"])
    return look_at_part(plane, info, process=find_process(plane, info.name))


def _status(status: PartStatus) -> dict[str, object]:
    return {"part": status.name, "state": status.state.value, "pid": status.pid}


ACTIONS: Final = {
    spec.id: spec
    for spec in (
        ActionSpec(
            id="part.look", title=Text(ja="部品を見る", en="Look at a part"), only_reads=True, perform=_look
        ),
        ActionSpec(
            id="part.prove_well",
            title=Text(ja="外から応答を確かめる", en="Prove from outside that a part answers"),
            only_reads=True,
            perform=_prove_well,
        ),
        ActionSpec(
            id="part.start", title=Text(ja="起動する", en="Start a part"), only_reads=False, perform=_start
        ),
        ActionSpec(
            id="part.stop", title=Text(ja="停止する", en="Stop a part"), only_reads=False, perform=_stop
        ),
        ActionSpec(
            id="part.restart",
            title=Text(ja="再起動する", en="Restart a part"),
            only_reads=False,
            perform=_restart,
        ),
    )
}
