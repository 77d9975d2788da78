"""Chapter 9: people, response team, vendors and departments, and how fresh each entry is."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response

from hrx.ops.console.desk import Visit, go, needs, needs_form
from hrx.ops.operators.roles import Permission
from hrx.ops.paging.freshness import confirm, list_freshness, today_of
from hrx.ops.runbook.contacts import ROLES

router: Final = APIRouter()
Looker = Annotated[Visit, Depends(needs(Permission.LOOK))]
Doer = Annotated[Visit, Depends(needs_form(Permission.PLAN_AND_RUN))]


@router.get("/contacts")
def show_contacts(visit: Looker) -> Response:
    plane = visit.desk.plane
    with plane.ledger.store.read() as connection:
        found = list_freshness(plane, connection)
    contacts = plane.content.contacts
    return visit.page(
        "contacts.html",
        contacts=contacts,
        people=[one for one in found if one.is_person],
        vendors=[one for one in found if not one.is_person],
        names={one.id: one.name for one in contacts.people},
        role_names=ROLES,
        today=today_of(plane),
        stale=[one for one in found if one.is_stale(today_of(plane))],
    )


@router.post("/contacts/{contact_id}/verify")
def verify(visit: Doer, contact_id: str) -> Response:
    confirm(visit.desk.plane, contact_id, actor=visit.actor)
    return go("/contacts")
