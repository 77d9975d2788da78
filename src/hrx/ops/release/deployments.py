"""What this machine has of releases, told as every target tells it.

A release that was ever put into a slot is a deployment, and its id is the release's. Read from disk and from
the supervisor; nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hrx.ops.release.building.building import is_built
from hrx.ops.release.deploying import SERVICES, Place
from hrx.ops.release.releases import Release, Slot
from hrx.ops.release.store import Placement
from hrx.ops.release.strategies.hands import Hands
from hrx.ops.release.strategies.progress import Progress
from hrx.ops.release.strategies.storing import RolloutStore
from hrx.ops.targets.releasing import Deployment, DeploymentState

#: Between a release's id and the name that was asked for, in the id of a rollout; neither may have it.
_NAMED: Final = "+"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One look at the place. `current`: the rollout that goes on; None when none does."""

    place: Place
    hands: Hands
    placements: Sequence[Placement]
    held: dict[Slot, str]
    live: str | None
    current: Progress | None


def name_run(release_id: str, key: str) -> str:
    """The id of the rollout that was asked for under this name."""
    return f"{release_id}{_NAMED}{key}"


def find_named(place: Place, rollouts: RolloutStore, key: str) -> str | None:
    """The release that was deployed under this name, however long ago; None when none was."""
    current = rollouts.find()
    runs = [(one.release_id, one.run) for one in place.store.list_placements(place.environment)]
    if current is not None:
        runs.append((current.rollout.release_id, current.rollout.id))
    return next((found for found, run in runs if found is not None and run == name_run(found, key)), None)


def list_deployments_here(place: Place, rollouts: RolloutStore, hands: Hands) -> tuple[Deployment, ...]:
    """Newest first. What the checkout's own code serves is none: nobody noted which version that is.

    Raises ReleaseUnreadable, Unavailable when the rollout's record cannot be read."""
    seen = _look(place, rollouts, hands)
    began: dict[str, datetime] = {}
    for one in seen.placements:
        if one.release_id is not None:
            began.setdefault(one.release_id, one.at)
    if seen.current is not None:
        began.setdefault(seen.current.rollout.release_id, seen.current.began_at)
    known = [(at, release) for name, at in began.items() if (release := place.store.find(name)) is not None]
    known.sort(key=lambda pair: pair[0], reverse=True)
    return tuple(_tell(seen, release, at) for at, release in known)


def _look(place: Place, rollouts: RolloutStore, hands: Hands) -> _Seen:
    slots = place.store.look(place.environment).slots
    held = {slot: one.release_id for slot, one in slots.items() if one.release_id is not None}
    kept = {hands.edge.kept(service) for service in SERVICES}
    # While the services are on two slots no version is the live one.
    live = held.get(Slot(next(iter(kept)))) if len(kept) == 1 else None
    current = rollouts.find()
    return _Seen(
        place=place,
        hands=hands,
        placements=place.store.list_placements(place.environment),
        held=held,
        live=live,
        current=current if current is not None and not current.stand.is_over else None,
    )


def _tell(seen: _Seen, release: Release, at: datetime) -> Deployment:
    runs = [one.run for one in seen.placements if one.release_id == release.id and one.run]
    if seen.current is not None and seen.current.rollout.release_id == release.id:
        runs.append(seen.current.rollout.id)
    prefix = name_run(release.id, "")
    keys = [run.removeprefix(prefix) for run in runs if run.startswith(prefix)]
    has_served = any(one.weight for one in seen.placements if one.release_id == release.id)
    is_here = is_built(seen.place.store, release) or release.id in seen.held.values()
    return Deployment(
        id=release.id,
        version=release.version,
        key=keys[-1] if keys else None,
        state=_find_state(seen, release.id, is_here=is_here, has_failed=bool(runs) and not has_served),
        is_live=release.id == seen.live,
        created_at=at,
        may_roll_back=is_here and has_served,
    )


def _find_state(seen: _Seen, release_id: str, *, is_here: bool, has_failed: bool) -> DeploymentState:
    if seen.current is not None and seen.current.rollout.release_id == release_id:
        return DeploymentState.WAITING
    if release_id == seen.live:
        return DeploymentState.READY
    if not is_here:
        return DeploymentState.REMOVED
    if has_failed:
        return DeploymentState.FAILED
    slots = [slot for slot, held in seen.held.items() if held == release_id]
    runs = any(all(seen.hands.is_running(service, slot) for service in SERVICES) for slot in slots)
    return DeploymentState.READY if runs else DeploymentState.STOPPED
