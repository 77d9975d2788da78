"""What people do with an incident. Each is one write transaction: the row, its timers and a chained entry.

Looking is everybody's; everything here takes the role responder or above."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Conflict, Invalid, Text
from hrx.ops import words
from hrx.ops.incidents.clocks import Pause, find_running_pause, list_pauses, pause_to_json
from hrx.ops.incidents.lifecycle import (
    change_within,
    hasten_paging,
    merge_within,
    note_within,
    open_within,
    page,
    reopen_within,
    stop_paging,
    stop_watching,
    watch_stay,
)
from hrx.ops.incidents.naming import title_for
from hrx.ops.ledger.incidents import Incident, IncidentState, get_within
from hrx.ops.ledger.post_mortems import PostMortemState, find_post_mortem
from hrx.ops.ledger.signals import end_conditions, list_conditions, move_conditions
from hrx.ops.ledger.store import Connection
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity

_PAUSE_MAX: Final = timedelta(days=14)
_NOTE_CHARS: Final = 4000
_REASON_CHARS: Final = 500


class IncidentRole(StrEnum):
    """Who does what in a major incident (runbook 5.3)."""

    MANAGER = "manager"
    SCRIBE = "scribe"
    LIAISON = "liaison"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doing:
    """One action under way: what everybody of them needs."""

    plane: Plane
    connection: Connection
    actor: Actor
    incident: Incident

    def change(self, after: Incident, change: str, **facts: object) -> Incident:
        return change_within(
            self.plane, self.connection, after, change=change, actor=self.actor.name, facts=facts
        )

    def note(self, facts: Mapping[str, object]) -> None:
        note_within(self.plane, self.connection, self.incident, actor=self.actor.name, facts=facts)


def acknowledge(plane: Plane, incident_id: int, *, actor: Actor) -> Incident:
    """Say "I have it": calling people ends, the response clock stops. Harmless when it is yours already.

    Raises Conflict when somebody else has it (`take_over`), and when nothing is left to respond to."""

    def do(doing: _Doing) -> Incident:
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

    return _do(plane, incident_id, actor=actor, do=do)


def take_over(plane: Plane, incident_id: int, *, actor: Actor) -> Incident:
    """The same, whoever had it before."""

    def do(doing: _Doing) -> Incident:
        if doing.incident.acknowledged_by == actor.name and doing.incident.is_unresolved:
            return doing.incident
        change = "acknowledged" if doing.incident.acknowledged_by is None else "taken_over"
        return _acknowledge(doing, change)

    return _do(plane, incident_id, actor=actor, do=do)


def set_severity(
    plane: Plane, incident_id: int, *, severity: Severity, reason: str, actor: Actor
) -> Incident:
    """Judge it anew: both clocks are counted again from the opening; a worse one calls people again."""

    def do(doing: _Doing) -> Incident:
        found = doing.incident
        _require_unresolved(found)
        if found.severity is severity:
            return found
        saved = doing.change(
            replace(found, severity=severity),
            "severity_set",
            **{"from": int(found.severity), "to": int(severity), "reason": _reason(reason)},
        )
        if severity < found.severity and saved.acknowledged_at is None:
            if not hasten_paging(doing.connection, saved):
                page(plane, doing.connection, saved)
        elif not plane.content.respond.severities[severity].pages:
            stop_paging(doing.connection, saved)
        return saved

    return _do(plane, incident_id, actor=actor, do=do)


def pause_clock(plane: Plane, incident_id: int, *, until: datetime, reason: str, actor: Actor) -> Incident:
    """Stop the recovery clock until then at most, for a reason that is not ours to hasten."""

    def do(doing: _Doing) -> Incident:
        found, now = doing.incident, clock.now()
        _require_unresolved(found)
        if found.acknowledged_at is None:
            raise _refuse_state(found, ja="対応開始前は止められません", en="Acknowledge it first")
        if find_running_pause(found, at=now) is not None:
            raise _refuse_state(found, ja="時計はすでに止まっています", en="The clock is paused already")
        if not now < until <= now + _PAUSE_MAX:
            raise Invalid(
                Text(ja="再開の時刻は今から 14 日以内です", en="It must go on within the next 14 days"),
                code="incident.bad_pause",
            )
        pause = Pause(by=actor.name, reason=_reason(reason), starts_at=now, until=until)
        pauses = [pause_to_json(item) for item in (*list_pauses(found), pause)]
        return doing.change(
            replace(found, body={**found.body, "pauses": pauses}),
            "paused",
            reason=pause.reason,
            until=until.isoformat(),
        )

    return _do(plane, incident_id, actor=actor, do=do)


def continue_clock(plane: Plane, incident_id: int, *, actor: Actor) -> Incident:
    """Let the recovery clock go on before its pause is over."""

    def do(doing: _Doing) -> Incident:
        found, now = doing.incident, clock.now()
        running = find_running_pause(found, at=now)
        if running is None:
            raise _refuse_state(found, ja="時計は止まっていません", en="The clock is not paused")
        pauses = [
            pause_to_json(replace(item, ended_at=now) if item == running else item)
            for item in list_pauses(found)
        ]
        return doing.change(replace(found, body={**found.body, "pauses": pauses}), "continued")

    return _do(plane, incident_id, actor=actor, do=do)


def mitigate(plane: Plane, incident_id: int, *, reason: str, actor: Actor) -> Incident:
    """The symptom has gone, somebody says: the recovery clock stops; now watch whether it stays away."""

    def do(doing: _Doing) -> Incident:
        found = doing.incident
        if found.state not in (IncidentState.OPEN, IncidentState.ACKNOWLEDGED):
            raise _refuse_state(found)
        after = replace(_had_by(found, actor), state=IncidentState.MITIGATED, mitigated_at=clock.now())
        saved = doing.change(after, "mitigated", reason=_reason(reason))
        stop_paging(doing.connection, saved)
        stop_watching(doing.connection, saved)
        watch_stay(plane, doing.connection, saved)
        return saved

    return _do(plane, incident_id, actor=actor, do=do)


def resolve(plane: Plane, incident_id: int, *, reason: str, actor: Actor) -> Incident:
    """It is over and will stay over. What still holds then counts as over too."""

    def do(doing: _Doing) -> Incident:
        found, now = doing.incident, clock.now()
        _require_unresolved(found)
        after = replace(
            _had_by(found, actor),
            state=IncidentState.RESOLVED,
            resolved_at=now,
            mitigated_at=found.mitigated_at or now,
        )
        holding = [item for item in list_conditions(doing.connection, found.id) if item.is_firing]
        keys = [item.key for item in holding]
        saved = doing.change(
            after, "resolved", reason=_reason(reason), still_holding=keys[:10], holding=len(keys)
        )
        # Else a new fault of the same kind would be news to nobody while an old alert runs out.
        end_conditions(doing.connection, holding)
        stop_paging(doing.connection, saved)
        stop_watching(doing.connection, saved)
        return saved

    return _do(plane, incident_id, actor=actor, do=do)


def reopen(plane: Plane, incident_id: int, *, reason: str, actor: Actor) -> Incident:
    """It is not over after all: people are called again and the clocks go on from the opening."""

    def do(doing: _Doing) -> Incident:
        if doing.incident.state not in (IncidentState.MITIGATED, IncidentState.RESOLVED):
            raise _refuse_state(doing.incident)
        return reopen_within(
            plane,
            doing.connection,
            doing.incident,
            actor=actor.name,
            facts={"reason": _reason(reason)},
            change="reopened",
        )

    return _do(plane, incident_id, actor=actor, do=do)


def close(plane: Plane, incident_id: int, *, actor: Actor) -> Incident:
    """Everything about it is done, the post-mortem too; it is never opened again."""

    def do(doing: _Doing) -> Incident:
        if doing.incident.state is not IncidentState.RESOLVED:
            raise _refuse_state(doing.incident)
        _require_post_mortem(doing)
        return doing.change(
            replace(doing.incident, state=IncidentState.CLOSED, closed_at=clock.now()), "closed"
        )

    return _do(plane, incident_id, actor=actor, do=do)


def merge(plane: Plane, incident_id: int, *, into: int, reason: str, actor: Actor) -> Incident:
    """Two incidents are one: this one's conditions and signals go to the other. Gives the other."""

    def do(doing: _Doing) -> Incident:
        other = get_within(doing.connection, into)
        _require_unresolved(doing.incident)
        _require_unresolved(other)
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
            facts={"reason": _reason(reason)},
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

    return _do(plane, incident_id, actor=actor, do=do)


def split_off(
    plane: Plane, incident_id: int, *, keys: tuple[str, ...], reason: str, actor: Actor
) -> Incident:
    """Some of its conditions are another matter: they become an incident of their own. Gives the new one."""

    def do(doing: _Doing) -> Incident:
        found = doing.incident
        _require_unresolved(found)
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
        facts = {"split_from": found.id, "reason": _reason(reason), "title": asdict(lead.summary)}
        opened = open_within(plane, doing.connection, draft, actor=actor.name, facts=facts)
        move_conditions(
            doing.connection,
            to_incident=opened.id,
            from_incident=found.id,
            keys=[item.key for item in chosen],
        )
        doing.note(
            {"change": "split", "into": opened.id, "conditions": len(chosen), "reason": _reason(reason)}
        )
        return opened

    return _do(plane, incident_id, actor=actor, do=do)


def add_note(plane: Plane, incident_id: int, *, text: str, actor: Actor) -> Incident:
    """Something worth remembering, in the time line; possible in every state."""

    def do(doing: _Doing) -> Incident:
        said = text.strip()
        if not said or len(said) > _NOTE_CHARS:
            raise Invalid(
                Text(ja="メモは 1~4,000 文字です", en="A note has 1 to 4,000 characters"),
                code="incident.bad_note",
            )
        doing.note({"change": "note", "note": said})
        return doing.incident

    return _do(plane, incident_id, actor=actor, do=do)


def assign_role(plane: Plane, incident_id: int, *, role: IncidentRole, person: str, actor: Actor) -> Incident:
    """Give a role to a person (contact id or operator); an empty `person` takes it away."""

    def do(doing: _Doing) -> Incident:
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

    return _do(plane, incident_id, actor=actor, do=do)


def _do(plane: Plane, incident_id: int, *, actor: Actor, do: Callable[[_Doing], Incident]) -> Incident:
    require(actor, Permission.PLAN_AND_RUN)
    with plane.ledger.store.write() as connection:
        found = get_within(connection, incident_id)
        return do(_Doing(plane=plane, connection=connection, actor=actor, incident=found))


def _acknowledge(doing: _Doing, change: str) -> Incident:
    found = doing.incident
    _require_unresolved(found)
    state = found.state if found.state is IncidentState.MITIGATED else IncidentState.ACKNOWLEDGED
    after = replace(_had_by(found, doing.actor), state=state, acknowledged_by=doing.actor.name)
    saved = doing.change(after, change, before=found.acknowledged_by)
    stop_paging(doing.connection, saved)
    return saved


def _had_by(found: Incident, actor: Actor) -> Incident:
    """Whoever does something about it has responded."""
    if found.acknowledged_at is not None:
        return found
    return replace(found, acknowledged_at=clock.now(), acknowledged_by=actor.name)


def _require_post_mortem(doing: _Doing) -> None:
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


def _require_unresolved(found: Incident) -> None:
    if not found.is_unresolved:
        raise _refuse_state(found)


def _refuse_state(found: Incident, *, ja: str = "", en: str = "") -> Conflict:
    state = words.find("incident", found.state.value)
    return Conflict(
        Text(
            ja=ja or f"障害 {found.id} は「{state.ja}」なので、この操作はできません",
            en=en or f"Incident {found.id} is {state.en.lower()}, so this cannot be done",
        ),
        hint=Text(
            ja=f"`hrx incident show {found.id}` で今の状態を見られます。",
            en=f"`hrx incident show {found.id}` shows how it stands.",
        ),
        code="incident.wrong_state",
    )


def _reason(given: str) -> str:
    said = given.strip()
    if not said or len(said) > _REASON_CHARS:
        raise Invalid(
            Text(ja="理由を 500 文字以内で書いてください", en="Say why, in 500 characters at most"),
            code="incident.no_reason",
        )
    return said
