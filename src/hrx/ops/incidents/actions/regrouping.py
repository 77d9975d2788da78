"""Two incidents that are one, and one that is two."""

from __future__ import annotations

from dataclasses import asdict, replace

from hrx.kit import clock
from hrx.kit.errors import Invalid, Text
from hrx.ops.incidents.actions.doing import Doing, act, require_unresolved, to_reason
from hrx.ops.incidents.lifecycle import change_within, hasten_paging, merge_within, open_within, page
from hrx.ops.incidents.naming import title_for
from hrx.ops.ledger.incidents import Incident, IncidentState, get_within
from hrx.ops.ledger.signals import list_conditions, move_conditions
from hrx.ops.operators.roles import Actor
from hrx.ops.run.plane import Plane


def merge(plane: Plane, incident_id: int, *, into: int, reason: str, actor: Actor) -> Incident:
    """Two incidents are one: this one's conditions and signals go to the other. Gives the other."""

    def do(doing: Doing) -> Incident:
        other = get_within(doing.connection, into)
        require_unresolved(doing.incident)
        require_unresolved(other)
        if other.id == doing.incident.id:
            raise Invalid(
                Text(ja="同じ障害には統合できません", en="An incident cannot be merged into itself"),
                code="incident.same",
            )
        if other.is_drill != doing.incident.is_drill:
            raise Invalid(
                Text(
                    ja="訓練と本当の障害は統合できません",
                    en="A drill and a real incident cannot be merged",
                ),
                code="incident.other_kind",
            )
        merge_within(
            plane,
            doing.connection,
            doing.incident,
            into=other,
            actor=actor.name,
            facts={"reason": to_reason(reason)},
        )
        if doing.incident.severity < other.severity:
            raised = replace(other, severity=doing.incident.severity)
            facts = {"from": int(other.severity), "to": int(raised.severity)}
            other = change_within(
                plane, doing.connection, raised, change="severity_raised", actor=actor.name, facts=facts
            )
            # The calls about the worse one have ended with it.
            if other.acknowledged_at is None and not hasten_paging(doing.connection, other):
                page(plane, doing.connection, other)
        return other

    return act(plane, incident_id, actor=actor, do=do)


def split_off(
    plane: Plane, incident_id: int, *, keys: tuple[str, ...], reason: str, actor: Actor
) -> Incident:
    """Some of its conditions are another matter: they become an incident of their own. Gives the new one."""

    def do(doing: Doing) -> Incident:
        found = doing.incident
        require_unresolved(found)
        held = {item.key: item for item in list_conditions(doing.connection, found.id)}
        chosen = [held[key] for key in keys if key in held]
        if not chosen or len(chosen) == len(held):
            raise Invalid(
                Text(ja="一部の条件だけを選んでください", en="Choose some of its conditions, not all"),
                code="incident.bad_split",
            )
        lead = chosen[0]
        draft = Incident(
            id=0,
            state=IncidentState.OPEN,
            severity=min((item.severity for item in chosen if item.severity), default=found.severity),
            title=title_for(lead, plane.content.parts),
            part=lead.part,
            sop=lead.body.get("sop") or found.sop,
            opened_at=clock.now(),
            is_drill=found.is_drill,
            is_security=found.is_security,
            body={"names": [item.name for item in chosen][:10], "split_from": found.id},
        )
        facts = {"split_from": found.id, "reason": to_reason(reason), "title": asdict(lead.summary)}
        opened = open_within(plane, doing.connection, draft, actor=actor.name, facts=facts)
        move_conditions(
            doing.connection,
            to_incident=opened.id,
            from_incident=found.id,
            keys=[item.key for item in chosen],
        )
        doing.note(
            {"change": "split", "into": opened.id, "conditions": len(chosen), "reason": to_reason(reason)}
        )
        return opened

    return act(plane, incident_id, actor=actor, do=do)
