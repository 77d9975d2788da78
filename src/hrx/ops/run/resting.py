"""The version that requests left stays warm for a while, then gives its memory back; the way back starts it.

Beside that, whoever counts is led to the slot that people are on: a figure of a slot that rests says nothing,
and a slot that takes over must not be one that nobody counts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError, Text
from hrx.kit.settings import load
from hrx.ops.ledger.entries import Kind
from hrx.ops.lock import holding
from hrx.ops.release.strategies.hands import Hands
from hrx.ops.release.strategies.progress import Progress
from hrx.ops.release.strategies.storing import RolloutStore, rollout_folder
from hrx.ops.release.strategies.warmth import find_left_slot, is_window_over
from hrx.ops.run.plane import Plane
from hrx.ops.run.rollouts import ACTOR, find_this_machine
from hrx.ops.targets.machine.layout import Layout, find_layout
from hrx.ops.targets.machine.live import follow_with_scrapes
from hrx.ops.targets.machine.ports import read_remembered
from hrx.ops.targets.machine.settings import MachineSettings

#: A slot that cannot be stopped now is tried again, not in every second.
_AGAIN_S: Final = 15.0
_LOCK_S: Final = 180.0
_log = logging.getLogger("hrx.ops.resting")


def find_this_layout() -> Layout:
    return find_layout(load(MachineSettings))


class SlotKeeper:
    """Looks once a tick; stops in a thread of its own, for programs are given time to end."""

    def __init__(
        self,
        find_hands: Callable[[], Hands] = find_this_machine,
        find_place: Callable[[], Layout] = find_this_layout,
    ) -> None:
        self._find_hands = find_hands
        self._find_place = find_place
        self._layout: Layout | None = None
        self._working: threading.Thread | None = None
        self._tried_at_s = -_AGAIN_S

    def keep(self, plane: Plane) -> None:
        """Lead figures to the live slots, and let a slot rest whose time is over; returns at once."""
        self._follow()
        is_working = self._working is not None and self._working.is_alive()
        if is_working or clock.monotonic_s() - self._tried_at_s < _AGAIN_S:
            return
        self._tried_at_s = clock.monotonic_s()
        self._working = threading.Thread(
            target=self._let_rest, args=(plane, clock.now()), name="resting", daemon=True
        )
        self._working.start()

    def wait(self, timeout_s: float) -> None:
        """Until what was begun here is over."""
        if self._working is not None:
            self._working.join(timeout_s)

    def _follow(self) -> None:
        self._layout = self._layout or self._find_place()
        try:
            added = follow_with_scrapes(self._layout, read_remembered(self._layout.ports_file))
        except OSError as error:
            _log.warning("resting.not_followed", extra={"fields": {"error": type(error).__name__}})
            return
        if added:
            _log.info("resting.followed", extra={"fields": {"parts": added}})

    def _let_rest(self, plane: Plane, at: datetime) -> None:
        store = RolloutStore(rollout_folder(plane.settings.var_dir))
        try:
            progress = store.find()
            if progress is None or not _is_due(plane, progress, at=at):
                return
            with store.locked():
                # Somebody may have taken the way back between the two looks.
                progress = store.get()
                if _is_due(plane, progress, at=at):
                    stopped = _stop_left(plane, progress, self._find_hands())
                    _note(plane, progress, stopped)
        except HrxError as error:
            # Busy, or the edge is away: the slot is not in anybody's way, and there is a next time.
            _log.warning("resting.not_done", extra={"fields": {"code": error.stable_code}})


def _is_due(plane: Plane, progress: Progress, *, at: datetime) -> bool:
    return is_window_over(progress, window_s=plane.settings.warm_window_s, now=at)


def _stop_left(plane: Plane, progress: Progress, hands: Hands) -> list[str]:
    """Stop what requests left and what still runs of it; gives the parts. Whom the edge uses is never
    stopped, whatever the record says: people switch by hand, too."""
    slot, stopped = find_left_slot(progress), list[str]()
    if slot is None:
        return stopped
    for service in progress.rollout.services:
        is_used = hands.edge.kept(service) == slot or hands.edge.look(service)[slot].is_taking
        if is_used or not hands.is_running(service, slot):
            continue
        part = f"{service}-{slot}"
        with holding(
            plane.ledger, f"slot:{part}", owner=ACTOR, reason="the warm window is over", valid_s=_LOCK_S
        ):
            hands.edge.rest(service, slot)
            hands.stop(service, slot)
        stopped.append(part)
    return stopped


def _note(plane: Plane, progress: Progress, stopped: list[str]) -> None:
    if not stopped:
        return
    names = " ".join(stopped)
    message = Text(
        ja=f"{names} を止めました。戻すときは起動してから切り替えます",
        en=f"{names} rest; the way back starts them first",
    )
    plane.ledger.append(
        Kind.ROLLOUT,
        actor=ACTOR,
        subject=f"release:{progress.rollout.release_id}",
        body={
            "rollout": progress.rollout.id,
            "stand": progress.stand.value,
            "rested": stopped,
            "message": {"ja": message.ja, "en": message.en},
        },
    )
