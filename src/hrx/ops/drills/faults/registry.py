"""Every fault by id; an experiment that names another is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hrx.ops.drills.faults import application, database, machine, outside, parts, portal
from hrx.ops.drills.faults.fault import FaultSpec
from hrx.ops.runbook.reading import wrong

_ROOMS: Final = (parts, application, database, portal, outside, machine)
FAULTS: Final[Mapping[str, FaultSpec]] = MappingProxyType(
    {spec.id: spec for room in _ROOMS for spec in room.FAULTS}
)


def get_fault(fault_id: str) -> FaultSpec:
    """The fault of this id. Raises ContentWrong."""
    found = FAULTS.get(fault_id)
    if found is None:
        raise wrong(fault_id, f"is no fault; there are {', '.join(sorted(FAULTS))}")
    return found
