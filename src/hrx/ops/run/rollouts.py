"""A rollout whose deployer died is not left alone: people are on a version that nobody judges.

The operations plane takes it up within seconds, and goes on where the record says, or back when the version
does harm. It begins none, and answers no question that a person was asked: what the person answers on a page
is put on record here, and done within seconds by whoever is at work."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Conflict, HrxError, Text, Unavailable
from hrx.kit.settings import load
from hrx.ops.release.deploying import (
    Place,
    alone,
    fill_first,
    is_settled,
    list_followers,
    settle,
)
from hrx.ops.release.gating.judging import Verdict
from hrx.ops.release.pointers import PointerChange, Pointers
from hrx.ops.release.strategies.hands import Hands
from hrx.ops.release.strategies.noting import note_rollout
from hrx.ops.release.strategies.progress import Progress, Stand
from hrx.ops.release.strategies.running import decide, run
from hrx.ops.release.strategies.storing import RolloutBusy, RolloutStore, rollout_folder
from hrx.ops.release.strategies.wording import say_progress
from hrx.ops.run.plane import Plane
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import find_layout
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.machine.slots import find_slots

ACTOR: Final = "rollouts"
_OWNER: Final = "hrx_owner"
#: A command that is about to go on holds the lock long before that.
_LEFT_ALONE_S: Final = 3.0
#: After a failure (the edge is away) it is tried again, not in every second.
_AGAIN_S: Final = 15.0
_log = logging.getLogger("hrx.ops.rollouts")


def find_this_machine() -> Hands:
    return find_slots(find_layout(load(MachineSettings)))


def find_this_place(settings: OpsSettings) -> Place:
    return Place(layout=find_layout(load(MachineSettings)), settings=settings)


def follow(plane: Plane, place: Place, done: Progress, *, by: str) -> list[PointerChange]:
    """Let models and indexes follow the requests; gives what was moved. Harmless to repeat.

    Raises GateRefused, PointersNotReady, RegistryUnavailable, DatabaseAway: the requests stay where they are,
    and `hrx release follow` tries it again."""
    changes = list_followers(place, done)
    if not changes:
        return []
    pointers = Pointers(plane.settings, plane.ledger, lambda: plane.target.database_url(_OWNER))
    return pointers.apply(changes, by=by, reason=f"rollout {done.rollout.id}")


class RolloutKeeper:
    """Looks once a tick; works in a thread of its own, for a rollout takes minutes."""

    def __init__(
        self,
        find_hands: Callable[[], Hands] = find_this_machine,
        find_place: Callable[[OpsSettings], Place] = find_this_place,
    ) -> None:
        self._find_hands = find_hands
        self._find_place = find_place
        self._working: threading.Thread | None = None
        self._tried_at_s = 0.0
        #: When the record changed that was found to need nobody.
        self._done_with = 0.0
        #: When the last wish was written that was taken up.
        self._heeded = 0.0

    def keep(self, plane: Plane) -> None:
        """Take up what was left alone; returns at once."""
        folder = rollout_folder(plane.settings.var_dir)
        asked_at = RolloutStore(folder).back_asked_at()
        is_asked = asked_at > self._heeded
        is_working = self._working is not None and self._working.is_alive()
        # Who asks for the way back waits for nothing, once; whoever is at work sees it as soon.
        if is_working or (not is_asked and clock.monotonic_s() - self._tried_at_s < _AGAIN_S):
            return
        changed_at = max(_changed_at(folder), asked_at)
        is_fresh = not is_asked and clock.now().timestamp() - changed_at < _LEFT_ALONE_S
        if changed_at == self._done_with or is_fresh:
            return
        self._heeded = max(self._heeded, asked_at)
        self._tried_at_s = clock.monotonic_s()
        self._working = threading.Thread(
            target=self._go_on, args=(plane, folder, changed_at), name="rollout", daemon=True
        )
        self._working.start()

    def wait(self, timeout_s: float) -> None:
        """Until the rollout that is under way here is over or asks."""
        if self._working is not None:
            self._working.join(timeout_s)

    def _go_on(self, plane: Plane, folder: Path, changed_at: float) -> None:
        store = RolloutStore(folder)
        try:
            place = self._find_place(plane.settings)
            if not (_needs_hands(store) or not is_settled(place, store.get())):
                self._done_with = changed_at
                # What somebody answers next is not to wait as after a failure.
                self._tried_at_s = clock.monotonic_s() - _AGAIN_S
                return
            # Whoever is at it with the programs of this machine lives, and is not hurried.
            with alone(plane.ledger, by=ACTOR, reason=store.get().rollout.id):
                fill_first(place, store.get(), by=ACTOR)
            done = run(store, self._find_hands())
            note_rollout(plane.ledger, done, actor=ACTOR)
            with alone(plane.ledger, by=ACTOR, reason=done.rollout.id):
                settle(place, done, by=ACTOR)
            follow(plane, place, done, by=ACTOR)
            self._tried_at_s = clock.monotonic_s() - _AGAIN_S
        except RolloutBusy:
            # Whoever began it lives.
            return
        except HrxError as error:
            _log.warning("rollout.not_gone_on", extra={"fields": {"code": error.stable_code}})


def _changed_at(folder: Path) -> float:
    """When the record was last written; 0 (and done with) when there is none."""
    try:
        return (folder / "current.json").stat().st_mtime
    except OSError:
        return 0.0


def _needs_hands(store: RolloutStore) -> bool:
    progress = store.get()
    is_late = progress.stand in (Stand.UNDOING, Stand.ROLLED_BACK)
    if not is_late and store.is_asked_back(progress.rollout.id):
        return True
    if progress.stand is Stand.ASKING:
        return not progress.is_settled
    return not progress.stand.is_over


class RolloutMovedOn(Conflict):
    """The rollout is not where it was when somebody looked at it."""

    code = "rollout.moved_on"


def ask_back(plane: Plane, rollout_id: str, *, actor: str) -> None:
    """Have this rollout undone, even after its end; returns at once.

    Raises NotFound, RolloutMovedOn, Unavailable."""
    store, progress = _find_same(plane, rollout_id)
    if progress.stand in (Stand.UNDOING, Stand.ROLLED_BACK):
        raise _moved_on(progress)
    note_rollout(plane.ledger, progress, actor=actor, asked=Verdict.ROLL_BACK)
    try:
        store.ask_back(rollout_id)
    except OSError as error:
        raise Unavailable(
            Text(
                ja=f"戻す指示を書けません({error.strerror})",
                en=f"The wish cannot be written ({error.strerror})",
            ),
            hint=Text(
                ja="`hrx release rollback` で戻してください。", en="Go back with `hrx release rollback`."
            ),
            code="rollout.not_saved",
        ) from error


def ask_on(plane: Plane, rollout_id: str, *, actor: str) -> None:
    """Have a rollout that asks go on; returns at once. Raises NotFound, RolloutMovedOn, RolloutBusy."""
    store, progress = _find_same(plane, rollout_id)
    if progress.stand is not Stand.ASKING:
        raise _moved_on(progress)
    note_rollout(plane.ledger, progress, actor=actor, asked=Verdict.PROMOTE)
    decide(store, Verdict.PROMOTE)


def _find_same(plane: Plane, rollout_id: str) -> tuple[RolloutStore, Progress]:
    store = RolloutStore(rollout_folder(plane.settings.var_dir))
    progress = store.get()
    if progress.rollout.id != rollout_id:
        raise _moved_on(progress)
    return store, progress


def _moved_on(progress: Progress) -> RolloutMovedOn:
    return RolloutMovedOn(
        say_progress(progress),
        hint=Text(ja="画面を開き直して確かめてください。", en="Look at the page again."),
    )
