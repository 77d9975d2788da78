"""Triage as others call it: about an incident, or about a signal that has none."""

from __future__ import annotations

from hrx.kit.errors import NotFound, Text
from hrx.ops.ledger.incidents import get_incident
from hrx.ops.ledger.signals import PEOPLE, list_conditions
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Signal
from hrx.ops.triage.engine import choose_sop, diagnose
from hrx.ops.triage.keeping import ACTOR, keep
from hrx.ops.triage.result import TriageResult


def run_triage(plane: Plane, about: int | Signal, *, actor: str = ACTOR) -> TriageResult:
    """Ask, judge and, about an incident, keep the result.

    Raises NotFound for an unknown incident, or when no SOP answers what it is about."""
    subject = get_incident(plane.ledger.store, about) if isinstance(about, int) else about
    sop = choose_sop(plane, subject)
    if sop is None:
        raise NotFound(
            Text(ja="これに答える SOP はありません", en="No SOP answers this"),
            hint=Text(ja="`hrx sop list` で一覧できます。", en="`hrx sop list` shows them."),
            code="triage.no_sop",
        )
    result = diagnose(plane, sop, told=_list_told(plane, about))
    if isinstance(about, int):
        keep(plane, about, result, actor=actor)
    return result


def _list_told(plane: Plane, about: int | Signal) -> frozenset[str] | None:
    """The keys of what machines told; None when only people did, whose words name no condition."""
    if isinstance(about, Signal):
        return None if about.source in PEOPLE else frozenset({about.key})
    with plane.ledger.store.read() as connection:
        told = [one.key for one in list_conditions(connection, about) if not one.is_reported]
    return frozenset(told) or None
