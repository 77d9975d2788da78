"""Triage as others call it: about an incident, or about a signal that has none."""

from __future__ import annotations

from hrx.kit.errors import NotFound, Text
from hrx.ops.ledger.incidents import get_incident
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
    result = diagnose(plane, sop)
    if isinstance(about, int):
        keep(plane, about, result, actor=actor)
    return result
