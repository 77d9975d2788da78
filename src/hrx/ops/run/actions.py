"""What the runner can do, by id. Content names these ids; adding one here is the only way to add a power.

Every action is safe to run again, returns evidence, and keeps to the time limit that it is given."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hrx.ops.plan import Action
from hrx.ops.run.acting import (
    accounts,
    bringing,
    copying,
    database,
    dns,
    evidence,
    going_back,
    going_back_proofs,
    going_down,
    going_pointers,
    keys,
    parts,
    product,
    recovery,
    rotation,
    slots,
    sources,
    standby,
    turning,
)
from hrx.ops.run.acting.parts import view_to_evidence
from hrx.ops.run.acting.spec import ActionSpec, Evidence, NotProven
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.reading import wrong

_ROOMS: Final = (
    parts,
    product,
    database,
    accounts,
    evidence,
    sources,
    slots,
    keys,
    rotation,
    turning,
    bringing,
    copying,
    recovery,
    standby,
    dns,
    going_back,
    going_back_proofs,
    going_down,
    going_pointers,
)
ACTIONS: Final[Mapping[str, ActionSpec]] = MappingProxyType(
    {spec.id: spec for room in _ROOMS for spec in room.ACTIONS}
)


def perform(plane: Plane, action: Action, *, timeout_s: float) -> Evidence:
    """Do it, within about `timeout_s`. Raises HrxError saying why it could not be done."""
    return get_action(action.id).perform(plane, action.params, timeout_s)


def get_action(action_id: str) -> ActionSpec:
    """The power of this id. Raises ContentWrong: a procedure asked for something that does not exist."""
    found = ACTIONS.get(action_id)
    if found is None:
        raise wrong(action_id, f"is no action; there are {', '.join(sorted(ACTIONS))}")
    return found


__all__ = ["ACTIONS", "ActionSpec", "Evidence", "NotProven", "get_action", "perform", "view_to_evidence"]
