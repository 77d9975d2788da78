"""Where the rotation of a key stands, by what is kept, what waits, and what runs are on record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Conflict, Text
from hrx.kit.secrets import list_accepted
from hrx.ops.ledger.entries import Kind
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.release.environments.candidates import drop_candidate, find_candidate
from hrx.ops.run.acting.turning import find_due_at, open_keeper
from hrx.ops.run.plane import Plane
from hrx.ops.run.planning import PlanRecord, propose
from hrx.ops.run.records import list_unfinished
from hrx.ops.runbook.procedures import get_procedure

ROTATE: Final = "rotate-key"
RETIRE: Final = "retire-key"
_DROPPED: Final = "key_candidate_dropped"


class Stage(StrEnum):
    """What the next run has to do."""

    #: One key counts; a new one is wanted.
    ALONE = "alone"
    #: A new key waits for its place, or is in it and not yet with every program.
    UNDER_WAY = "under_way"
    #: A run has no end on record and nobody is at it: it is gone on with.
    DIED = "died"
    #: Both count, and the overlap is not over.
    BOTH = "both"
    #: Both count, and the former one may be dropped.
    DUE = "due"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turning:
    """Where one rotation stands. `due_at`: from when on the former may go; `run_id`: the run that died;
    `has_third`: a new key waits that two others keep from its place until the former of them is retired."""

    name: str
    stage: Stage
    keys: int
    kept_in: str
    due_at: datetime | None = None
    run_id: str | None = None
    has_third: bool = False


def list_turnable(plane: Plane) -> tuple[str, ...]:
    """The keys that are replaced by a run, by the procedure's own list."""
    return get_procedure(plane.content.procedures, ROTATE).parameters[0].options


def find_turning(plane: Plane, name: str) -> Turning:
    """Where this key's rotation stands now. Raises what the place where it is kept raises."""
    keeper = open_keeper(plane)
    accepted = list_accepted(keeper.read_one(name).value)
    keys = len(accepted)
    died = _find_died(plane, name)
    candidate = find_candidate(plane.settings.var_dir, name)
    # A third key cannot be placed before one of two is retired: that comes first, or nothing ever would.
    has_third = candidate is not None and keys > 1 and candidate not in accepted
    waits = candidate is not None and not has_third
    due_at = find_due_at(plane, name) if keys > 1 else None
    if died is not None:
        stage = Stage.DIED
    elif waits:
        stage = Stage.UNDER_WAY
    elif keys < 2:
        stage = Stage.ALONE
    else:
        stage = Stage.BOTH if due_at is not None and clock.now() < due_at else Stage.DUE
    return Turning(
        name=name,
        stage=stage,
        keys=keys,
        kept_in=keeper.says,
        due_at=due_at,
        run_id=died,
        has_third=has_third,
    )


def propose_next(plane: Plane, turning: Turning, *, reason: str, actor: Actor) -> PlanRecord:
    """The plan of the next half, put on record. Raises as `propose`."""
    procedure = RETIRE if turning.stage is Stage.DUE else ROTATE
    return propose(plane, procedure, params={"name": turning.name}, reason=reason, actor=actor)


def drop_waiting(plane: Plane, name: str, *, actor: Actor) -> bool:
    """Throw the new key that waits away, on record; False when none waits. Safe to repeat.

    Raises Forbidden, and Conflict once it is in its place: then a run goes on with it or takes it back."""
    require(actor, Permission.PLAN_AND_RUN)
    var = plane.settings.var_dir
    candidate = find_candidate(var, name)
    if candidate is None:
        return False
    if candidate in list_accepted(open_keeper(plane).read_one(name).value):
        raise Conflict(
            Text(
                ja=f"{name} の新しい鍵はもう有効です",
                en=f"The new key of {name} counts already",
            ),
            hint=Text(
                ja=f"`hrx settings rotate {name}` で交換を続けてください。",
                en=f"Go on with the rotation: `hrx settings rotate {name}`.",
            ),
            code="rotation.in_its_place",
        )
    drop_candidate(var, name)
    plane.ledger.append(
        Kind.CONTAINMENT,
        actor=actor.name,
        subject="secrets",
        body={
            "change": _DROPPED,
            "name": name,
            "message": {
                "ja": f"待っていた {name} の新しい鍵を捨てました",
                "en": f"The new key of {name} that waited was thrown away",
            },
        },
    )
    return True


def _find_died(plane: Plane, name: str) -> str | None:
    return next(
        (
            run.run_id
            for run in list_unfinished(plane)
            if run.plan is not None
            and run.plan.procedure in (ROTATE, RETIRE)
            and run.plan.params.get("name") == name
        ),
        None,
    )
