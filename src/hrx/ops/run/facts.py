"""What a procedure may want to be planned on; coarse on purpose.

A pid or an uptime would make every plan drift; what matters is whether something would be lost, or is there
at all. A fact that cannot be learned is `unknown`, and is planned for as carefully as the worse answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from hrx.kit.errors import Unavailable
from hrx.ops.run.acting.accounts import count_open_sessions, find_account_state
from hrx.ops.run.acting.bringing import find_effects_state
from hrx.ops.run.acting.copying import find_moment_state
from hrx.ops.run.acting.database import find_index_state, find_session, refuse_administrators
from hrx.ops.run.acting.database_door import DatabaseNotReached
from hrx.ops.run.acting.dns import find_dns_state
from hrx.ops.run.acting.recovery import find_copy_state, find_kept_state
from hrx.ops.run.acting.slots import find_slot, refuse_live
from hrx.ops.run.acting.sources import find_sources, refuse_source
from hrx.ops.run.acting.standby import find_pair_state
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


def _session_is_there(plane: Plane, params: Mapping[str, str]) -> str:
    """Raises SessionIsAdministrators: such a plan could not be run."""
    try:
        found = find_session(plane, params)
    except DatabaseNotReached:
        return UNKNOWN
    refuse_administrators(found)
    return "no" if found is None else "yes"


def _statement_runs(plane: Plane, params: Mapping[str, str]) -> str:
    try:
        found = find_session(plane, params)
    except DatabaseNotReached:
        return UNKNOWN
    refuse_administrators(found)
    return "yes" if found is not None and found["state"] == "active" else "no"


def _index_state(plane: Plane, params: Mapping[str, str]) -> str:
    try:
        return find_index_state(plane, params["index"])
    except DatabaseNotReached:
        return UNKNOWN


def _sessions_open(plane: Plane, params: Mapping[str, str]) -> str:
    try:
        return "yes" if count_open_sessions(plane, params["of"]) else "no"
    except Unavailable:
        return UNKNOWN


def _account_state(plane: Plane, params: Mapping[str, str]) -> str:
    """Raises NotFound when there is no such account."""
    try:
        return find_account_state(plane, params["account"])
    except Unavailable:
        return UNKNOWN


def _source_blocked(plane: Plane, params: Mapping[str, str]) -> str:
    """Raises Refused for our own and for too many, NotFound for a short form that nobody knows."""
    found = find_sources(plane, params["source"])
    for source in found:
        refuse_source(plane, source)
    blocked = plane.target.list_blocked()
    return "yes" if all(source in blocked for source in found) else "no"


def _source_listed(plane: Plane, params: Mapping[str, str]) -> str:
    blocked = plane.target.list_blocked()
    return "yes" if any(source in blocked for source in find_sources(plane, params["source"])) else "no"


def _slot_is_live(plane: Plane, params: Mapping[str, str]) -> str:
    """Raises NoSlot for a part that has none."""
    info = find_slot(plane, params["part"])
    try:
        return "yes" if info.name in plane.target.list_live(info.service) else "no"
    except Unavailable:
        return UNKNOWN


def _slot_may_rest(plane: Plane, params: Mapping[str, str]) -> str:
    """Raises NoSlot, MayNotRest."""
    try:
        refuse_live(plane, find_slot(plane, params["part"]))
    except Unavailable:
        return UNKNOWN
    return "yes"


def _effects_held(plane: Plane, _params: Mapping[str, str]) -> str:
    try:
        return find_effects_state(plane)
    except Unavailable:
        return UNKNOWN


#: Every fact by name, with what learns it from the parameters of a plan.
FACTS: Final[Mapping[str, Fact]] = MappingProxyType(
    {
        PART_RUNS: _part_runs,
        "part.is_suspended": _part_suspended,
        "session.is_there": _session_is_there,
        "statement.runs": _statement_runs,
        "index.state": _index_state,
        "sessions.open": _sessions_open,
        "recovery.moment": find_moment_state,
        "recovery.copy": find_copy_state,
        "standby.pair": find_pair_state,
        "recovery.kept": find_kept_state,
        "account.state": _account_state,
        "slot.is_live": _slot_is_live,
        "slot.may_rest": _slot_may_rest,
        "source.is_blocked": _source_blocked,
        "source.is_listed": _source_listed,
        "effects.held": _effects_held,
        "dns.leads_to": find_dns_state,
    }
)
