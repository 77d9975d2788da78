"""What the page of a pipeline shows, and the list of pipelines on the page of releases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError, Text
from hrx.ops import words
from hrx.ops.operators.roles import Actor, Permission
from hrx.ops.release.pipeline.beginning import look_at
from hrx.ops.release.pipeline.stages import Records, Run, RunStand, Stage, StageRecord, Stand
from hrx.ops.release.strategies.rollout import Strategy
from hrx.ops.release.strategies.wording import STRATEGIES
from hrx.ops.run.pipeline_plans import NONE, UNKNOWN
from hrx.ops.run.pipelines import Asked, PlaneGate, find_asked, find_gate
from hrx.ops.run.plane import Plane

_TAIL: Final = 15
#: A longer word is a hash, of which the beginning is enough to compare.
_LONGEST: Final = 40
_PLAIN: Final = {
    UNKNOWN: Text(ja="不明", en="not known"),
    NONE: Text(ja="なし", en="none"),
}
_LISTED: Final = 10
#: Classes of states in the pages' style sheet; what was not checked has that of the unknown.
LOOKS: Final = {
    Stand.WAITING: "s-resting",
    Stand.RUNNING: "r-running",
    Stand.ASKING: "s-degraded",
    Stand.HELD: "s-degraded",
    Stand.PASSED: "s-ok",
    Stand.NOT_CHECKED: "s-unknown",
    Stand.FAILED: "s-down",
    Stand.STOPPED: "s-down",
    Stand.BLOCKED: "s-resting",
}
#: What needs somebody comes first, in the counts and among the logs.
_ORDER: Final = (
    Stand.FAILED,
    Stand.STOPPED,
    Stand.ASKING,
    Stand.HELD,
    Stand.NOT_CHECKED,
    Stand.RUNNING,
    Stand.PASSED,
    Stand.WAITING,
    Stand.BLOCKED,
)
RUN_LOOKS: Final = {
    RunStand.RUNNING: "r-running",
    RunStand.WAITING: "s-degraded",
    RunStand.LEFT: "s-degraded",
    RunStand.PASSED: "s-ok",
    RunStand.UNCHECKED: "s-unknown",
    RunStand.FAILED: "s-down",
    RunStand.STOPPED: "s-down",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StageView:
    """One stage. `needs`: what the stages before it are called. `tail`: the last lines that its command said,
    where they tell something now."""

    stage: Stage
    record: StageRecord
    look: str
    needs: tuple[Text, ...]
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
    def counts(self) -> tuple[tuple[Stand, int], ...]:
        """How many stages stand how."""
        stands = [one.record.stand for one in self.stages]
        return tuple((one, stands.count(one)) for one in _ORDER if one in stands)

    @property
    def facts(self) -> tuple[tuple[str, Text], ...]:
        """What the plan rests on, in words; nothing of it is left out."""
        if self.asked is None:
            return ()
        titles = {one.stage.id: one.stage.title for one in self.stages}
        return tuple(
            (name, _say_fact(name, value, titles)) for name, value in self.asked.record.plan.facts.items()
        )

    @property
    def logs(self) -> tuple[StageView, ...]:
        """Stages whose last lines tell something now."""
        told = [one for one in self.stages if one.tail]
        return tuple(sorted(told, key=lambda one: _ORDER.index(one.record.stand)))

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


def _say_fact(name: str, value: str, titles: Mapping[str, Text]) -> Text:
    if name == "release.checks":
        pairs = [one.partition("=") for one in value.split(", ") if one]
        said = [
            (titles.get(stage, Text(ja=stage, en=stage)), words.find("pipeline_stage", stand))
            for stage, _, stand in pairs
        ]
        return Text(
            ja="、".join(f"{title.ja}: {stand.ja}" for title, stand in said),
            en=", ".join(f"{title.en}: {stand.en.lower()}" for title, stand in said),
        )
    if name == "release.strategy" and value in set(Strategy):
        return STRATEGIES[Strategy(value)]
    if value in _PLAIN:
        return _PLAIN[value]
    is_hash = len(value) > _LONGEST and " " not in value
    return Text(ja=value, en=value) if not is_hash else Text(ja=f"{value[:16]}…", en=f"{value[:16]}…")


def _view_stage(gate: PlaneGate, run: Run, stage: Stage, record: StageRecord) -> StageView:
    tells = record.stand in (Stand.RUNNING, Stand.FAILED, Stand.STOPPED, Stand.NOT_CHECKED)
    return StageView(
        stage=stage,
        record=record,
        look=LOOKS[record.stand],
        needs=tuple(run.get_stage(name).title for name in stage.needs),
        lasted_s=record.lasted_s(clock.now()),
        tail=gate.runs.stage(run, stage).tail(lines=_TAIL) if tells and not stage.is_approval else (),
    )
