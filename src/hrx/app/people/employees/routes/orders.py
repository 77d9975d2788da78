"""Change orders: the list, and deciding on those that wait."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from hrx.app.people.employees.actions import deciding
from hrx.app.people.employees.inputs import Decision, RefId
from hrx.app.people.employees.queries import orders
from hrx.app.people.employees.routes.shapes import ChangeOrder, ChangeOrderPage, OrderState
from hrx.app.platform.edge import CursorParam, EdgeParts, Id, LimitParam, Reply, Transaction
from hrx.app.platform.paging import DEFAULT_LIMIT

router = APIRouter(prefix="/change-orders", tags=["change orders"])
_LISTING = "change_orders"


@router.get("", response_model=ChangeOrderPage)
async def list_change_orders(
    session: Transaction,
    parts: EdgeParts,
    state: OrderState | None = None,
    person_id: Annotated[RefId | None, Query()] = None,
    cursor: CursorParam = None,
    limit: LimitParam = DEFAULT_LIMIT,
) -> Response:
    """Orders that the reader may see, newest first."""
    before_id = int(parts.cursors.read(cursor, listing=_LISTING)[0] or 0) if cursor else None
    items, total, last_id = await orders.list_orders(
        session, state=state, person_id=person_id, before_id=before_id, limit=limit
    )
    next_cursor = last_id and parts.cursors.sign(listing=_LISTING, after=[last_id])
    return Reply({"items": items, "total": total, "next_cursor": next_cursor})


@router.get("/{order_id}", response_model=ChangeOrder)
async def get_change_order(order_id: Id, session: Transaction) -> Response:
    """One order."""
    return Reply(await orders.get_order(session, order_id))


@router.post("/{order_id}/approve", response_model=ChangeOrder)
async def approve_change_order(order_id: Id, session: Transaction, body: Decision | None = None) -> Response:
    """Agree to a proposed order; it is carried out. Nobody approves their own."""
    await deciding.approve(session, order_id=order_id, note=_note(body))
    return Reply(await orders.get_order(session, order_id))


@router.post("/{order_id}/reject", response_model=ChangeOrder)
async def reject_change_order(order_id: Id, session: Transaction, body: Decision | None = None) -> Response:
    """Turn a proposed order down."""
    await deciding.reject(session, order_id=order_id, note=_note(body))
    return Reply(await orders.get_order(session, order_id))


@router.post("/{order_id}/cancel", response_model=ChangeOrder)
async def cancel_change_order(order_id: Id, session: Transaction, body: Decision | None = None) -> Response:
    """Take back a proposed or reserved order."""
    await deciding.cancel(session, order_id=order_id, note=_note(body))
    return Reply(await orders.get_order(session, order_id))


def _note(body: Decision | None) -> str:
    return body.note if body is not None else ""
