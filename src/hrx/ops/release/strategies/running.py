"""A rollout from where it stands to where nobody but a person, or nobody at all, has to decide."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Refused, Text, Unavailable
from hrx.ops.release.gating.judging import Verdict
from hrx.ops.release.strategies.hands import Hands
from hrx.ops.release.strategies.progress import Progress, Stand, Why
from hrx.ops.release.strategies.rollout import Rollout
from hrx.ops.release.strategies.stepping import advance, answer
from hrx.ops.release.strategies.storing import RolloutBusy, RolloutStore

#: Four looks a second: at 100 requests a second and a tenth of them, 2 or 3 more are bad before the next
#: look.
LOOK_S: Final = 0.25
#: An edge that its supervisor starts anew is back within seconds.
EDGE_GONE_S: Final = 30.0

#: The detail of the event that a process took up a rollout.
GONE_ON: Final = "gone on"

Tell = Callable[[Progress], None]


class SlotInUse(Refused):
    """People use the slot that the new version was to be put into."""

    code = "rollout.slot_in_use"


def begin(store: RolloutStore, hands: Hands, rollout: Rollout) -> Progress:
    """Put the rollout on record, for `run`. Nothing else is touched yet.

    Raises RolloutUnderWay while another is not over, SlotInUse when people use the new slot, Unavailable when
    the edge does not answer."""
    for service in rollout.services:
        new = rollout.new.value
        if hands.edge.kept(service) == new or hands.edge.look(service)[new].is_taking:
            raise SlotInUse(
                Text(
                    ja=f"{service}-{new} は利用者の要求を受けています。待機中のスロットを使ってください。",
                    en=f"People use {service}-{new}; a new version goes to the slot that rests.",
                ),
                hint=Text(
                    ja="どちらが待機中かは `hrx release status` で分かります。",
                    en="`hrx release status` tells which slot rests.",
                ),
            )
    return store.begin(rollout)


def run(
    store: RolloutStore,
    hands: Hands,
    *,
    look_s: float = LOOK_S,
    tell: Tell | None = None,
    until_s: float | None = None,
) -> Progress:
    """Go on with the current rollout until it is over or asks; `tell` is called whenever a step or stand
    changes. At `until_s` of the monotonic clock it is left where it stands, for whoever goes on.

    May be called again at any time, after any kind of death: it goes on where the record says. Raises
    NotFound, RolloutBusy, and Unavailable when the edge stays away for EDGE_GONE_S (nothing is changed then:
    an edge that comes back sends everybody to the slot that is kept on disk) or the record cannot be written
    (requests went back to the old slot)."""
    with store.locked():
        progress = store.get()
        if progress.stand is not Stand.ASKING and not progress.stand.is_over:
            progress = _save(store, hands, progress.note(clock.now(), detail=GONE_ON))
        while not (wanted := _heed(store, progress)).stand.is_over:
            begun_s = clock.monotonic_s()
            following = _advance(wanted, hands)
            if following != progress:
                following = _save(store, hands, following)
            has_moved = (following.step, following.stand) != (progress.step, progress.stand)
            if has_moved and following.stand is Stand.UNDOING:
                store.forget_back()
            is_settled = following.stand is Stand.ASKING and following == progress
            progress = following
            if has_moved and tell is not None:
                tell(progress)
            if is_settled or (until_s is not None and clock.monotonic_s() >= until_s):
                break
            if not has_moved:
                time.sleep(max(0.0, look_s - (clock.monotonic_s() - begun_s)))
        return progress


def decide(store: RolloutStore, verdict: Verdict) -> Progress:
    """What a person answers to a rollout that asks; `run` then does it. Raises NotFound, RolloutBusy."""
    with store.locked():
        progress = answer(store.get(), verdict, now=clock.now())
        store.save(progress)
        return progress


def roll_back(
    store: RolloutStore, hands: Hands, *, look_s: float = LOOK_S, tell: Tell | None = None
) -> Progress:
    """Back to the old slot from wherever the current rollout stands, even after its end.

    Another process at work on it is told, and does it. Raises as `run` does; RolloutBusy when that process
    does nothing about it."""
    rollout = store.get().rollout
    store.ask_back(rollout.id)
    until_s = clock.monotonic_s() + rollout.drain_within_s + rollout.policy.ready_within_s
    while True:
        try:
            return run(store, hands, look_s=look_s, tell=tell)
        except RolloutBusy:
            if clock.monotonic_s() >= until_s:
                raise
            time.sleep(look_s)


def _heed(store: RolloutStore, progress: Progress) -> Progress:
    """With the wish of somebody who asked for the way back."""
    is_late = progress.stand in (Stand.UNDOING, Stand.ROLLED_BACK)
    if is_late or not store.is_asked_back(progress.rollout.id):
        return progress
    return answer(progress, Verdict.ROLL_BACK, now=clock.now())


def _advance(progress: Progress, hands: Hands) -> Progress:
    """One tick, tried again while the edge is being restarted."""
    until_s = clock.monotonic_s() + EDGE_GONE_S
    while True:
        try:
            return advance(progress, hands, now=clock.now())
        except Unavailable:
            if clock.monotonic_s() >= until_s:
                raise
            time.sleep(LOOK_S)


def _save(store: RolloutStore, hands: Hands, progress: Progress) -> Progress:
    try:
        store.save(progress)
    except OSError as error:
        if not progress.stand.is_over:
            _undo_unrecorded(progress, hands)
        raise Unavailable(
            Text(
                ja=f"切り替えの記録を書けません({error.strerror})。要求は元の版に戻しました。",
                en=f"The rollout cannot be recorded ({error.strerror}); the old version has all requests.",
            ),
            hint=Text(
                ja="ディスクの空きを作り(`hrx status`)、`hrx release rollback` で記録を整えてください。",
                en="Make room on the disk (`hrx status`), then settle it with `hrx release rollback`.",
            ),
            code="rollout.not_saved",
        ) from error
    return progress


def _undo_unrecorded(progress: Progress, hands: Hands) -> None:
    """Without a record nobody could go on, so nothing is left half-way; only the edge is needed for that."""
    undoing = replace(progress, stand=Stand.UNDOING, reason=Why.STATE_NOT_SAVED, is_prepared=False)
    try:
        advance(undoing, hands, now=clock.now())
    except OSError:
        # Requests are back; the file of the edge's next start could not be written either.
        return
