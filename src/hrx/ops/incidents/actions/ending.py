"""The way to the end of an incident, and back when it was not over."""

from __future__ import annotations

from dataclasses import replace

from hrx.kit import clock
from hrx.kit.errors import Conflict, Text
from hrx.ops.incidents.actions.doing import (
    Doing,
    act,
    count_as_response,
    refuse_state,
    require_unresolved,
    to_reason,
)
from hrx.ops.incidents.lifecycle import reopen_within, stop_paging, stop_watching, watch_stay
from hrx.ops.incidents.traces import watch_burning
from hrx.ops.ledger.incidents import Incident, IncidentState
from hrx.ops.ledger.post_mortems import PostMortemState, find_post_mortem
from hrx.ops.ledger.signals import end_conditions, is_trace, list_conditions
from hrx.ops.operators.roles import Actor
from hrx.ops.run.plane import Plane


def mitigate(plane: Plane, incident_id: int, *, reason: str, actor: Actor) -> Incident:
    """The symptom has gone, somebody says: the recovery clock stops; now watch whether it stays away."""

    def do(doing: Doing) -> Incident:
        found = doing.incident
        if found.state not in (IncidentState.OPEN, IncidentState.ACKNOWLEDGED):
            raise refuse_state(found)
        after = replace(
            count_as_response(found, actor), state=IncidentState.MITIGATED, mitigated_at=clock.now()
        )
        saved = doing.change(after, "mitigated", reason=to_reason(reason))
        stop_paging(doing.connection, saved)
        stop_watching(doing.connection, saved)
        watch_stay(plane, doing.connection, saved)
        watch_burning(plane.content.watch, doing.connection, saved)
        return saved

    return act(plane, incident_id, actor=actor, do=do)


def resolve(plane: Plane, incident_id: int, *, reason: str, actor: Actor) -> Incident:
    """It is over and will stay over. What still holds then counts as over too."""

    def do(doing: Doing) -> Incident:
        found, now = doing.incident, clock.now()
        require_unresolved(found)
        after = replace(
            count_as_response(found, actor),
            state=IncidentState.RESOLVED,
            resolved_at=now,
            mitigated_at=found.mitigated_at or now,
        )
        holding = [item for item in list_conditions(doing.connection, found.id) if item.is_firing]
        keys = [item.key for item in holding]
        saved = doing.change(
            after, "resolved", reason=to_reason(reason), still_holding=keys[:10], holding=len(keys)
        )
        # Else a new fault of the same kind would be news to nobody while an old alert runs out.
        # A budget burns on for a while, whatever anybody says; what burns on after that is watched for.
        end_conditions(doing.connection, [item for item in holding if not is_trace(item.key)])
        stop_paging(doing.connection, saved)
        stop_watching(doing.connection, saved)
        watch_burning(plane.content.watch, doing.connection, saved)
        return saved

    return act(plane, incident_id, actor=actor, do=do)


def reopen(plane: Plane, incident_id: int, *, reason: str, actor: Actor) -> Incident:
    """It is not over after all: people are called again and the clocks go on from the opening."""

    def do(doing: Doing) -> Incident:
        if doing.incident.state not in (IncidentState.MITIGATED, IncidentState.RESOLVED):
            raise refuse_state(doing.incident)
        return reopen_within(
            plane,
            doing.connection,
            doing.incident,
            actor=actor.name,
            facts={"reason": to_reason(reason)},
            change="reopened",
        )

    return act(plane, incident_id, actor=actor, do=do)


def close(plane: Plane, incident_id: int, *, actor: Actor) -> Incident:
    """Everything about it is done, the post-mortem too; it is never opened again."""

    def do(doing: Doing) -> Incident:
        if doing.incident.state is not IncidentState.RESOLVED:
            raise refuse_state(doing.incident)
        _require_post_mortem(doing)
        return doing.change(
            replace(doing.incident, state=IncidentState.CLOSED, closed_at=clock.now()), "closed"
        )

    return act(plane, incident_id, actor=actor, do=do)


def _require_post_mortem(doing: Doing) -> None:
    found = find_post_mortem(doing.connection, doing.incident.id)
    if found is None or found.state is PostMortemState.APPROVED:
        return
    raise Conflict(
        Text(
            ja="事後検証の承認がまだなので、完了にはできません",
            en="It cannot be closed: its post-mortem is not approved yet",
        ),
        hint=Text(
            ja=f"`hrx post-mortem show {doing.incident.id}` で残りを見られます。",
            en=f"`hrx post-mortem show {doing.incident.id}` shows what is left.",
        ),
        code="incident.no_post_mortem",
    )
