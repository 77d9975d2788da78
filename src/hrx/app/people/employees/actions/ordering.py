"""Change orders: asked for, previewed, carried out. Deciding on those that wait is in `deciding`.

Each kind of order has a carrier, registered by the module that knows the kind. HR's own orders are carried
out at once unless the tenant wants four eyes; a manager's wait for HR. A carrier plans on the record as it is
when the order is carried out, not as it was when it was asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Protocol

import orjson
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.actions.recording import begin_recording
from hrx.app.people.employees.actions.warnings import Warning
from hrx.app.people.employees.models import CHANGE_ORDER
from hrx.app.people.employees.queries.records import get_today, needs_four_eyes
from hrx.app.people.employees.record import Segment
from hrx.app.platform import audit
from hrx.app.platform.edge import not_allowed
from hrx.app.platform.live import EventKind, publish
from hrx.app.platform.tenancy import Principal, Role
from hrx.kit import clock

Change = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What carrying out an order did, or would do."""

    person_id: int | None = None
    org_unit_id: int | None = None
    changes: list[Change] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)
    #: The person's assignments before and after, for a preview.
    before: tuple[Segment, ...] = ()
    after: tuple[Segment, ...] = ()


class Carrier(Protocol):
    """Carries out one kind of order; with `is_preview` it plans and checks, and writes nothing."""

    def __call__(self, session: AsyncSession, order: Asking, *, is_preview: bool) -> Awaitable[Outcome]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """An order as its carrier sees it. `id` is None in a preview."""

    id: int | None
    kind: str
    person_id: int | None
    org_unit_id: int | None
    effective_on: date
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    carrier: Carrier
    event: EventKind
    #: Whether a manager may ask for it, for their own line.
    by_managers: bool


KINDS: Final[dict[str, _Kind]] = {}


def carries_out(
    kind: str, *, event: EventKind = EventKind.PEOPLE_CHANGED, by_managers: bool = False
) -> Callable[[Carrier], Carrier]:
    """Register the carrier of a kind of order."""

    def register(carrier: Carrier) -> Carrier:
        KINDS[kind] = _Kind(carrier=carrier, event=event, by_managers=by_managers)
        return carrier

    return register


async def ask_for(
    session: AsyncSession,
    *,
    kind: str,
    effective_on: date,
    reason: str,
    payload: dict[str, Any],
    person_id: int | None = None,
    org_unit_id: int | None = None,
) -> int:
    """Write the order and, when nobody else has to agree, carry it out. Gives its id.

    Raises Forbidden when the principal may not even ask."""
    principal: Principal = session.info["principal"]
    known = KINDS[kind]
    if not principal.may_write_people and not (known.by_managers and principal.is_any(Role.MANAGER)):
        raise not_allowed()
    waits = not principal.may_write_people or (
        not principal.is_any(Role.SYSTEM) and await needs_four_eyes(session)
    )
    asking = Asking(
        id=None,
        kind=kind,
        person_id=person_id,
        org_unit_id=org_unit_id,
        effective_on=effective_on,
        payload=payload,
    )
    if waits:
        return await _propose(session, asking, reason=reason)
    await begin_recording(session)
    order_id = await _insert(session, asking, reason=reason, state=await due_state(session, asking))
    outcome = await known.carrier(session, _with_id(asking, order_id), is_preview=False)
    await finish(session, order_id, asking, outcome, action=f"change_order.{kind}_recorded")
    return order_id


async def preview(
    session: AsyncSession,
    *,
    kind: str,
    effective_on: date,
    payload: dict[str, Any],
    person_id: int | None = None,
) -> Outcome:
    """What an order would do. HR's is really carried out, checked by the database, and rolled back."""
    principal: Principal = session.info["principal"]
    known = KINDS[kind]
    asking = Asking(
        id=None,
        kind=kind,
        person_id=person_id,
        org_unit_id=None,
        effective_on=effective_on,
        payload=payload,
    )
    if not principal.may_write_people:
        if not (known.by_managers and principal.is_any(Role.MANAGER)):
            raise not_allowed()
        return await known.carrier(session, asking, is_preview=True)
    trial = await session.begin_nested()
    try:
        await begin_recording(session)
        outcome = await known.carrier(session, asking, is_preview=False)
        await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    finally:
        await trial.rollback()
        session.info.pop("wrote_people", None)
    return outcome


_FINISH: Final = text(
    "UPDATE app.change_order SET person_id = coalesce(person_id, :person_id),"
    " org_unit_id = coalesce(org_unit_id, :org_unit_id), changes = CAST(:changes AS jsonb)"
    " WHERE id = :order_id"
)


async def _propose(session: AsyncSession, asking: Asking, *, reason: str) -> int:
    """An order that waits; what it would change is worked out now, for whoever decides."""
    outcome = await KINDS[asking.kind].carrier(session, asking, is_preview=True)
    order_id = await _insert(session, asking, reason=reason, state="proposed", changes=outcome.changes)
    await tell(session, order_id, person_id=asking.person_id, action="change_order.proposed")
    return order_id


async def _insert(
    session: AsyncSession, asking: Asking, *, reason: str, state: str, changes: list[Change] | None = None
) -> int:
    principal: Principal = session.info["principal"]
    is_decided = state != "proposed"
    values = {
        "kind": asking.kind,
        "state": state,
        "person_id": asking.person_id,
        "org_unit_id": asking.org_unit_id,
        "effective_on": asking.effective_on,
        "reason": reason,
        "payload": asking.payload,
        "changes": changes or [],
        "requested_by": principal.user_id,
        "requested_at": clock.now(),
        "needs_second_person": not is_decided,
        "approved_by": principal.user_id if is_decided else None,
        "approved_at": clock.now() if is_decided else None,
        "applied_at": clock.now() if state == "applied" else None,
    }
    order_id = await session.scalar(insert(CHANGE_ORDER).values(**values).returning(CHANGE_ORDER.c.id))
    assert isinstance(order_id, int)  # noqa: S101 - RETURNING of a NOT NULL column
    return order_id


async def due_state(session: AsyncSession, asking: Asking) -> str:
    """A change to come is a reservation, which can be taken back. A correction is a fact about the record."""
    if asking.kind == "correction":
        return "applied"
    return "reserved" if asking.effective_on > await get_today(session) else "applied"


def _with_id(asking: Asking, order_id: int) -> Asking:
    return Asking(
        id=order_id,
        kind=asking.kind,
        person_id=asking.person_id,
        org_unit_id=asking.org_unit_id,
        effective_on=asking.effective_on,
        payload=asking.payload,
    )


async def finish(
    session: AsyncSession,
    order_id: int,
    asking: Asking,
    outcome: Outcome,
    *,
    action: str,
    note: str = "",
) -> None:
    """Write down what was done; the audit entry names fields, never values."""
    person_id = asking.person_id or outcome.person_id
    await session.execute(
        _FINISH,
        {
            "order_id": order_id,
            "person_id": outcome.person_id,
            "org_unit_id": outcome.org_unit_id,
            "changes": orjson.dumps(outcome.changes, default=str).decode(),
        },
    )
    await audit.record(
        session,
        action=action,
        subject_person_id=person_id,
        details={
            "order_id": order_id,
            "kind": asking.kind,
            "effective_on": asking.effective_on.isoformat(),
            "fields": [str(change["field"]) for change in outcome.changes],
            **({"note": note} if note else {}),
        },
    )
    await publish(session, kind=EventKind.CHANGE_ORDER_CHANGED, ref_id=order_id)
    event_ref = person_id if person_id is not None else asking.org_unit_id or outcome.org_unit_id
    await publish(session, kind=KINDS[asking.kind].event, ref_id=event_ref)


async def tell(session: AsyncSession, order_id: int, *, person_id: int | None, action: str) -> None:
    await audit.record(session, action=action, subject_person_id=person_id, details={"order_id": order_id})
    await publish(session, kind=EventKind.CHANGE_ORDER_CHANGED, ref_id=order_id)
