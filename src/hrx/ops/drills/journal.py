"""What a drill writes into the ledger, and reads back: what is put in, taken back, measured.

A fault is on record before it is put in. Whatever happens to the drill's process, `find_injected` knows what
is still to be taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from hrx.kit.errors import Text
from hrx.ops.drills.experiments import FaultCall
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind, Ledger

STARTED: Final = "started"
INJECTING: Final = "injecting"
UNDONE: Final = "undone"
MEASURED: Final = "measured"
_LOOK_BACK: Final = 500


class _OfDrill(Protocol):
    @property
    def drill(self) -> str: ...


_Found = TypeVar("_Found", bound=_OfDrill)


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """One fault that may still be in. `Any`: the memo's shape belongs to the fault."""

    run_id: str
    drill: str
    number: int
    call: FaultCall
    memo: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One drill as measured. Seconds count from the fault; None was not seen.

    `evidence_complete` says whether the triage kept at least one answered probe for what it blames, and
    `evidence_seq` in which entry of the ledger. `wrongly_blamed` are causes that any triage put first, at any
    time until the steady state was back, and should not have."""

    run_id: str
    drill: str
    at: datetime
    fault: str
    sop: str
    alert: str | None
    condition: str | None
    detect_s: float | None
    page_s: float | None
    cause_s: float | None
    recover_s: float | None
    first_cause: str | None
    expected_cause: tuple[str, ...]
    evidence_complete: bool
    repaired_by: str
    is_outage: bool
    page_within_s: float | None
    incident_id: int | None
    problem: str | None = None
    evidence_seq: int | None = None
    wrongly_blamed: tuple[str, ...] = ()

    @property
    def wrong_blame(self) -> bool:
        """ "Unknown" is no blame; neither is a triage that never came."""
        return bool(self.wrongly_blamed)

    @property
    def is_right(self) -> bool:
        return self.first_cause is not None and self.first_cause in self.expected_cause

    @property
    def is_page_in_time(self) -> bool | None:
        """None when nothing was promised."""
        if self.page_within_s is None:
            return None
        return self.page_s is not None and self.page_s <= self.page_within_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """The ledger as one drill writes it; `title` is how people call the drill."""

    ledger: Ledger
    run_id: str
    drill: str
    actor: str
    title: Text | None = None

    def write(self, phase: str, body: Mapping[str, object]) -> Entry:
        return self.ledger.append(
            Kind.DRILL,
            actor=self.actor,
            subject=f"drill:{self.drill}",
            run_id=self.run_id,
            body={"phase": phase, "drill": self.drill, **self._named(), **body},
        )

    def _named(self) -> dict[str, object]:
        return {"title": {"ja": self.title.ja, "en": self.title.en}} if self.title else {}

    def write_injecting(self, number: int, call: FaultCall, memo: Mapping[str, object]) -> None:
        body = {"number": number, "fault": call.fault, "arguments": dict(call.arguments), "memo": dict(memo)}
        self.write(INJECTING, body)

    def write_undone(self, number: int) -> None:
        self.write(UNDONE, {"number": number})

    def write_outcome(self, found: Outcome) -> None:
        self.write(
            MEASURED,
            {
                "fault": found.fault,
                "sop": found.sop,
                "alert": found.alert,
                "condition": found.condition,
                "detect_s": found.detect_s,
                "page_s": found.page_s,
                "cause_s": found.cause_s,
                "recover_s": found.recover_s,
                "first_cause": found.first_cause,
                "expected_cause": list(found.expected_cause),
                "wrongly_blamed": list(found.wrongly_blamed),
                "evidence_complete": found.evidence_complete,
                "evidence_seq": found.evidence_seq,
                "repaired_by": found.repaired_by,
                "is_outage": found.is_outage,
                "page_within_s": found.page_within_s,
                "incident_id": found.incident_id,
                "problem": found.problem,
                "run_at": found.at.isoformat(),
            },
        )


def find_injected(ledger: Ledger) -> list[Injected]:
    """Faults that were put in and never taken back, the newest first: the order in which to undo them."""
    entries = ledger.list_entries(EntryFilter(kinds=(Kind.DRILL,)), limit=_LOOK_BACK)
    undone = {(entry.run_id, int(entry.body["number"])) for entry in entries if entry.body["phase"] == UNDONE}
    return [
        _to_injected(entry)
        for entry in entries
        if entry.body["phase"] == INJECTING and (entry.run_id, int(entry.body["number"])) not in undone
    ]


def list_outcomes(ledger: Ledger, *, limit: int = 200) -> list[Outcome]:
    """The newest measured drills, the newest first."""
    wanted = EntryFilter(kinds=(Kind.DRILL,), text=f'"phase":"{MEASURED}"')
    return [_to_outcome(entry) for entry in ledger.list_entries(wanted, limit=limit)]


def last_by_drill(outcomes: Sequence[_Found]) -> dict[str, _Found]:
    """The newest of each drill; they come the newest first."""
    found: dict[str, _Found] = {}
    for outcome in outcomes:
        found.setdefault(outcome.drill, outcome)
    return found


def _to_injected(entry: Entry) -> Injected:
    body = entry.body
    return Injected(
        run_id=entry.run_id,
        drill=str(body["drill"]),
        number=int(body["number"]),
        call=FaultCall(fault=str(body["fault"]), arguments=dict(body["arguments"])),
        memo=dict(body["memo"]),
    )


def _to_outcome(entry: Entry) -> Outcome:
    body = entry.body
    return Outcome(
        run_id=entry.run_id,
        drill=str(body["drill"]),
        at=datetime.fromisoformat(str(body["run_at"])),
        fault=str(body["fault"]),
        sop=str(body["sop"]),
        alert=body["alert"],
        condition=body.get("condition"),
        detect_s=body["detect_s"],
        page_s=body["page_s"],
        cause_s=body["cause_s"],
        recover_s=body["recover_s"],
        first_cause=body["first_cause"],
        expected_cause=tuple(body["expected_cause"]),
        evidence_complete=bool(body["evidence_complete"]),
        repaired_by=str(body["repaired_by"]),
        is_outage=bool(body["is_outage"]),
        page_within_s=body["page_within_s"],
        incident_id=body["incident_id"],
        problem=body["problem"],
        evidence_seq=body.get("evidence_seq"),
        wrongly_blamed=tuple(body.get("wrongly_blamed", ())),
    )
