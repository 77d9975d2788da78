"""`hrx settings rotate NAME` where a run does it: the next half of a rotation, from wherever it stands."""

from __future__ import annotations

import getpass
import os
import select
import stat
import sys
from collections.abc import Mapping
from typing import Final

import typer

from hrx.cli import output
from hrx.cli.plane import actor_of, confirm
from hrx.cli.procedure_text import run_document, show_plan, show_run
from hrx.kit.errors import Conflict, Invalid, NotFound, Text
from hrx.ops.operators.roles import Actor
from hrx.ops.plan import ApprovalRule
from hrx.ops.release.environments.candidates import find_candidate, keep_candidate
from hrx.ops.run.approvals import approve, require_approval
from hrx.ops.run.executor import new_run_id, resume_run, run_plan
from hrx.ops.run.plane import Plane
from hrx.ops.run.records import RunRecord, RunState
from hrx.ops.run.turnings import Stage, Turning, drop_waiting, find_turning, propose_next
from hrx.ops.targets.machine.secrets import GENERATED

_STAGES: Final[Mapping[Stage, Text]] = {
    Stage.ALONE: Text(ja="一つの鍵が有効", en="one key counts"),
    Stage.UNDER_WAY: Text(ja="新しい鍵が置かれるのを待っている", en="a new key waits for its place"),
    Stage.DIED: Text(ja="途中で止まった実行がある", en="a run stopped half way"),
    Stage.BOTH: Text(ja="新旧両方が有効", en="both keys count"),
    Stage.DUE: Text(ja="新旧両方が有効。古い鍵を外せる", en="both keys count; the former one may go"),
}
_THIRD: Final = Text(
    ja="そのあとに置く新しい鍵が一つ待っている(捨てるには --drop-candidate)",
    en="one more new key waits for after that (--drop-candidate throws it away)",
)
_REASON: Final = "hrx settings rotate"
#: What fills the pipe may ask a vault first; one that is open and stays silent holds nobody up for longer.
_PIPE_WAIT_S: Final = 5.0


def say_turning(turning: Turning) -> str:
    """Where it stands, in a line."""
    until = f" → {turning.due_at:%Y-%m-%d %H:%M} UTC" if turning.due_at else ""
    third = f"; {output.say(_THIRD)}" if turning.has_third else ""
    return f"{turning.name}: {output.say(_STAGES[turning.stage])}{until} ({turning.kept_in}){third}"


def turning_document(turning: Turning) -> dict[str, object]:
    """The same as JSON."""
    return {
        "stage": turning.stage.value,
        "keys": turning.keys,
        "kept_in": turning.kept_in,
        "due_at": turning.due_at,
        "run": turning.run_id,
        "third_waits": turning.has_third,
    }


def turn(
    plane: Plane, name: str, *, operator: str | None, code: str, reason: str, yes: bool, as_json: bool
) -> None:
    """Do what comes next and say what comes after. Exit code 1 when a run did not succeed."""
    turning = find_turning(plane, name)
    takes_key = turning.stage is Stage.ALONE and name not in GENERATED
    if yes and not takes_key:
        _refuse_unused_key(plane, turning)
    if turning.stage is Stage.BOTH:
        _end(turning, None, as_json=as_json)
        return
    actor = actor_of(plane, operator, code=code)
    if not as_json:
        print(say_turning(turning))
    if turning.run_id is not None:
        confirm(Text(ja="続きから再開しますか?", en="Go on where it stopped?"), yes=yes)
        done = resume_run(plane, turning.run_id, actor=actor)
    else:
        if takes_key:
            _ask_for_key(plane, name, keys=turning.keys)
        done = _run(plane, turning, reason=reason, actor=actor, yes=yes, as_json=as_json)
    _end(find_turning(plane, name), done, as_json=as_json)
    if done.state is not RunState.SUCCEEDED:
        raise typer.Exit(output.FAILED)


def drop(
    plane: Plane, name: str, *, operator: str | None, code: str, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Throw the new key that waits away, and say where the rotation stands then."""
    is_there = find_candidate(plane.settings.var_dir, name) is not None
    if is_there and not dry_run:
        actor = actor_of(plane, operator, code=code)
        confirm(Text(ja="待っている新しい鍵を捨てますか?", en="Throw the new key that waits away?"), yes=yes)
        drop_waiting(plane, name, actor=actor)
    turning = find_turning(plane, name)
    if as_json:
        output.show_json({"name": name, "dropped": is_there and not dry_run, **turning_document(turning)})
        return
    said = Text(ja="待っている新しい鍵はありません", en="No new key waits")
    if is_there and dry_run:
        said = Text(ja="待っている新しい鍵を捨てます", en="The new key that waits would be thrown away")
    elif is_there:
        said = Text(ja="待っていた新しい鍵を捨てました", en="The new key that waited is thrown away")
    print(output.say(said))
    print(say_turning(turning))


def _refuse_unused_key(plane: Plane, turning: Turning) -> None:
    """A key that was piped in and has no place now is not passed over in silence.

    Raises Conflict, unless it is the very one that waits. Without `--yes` nothing is read: nobody could be
    asked, and nothing would be done."""
    key = _find_piped()
    name, waiting = turning.name, find_candidate(plane.settings.var_dir, turning.name)
    if key is None or key == waiting:
        return
    drops = f"`hrx settings rotate {name} --drop-candidate`"
    if waiting is not None:
        raise Conflict(
            Text(
                ja=f"{name} には別の新しい鍵が待っています。渡された鍵は受け取っていません",
                en=f"Another new key of {name} waits already; the one given was not taken",
            ),
            hint=Text(
                ja=f"{drops} で待っている鍵を捨ててから渡し直すか、鍵を渡さずに続けてください。",
                en=f"Drop the one that waits ({drops}) and give yours again, or go on without giving one.",
            ),
            code="rotation.another_waits",
        )
    raise Conflict(
        Text(
            ja=f"{name} は今、新しい鍵を受け取れません({_STAGES[turning.stage].ja})",
            en=f"{name} takes no new key now: {_STAGES[turning.stage].en}",
        ),
        hint=Text(
            ja=f"鍵を渡さずに `hrx settings rotate {name}` で前の交換を終えてください。",
            en=f"End the rotation before it first, giving no key: `hrx settings rotate {name}`.",
        ),
        code="rotation.key_not_taken",
    )


def _find_piped() -> str | None:
    """The first line that a pipe or a file gives; None for a terminal, a service's empty input, silence."""
    try:
        kind = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError):
        return None
    if not (stat.S_ISFIFO(kind) or stat.S_ISREG(kind)):
        return None
    if not select.select([sys.stdin], [], [], _PIPE_WAIT_S)[0]:
        return None
    return sys.stdin.readline().strip() or None


def _run(plane: Plane, turning: Turning, *, reason: str, actor: Actor, yes: bool, as_json: bool) -> RunRecord:
    record = propose_next(plane, turning, reason=reason or _REASON, actor=actor)
    if not as_json:
        show_plan(record.plan, seq=record.seq)
    if record.plan.approval_needed is ApprovalRule.OTHER:
        require_approval(plane, record)
    confirm(Text(ja="この計画を実行しますか?", en="Run this plan?"), yes=yes)
    if record.plan.approval_needed is ApprovalRule.OWN:
        approve(plane, record.seq, actor=actor, plan_hash=record.plan.plan_hash)
    return run_plan(plane, record.seq, actor=actor, run_id=new_run_id())


def _ask_for_key(plane: Plane, name: str, *, keys: int) -> None:
    """The new key from a terminal that does not show it, or one line of standard input; never an argument."""
    if not keys:
        raise NotFound(
            Text(ja=f"{name} は設定されていません", en=f"{name} is not set"),
            hint=Text(
                ja=f"{name} を .env か設定の置き場所に書き、`make up` のあとで交換してください。",
                en=f"Put {name} into .env or where settings are kept, run `make up`, then rotate it.",
            ),
            code="rotation.not_set",
        )
    asked = output.say(Text(ja=f"{name} の新しい鍵: ", en=f"New key of {name}: "))
    key = (getpass.getpass(asked) if sys.stdin.isatty() else sys.stdin.readline()).strip()
    if not key:
        raise Invalid(
            Text(ja="新しい鍵がありません", en="There is no new key"),
            hint=Text(
                ja="標準入力の 1 行目に渡してください。", en="Give it as the first line of standard input."
            ),
            code="rotation.no_candidate",
        )
    keep_candidate(plane.settings.var_dir, name, key)


def _end(turning: Turning, done: RunRecord | None, *, as_json: bool) -> None:
    if as_json:
        told = {"name": turning.name, **turning_document(turning)}
        output.show_json({**told, "result": run_document(done) if done else None})
        return
    if done is not None:
        show_run(done)
    print(say_turning(turning))
    print(output.say(_next_of(turning, is_over=done is not None and done.state is RunState.SUCCEEDED)))


def _next_of(turning: Turning, *, is_over: bool) -> Text:
    again = f"`hrx settings rotate {turning.name}`"
    if turning.stage is Stage.BOTH:
        return Text(
            ja=f"→ その時刻のあとに {again} で古い鍵を外します。",
            en=f"→ After that moment {again} retires the former key.",
        )
    if turning.stage is Stage.ALONE and is_over:
        return Text(
            ja="→ 発行者・送る側の画面で、古い鍵を取り消してください。",
            en="→ Now revoke the former key at its issuer or sender.",
        )
    return Text(ja=f"→ 続けるには {again}", en=f"→ To go on: {again}")
