"""What every action on an incident shares: the transaction, the right to it, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Conflict, Invalid, Text
from hrx.ops import words
from hrx.ops.incidents.lifecycle import change_within, note_within
from hrx.ops.ledger.incidents import Incident, get_within
from hrx.ops.ledger.store import Connection
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.run.plane import Plane

_REASON_CHARS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """One action under way: what each of them needs."""

    plane: Plane
    connection: Connection
    actor: Actor
    incident: Incident

    def change(self, after: Incident, change: str, **facts: object) -> Incident:
        """Save the incident as it is `after`, with an entry of this name; gives it as saved."""
        return change_within(
            self.plane, self.connection, after, change=change, actor=self.actor.name, facts=facts
        )

    def note(self, facts: Mapping[str, object]) -> None:
        """An entry about it that changes nothing of the incident."""
        note_within(self.plane, self.connection, self.incident, actor=self.actor.name, facts=facts)


def act(plane: Plane, incident_id: int, *, actor: Actor, do: Callable[[Doing], Incident]) -> Incident:
    """Do it in one write transaction, on the incident as it stands then.

    Raises Forbidden without the role responder, NotFound when there is no such incident."""
    require(actor, Permission.PLAN_AND_RUN)
    with plane.ledger.store.write() as connection:
        found = get_within(connection, incident_id)
        return do(Doing(plane=plane, connection=connection, actor=actor, incident=found))


def count_as_response(found: Incident, actor: Actor) -> Incident:
    """Whoever does something about it has responded."""
    if found.acknowledged_at is not None:
        return found
    return replace(found, acknowledged_at=clock.now(), acknowledged_by=actor.name)


def require_unresolved(found: Incident) -> None:
    """Raises Conflict when it is over already."""
    if not found.is_unresolved:
        raise refuse_state(found)


def refuse_state(found: Incident, *, ja: str = "", en: str = "") -> Conflict:
    """Why it cannot be done as the incident stands; the caller raises it."""
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


def to_reason(given: str) -> str:
    """A reason as it is put on record. Raises Invalid when it is empty or longer than 500 characters."""
    said = given.strip()
    if not said or len(said) > _REASON_CHARS:
        raise Invalid(
            Text(ja="理由を 500 文字以内で書いてください", en="Say why, in 500 characters at most"),
            code="incident.no_reason",
        )
    return said
