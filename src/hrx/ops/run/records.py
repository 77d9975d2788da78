"""Runs as the ledger remembers them. There is no other state: what is not on record did not happen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from hrx.kit.errors import NotFound, Text
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind, Ledger
from hrx.ops.ledger.leases import Lease
from hrx.ops.lock import is_abandoned, list_held
from hrx.ops.plan import Plan, Step
from hrx.ops.run.plane import Plane
from hrx.ops.run.planning import get_plan


class RunState(StrEnum):
    """Where a run stands. DIED: it has no end on record and nobody is at it any more."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUSED = "refused"
    CLOSED = "closed"
    DIED = "died"


class StepState(StrEnum):
    """Where one step stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNDONE = "undone"
    UNDO_FAILED = "undo_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One step (or proof) of a run as it went. `Any`: evidence has the shape that its action gave it."""

    step: Step
    is_proof: bool
    state: StepState
    started_at: datetime | None = None
    ended_at: datetime | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    message: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run: of which plan, by whom, how far, how it ended."""

    run_id: str
    plan_seq: int
    plan: Plan | None
    actor: str
    state: RunState
    steps: tuple[StepRecord, ...]
    started_at: datetime | None
    finished_at: datetime | None
    message: Text | None
    entries: tuple[Entry, ...]

    @property
    def is_over(self) -> bool:
        return self.state not in (RunState.WAITING, RunState.RUNNING, RunState.DIED)

    @property
    def done_keys(self) -> frozenset[str]:
        return frozenset(record.step.key for record in self.steps if record.state is StepState.DONE)


def get_run(plane: Plane, run_id: str) -> RunRecord:
    """The run with this id. Raises NotFound when nothing was ever recorded under it."""
    found = find_run(plane, run_id)
    if found is None:
        raise NotFound(
            Text(ja=f"実行 {run_id} の記録はありません", en=f"There is no run {run_id}"),
            hint=Text(ja="`hrx procedure runs` で一覧できます。", en="`hrx procedure runs` lists them."),
            code="run.not_found",
        )
    return found


def find_run(plane: Plane, run_id: str) -> RunRecord | None:
    """The run with this id, or None when its process has not recorded anything yet."""
    entries = plane.ledger.list_run(run_id)
    if not entries:
        return None
    found = _to_run(plane, run_id, entries)
    if found.state is not RunState.DIED:
        return found
    # It may have ended, and let go of its lock, between reading its entries and looking for its lock.
    return _to_run(plane, run_id, plane.ledger.list_run(run_id))


def list_runs(plane: Plane, *, limit: int = 20, subject: str | None = None) -> list[RunRecord]:
    """The newest runs, refused ones too."""
    wanted = EntryFilter(kinds=(Kind.RUN_STARTED, Kind.RUN_REFUSED), subject=subject)
    ids = dict.fromkeys(entry.run_id for entry in plane.ledger.list_entries(wanted, limit=limit))
    return [run for run_id in ids if (run := find_run(plane, run_id)) is not None]


def list_unfinished(plane: Plane) -> list[RunRecord]:
    """Runs without an end whose process is gone: to be resumed or closed by somebody."""
    started = plane.ledger.list_entries(EntryFilter(kinds=(Kind.RUN_STARTED,)), limit=200)
    runs = [find_run(plane, entry.run_id) for entry in started if not _has_end(plane.ledger, entry)]
    return [run for run in runs if run is not None and run.state is RunState.DIED]


def _has_end(ledger: Ledger, started: Entry) -> bool:
    ends = EntryFilter(kinds=(Kind.RUN_FINISHED,), run_id=started.run_id)
    return bool(ledger.list_entries(ends, limit=1))


def _to_run(plane: Plane, run_id: str, entries: Sequence[Entry]) -> RunRecord:
    first, last = entries[0], entries[-1]
    plan_seq = int(first.body["plan_seq"])
    # A refused run may be refused because the plan on record is damaged; the page must open even then.
    plan = None if first.body.get("code") == "plan.corrupt" else get_plan(plane, plan_seq).plan
    state = _state_of(plane, entries)
    steps = [(step, False) for step in plan.steps] + [(step, True) for step in plan.proofs] if plan else []
    ended = last if last.kind in (Kind.RUN_FINISHED, Kind.RUN_REFUSED) else None
    started = next((entry for entry in entries if entry.kind is Kind.RUN_STARTED), None)
    return RunRecord(
        run_id=run_id,
        plan_seq=plan_seq,
        plan=plan,
        actor=first.actor,
        state=state,
        steps=tuple(_to_step(step, is_proof=is_proof, entries=entries) for step, is_proof in steps),
        started_at=started.at if started else None,
        finished_at=ended.at if ended else None,
        message=_message(ended) if ended else None,
        entries=tuple(entries),
    )


def _state_of(plane: Plane, entries: Sequence[Entry]) -> RunState:
    last = entries[-1]
    if last.kind is Kind.RUN_REFUSED:
        return RunState.REFUSED
    if last.kind is Kind.RUN_FINISHED:
        return RunState(last.body["outcome"])
    held = [lease for lease in list_held(plane.ledger) if _is_of_run(lease, entries[0].run_id)]
    is_alive = bool(held) and not is_abandoned(held[0])
    return RunState.RUNNING if is_alive else RunState.DIED


def _is_of_run(lease: Lease, run_id: str) -> bool:
    return lease.reason.endswith(f"({run_id})")


def _to_step(step: Step, *, is_proof: bool, entries: Sequence[Entry]) -> StepRecord:
    mine = [entry for entry in entries if entry.body.get("step") == step.key]
    record = StepRecord(step=step, is_proof=is_proof, state=StepState.PENDING)
    if not mine:
        return record
    last = mine[-1]
    started = [entry for entry in mine if entry.kind is Kind.STEP_STARTED]
    # What the step itself left, before anything was taken back.
    ended = [entry for entry in mine if entry.kind in (Kind.STEP_DONE, Kind.STEP_FAILED, Kind.PROOF)]
    return StepRecord(
        step=step,
        is_proof=is_proof,
        state=_step_state(last),
        started_at=started[-1].at if started else None,
        ended_at=ended[-1].at if ended else None,
        evidence=ended[-1].body.get("evidence", {}) if ended else {},
        message=_message(ended[-1]) if ended else None,
    )


def _step_state(last: Entry) -> StepState:
    if last.kind is Kind.UNDO:
        return StepState.UNDONE if last.body.get("is_undone") else StepState.UNDO_FAILED
    return {
        Kind.STEP_STARTED: StepState.RUNNING,
        Kind.STEP_DONE: StepState.DONE,
        Kind.PROOF: StepState.DONE,
        Kind.STEP_FAILED: StepState.FAILED,
    }.get(last.kind, StepState.PENDING)


def _message(entry: Entry) -> Text | None:
    said = entry.body.get("message")
    if isinstance(said, dict) and "ja" in said and "en" in said:
        return Text(ja=str(said["ja"]), en=str(said["en"]))
    return None
