"""What a procedure may want to be planned on; coarse on purpose.

A pid or an uptime would make every plan drift; what matters is whether something would be lost, or is there
at all. A fact that cannot be learned is `unknown`, and is planned for as carefully as the worse answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from hrx.ops.run.looking import find_process
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.planning import PART_RUNS
from hrx.ops.targets.target import PartState

Fact = Callable[[Plane, Mapping[str, str]], str]
UNKNOWN: Final = "unknown"


def _part_runs(plane: Plane, params: Mapping[str, str]) -> str:
    state = find_process(plane, params["part"]).state
    if state is PartState.UNKNOWN:
        # Nobody can tell: plan as carefully as for a running part.
        return UNKNOWN
    return "yes" if state in (PartState.RUNNING, PartState.STOPPING) else "no"


def _part_suspended(plane: Plane, params: Mapping[str, str]) -> str:
    return "yes" if plane.target.list_suspended(params["part"]) else "no"


#: Every fact by name, with what learns it from the parameters of a plan.
FACTS: Final[Mapping[str, Fact]] = MappingProxyType(
    {PART_RUNS: _part_runs, "part.is_suspended": _part_suspended}
)
