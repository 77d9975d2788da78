"""Drives one run: begins what may begin, takes up what a dead runner left, stops where a person is needed.

It holds no state of its own: every tick reads the disk, decides, writes. A transition is in the ledger before
it is on disk, so one that was cut off is told twice rather than not at all."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops import lock
from hrx.ops.ledger.entries import Kind, Ledger
from hrx.ops.ledger.leases import Lease
from hrx.ops.release.pipeline.gates import Gate
from hrx.ops.release.pipeline.judging import Ending, judge
from hrx.ops.release.pipeline.stages import (
    DONE,
    OPEN,
    OnDeath,
    Reads,
    Records,
    Run,
    RunStand,
    Stage,
    StageRecord,
    Stand,
    is_blocked,
    is_ready,
    stand_of,
)
from hrx.ops.release.pipeline.starting import Keepers, Look
from hrx.ops.release.pipeline.storing import RunStore
from hrx.ops.release.releases import CheckResult
from hrx.ops.release.results import ResultShelf
from hrx.ops.release.store import ReleaseStore

#: Stages that run at the same time; each may use the whole machine.
AT_ONCE: Final = 2
LEASE_S: Final = 60.0
_RENEW_S: Final = 15.0
_TICK_S: Final = 0.2
#: Questions to people and to the calendar cost a look at the repository and the database.
_ASK_AGAIN_S: Final = 2.0

Tell = Callable[[Run, Records], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where runs are driven: their folder, the releases', the ledger, and whoever is asked."""

    store: RunStore
    releases: ReleaseStore
    ledger: Ledger
    gate: Gate
    keepers: Keepers


def lock_name(environment: str) -> str:
    """One run at a time goes to one environment."""
    return f"pipeline:{environment}"


class Runner:
    """One process at work on one run. `only`: the stages that it may begin; all when empty."""

    def __init__(self, bench: Bench, run_id: str, *, actor: str, only: frozenset[str] = frozenset()) -> None:
        self._bench = bench
        self._store = bench.store
        self._run_id = run_id
        self._actor = actor
        self._only = only
        self._asked_at: dict[str, float] = {}

    def drive(self, *, wait_s: float = 0.0, tell: Tell | None = None) -> RunStand:
        """Until it is over, or only people or the calendar can let it go on and `wait_s` seconds have passed.

        Raises LockHeld, LockLost, RunUnreadable, Unavailable."""
        run = self._store.get(self._run_id)
        lease = self._take(run)
        try:
            return self._follow(lease, wait_s=wait_s, tell=tell)
        finally:
            self._bench.keepers.collect()
            if lease is not None:
                lock.release(self._bench.ledger, lease)

    def tick(self) -> RunStand:
        """One look at everything, and what follows from it."""
        run = self._store.get(self._run_id)
        records = self._store.records(run)
        for stage in run.stages:
            if records[stage.id].stand is Stand.RUNNING:
                run = self._look_after(run, stage, records)
        if self._store.is_asked_to_stop(run.id):
            self._stop(run, records)
        else:
            for stage in run.stages:
                self._go_on(run, stage, records)
        return self._stand(run, records)

    def _follow(self, lease: Lease | None, *, wait_s: float, tell: Tell | None) -> RunStand:
        renewed = waiting_since = clock.monotonic_s()
        while True:
            stand = self.tick()
            run = self._store.get(self._run_id)
            if tell is not None:
                tell(run, self._store.records(run))
            now = clock.monotonic_s()
            if stand is not RunStand.WAITING:
                waiting_since = now
            if stand.is_over or (stand is RunStand.WAITING and now - waiting_since >= wait_s):
                return stand
            if lease is not None and now - renewed > _RENEW_S:
                lease, renewed = lock.renew(self._bench.ledger, lease, valid_s=LEASE_S), now
            time.sleep(_TICK_S)

    def _take(self, run: Run) -> Lease | None:
        """The environment's lock. A job that may begin one stage only shares the lock of its own run."""
        try:
            return lock.acquire(
                self._bench.ledger,
                lock_name(run.environment),
                owner=self._actor,
                reason=run.id,
                valid_s=LEASE_S,
            )
        except lock.LockHeld as error:
            if self._only and error.held.reason == run.id:
                return None
            raise

    def _stand(self, run: Run, records: Records) -> RunStand:
        if not self._only:
            return stand_of(run.stages, records, is_worked_on=True)
        mine = [one for one in run.stages if one.id in self._only]
        # What could begin and has not waits for a place among those that run.
        waits = [
            is_ready(one, run.stages, records) and records[one.id].stand is Stand.WAITING for one in mine
        ]
        if any(waits) or any(records[one.id].stand is Stand.RUNNING for one in mine):
            return RunStand.RUNNING
        # Others' stages are others' jobs: what waits for them waits.
        is_open = any(records[one.id].stand in OPEN for one in mine)
        if is_open:
            return RunStand.WAITING
        return stand_of(run.stages, _alone(records, mine), is_worked_on=True)

    def _look_after(self, run: Run, stage: Stage, records: dict[str, StageRecord]) -> Run:
        record, folder = records[stage.id], self._store.stage(run, stage)
        seen = self._bench.keepers.look(folder, stage, attempt=record.attempt)
        if seen.look is Look.DEAD:
            self._bench.keepers.clear(folder, attempt=record.attempt)
            self._bury(run, stage, records)
        elif seen.result is not None:
            ending = judge(stage, seen.result)
            if ending.release_id:
                ending = self._check_commit(run, ending)
            if ending.release_id:
                run = replace(run, release_id=ending.release_id)
                self._store.save(run)
            ended = replace(
                record,
                stand=ending.stand,
                ended_at=clock.now(),
                exit_code=ending.exit_code,
                says=ending.says,
            )
            self._keep_result(run, stage, ended)
            self._note(run, records, ended)
        return run

    def _check_commit(self, run: Run, ending: Ending) -> Ending:
        """The build's end; a failure when its release is of another commit than the run was begun for."""
        release = self._bench.releases.find(ending.release_id)
        if release is not None and release.commit == run.commit:
            return ending
        found = release.commit[:12] if release is not None else "-"
        says = Text(
            ja=f"{ending.release_id} はコミット {found} のもので、{run.commit[:12]} ではありません",
            en=f"{ending.release_id} is of commit {found}, not of {run.commit[:12]}",
        )
        return Ending(stand=Stand.FAILED, exit_code=ending.exit_code, says=says)

    def _bury(self, run: Run, stage: Stage, records: dict[str, StageRecord]) -> None:
        """What was killed in the middle is begun again, or a person is asked first."""
        record = records[stage.id]
        died = Text(ja="途中で失われました", en="was killed before its end")
        if self._store.is_asked_to_stop(run.id):
            self._note(run, records, replace(record, stand=Stand.STOPPED, ended_at=clock.now(), says=died))
            return
        if stage.on_death is OnDeath.AGAIN:
            self._begin(run, stage, records, says=died)
            return
        hint = Text(
            ja=f"{died.ja}。確かめてから `hrx release pipeline resume {run.id} --again {stage.id}`",
            en=f"{died.en}; look first, then `hrx release pipeline resume {run.id} --again {stage.id}`",
        )
        self._note(run, records, replace(record, stand=Stand.FAILED, ended_at=clock.now(), says=hint))

    def _keep_result(self, run: Run, stage: Stage, record: StageRecord) -> None:
        if stage.reads is Reads.CHECK and run.release_id and record.outcome is not None:
            detail = record.says.en if record.says is not None else ""
            check = CheckResult(name=stage.id, outcome=record.outcome, detail=detail)
            ResultShelf(self._bench.releases.folder).keep(run.release_id, check, run=run.id)

    def _go_on(self, run: Run, stage: Stage, records: dict[str, StageRecord]) -> None:
        if self._only and stage.id not in self._only:
            return
        if is_blocked(stage, run.stages, records):
            says = Text(ja="必要な段階が済まなかった", en="something that it needs was not done")
            self._note(run, records, replace(records[stage.id], stand=Stand.BLOCKED, says=says))
        elif not is_ready(stage, run.stages, records):
            return
        elif stage.is_approval:
            self._ask(run, stage, records)
        elif self._may_begin(run, stage, records):
            self._begin(run, stage, records)

    def _ask(self, run: Run, stage: Stage, records: dict[str, StageRecord]) -> None:
        if not self._is_time(stage):
            return
        word = self._bench.gate.ask_word(run, records)
        stand = Stand.PASSED if word.counts else Stand.ASKING
        now = clock.now() if word.counts else None
        self._note_if_new(
            run, records, replace(records[stage.id], stand=stand, says=word.says, ended_at=now), by=word.by
        )

    def _may_begin(self, run: Run, stage: Stage, records: dict[str, StageRecord]) -> bool:
        if sum(one.stand is Stand.RUNNING for one in records.values()) >= AT_ONCE:
            return False
        approvals = [name for name in stage.needs if run.get_stage(name).is_approval]
        # Only the first step into production is held: what follows it looks after what was begun.
        if not approvals:
            return True
        return self._is_time(stage) and self._may_enter(run, stage, records, approvals)

    def _may_enter(
        self, run: Run, stage: Stage, records: dict[str, StageRecord], approvals: list[str]
    ) -> bool:
        """Whether the word given still counts, at this very moment, and the calendar lets it."""
        word = self._bench.gate.ask_word(run, records)
        if not word.counts:
            for name in approvals:
                asking = replace(records[name], stand=Stand.ASKING, says=word.says, ended_at=None)
                self._note(run, records, asking)
            self._note_if_new(run, records, replace(records[stage.id], stand=Stand.WAITING, says=None))
            return False
        hold = self._bench.gate.find_hold(run)
        if hold is not None:
            self._note_if_new(run, records, replace(records[stage.id], stand=Stand.HELD, says=hold.reason))
        return hold is None

    def _begin(
        self, run: Run, stage: Stage, records: dict[str, StageRecord], *, says: Text | None = None
    ) -> None:
        record = records[stage.id]
        begun = StageRecord(
            stage=stage.id,
            stand=Stand.RUNNING,
            attempt=record.attempt + 1,
            began_at=clock.now(),
            says=says,
        )
        self._note(run, records, begun)
        self._bench.keepers.start(self._store.stage(run, stage), run, stage, attempt=begun.attempt)

    def _stop(self, run: Run, records: dict[str, StageRecord]) -> None:
        for stage in run.stages:
            record = records[stage.id]
            if record.stand is Stand.RUNNING:
                self._bench.keepers.stop(self._store.stage(run, stage), attempt=record.attempt)
            elif record.stand in OPEN:
                says = Text(ja="止めました", en="stopped")
                self._note(run, records, replace(record, stand=Stand.STOPPED, says=says))

    def _is_time(self, stage: Stage) -> bool:
        """Whether a question may be asked again."""
        now = clock.monotonic_s()
        if now - self._asked_at.get(stage.id, -_ASK_AGAIN_S) < _ASK_AGAIN_S:
            return False
        self._asked_at[stage.id] = now
        return True

    def _note_if_new(
        self, run: Run, records: dict[str, StageRecord], record: StageRecord, *, by: str = ""
    ) -> None:
        former = records[record.stage]
        if (former.stand, former.says) != (record.stand, record.says):
            self._note(run, records, record, by=by)

    def _note(self, run: Run, records: dict[str, StageRecord], record: StageRecord, *, by: str = "") -> None:
        """The transition, in the ledger and then on disk."""
        self._bench.ledger.append(
            Kind.PIPELINE,
            actor=by or self._actor,
            subject=f"pipeline:{run.id}",
            body={
                "act": "stage",
                "stage": record.stage,
                "stand": record.stand.value,
                "attempt": record.attempt,
                "release": run.release_id,
                "exit_code": record.exit_code,
                "says": {"ja": record.says.ja, "en": record.says.en} if record.says else None,
            },
        )
        self._store.save_record(run, record)
        records[record.stage] = record


def _alone(records: Records, stages: list[Stage]) -> dict[str, StageRecord]:
    """The same, with everything else done: how these stages stand by themselves."""
    mine = {one.id for one in stages}
    return {
        name: one if name in mine or one.stand in DONE else replace(one, stand=Stand.PASSED)
        for name, one in records.items()
    }
