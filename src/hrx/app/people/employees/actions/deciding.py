"""Deciding on change orders: approve, reject, cancel; and marking reservations whose day has come."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.actions.ordering import KINDS, Asking, due_state, finish, tell
from hrx.app.people.employees.actions.recording import begin_recording
from hrx.app.people.employees.actions.withdrawing import find_later_orders, withdraw
from hrx.app.people.employees.queries.orders import order_not_found
from hrx.app.people.employees.queries.records import get_today
from hrx.app.platform import audit
from hrx.app.platform.edge import not_allowed
from hrx.app.platform.live import EventKind, publish
from hrx.app.platform.tenancy import Principal
from hrx.kit import clock
from hrx.kit.errors import Conflict, Forbidden, Text

_DECIDE: Final = text(
    "UPDATE app.change_order SET state = :state, approved_by = :user_id, approved_at = :at,"
    " applied_at = CASE WHEN :state = 'applied' THEN CAST(:at AS timestamptz) END WHERE id = :order_id"
)
_LOCK: Final = text(
    "SELECT c.id, c.kind, c.state, c.person_id, c.org_unit_id, c.effective_on, c.payload, c.requested_by,"
    " c.needs_second_person"
    " FROM app.change_order AS c WHERE c.id = :order_id FOR UPDATE"
)
_SEEN: Final = text("SELECT c.state FROM app.change_order AS c WHERE c.id = :order_id")
_CLOSE: Final = text(
    "UPDATE app.change_order SET state = :state, closed_by = :user_id, closed_at = :at, closing_note = :note"
    " WHERE id = :order_id"
)
_APPLY_DUE: Final = text(
    "UPDATE app.change_order SET state = 'applied', applied_at = :at"
    " WHERE state = 'reserved' AND effective_on <= :today RETURNING id, kind, person_id"
)


async def approve(session: AsyncSession, *, order_id: int, note: str) -> None:
    """Carry out a proposed order. Raises Forbidden for the one who asked, Conflict unless it is proposed."""
    principal = _decider(session)
    await begin_recording(session)
    row = await _lock(session, order_id, expected={"proposed"})
    if row.needs_second_person and row.requested_by == principal.user_id:
        raise Forbidden(
            Text(ja="自分が申請した発令は承認できません。", en="You cannot approve your own order."),
            code="change_order.approver_is_requester",
            hint=Text(ja="ほかの担当者に承認を依頼してください。", en="Ask somebody else to approve it."),
        )
    asking = Asking(
        id=order_id,
        kind=row.kind,
        person_id=row.person_id,
        org_unit_id=row.org_unit_id,
        effective_on=row.effective_on,
        payload=row.payload,
    )
    state = await due_state(session, asking)
    await session.execute(
        _DECIDE, {"order_id": order_id, "state": state, "user_id": principal.user_id, "at": clock.now()}
    )
    outcome = await KINDS[row.kind].carrier(session, asking, is_preview=False)
    await finish(session, order_id, asking, outcome, action="change_order.approved", note=note)


async def reject(session: AsyncSession, *, order_id: int, note: str) -> None:
    """Turn a proposed order down. Raises Conflict unless it is proposed."""
    _decider(session)
    row = await _lock(session, order_id, expected={"proposed"})
    await _close(session, order_id, state="rejected", note=note)
    await tell(session, order_id, person_id=row.person_id, action="change_order.rejected")


async def cancel(session: AsyncSession, *, order_id: int, note: str) -> None:
    """Take back a proposed order (who asked, or HR) or a reserved one (HR): its rows are withdrawn.

    Raises Conflict when it is applied already, or when later orders build on it."""
    principal: Principal = session.info["principal"]
    if principal.may_write_people:
        await begin_recording(session)
    row = await _lock(session, order_id, expected={"proposed", "reserved"})
    if not principal.may_write_people and (row.requested_by != principal.user_id or row.state != "proposed"):
        raise not_allowed()
    if row.state == "reserved":
        await _refuse_when_built_upon(session, order_id)
        await withdraw(session, order_id)
    await _close(session, order_id, state="cancelled", note=note)
    await tell(session, order_id, person_id=row.person_id, action="change_order.cancelled")
    if row.state == "reserved":
        await publish(session, kind=KINDS[row.kind].event, ref_id=row.person_id or row.org_unit_id)


async def apply_due_orders(session: AsyncSession) -> int:
    """Mark reserved orders whose day has come as applied; gives how many. May run any number of times.

    Their facts were recorded when they were approved and hold from their day by themselves."""
    today = await get_today(session)
    due = (await session.execute(_APPLY_DUE, {"today": today, "at": clock.now()})).all()
    for row in due:
        await audit.record(
            session,
            action="change_order.applied",
            subject_person_id=row.person_id,
            details={"order_id": row.id, "kind": row.kind},
        )
    if due:
        await publish(session, kind=EventKind.CHANGE_ORDER_CHANGED)
        await publish(session, kind=EventKind.PEOPLE_CHANGED)
    return len(due)


def _decider(session: AsyncSession) -> Principal:
    principal: Principal = session.info["principal"]
    if not principal.may_write_people:
        raise not_allowed()
    return principal


async def _lock(session: AsyncSession, order_id: int, *, expected: set[str]) -> Any:
    """The order, kept from changing until the transaction ends. Raises ChangeOrderNotFound or Conflict."""
    if await session.scalar(_SEEN, {"order_id": order_id}) is None:
        raise order_not_found()
    row = (await session.execute(_LOCK, {"order_id": order_id})).one_or_none()
    if row is None:
        raise not_allowed()
    if row.state not in expected:
        raise Conflict(
            Text(
                ja="この発令はすでに処理されています。",
                en="This change order was decided or applied already.",
            ),
            code="change_order.state",
            hint=Text(
                ja="適用済みの内容を直すには「訂正」を使ってください。",
                en="Use a correction to put right what is applied.",
            ),
        )
    return row


async def _refuse_when_built_upon(session: AsyncSession, order_id: int) -> None:
    later = await find_later_orders(session, order_id)
    if later:
        numbers = ", ".join(f"#{found}" for found in later if found is not None) or "-"
        raise Conflict(
            Text(
                ja=f"この発令のあとに登録された発令({numbers})があるため、取り消せません。",
                en=f"Later orders ({numbers}) build on this one; it cannot be cancelled.",
            ),
            code="change_order.built_upon",
            hint=Text(ja="先に後の発令を取り消してください。", en="Cancel the later ones first."),
        )


async def _close(session: AsyncSession, order_id: int, *, state: str, note: str) -> None:
    principal: Principal = session.info["principal"]
    await session.execute(
        _CLOSE,
        {
            "order_id": order_id,
            "state": state,
            "user_id": principal.user_id,
            "at": clock.now(),
            "note": note,
        },
    )
