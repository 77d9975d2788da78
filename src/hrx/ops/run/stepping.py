"""Doing one step: under a time limit, recorded before and after, with every failure turned into words."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from hrx.kit.errors import HrxError, Text, Unavailable
from hrx.ops.ledger.entries import Kind
from hrx.ops.plan import Action, Step
from hrx.ops.run.actions import Evidence, perform
from hrx.ops.run.plane import Plane

_log = logging.getLogger("hrx.ops.run")


class StepTimedOut(Unavailable):
    """The step did not end within its own time limit; what it did so far is unknown."""

    code = "run.step_timed_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a step failed, for the record and for people."""

    code: str
    message: Text
    hint: Text | None = None

    def to_json(self) -> dict[str, object]:
        hint = {"ja": self.hint.ja, "en": self.hint.en} if self.hint else None
        return {
            "code": self.code,
            "message": {"ja": self.message.ja, "en": self.message.en},
            "hint": hint,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """Writes what happens in one run; the name of whoever runs it is on every entry."""

    plane: Plane
    run_id: str
    actor: str
    lock: str

    def write(self, kind: Kind, body: Mapping[str, object]) -> None:
        self.plane.ledger.append(kind, actor=self.actor, subject=self.lock, body=body, run_id=self.run_id)


def do_step(recorder: Recorder, step: Step, *, is_proof: bool) -> Failure | None:
    """Do one step and record how it went; gives the failure, or None when it was done."""
    recorder.write(Kind.STEP_STARTED, {"step": step.key, "is_proof": is_proof, "action": step.action.id})
    try:
        evidence = perform_within(recorder.plane, step.action, timeout_s=step.timeout_s)
    # The runner is one of the three places that may catch everything: a bug in an action must be undone too.
    except Exception as error:  # noqa: BLE001
        failure = describe_failure(error)
        recorder.write(Kind.STEP_FAILED, {"step": step.key, "is_proof": is_proof, **failure.to_json()})
        return failure
    recorder.write(Kind.PROOF if is_proof else Kind.STEP_DONE, {"step": step.key, "evidence": evidence})
    return None


def undo_step(recorder: Recorder, step: Step) -> bool:
    """Take one step back and record how that went; says whether it worked. Never raises."""
    if step.undo is None:
        return True
    body: dict[str, object] = {"step": step.key, "action": step.undo.id}
    try:
        evidence = perform_within(recorder.plane, step.undo, timeout_s=step.timeout_s)
    except Exception as error:  # noqa: BLE001
        recorder.write(Kind.UNDO, {**body, "is_undone": False, **describe_failure(error).to_json()})
        return False
    recorder.write(Kind.UNDO, {**body, "is_undone": True, "evidence": evidence})
    return True


def perform_within(plane: Plane, action: Action, *, timeout_s: float) -> Evidence:
    """Do an action and wait at most `timeout_s` for it. Raises StepTimedOut, or what the action raised.

    A thread cannot be stopped from outside; it is a daemon whose own calls all have time limits, so it ends
    soon after us and never keeps the process alive."""
    box: list[Evidence | BaseException] = []

    def work() -> None:
        try:
            box.append(perform(plane, action, timeout_s=timeout_s))
        except BaseException as error:  # noqa: BLE001
            box.append(error)

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(work,), name=f"step-{action.id}", daemon=True)
    thread.start()
    thread.join(timeout_s + _GRACE_S)
    if not box:
        raise StepTimedOut(
            Text(ja=f"制限時間 {timeout_s:g} 秒を過ぎました", en=f"The limit of {timeout_s:g} s has passed"),
            hint=Text(
                ja="`hrx check` で今の状態を確かめてください。", en="See where things are: `hrx check`."
            ),
        )
    if isinstance(box[0], BaseException):
        raise box[0]
    return box[0]


#: An action that keeps to its limit reports why it failed; this lets it, before we say "too late" for it.
_GRACE_S = 1.0


def describe_failure(error: Exception) -> Failure:
    """What to record about an exception; a bug is logged with its traceback, here and nowhere else."""
    if isinstance(error, HrxError):
        return Failure(code=error.stable_code, message=error.message, hint=error.hint)
    _log.exception("run.step_bug")
    name = type(error).__name__
    return Failure(
        code="bug",
        message=Text(ja=f"プログラムの誤りです({name})", en=f"This is a bug in the program ({name})"),
        hint=Text(ja="ログの run.step_bug を見てください。", en="See run.step_bug in the log."),
    )
