"""When a procedure was last proven: its newest run that ended well, with what was seen from outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hrx.ops.ledger.entries import EntryFilter, Kind
from hrx.ops.run.plane import Plane


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One run that ended with its proofs seen. `duration_s` is from its start to the last proof."""

    run_id: str
    subject: str
    actor: str
    at: datetime
    duration_s: float


def find_last_proof(plane: Plane, procedure_id: str, *, subject: str | None = None) -> Proof | None:
    """The newest success of this procedure (about `subject`); None when it never succeeded here."""
    wanted = EntryFilter(kinds=(Kind.RUN_STARTED,), text=f'"procedure":"{procedure_id}"', subject=subject)
    for started in plane.ledger.list_entries(wanted, limit=100):
        last = plane.ledger.list_run(started.run_id)[-1]
        if last.kind is Kind.RUN_FINISHED and last.body.get("outcome") == "succeeded":
            return Proof(
                run_id=started.run_id,
                subject=started.subject,
                actor=started.actor,
                at=last.at,
                duration_s=(last.at - started.at).total_seconds(),
            )
    return None
