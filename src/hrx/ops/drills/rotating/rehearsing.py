"""Every rotation once, by its own procedure, while everybody goes on using what is rotated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError
from hrx.ops.drills.rotating.ground import Rehearsal
from hrx.ops.plan import Effect, Plan
from hrx.ops.release.environments.candidates import keep_candidate
from hrx.ops.run.acting.turning import open_keeper
from hrx.ops.run.actions import perform
from hrx.ops.run.planning import make_plan

_SLACK: Final = "HRX_SLACK_SIGNING_SECRET"
_HOOK: Final = "HRX_OPS_HOOK_TOKEN"  # the name of a secret, not one
ROLES: Final = ("hrx_app", "hrx_ops", "hrx_backup", "hrx_repair", "hrx_owner", "hrx_restore")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What one rotation did to those who used it. `is_new`: what is kept in the end is another one."""

    name: str
    steps: int
    seconds: float
    let_in: int
    refused: tuple[str, ...]
    is_new: bool
    problem: str | None = None

    @property
    def is_clean(self) -> bool:
        return self.is_new and not self.refused and self.problem is None and self.let_in > 0


def list_rehearsed(rehearsal: Rehearsal) -> tuple[str, ...]:
    """What is rotated on this ground, in order: roles of the database, keys of vendors, words of callers."""
    return (*ROLES, *rehearsal.stand_in.issued, _SLACK, _HOOK)


def rehearse(rehearsal: Rehearsal, name: str) -> Rotated:
    """Rotate this one from its first step to its last proof; what went wrong is in the answer.

    Everybody comes once more after each step that changes something: a gap is met, not only possible."""
    began, before = clock.monotonic_s(), _count(rehearsal)
    kept, steps, problem = _kept(rehearsal, name), 0, None
    try:
        for plan in _list_plans(rehearsal, name):
            for step in (*plan.steps, *plan.proofs):
                perform(rehearsal.plane, step.action, timeout_s=step.timeout_s)
                steps += 1
                if step.effect is not Effect.READS:
                    rehearsal.wait_for_everybody()
    except HrxError as error:
        problem = error.message.en
    after = _count(rehearsal)
    return Rotated(
        name=name,
        steps=steps,
        seconds=clock.monotonic_s() - began,
        let_in=sum((after[0] - before[0]).values()),
        refused=tuple((after[1] - before[1]).elements()),
        is_new=_kept(rehearsal, name) != kept,
        problem=problem,
    )


def _list_plans(rehearsal: Rehearsal, name: str) -> Iterator[Plan]:
    plane = rehearsal.plane
    if name in ROLES:
        procedure = "rotate-database-password" if name == "hrx_app" else "rotate-operations-password"
        yield make_plan(plane, procedure, params={"role": name})
        return
    settle = _bring_new_key(rehearsal, name)
    yield make_plan(plane, "rotate-key", params={"name": name})
    settle()
    yield make_plan(plane, "retire-key", params={"name": name})


def _bring_new_key(rehearsal: Rehearsal, name: str) -> Callable[[], None]:
    """Have the issuer make one, or the caller; gives what they do once both count here."""
    stand_in, var = rehearsal.stand_in, rehearsal.plane.settings.var_dir
    if name == _HOOK:
        return lambda: None
    if name == _SLACK:
        word = f"slack-{clock.now():%Y%m%d%H%M%S%f}"
        keep_candidate(var, name, word)
        return lambda: setattr(stand_in, "slack", word)
    key = stand_in.issue(name)
    keep_candidate(var, name, key)
    return lambda: stand_in.revoke(name, but=key)


def _kept(rehearsal: Rehearsal, name: str) -> str:
    if name in ROLES:
        return rehearsal.read_password(name)
    return open_keeper(rehearsal.plane).read_one(name).value


def _count(rehearsal: Rehearsal) -> tuple[Counter[str], Counter[str]]:
    visitors = rehearsal.visitors
    let_in = Counter({"": sum(visitor.let_in for visitor in visitors)})
    return let_in, Counter(said for visitor in visitors for said in visitor.refused)
