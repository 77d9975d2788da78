"""Powers over one part of ours: look at it, start, stop, restart, resume, and prove that it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hrx.kit.errors import Text
from hrx.kit.secrets import mask_text
from hrx.ops.check import Status
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.looking import PartView, find_process, look_at_part
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.parts import get_part
from hrx.ops.targets.target import PartStatus

_LOG_TAIL_BYTES: Final = 4096


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


def _resume(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    return {"part": params["part"], "resumed_pids": list(plane.target.resume_part(params["part"]))}


def prove_well(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    """Look until the part is well from outside (degraded counts: it answers), or say what was seen last."""

    def look() -> Look:
        view = _view(plane, params)
        is_well = view.status in (Status.OK, Status.DEGRADED)
        return Look(is_good=is_well, evidence=view_to_evidence(view), says=view.summary)

    return wait_until_seen(
        look,
        timeout_s=timeout_s - plane.settings.look_timeout_s,
        hint=Text(
            ja=f"`make logs PART={params['part']}` で記録を見てください。",
            en=f"See `make logs PART={params['part']}`.",
        ),
    )


def _view(plane: Plane, params: Mapping[str, str]) -> PartView:
    info = get_part(plane.content.parts, params["part"])
    return look_at_part(plane, info, process=find_process(plane, info.name))


def _status(status: PartStatus) -> dict[str, object]:
    return {"part": status.name, "state": status.state.value, "pid": status.pid}


_OF_PART: Final = ("part",)

ACTIONS: Final = (
    ActionSpec(
        id="part.look",
        title=Text(ja="部品を見る", en="Look at a part"),
        only_reads=True,
        perform=_look,
        params=_OF_PART,
    ),
    ActionSpec(
        id="part.prove_well",
        title=Text(ja="外から応答を確かめる", en="Prove from outside that a part answers"),
        only_reads=True,
        perform=prove_well,
        params=_OF_PART,
    ),
    ActionSpec(
        id="part.start",
        title=Text(ja="起動する", en="Start a part"),
        only_reads=False,
        perform=_start,
        params=_OF_PART,
    ),
    ActionSpec(
        id="part.stop",
        title=Text(ja="停止する", en="Stop a part"),
        only_reads=False,
        perform=_stop,
        params=_OF_PART,
    ),
    ActionSpec(
        id="part.restart",
        title=Text(ja="再起動する", en="Restart a part"),
        only_reads=False,
        perform=_restart,
        params=_OF_PART,
    ),
    ActionSpec(
        id="part.resume",
        title=Text(ja="止められた部品を再開する", en="Resume a part that was suspended"),
        only_reads=False,
        perform=_resume,
        params=_OF_PART,
    ),
)
