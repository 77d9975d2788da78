"""A release on its way to this machine's people: the schema, the slot that rests, and what follows a rollout.

What is done is on record before it is done (the store's placements, the rollout's own record): the same
command after any kind of death goes on where it stood. The worker follows the requests, last."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError, Text, Unavailable
from hrx.ops import lock as locks
from hrx.ops.ledger.entries import Ledger
from hrx.ops.release.building.building import find_code, is_built
from hrx.ops.release.gathering import find_jobs
from hrx.ops.release.kept_jobs import count_waiting, give_back, keep_jobs, not_kept
from hrx.ops.release.migrations.deciding import RPO, VerifiedBackup
from hrx.ops.release.migrations.running import MigrationRun, upgrade_to
from hrx.ops.release.placing import place_rollout
from hrx.ops.release.pointers import PointerChange, list_changes
from hrx.ops.release.releases import Environment, Release, Slot
from hrx.ops.release.store import ReleaseStore
from hrx.ops.release.strategies.progress import Progress, Stand
from hrx.ops.release.strategies.rollout import Rollout
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.machine.slot_code import WORKER, SlotCode, place_code, read_slot_code
from hrx.ops.targets.machine.supervisor import Supervisor
from hrx.ops.targets.machine.supervisor_config import list_variables
from hrx.ops.targets.target import PartState

_WORKER_WITHIN_S: Final = 60.0
#: What nobody else may do beside: the schema, what the slots hold, the worker.
LOCK: Final = "release:this-machine"
#: Three programs are stopped within their 60 s, and a backfill may come before.
LOCK_S: Final = 3600.0
_POLL_S: Final = 0.25
_OWNER: Final = "hrx_owner"
#: What a slot consists of, the API first.
SERVICES: Final = ("api", "web")

Tell = Callable[[Text], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """This machine as one environment: its folders, its releases."""

    layout: Layout
    settings: OpsSettings

    @property
    def environment(self) -> Environment:
        return Environment(self.settings.environment)

    @property
    def store(self) -> ReleaseStore:
        return ReleaseStore(self.settings.var_dir / "releases")

    @property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.layout.supervisor_socket)

    def find_held(self, slot: Slot) -> str | None:
        """The release that a slot holds; None for the checkout's code."""
        placed = self.store.look(self.environment).slots.get(slot)
        return placed.release_id if placed is not None else None

    def get_owner_url(self) -> str:
        """The schema's owner. Raises Unavailable where the database is elsewhere."""
        return Machine(self.layout).database_url(_OWNER)

    def list_jobs(self, code: SlotCode | None) -> frozenset[str]:
        """Kinds of jobs that the worker of this code knows (None: the checkout's)."""
        home = code.code if code is not None else self.layout.root
        return find_jobs(home / "src" / "hrx" / "app")

    def list_given(self, part: str) -> frozenset[str]:
        """Names of the variables that a program is started with."""
        return list_variables(self.layout, part)

    def list_all_jobs(self) -> frozenset[str]:
        """Kinds of jobs that any code here knows: that of the slots and the worker, and of every release on
        record."""
        placed = read_slot_code(self.layout.run)
        kinds = [self.list_jobs(placed.get(part)) for part in (WORKER, *(f"api-{slot}" for slot in Slot))]
        kinds += [one.handles for one in self.store.list_all() if one.handles is not None]
        return frozenset[str]().union(*kinds)


def migrate(
    place: Place, release: Release, *, owner_url: str, backup: VerifiedBackup | None, tell: Tell
) -> MigrationRun:
    """The schema first: old and new code both work on it (the template of a migration says how). Raises as
    `upgrade_to` does; nothing of the release is placed then."""
    code = find_code(place.store, release)
    folder = code.code / "migrations"
    return upgrade_to(owner_url, folder=folder, backup=backup, rpo=RPO, tell=tell, python=str(code.python))


def fill(place: Place, release: Release, rollout: Rollout, *, by: str) -> None:
    """Put the release into the rollout's new slot, which nobody uses; nothing is started. May be repeated.

    Raises PlacementChanged, Unavailable, Conflict."""
    _note_held(place, release, rollout.new, by=by, run=rollout.id)
    _fill(place, release, rollout.new, rollout.services)


def fill_slot(place: Place, release: Release, slot: Slot, *, by: str) -> None:
    """The same without a rollout. A slot that holds the checkout's version of a release keeps it."""
    _note_held(place, release, slot, by=by)
    if is_built(place.store, release):
        _fill(place, release, slot, SERVICES)


def _note_held(place: Place, release: Release, slot: Slot, *, by: str, run: str = "") -> None:
    held = place.find_held(slot)
    if held != release.id:
        place.store.place(place.environment, slot, release.id, weight=0, by=by, expected=held, run=run)


def _fill(place: Place, release: Release, slot: Slot, services: Sequence[str]) -> None:
    code = find_code(place.store, release)
    for service in services:
        place_code(place.layout, place.supervisor, f"{service}-{slot}", code)


def fill_first(place: Place, progress: Progress, *, by: str) -> None:
    """Whoever takes up a rollout puts the release into its slot before it wakes that slot: the one who began
    it may have died between the record and the slot, and the slot then holds some version before.

    Nothing is done after the first start, nor for what was put there by hand. Raises as `fill`."""
    is_before_start = progress.stand is Stand.RUNNING and progress.step == 0 and not progress.is_prepared
    if progress.rollout.fills and is_before_start:
        fill(place, place.store.get(progress.rollout.release_id), progress.rollout, by=by)


@contextmanager
def alone(ledger: Ledger, *, by: str, reason: str, wait_s: float = 0.0) -> Iterator[None]:
    """One at a time changes what the programs of this place are; waited for as long as that.

    It is over at the latest after LOCK_S, at once when its holder has died. Raises LockHeld."""
    until_s = clock.monotonic_s() + wait_s
    while True:
        try:
            held = locks.acquire(ledger, LOCK, owner=by, reason=reason, valid_s=LOCK_S)
            break
        except locks.LockHeld:
            if clock.monotonic_s() >= until_s:
                raise
            time.sleep(_POLL_S)
    try:
        yield
    finally:
        locks.release(ledger, held)


def settle(place: Place, progress: Progress, *, by: str, fails_jobs: bool = False) -> None:
    """What a rollout that is over leaves: a worker of the code that people are on, and whose the requests
    are, on record. The record is last, so that what was interrupted shows (`is_settled`).

    `fails_jobs`: jobs that this worker does not know may fail where they cannot be kept. Harmless to repeat,
    and before the end of a rollout. Raises PlacementChanged, Unavailable, JobsNotKept."""
    if not progress.stand.is_over:
        return
    live = progress.rollout.new if progress.stand is Stand.PROMOTED else progress.rollout.old
    move_worker(place, live, fails_jobs=fails_jobs, must_run=not is_settled(place, progress))
    place_rollout(place.settings, progress, by=by)


def list_followers(place: Place, progress: Progress) -> tuple[PointerChange, ...]:
    """Models and indexes that follow the requests to where a rollout ended: those in which the release that
    serves now differs from the one before. None while it goes on, none after a canary that never got all
    requests, and none for the checkout's own code, of which nobody noted what it was built with."""
    was_promoted = any(one.stand is Stand.PROMOTED for one in progress.events)
    if not progress.stand.is_over or not was_promoted:
        return ()
    new = place.store.find(progress.rollout.release_id)
    held = place.find_held(progress.rollout.old)
    old = place.store.find(held) if held is not None else None
    live, former = (new, old) if progress.stand is Stand.PROMOTED else (old, new)
    return list_changes(former, live) if live is not None else ()


def is_settled(place: Place, progress: Progress) -> bool:
    """Whether what follows a rollout's end was done; True, too, while it is not over, and for one whose
    release is not kept here: nothing of it is on record. Raises ReleaseUnreadable."""
    rollout = progress.rollout
    if not progress.stand.is_over or place.store.find(rollout.release_id) is None:
        return True
    weight = 100 if progress.stand is Stand.PROMOTED else 0
    noted = [
        one
        for one in place.store.list_placements(place.environment)
        if one.run == rollout.id and one.slot is rollout.new
    ]
    if not noted:
        # Undone before anything was put into the slot.
        return progress.stand is Stand.ROLLED_BACK
    return noted[-1].weight == weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What became of jobs when the worker moved, by kind: kept for newer code, and given back to it."""

    kept: Mapping[str, int]
    given_back: Mapping[str, int]


def move_worker(place: Place, slot: Slot, *, fails_jobs: bool = False, must_run: bool = False) -> Moved:
    """The worker of the code that a slot holds. Jobs that it does not know are kept, for it would fail them.

    May be repeated, after any kind of death, too. Raises JobsNotKept, and the worker stays; Unavailable."""
    placed = read_slot_code(place.layout.run)
    wanted = placed.get(f"api-{slot}")
    known = place.list_jobs(wanted)
    kept: dict[str, int] = {}
    if (placed.get(WORKER), wanted) != (None, None):
        lost = place.list_all_jobs() - known
        kept = _keep(place, lost, with_running=False, fails_jobs=fails_jobs)
        place_code(place.layout, place.supervisor, WORKER, wanted)
        if place.supervisor.get_part(WORKER).state is not PartState.RUNNING:
            # The one before put its unfinished jobs back when it stopped, and may have added some.
            _add(kept, _keep(place, lost, with_running=True, fails_jobs=fails_jobs))
    if must_run or (placed.get(WORKER), wanted) != (None, None):
        place.supervisor.start(WORKER, timeout_s=_WORKER_WITHIN_S)
    return Moved(kept=kept, given_back=_give_back(place, known))


def count_unknown_jobs(place: Place, slot: Slot, *, only_due: bool = False) -> dict[str, int | None]:
    """Jobs in the queue that the worker of this slot's code does not know; each None where nobody can count.

    Raises nothing: it is told beside a question."""
    known = place.list_jobs(read_slot_code(place.layout.run).get(f"api-{slot}"))
    lost = place.list_all_jobs() - known
    try:
        waiting = count_waiting(place.get_owner_url(), only_due=only_due) if lost else {}
    except HrxError:
        return dict.fromkeys(sorted(lost))
    return {kind: waiting[kind] for kind in sorted(lost) if waiting.get(kind)}


def _keep(place: Place, kinds: frozenset[str], *, with_running: bool, fails_jobs: bool) -> dict[str, int]:
    if not kinds:
        return {}
    try:
        return keep_jobs(place.get_owner_url(), kinds=kinds, with_running=with_running)
    except HrxError as error:
        if fails_jobs:
            return {}
        raise not_kept(kinds, error.message) from error


def _give_back(place: Place, known: frozenset[str]) -> dict[str, int]:
    try:
        url = place.get_owner_url()
    except Unavailable:
        # Where nothing can be kept there is nothing to give back.
        return {}
    return give_back(url, known=known)


def _add(kept: dict[str, int], more: Mapping[str, int]) -> None:
    for kind, count in more.items():
        kept[kind] = kept.get(kind, 0) + count
