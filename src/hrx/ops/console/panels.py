"""Sections that rooms put on the page of an incident: what the triage found, who was told.

`IncidentPanel` is the shape; the page names them in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from hrx.kit.errors import NotFound, Text
from hrx.ops.console.desk import Visit
from hrx.ops.ledger.incidents import Incident
from hrx.ops.ledger.notifications import Notification, list_attempts, list_notifications
from hrx.ops.paging.people import PLACE
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.sops import get_sop

_SHOWN: Final = 40


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
    seen: str
    failure: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalView:
    """A recovery with the address of its plan's form, filled in; `missing` names what was not learned."""

    title: Text
    says: Text
    risk: str
    lasting: str
    is_auto: bool
    params: str
    url: str
    missing: tuple[str, ...]


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
    sop = _find_sop_title(visit.desk.plane, incident.sop)
    if not isinstance(found, Mapping):
        return {"triage": None, "sop_title": sop}
    return {"sop_title": sop, **view_triage(found, incident=incident)}


# `Any`: the triage as JSON, and values for a template.
def view_triage(found: Mapping[str, Any], *, incident: Incident | None) -> dict[str, Any]:
    """A triage as the page shows it, about an incident or asked for by itself."""
    causes = [_to_cause(one, found, incident) for one in found["causes"]]
    return {
        "triage": found,
        "unseen_at": _moment_of(found.get("unseen")),
        "seconds": float(found["took_ms"]) / 1000,
        "asked": len(found["evidence"]),
        "unanswered": sum(1 for one in found["evidence"] if one["failure"]),
        "standing": [one for one in causes if one.verdict == "supported"],
        "open": [one for one in causes if one.verdict == "undecided"],
        "refuted": [one for one in causes if one.verdict == "refuted"],
    }


def _find_sop_title(plane: Plane, sop: str | None) -> Text | None:
    try:
        return get_sop(plane.content.sops, sop).title if sop else None
    except NotFound:
        return None


# `Any`: the triage as it was kept, which is JSON.
def _to_cause(one: Mapping[str, Any], found: Mapping[str, Any], incident: Incident | None) -> CauseView:
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
        proposals=tuple(_to_proposal(item, incident) for item in one["proposals"]),
    )


def _to_prediction(item: Mapping[str, Any], evidence: Mapping[str, Any] | None) -> PredictionView:
    failure = evidence["failure"] if evidence else None
    seen = item["seen"]
    return PredictionView(
        says=_text(item["says"]),
        verdict=str(item["verdict"]),
        is_required=bool(item["is_required"]),
        check=_text(evidence["title"]) if evidence else Text(ja="–", en="–"),
        seen="" if seen is None else f"{item['fact']} = {_short(seen)}",
        failure=_text(failure) if failure else None,
    )


def _to_proposal(item: Mapping[str, Any], incident: Incident | None) -> ProposalView:
    params = {str(name): str(value) for name, value in item["params"].items()}
    asked = dict(params)
    if incident is not None:
        asked |= {"incident": str(incident.id), "reason": f"#{incident.id} {incident.title.en}"[:200]}
    return ProposalView(
        title=_text(item["title"]),
        says=_text(item["says"]),
        risk=str(item["risk"]),
        lasting=str(item["lasting"]),
        is_auto=bool(item["is_auto"]),
        params=" ".join(f"{name}={value}" for name, value in params.items()),
        url=f"/procedures/{item['procedure']}?{urlencode(asked)}",
        missing=tuple(str(name) for name in item["missing"]),
    )


def _moment_of(unseen: Mapping[str, Any] | None) -> datetime | None:
    return datetime.fromisoformat(str(unseen["at"])) if unseen else None


def _short(seen: object) -> str:
    return f"{seen:.3g}" if isinstance(seen, float) else str(seen)[:120]


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
    says: str


def show_messages(visit: Visit, incident: Incident) -> dict[str, Any]:
    """The newest messages about an incident, with what the other side answered."""
    found = list_notifications(visit.desk.ledger.store, incident_id=incident.id, limit=_SHOWN)
    return {"messages": [_to_message(visit.desk.plane, one) for one in found]}


def _to_message(plane: Plane, one: Notification) -> MessageView:
    attempts = list_attempts(plane.ledger.store, one.id)
    person = plane.content.contacts.find(one.recipient)
    delivered = one.settled_at if one.state.value == "delivered" else None
    return MessageView(
        one=one,
        recipient=person.name if person else _same(one.recipient.removeprefix(PLACE)),
        took_s=(delivered - one.created_at).total_seconds() if delivered else None,
        says=attempts[-1].says if attempts else "",
    )
