"""What the page of a pipeline shows, and the list of pipelines on the page of releases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError
from hrx.ops.operators.roles import Actor, Permission
from hrx.ops.release.pipeline.beginning import look_at
from hrx.ops.release.pipeline.stages import Records, Run, RunStand, Stage, StageRecord, Stand
from hrx.ops.run.pipelines import Asked, PlaneGate, find_asked, find_gate
from hrx.ops.run.plane import Plane

_TAIL: Final = 15
_LISTED: Final = 10
#: Colours of states, as the pages' style sheet names them; what was not checked has that of the unknown.
LOOKS: Final = {
    Stand.WAITING: "resting",
    Stand.RUNNING: "degraded",
    Stand.ASKING: "degraded",
    Stand.HELD: "degraded",
    Stand.PASSED: "ok",
    Stand.NOT_CHECKED: "unknown",
    Stand.FAILED: "down",
    Stand.STOPPED: "down",
    Stand.BLOCKED: "resting",
}
RUN_LOOKS: Final = {
    RunStand.RUNNING: "degraded",
    RunStand.WAITING: "degraded",
    RunStand.LEFT: "degraded",
    RunStand.PASSED: "ok",
    RunStand.UNCHECKED: "unknown",
    RunStand.FAILED: "down",
    RunStand.STOPPED: "down",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StageView:
    """One stage. `tail`: the last lines that its command said, where they tell something now."""

    stage: Stage
    record: StageRecord
    look: str
    lasted_s: float | None
    tail: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run. `asked`: what is to be approved now; `problem`: why that cannot be told."""

    run: Run
    stand: RunStand
    look: str
    stages: tuple[StageView, ...]
    asked: Asked | None = None
    may_approve: bool = False
    problem: HrxError | None = None

    @property
    def key(self) -> str:
        """Changes when another plan, or none, belongs on the page, and when the run ends or goes on."""
        asks = any(one.record.stand is Stand.ASKING for one in self.stages)
        return f"{'asks' if asks else 'works'}-{'over' if self.stand.is_over else 'open'}"


def view_run(gate: PlaneGate, run: Run, *, actor: Actor) -> RunView:
    """Raises RunUnreadable, and Unavailable when the ledger cannot be read."""
    stand, records = look_at(gate.runs, gate.ground.plane.ledger, run)
    asked, problem = None, None
    try:
        asked = find_asked(gate, run, records)
    except HrxError as error:
        problem = error
    barred = asked.barred if asked is not None else frozenset()
    is_other = actor.is_operator and actor.name not in barred
    return replace(
        _view(gate, run, stand, records),
        asked=asked,
        may_approve=is_other and actor.may(Permission.APPROVE),
        problem=problem,
    )


def view_progress(gate: PlaneGate, run: Run) -> RunView:
    """Stages alone, asked for every few seconds: no plan is made for that. Raises as `view_run`."""
    stand, records = look_at(gate.runs, gate.ground.plane.ledger, run)
    return _view(gate, run, stand, records)


def list_runs(plane: Plane) -> tuple[RunView, ...]:
    """The newest runs, without their logs. Raises RunUnreadable."""
    store = find_gate(plane).runs
    found = []
    for run in store.list_all()[:_LISTED]:
        stand, _ = look_at(store, plane.ledger, run)
        found.append(RunView(run=run, stand=stand, look=RUN_LOOKS[stand], stages=()))
    return tuple(found)


def _view(gate: PlaneGate, run: Run, stand: RunStand, records: Records) -> RunView:
    return RunView(
        run=run,
        stand=stand,
        look=RUN_LOOKS[stand],
        stages=tuple(_view_stage(gate, run, one, records[one.id]) for one in run.stages),
    )


def _view_stage(gate: PlaneGate, run: Run, stage: Stage, record: StageRecord) -> StageView:
    tells = record.stand in (Stand.RUNNING, Stand.FAILED, Stand.STOPPED, Stand.NOT_CHECKED)
    return StageView(
        stage=stage,
        record=record,
        look=LOOKS[record.stand],
        lasted_s=record.lasted_s(clock.now()),
        tail=gate.runs.stage(run, stage).tail(lines=_TAIL) if tells and not stage.is_approval else (),
    )
