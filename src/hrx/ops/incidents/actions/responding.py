"""Who has an incident, who does what in it, and what they note."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Final

from hrx.kit.errors import Conflict, Invalid, Text
from hrx.ops.incidents.actions.doing import Doing, act, count_as_response, require_unresolved
from hrx.ops.incidents.lifecycle import stop_paging
from hrx.ops.ledger.incidents import Incident, IncidentState
from hrx.ops.operators.roles import Actor
from hrx.ops.run.plane import Plane

_NOTE_CHARS: Final = 4000


class IncidentRole(StrEnum):
    """Who does what in a major incident (runbook 5.3)."""

    MANAGER = "manager"
    SCRIBE = "scribe"
    LIAISON = "liaison"


def acknowledge(plane: Plane, incident_id: int, *, actor: Actor) -> Incident:
    """Say "I have it": calling people ends, the response clock stops. Harmless when it is yours already.

    Raises Conflict when somebody else has it (`take_over`), and when nothing is left to respond to."""

    def do(doing: Doing) -> Incident:
        found = doing.incident
        if found.acknowledged_by == actor.name and found.is_unresolved:
            return found
        if found.acknowledged_by is not None and found.is_unresolved:
            raise Conflict(
                Text(ja=f"{found.acknowledged_by} が対応中です", en=f"{found.acknowledged_by} has it"),
                hint=Text(
                    ja=f"引き継ぐには `hrx incident acknowledge {found.id} --take-over`。",
                    en=f"To take it over: `hrx incident acknowledge {found.id} --take-over`.",
                ),
                code="incident.acknowledged",
            )
        return _acknowledge(doing, "acknowledged")

    return act(plane, incident_id, actor=actor, do=do)


def take_over(plane: Plane, incident_id: int, *, actor: Actor) -> Incident:
    """The same, whoever had it before."""

    def do(doing: Doing) -> Incident:
        if doing.incident.acknowledged_by == actor.name and doing.incident.is_unresolved:
            return doing.incident
        change = "acknowledged" if doing.incident.acknowledged_by is None else "taken_over"
        return _acknowledge(doing, change)

    return act(plane, incident_id, actor=actor, do=do)


def add_note(plane: Plane, incident_id: int, *, text: str, actor: Actor) -> Incident:
    """Something worth remembering, in the time line; possible in every state."""

    def do(doing: Doing) -> Incident:
        said = text.strip()
        if not said or len(said) > _NOTE_CHARS:
            raise Invalid(
                Text(ja="メモは 1~4,000 文字です", en="A note has 1 to 4,000 characters"),
                code="incident.bad_note",
            )
        doing.note({"change": "note", "note": said})
        return doing.incident

    return act(plane, incident_id, actor=actor, do=do)


def assign_role(plane: Plane, incident_id: int, *, role: IncidentRole, person: str, actor: Actor) -> Incident:
    """Give a role to a person (contact id or operator); an empty `person` takes it away."""

    def do(doing: Doing) -> Incident:
        found = doing.incident
        roles = {key: value for key, value in found.body.get("roles", {}).items() if key != role.value}
        if person.strip():
            roles[role.value] = person.strip()[:100]
        return doing.change(
            replace(found, body={**found.body, "roles": roles}),
            "role",
            role=role.value,
            person=person.strip()[:100] or None,
        )

    return act(plane, incident_id, actor=actor, do=do)


def _acknowledge(doing: Doing, change: str) -> Incident:
    found = doing.incident
    require_unresolved(found)
    state = found.state if found.state is IncidentState.MITIGATED else IncidentState.ACKNOWLEDGED
    after = replace(count_as_response(found, doing.actor), state=state, acknowledged_by=doing.actor.name)
    saved = doing.change(after, change, before=found.acknowledged_by)
    stop_paging(doing.connection, saved)
    return saved
