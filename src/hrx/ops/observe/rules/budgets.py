"""Detection budgets side by side: what is promised, what simulation finds, what the last drill measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hrx.ops.ledger.entries import Entry, EntryFilter, Kind, Ledger
from hrx.ops.ledger.signals import list_voices
from hrx.ops.observe.rules.simulating import Simulated
from hrx.ops.runbook.watch.rules import AlertRule
from hrx.ops.signal import SignalSource

_DRILLS_READ = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """The last drill that waited for an alert: seconds until it was told, and until somebody was paged."""

    at: datetime
    detect_s: float
    page_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One rule's seconds, three ways; None where nothing was measured."""

    rule: AlertRule
    promised_s: float
    simulated: Simulated | None
    drilled: Drilled | None

    @property
    def is_kept(self) -> bool:
        """Whether nothing known breaks the promise."""
        known = [
            self.simulated.total_s if self.simulated else 0.0,
            self.drilled.detect_s if self.drilled else 0.0,
        ]
        return max(known) <= self.promised_s


def list_budgets(
    rules: Sequence[AlertRule], *, simulated: Mapping[str, Simulated], ledger: Ledger | None
) -> list[Budget]:
    """Every rule's budget, in the order of the rules. Without a ledger nothing was drilled."""
    drilled = last_drills(ledger) if ledger is not None else {}
    return [
        Budget(
            rule=rule,
            promised_s=rule.budget_s,
            simulated=simulated.get(rule.name),
            drilled=drilled.get(rule.name),
        )
        for rule in rules
    ]


def last_drills(ledger: Ledger) -> dict[str, Drilled]:
    """Alert → its last drill: seconds from the fault until this very rule was told, whoever was quicker.

    Read from what the drills' incidents heard; an entry without an incident says `alert` and `detect_s`."""
    found: dict[str, Drilled] = {}
    measured: set[str] = set()
    for entry in ledger.list_entries(EntryFilter(kinds=(Kind.DRILL,)), limit=_DRILLS_READ):
        # Of each drill the last measure only: an older one is about an older product.
        if "detect_s" in entry.body and entry.subject not in measured:
            measured.add(entry.subject)
            for alert, drilled in _of_entry(ledger, entry):
                found.setdefault(alert, drilled)
    return found


def _of_entry(ledger: Ledger, entry: Entry) -> Iterator[tuple[str, Drilled]]:
    incident_id, began, page_s = (entry.body.get(name) for name in ("incident_id", "run_at", "page_s"))
    paged = float(str(page_s)) if _is_number(page_s) else None
    if isinstance(incident_id, int) and isinstance(began, str):
        fault_at = datetime.fromisoformat(began)
        for voice in list_voices(ledger.store, incident_id=incident_id, since=fault_at):
            if voice.source is SignalSource.ALERTMANAGER:
                seconds = (voice.received_at - fault_at).total_seconds()
                yield voice.name, Drilled(at=entry.at, detect_s=round(seconds, 1), page_s=paged)
        return
    alert, detect_s = entry.body.get("alert"), entry.body.get("detect_s")
    if isinstance(alert, str) and _is_number(detect_s):
        yield alert, Drilled(at=entry.at, detect_s=float(str(detect_s)), page_s=paged)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
