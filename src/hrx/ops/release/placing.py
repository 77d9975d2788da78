"""What a rollout leaves behind in the list of placements, from which history and the way back are read."""

from __future__ import annotations

from typing import Final

from hrx.ops.release.releases import Environment, Slot
from hrx.ops.release.store import ReleaseStore
from hrx.ops.release.strategies.progress import Progress, Stand
from hrx.ops.settings import OpsSettings

_OTHER: Final = {Slot.BLUE: Slot.GREEN, Slot.GREEN: Slot.BLUE}


def place_rollout(settings: OpsSettings, progress: Progress, *, by: str) -> bool:
    """Note which slot serves after a rollout that is over; harmless to repeat.

    Gives False, and notes nothing, while it goes on, or when its release is not kept here (`hrx release
    record` keeps one): a name that nobody can look up would mislead whoever plans the way back."""
    store = ReleaseStore(settings.var_dir / "releases")
    rollout = progress.rollout
    if not progress.stand.is_over or store.find(rollout.release_id) is None:
        return False
    is_in = progress.stand is Stand.PROMOTED
    environment = Environment(settings.environment)
    held = store.look(environment).slots
    former = held.get(_OTHER[rollout.new])
    wanted = [(rollout.new, rollout.release_id, 100 if is_in else 0)]
    if former is not None and former.release_id is not None:
        wanted.append((_OTHER[rollout.new], former.release_id, 0 if is_in else 100))
    for slot, release_id, weight in wanted:
        now = held.get(slot)
        if now is None or (now.release_id, now.weight) != (release_id, weight):
            expected = now.release_id if now is not None else None
            store.place(
                environment, slot, release_id, weight=weight, by=by, expected=expected, run=rollout.id
            )
    return True
