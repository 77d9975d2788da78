"""Writing: hires, moves, departures, corrections, names and personal facts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from hrx.app.people.employees import inputs
from hrx.app.people.employees.actions import hiring, moving, profiles
from hrx.app.people.employees.queries.asked import NOW
from hrx.app.people.employees.queries.orders import get_order
from hrx.app.people.employees.queries.people import get_person
from hrx.app.people.employees.queries.previews import shape_planned
from hrx.app.people.employees.routes.shapes import ChangeOrder, PersonDetail, Preview
from hrx.app.platform.edge import CurrentPrincipal, Id, Reply, Transaction

router = APIRouter(prefix="/people", tags=["people"])


@router.post("", status_code=201, response_model=ChangeOrder)
async def hire(body: inputs.Hire, session: Transaction) -> Response:
    """Hire somebody. The order names the new person, unless it waits for a second person's approval."""
    return await _order(session, await hiring.hire_employee(session, asked=body))


@router.post(
    "/{person_id}/transfers",
    status_code=201,
    response_model=ChangeOrder,
    responses={200: {"model": Preview, "description": "With dry_run: what would change."}},
)
async def transfer(
    person_id: Id,
    body: inputs.Transfer,
    session: Transaction,
    principal: CurrentPrincipal,
    dry_run: Annotated[bool, Query(description="Only show what would change.")] = False,
) -> Response:
    """Transfer somebody on a day, or show what that would change."""
    if not dry_run:
        order_id = await moving.transfer_employee(session, person_id=person_id, asked=body)
        return await _order(session, order_id)
    outcome = await moving.preview_transfer(session, person_id=person_id, asked=body)
    sides = await shape_planned(session, before=outcome.before, after=outcome.after)
    warnings = [
        {"code": warning.code, "message": warning.message.in_language(principal.locale)}
        for warning in outcome.warnings
    ]
    return Reply({**sides, "warnings": warnings})


@router.post("/{person_id}/concurrent-posts", status_code=201, response_model=ChangeOrder)
async def add_concurrent_post(person_id: Id, body: inputs.ConcurrentPost, session: Transaction) -> Response:
    """Add a second post beside the primary one."""
    return await _order(session, await moving.add_concurrent_post(session, person_id=person_id, asked=body))


@router.post("/{person_id}/concurrent-post-ends", status_code=201, response_model=ChangeOrder)
async def end_concurrent_post(
    person_id: Id, body: inputs.ConcurrentPostEnd, session: Transaction
) -> Response:
    """End a concurrent post."""
    return await _order(session, await moving.end_concurrent_post(session, person_id=person_id, asked=body))


@router.post("/{person_id}/departures", status_code=201, response_model=ChangeOrder)
async def depart(person_id: Id, body: inputs.Departure, session: Transaction) -> Response:
    """Record that somebody leaves."""
    return await _order(session, await moving.depart_employee(session, person_id=person_id, asked=body))


@router.post("/{person_id}/rehires", status_code=201, response_model=ChangeOrder)
async def rehire(person_id: Id, body: inputs.Rehire, session: Transaction) -> Response:
    """Begin a new spell of employment of somebody who left."""
    return await _order(session, await hiring.rehire_employee(session, person_id=person_id, asked=body))


@router.post("/{person_id}/corrections", status_code=201, response_model=ChangeOrder)
async def correct(person_id: Id, body: inputs.Correction, session: Transaction) -> Response:
    """Put right what was recorded wrongly. What was known before stays known as having been known."""
    return await _order(session, await moving.correct_assignments(session, person_id=person_id, asked=body))


@router.put("/{person_id}/names", response_model=PersonDetail)
async def change_names(person_id: Id, body: inputs.NamesChange, session: Transaction) -> Response:
    """Change or put right a name."""
    await profiles.change_names(session, person_id=person_id, asked=body)
    return Reply(await get_person(session, person_id=person_id, asked=NOW))


@router.put("/{person_id}/private", response_model=PersonDetail)
async def change_private(person_id: Id, body: inputs.PrivateChange, session: Transaction) -> Response:
    """Change personal facts."""
    await profiles.change_private(session, person_id=person_id, asked=body)
    return Reply(await get_person(session, person_id=person_id, asked=NOW))


async def _order(session: Transaction, order_id: int) -> Response:
    return Reply(await get_order(session, order_id), status_code=201)
