"""Every check by id. What is not registered here cannot be asked, and an SOP that names it is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hrx.ops.runbook.reading import wrong
from hrx.ops.triage.looking import CheckSpec
from hrx.ops.triage.looks import api, database, disks, front, models, parts, security, stores, surroundings

CHECKS: Final[Mapping[str, CheckSpec]] = MappingProxyType(
    {
        spec.id: spec
        for room in (parts, front, api, database, stores, disks, surroundings, models, security)
        for spec in room.CHECKS
    }
)


def get_check(check_id: str) -> CheckSpec:
    """The check of this id. Raises ContentWrong: an SOP asked for something that does not exist."""
    found = CHECKS.get(check_id)
    if found is None:
        raise wrong(check_id, "is no registered check")
    return found
