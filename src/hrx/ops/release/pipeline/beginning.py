"""Beginning a run, going on with one, ending one: what is decided before any stage runs."""

from __future__ import annotations

import fcntl
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Conflict, Invalid, NotFound, Text
from hrx.ops import lock
from hrx.ops.ledger.entries import Kind, Ledger
from hrx.ops.ledger.leases import Lease
from hrx.ops.release.pipeline.engine import lock_name
from hrx.ops.release.pipeline.stages import (
    BROKEN,
    Definition,
    Goal,
    Reads,
    Run,
    RunStand,
    StageRecord,
    Stand,
    stand_of,
)
from hrx.ops.release.pipeline.storing import RunStore
from hrx.ops.release.releases import Release

_TURN: Final = ".turn"


class PipelineUnderWay(Conflict):
    """Another run to the same environment has not come to its end."""

    code = "pipeline.under_way"


def begin_run(
    store: RunStore,
    ledger: Ledger,
    definition: Definition,
    *,
    environment: str,
    goal: Goal,
    commit: str,
    release: Release | None,
    actor: str,
) -> Run:
    """A new run, on disk and in the ledger; with `release`, its build counts as done.

    Raises PipelineUnderWay, RunUnreadable, OSError."""
    store.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (store.folder / _TURN).open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        _refuse_second(store, ledger, environment)
        run = Run(
            id=store.next_id(),
            environment=environment,
            goal=goal,
            commit=commit,
            began_by=actor,
            began_at=clock.now(),
            stages=definition.list_for(goal),
            release_id=release.id if release is not None else "",
        )
        body = {"act": "begun", "goal": goal.value, "commit": commit, "release": run.release_id}
        ledger.append(Kind.PIPELINE, actor=actor, subject=f"pipeline:{run.id}", body=body)
        for stage in run.stages if release is not None else ():
            if stage.reads is Reads.RELEASE:
                given = Text(ja=f"{run.release_id}(指定)", en=f"{run.release_id} (given)")
                store.save_record(run, StageRecord(stage=stage.id, stand=Stand.PASSED, says=given))
        store.save(run)
    return run


def prepare_resume(
    store: RunStore, ledger: Ledger, run: Run, *, again: Sequence[str] = (), actor: str
) -> None:
    """Let everything that failed, was stopped or was blocked be begun again, and `again` besides.

    Raises LockHeld while somebody drives it, NotFound for an unknown stage, Invalid for a running one."""
    held = _find_driver(ledger, run)
    if held is not None:
        raise lock.LockHeld(held)
    records = store.records(run)
    for name in again:
        if name not in records:
            raise NotFound(
                Text(ja=f"段階 {name} はありません", en=f"There is no stage {name}"),
                hint=Text(
                    ja=f"`hrx release pipeline status {run.id}` で一覧できます。",
                    en=f"`hrx release pipeline status {run.id}` lists them.",
                ),
                code="pipeline.no_stage",
            )
        if records[name].stand is Stand.RUNNING:
            raise Invalid(
                Text(ja=f"段階 {name} は実行中です", en=f"Stage {name} is running"),
                code="pipeline.stage_runs",
            )
    body = {"act": "resumed", "again": list(again)}
    ledger.append(Kind.PIPELINE, actor=actor, subject=f"pipeline:{run.id}", body=body)
    store.forget_stop(run.id)
    for name, record in records.items():
        if record.stand in BROKEN or name in again:
            store.save_record(run, replace(record, stand=Stand.WAITING, says=None, exit_code=None))


def look_at(store: RunStore, ledger: Ledger, run: Run) -> tuple[RunStand, dict[str, StageRecord]]:
    """Where a run stands. Raises RunUnreadable."""
    records = store.records(run)
    return stand_of(run.stages, records, is_worked_on=is_worked_on(ledger, run)), records


def is_worked_on(ledger: Ledger, run: Run) -> bool:
    """Whether a runner that lives holds the environment for this run."""
    return _find_driver(ledger, run) is not None


def _find_driver(ledger: Ledger, run: Run) -> Lease | None:
    name = lock_name(run.environment)
    held = next((one for one in lock.list_held(ledger) if one.name == name), None)
    is_ours = held is not None and held.reason == run.id and not lock.is_abandoned(held)
    return held if is_ours else None


def _refuse_second(store: RunStore, ledger: Ledger, environment: str) -> None:
    for one in store.list_all():
        if one.environment == environment and not look_at(store, ledger, one)[0].is_over:
            raise PipelineUnderWay(
                Text(
                    ja=f"パイプライン {one.id} がまだ終わっていません",
                    en=f"Pipeline {one.id} has not come to its end",
                ),
                hint=Text(
                    ja=f"`hrx release pipeline resume {one.id}` で続けるか、"
                    f"`hrx release pipeline stop {one.id}` で止めてください。",
                    en=f"Go on with `hrx release pipeline resume {one.id}`, "
                    f"or end it: `hrx release pipeline stop {one.id}`.",
                ),
            )
