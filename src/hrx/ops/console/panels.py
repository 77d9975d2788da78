"""Sections that rooms put on the page of an incident: what the triage found, who was called, what was said.

`IncidentPanel` is the shape; the page names them in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from hrx.kit import clock
from hrx.kit.errors import NotFound, Text
from hrx.ops.communication.rhythm import Due, list_dues
from hrx.ops.console.desk import Visit
from hrx.ops.ledger.communications import NoticeKind, NoticeState, list_notices
from hrx.ops.ledger.entries import EntryFilter, Kind
from hrx.ops.ledger.incidents import Incident
from hrx.ops.ledger.notifications import Attempt, Notification, list_attempts, list_notifications
from hrx.ops.paging.people import PLACE
from hrx.ops.plan import ApprovalRule
from hrx.ops.run.approvals import find_approval
from hrx.ops.run.plane import Plane
from hrx.ops.run.planning import get_plan
from hrx.ops.run.records import list_runs
from hrx.ops.runbook.procedures import get_procedure
from hrx.ops.triage.engine import choose_sop

_SHOWN: Final = 40
_PLANS: Final = 6
_SAID: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPanel:
    """A room's own section on the page of an incident; `values` are for its template. `Any`: its own."""

    name: str
    template: str
    values: Callable[[Visit, Incident], dict[str, Any]]


# ── triage ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionView:
    """What a cause predicts, and what was seen instead of an opinion."""

    says: Text
    verdict: str
    is_required: bool
    check: Text
    seen: Text | None
    failure: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """A plan made for the incident. `run` is the state of its newest run, None before one."""

    seq: int
    procedure: str
    params: Mapping[str, str]
    run: str | None
    is_approved: bool
    needs_other: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalView:
    """A recovery with the address of its plan's form, filled in; `missing` names what was not learned."""

    title: Text
    says: Text
    risk: str
    lasting: str
    is_auto: bool
    #: Whose word its plan needs: `none`, `own`, `other`; empty when the procedure is not known any more.
    rule: str
    params: str
    url: str
    missing: tuple[str, ...]
    plans: tuple[PlanView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseView:
    """One cause as the page shows it."""

    title: Text
    sop: str
    verdict: str
    is_first: bool
    symptom_of: Text | None
    advice: Text
    predictions: tuple[PredictionView, ...]
    proposals: tuple[ProposalView, ...]


def show_triage(visit: Visit, incident: Incident) -> dict[str, Any]:
    """The newest triage; `triage` is None while there was none."""
    found = incident.body.get("triage")
    sop = choose_sop(visit.desk.plane, incident)
    if not isinstance(found, Mapping):
        return {"triage": None, "sop": sop, "ran": sop}
    ran = next((one for one in visit.desk.plane.content.sops if one.id == found["sop"]), None)
    return {"sop": sop, "ran": ran, **view_triage(visit.desk.plane, found, incident=incident)}


# `Any`: the triage as JSON, and values for a template.
def view_triage(plane: Plane, found: Mapping[str, Any], *, incident: Incident | None) -> dict[str, Any]:
    """A triage as the page shows it, about an incident or asked for by itself."""
    plans = _list_plans(plane, incident) if incident is not None else ()
    causes = [_to_cause(plane, one, found, incident, plans=plans) for one in found["causes"]]
    return {
        "triage": found,
        "unseen_at": _moment_of(found.get("unseen")),
        "ran_at": datetime.fromisoformat(str(found["started_at"])),
        "seconds": float(found["took_ms"]) / 1000,
        "asked": len(found["evidence"]),
        "unanswered": sum(1 for one in found["evidence"] if one["failure"]),
        "standing": [one for one in causes if one.verdict == "supported"],
        "open": [one for one in causes if one.verdict == "undecided"],
        "refuted": [one for one in causes if one.verdict == "refuted"],
    }


def _list_plans(plane: Plane, incident: Incident) -> tuple[PlanView, ...]:
    """The newest plans made for an incident, with how far each came."""
    wanted = EntryFilter(kinds=(Kind.PLAN,), text=f'"incident":{incident.id},')
    found = []
    for entry in plane.ledger.list_entries(wanted, limit=_PLANS):
        if entry.body.get("incident") != incident.id:
            continue
        record = get_plan(plane, entry.seq)
        runs = [run for run in list_runs(plane, subject=record.plan.lock) if run.plan_seq == record.seq]
        found.append(
            PlanView(
                seq=record.seq,
                procedure=record.plan.procedure,
                params=record.plan.params,
                run=runs[0].state.value if runs else None,
                is_approved=find_approval(plane, record) is not None,
                needs_other=record.plan.approval_needed is ApprovalRule.OTHER,
            )
        )
    return tuple(found)


# `Any`: the triage as it was kept, which is JSON.
def _to_cause(
    plane: Plane,
    one: Mapping[str, Any],
    found: Mapping[str, Any],
    incident: Incident | None,
    *,
    plans: tuple[PlanView, ...],
) -> CauseView:
    evidence = {item["id"]: item for item in found["evidence"]}
    titles = {item["id"]: item["title"] for item in found["causes"]}
    above = titles.get(one["symptom_of"])
    return CauseView(
        title=_text(one["title"]),
        sop=str(one["sop"]),
        verdict=str(one["verdict"]),
        is_first=one["id"] == found["first_cause"],
        symptom_of=_text(above) if above else None,
        advice=_text(one["advice"]),
        predictions=tuple(
            _to_prediction(item, evidence.get(item["evidence"])) for item in one["predictions"]
        ),
        proposals=tuple(_to_proposal(plane, item, incident, plans=plans) for item in one["proposals"]),
    )


def _to_prediction(item: Mapping[str, Any], evidence: Mapping[str, Any] | None) -> PredictionView:
    failure = evidence["failure"] if evidence else None
    seen = item["seen"]
    return PredictionView(
        says=_text(item["says"]),
        verdict=str(item["verdict"]),
        is_required=bool(item["is_required"]),
        check=_text(evidence["title"]) if evidence else Text(ja="–", en="–"),
        seen=None if seen is None else _short(str(item["fact"]), seen),
        failure=_text(failure) if failure else None,
    )


# `Any`: the triage as it was kept, which is JSON.
def _to_proposal(
    plane: Plane, item: Mapping[str, Any], incident: Incident | None, *, plans: tuple[PlanView, ...]
) -> ProposalView:
    name = str(item["procedure"])
    params = {str(key): str(value) for key, value in item["params"].items()}
    asked = dict(params)
    if incident is not None:
        asked |= {"incident": str(incident.id), "reason": f"#{incident.id} {incident.title.en}"[:200]}
    return ProposalView(
        title=_text(item["title"]),
        says=_text(item["says"]),
        risk=str(item["risk"]),
        lasting=str(item["lasting"]),
        is_auto=bool(item["is_auto"]),
        rule=_find_rule(plane, name),
        params=" ".join(f"{key}={value}" for key, value in params.items()),
        url=f"/procedures/{name}?{urlencode(asked)}",
        missing=tuple(str(one) for one in item["missing"]),
        # The same procedure for another part is another repair.
        plans=tuple(
            one for one in plans if one.procedure == name and params.items() <= dict(one.params).items()
        ),
    )


def _moment_of(unseen: Mapping[str, Any] | None) -> datetime | None:
    return datetime.fromisoformat(str(unseen["at"])) if unseen else None


def _find_rule(plane: Plane, procedure: str) -> str:
    try:
        return get_procedure(plane.content.procedures, procedure).approval.value
    except NotFound:
        return ""


def _short(fact: str, seen: object) -> Text:
    if isinstance(seen, bool):
        return Text(ja=f"{fact}: {'はい' if seen else 'いいえ'}", en=f"{fact}: {'yes' if seen else 'no'}")
    return _same(f"{fact}: {f'{seen:.3g}' if isinstance(seen, float) else str(seen)[:120]}")


def _same(words: str) -> Text:
    return Text(ja=words, en=words)


def _text(found: Mapping[str, str]) -> Text:
    return Text(ja=found["ja"], en=found["en"])


# ── messages ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """One message to one recipient. `took_s`: from wanting it said to the other side's receipt."""

    one: Notification
    recipient: Text
    took_s: float | None
    attempts: tuple[Attempt, ...]

    @property
    def says(self) -> str:
        return self.attempts[-1].says if self.attempts else ""


def show_messages(visit: Visit, incident: Incident) -> dict[str, Any]:
    """The newest messages about an incident, with what the other side answered."""
    found = list_notifications(visit.desk.ledger.store, incident_id=incident.id, limit=_SHOWN)
    return {"messages": [_to_message(visit.desk.plane, one) for one in found]}


def _to_message(plane: Plane, one: Notification) -> MessageView:
    attempts = tuple(list_attempts(plane.ledger.store, one.id))
    person = plane.content.contacts.find(one.recipient)
    delivered = one.settled_at if one.state.value == "delivered" else None
    return MessageView(
        one=one,
        recipient=person.name if person else _same(one.recipient.removeprefix(PLACE)),
        took_s=(delivered - one.created_at).total_seconds() if delivered else None,
        attempts=attempts,
    )


# ── communication ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A word that is due, with the seconds that are left (negative: late) and the share that is used up."""

    due: Due
    left_s: float
    used_ratio: float


def list_waiting(visit: Visit, incident: Incident) -> list[Waiting]:
    """What is due about an incident, soonest first."""
    with visit.desk.ledger.store.read() as connection:
        dues = list_dues(visit.desk.plane, connection, incident)
    now = clock.now()
    found = []
    for due in dues:
        whole = due.every.every if due.kind is NoticeKind.UPDATE else due.every.first
        left = due.due_at - now
        found.append(Waiting(due=due, left_s=left.total_seconds(), used_ratio=1 - left / whole))
    return found


def show_communication(visit: Visit, incident: Incident) -> dict[str, Any]:
    """What was said to whom, the newest first, and what is due next."""
    with visit.desk.ledger.store.read() as connection:
        told = list_notices(
            connection, incident_id=incident.id, with_absorbed=True, states=(NoticeState.PUBLISHED,)
        )
        drafts = list_notices(connection, incident_id=incident.id, states=(NoticeState.DRAFT,))
    return {
        "waiting": list_waiting(visit, incident),
        "told": told[:_SAID],
        "more": max(0, len(told) - _SAID),
        "drafts": drafts,
    }
