"""What a recovery drill measured: in the ledger as a phase of its own, beside the drills of faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from hrx.ops.drills.journal import Journal, last_by_drill
from hrx.ops.drills.recovery.experiments import Promise, RecoveryExperiment
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind, Ledger

RECOVERED: Final = "recovered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """Something of the product that spoke up: its stable code, and what it said."""

    code: str
    ja: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryOutcome:
    """Seconds count from the fault; None was not seen. `written`: commits that the writer was told of;
    `lost_commits`, `rpo_s`: those of them that the copy lacks and should hold. `is_exact`: nothing is missing
    before the target and nothing is there from after it. `is_verified`: every check of the copy was well."""

    run_id: str
    drill: str
    at: datetime
    noticed_by: str | None
    detect_s: float | None
    rto_s: float | None
    rpo_s: float | None
    lost_commits: int | None
    written: int
    is_exact: bool
    is_verified: bool
    witnesses: tuple[Witness, ...]
    objective: Promise
    aim: Promise
    problem: str | None = None
    evidence_seq: int | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the runbook's promise was kept."""
        return self._meets(self.objective)

    @property
    def is_aim_met(self) -> bool:
        return self._meets(self.aim)

    def _meets(self, wanted: Promise) -> bool:
        measured = (
            (self.detect_s, wanted.detect_within_s),
            (self.rto_s, wanted.rto_s),
            (self.rpo_s, wanted.rpo_s),
        )
        is_in_time = all(found is not None and found <= limit for found, limit in measured)
        return is_in_time and self.is_exact and self.is_verified and self.problem is None


def write_outcome(journal: Journal, found: RecoveryOutcome) -> int:
    """Gives the number of the entry."""
    body = asdict(found)
    for name in ("run_id", "drill", "evidence_seq"):
        del body[name]
    return journal.write(RECOVERED, {**body, "at": found.at.isoformat(), "is_kept": found.is_kept}).seq


def list_recovery_outcomes(ledger: Ledger, *, limit: int = 200) -> list[RecoveryOutcome]:
    """The newest first."""
    wanted = EntryFilter(kinds=(Kind.DRILL,), text=f'"phase":"{RECOVERED}"')
    return [_to_outcome(entry) for entry in ledger.list_entries(wanted, limit=limit)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """How the losses stand of which there are drills: the last run of each. `broken`: those that did not keep
    the promise; `slowest_rto_s`: of those that came back, None when none did."""

    known: int
    run: int
    broken: tuple[RecoveryExperiment, ...]
    newest_at: datetime | None
    slowest_rto_s: float | None


def summarise_losses(experiments: Sequence[RecoveryExperiment], ledger: Ledger) -> Drilled:
    """Drills that are no longer among the experiments do not count."""
    last = last_by_drill(list_recovery_outcomes(ledger))
    found = [(one, last[one.id]) for one in experiments if one.id in last]
    times = [outcome.rto_s for _, outcome in found if outcome.rto_s is not None]
    return Drilled(
        known=len(experiments),
        run=len(found),
        broken=tuple(one for one, outcome in found if not outcome.is_kept),
        newest_at=max((outcome.at for _, outcome in found), default=None),
        slowest_rto_s=max(times, default=None),
    )


def _to_outcome(entry: Entry) -> RecoveryOutcome:
    # `Any`: JSON.
    body: Mapping[str, Any] = entry.body
    return RecoveryOutcome(
        run_id=entry.run_id,
        drill=str(body["drill"]),
        at=datetime.fromisoformat(str(body["at"])),
        noticed_by=body["noticed_by"],
        detect_s=body["detect_s"],
        rto_s=body["rto_s"],
        rpo_s=body["rpo_s"],
        lost_commits=body["lost_commits"],
        written=int(body["written"]),
        is_exact=bool(body["is_exact"]),
        is_verified=bool(body["is_verified"]),
        witnesses=tuple(Witness(**one) for one in body["witnesses"]),
        objective=Promise(**body["objective"]),
        aim=Promise(**body["aim"]),
        problem=body["problem"],
        evidence_seq=entry.seq,
    )
