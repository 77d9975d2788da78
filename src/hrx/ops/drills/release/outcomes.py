"""What a release drill measured: in the ledger as a phase of its own, beside the drills of faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from hrx.ops.drills.journal import Journal
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind, Ledger

RELEASED: Final = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseOutcome:
    """`figures` by name (see `figures`); `left`: what did not stand on one release afterwards, in words;
    `said`: stable codes of what the product refused or reported meanwhile."""

    run_id: str
    drill: str
    at: datetime
    figures: Mapping[str, float]
    limits: Mapping[str, float]
    left: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    problem: str | None = None
    evidence_seq: int | None = None

    @property
    def exceeded(self) -> tuple[str, ...]:
        """Figures that are larger than promised, or were not measured."""
        return tuple(
            name for name, limit in self.limits.items() if self.figures.get(name, float("inf")) > limit
        )

    @property
    def is_kept(self) -> bool:
        return self.problem is None and not self.left and not self.exceeded


def write_outcome(journal: Journal, found: ReleaseOutcome) -> int:
    """Gives the number of the entry."""
    body = asdict(found)
    for name in ("run_id", "drill", "evidence_seq"):
        del body[name]
    return journal.write(RELEASED, {**body, "at": found.at.isoformat(), "is_kept": found.is_kept}).seq


def list_release_outcomes(ledger: Ledger, *, limit: int = 200) -> list[ReleaseOutcome]:
    """The newest first."""
    wanted = EntryFilter(kinds=(Kind.DRILL,), text=f'"phase":"{RELEASED}"')
    return [_to_outcome(entry) for entry in ledger.list_entries(wanted, limit=limit)]


def _to_outcome(entry: Entry) -> ReleaseOutcome:
    # `Any`: JSON.
    body: Mapping[str, Any] = entry.body
    return ReleaseOutcome(
        run_id=entry.run_id,
        drill=str(body["drill"]),
        at=datetime.fromisoformat(str(body["at"])),
        figures=dict(body["figures"]),
        limits=dict(body["limits"]),
        left=tuple(body["left"]),
        said=tuple(body["said"]),
        problem=body["problem"],
        evidence_seq=entry.seq,
    )
