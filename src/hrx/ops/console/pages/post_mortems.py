"""Post-mortems: which are due, the actions that are open, and one of them with all that the ledger knows."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Query, Response

from hrx.kit import clock
from hrx.kit.errors import HrxError, Invalid, NotFound, Text
from hrx.ops.communication import action_items
from hrx.ops.communication.post_mortem_text import to_markdown
from hrx.ops.communication.post_mortems import (
    SECTIONS,
    approve,
    begin,
    hand_in,
    lint_sections,
    needs_post_mortem,
    send_back,
    write,
)
from hrx.ops.communication.retrospect import look_back
from hrx.ops.console.desk import Visit, go, needs, needs_form
from hrx.ops.ledger.incidents import get_incident
from hrx.ops.ledger.post_mortems import (
    ActionState,
    find_post_mortem,
    get_action,
    get_post_mortem,
    list_actions,
    list_post_mortems,
)
from hrx.ops.operators.roles import Permission

router: Final = APIRouter()
Looker = Annotated[Visit, Depends(needs(Permission.LOOK))]
Doer = Annotated[Visit, Depends(needs_form(Permission.PLAN_AND_RUN))]
Approver = Annotated[Visit, Depends(needs_form(Permission.APPROVE))]
Section = Annotated[str, Form(max_length=8000)]
Line = Annotated[str, Form(max_length=300)]


@router.get("/post-mortems")
def show_all(visit: Looker) -> Response:
    plane = visit.desk.plane
    found = list_post_mortems(plane.ledger.store)
    with plane.ledger.store.read() as connection:
        actions = list_actions(connection)
    incidents = {one.incident_id: get_incident(plane.ledger.store, one.incident_id) for one in found}
    return visit.page(
        "post_mortems.html",
        rows=found,
        incidents=incidents,
        opened=[one for one in actions if one.state is ActionState.OPEN],
        ended=[one for one in reversed(actions) if one.state is not ActionState.OPEN][:30],
        today=_today(visit),
        now=clock.now(),
    )


@router.get("/incidents/{incident_id}/post-mortem")
def show_one(visit: Looker, incident_id: int) -> Response:
    return _show(visit, incident_id)


@router.get("/incidents/{incident_id}/post-mortem/export")
def export(visit: Looker, incident_id: int, language: Annotated[str, Query(max_length=2)] = "ja") -> Response:
    """The whole document as Markdown."""
    plane = visit.desk.plane
    incident = get_incident(plane.ledger.store, incident_id)
    with plane.ledger.store.read() as connection:
        found = get_post_mortem(connection, incident_id)
        actions = list_actions(connection, incident_id=incident_id)
    chosen = "en" if language == "en" else "ja"
    said = to_markdown(
        found,
        look_back(plane, incident),
        actions,
        language="en" if chosen == "en" else "ja",
        zone=plane.content.communication.zone,
    )
    name = f'attachment; filename="post-mortem-{incident_id}.{chosen}.md"'
    return Response(said, media_type="text/markdown; charset=utf-8", headers={"Content-Disposition": name})


@router.post("/incidents/{incident_id}/post-mortem/begin")
def start(visit: Doer, incident_id: int) -> Response:
    begin(visit.desk.plane, incident_id, actor=visit.actor)
    return _back(incident_id)


@router.post("/incidents/{incident_id}/post-mortem/write")
def save(
    visit: Doer,
    incident_id: int,
    summary: Section = "",
    impact: Section = "",
    cause: Section = "",
    factors: Section = "",
    went_well: Section = "",
    went_badly: Section = "",
    no_actions: Section = "",
) -> Response:
    sections = {
        "summary": summary,
        "impact": impact,
        "cause": cause,
        "factors": factors,
        "went_well": went_well,
        "went_badly": went_badly,
        "no_actions": no_actions,
    }
    write(visit.desk.plane, incident_id, sections=sections, actor=visit.actor)
    return _back(incident_id)


@router.post("/incidents/{incident_id}/post-mortem/hand-in")
def submit(visit: Doer, incident_id: int) -> Response:
    try:
        hand_in(visit.desk.plane, incident_id, actor=visit.actor)
    except HrxError as error:
        return _show(visit, incident_id, error=error)
    return _back(incident_id)


@router.post("/incidents/{incident_id}/post-mortem/approve")
def stand_by(visit: Approver, incident_id: int) -> Response:
    try:
        approve(visit.desk.plane, incident_id, actor=visit.actor)
    except HrxError as error:
        return _show(visit, incident_id, error=error)
    return _back(incident_id)


@router.post("/incidents/{incident_id}/post-mortem/send-back")
def refuse(visit: Approver, incident_id: int, reason: Line = "") -> Response:
    try:
        send_back(visit.desk.plane, incident_id, reason=reason, actor=visit.actor)
    except HrxError as error:
        return _show(visit, incident_id, error=error)
    return _back(incident_id)


@router.post("/incidents/{incident_id}/post-mortem/actions")
def add_action(
    visit: Doer, incident_id: int, title: Line = "", owner: Line = "", due_on: Line = ""
) -> Response:
    try:
        action_items.add(
            visit.desk.plane,
            incident_id,
            title=title,
            owner=owner,
            due_on=_read_day(due_on),
            actor=visit.actor,
        )
    except Invalid as error:
        return _show(visit, incident_id, error=error)
    return _back(incident_id)


@router.post("/actions/{action_id}/{verb}")
def end_action(visit: Doer, action_id: int, verb: str, outcome: Line = "") -> Response:
    """Done, or dropped for a reason."""
    do = {"done": action_items.finish, "drop": action_items.drop}.get(verb)
    if do is None:
        raise NotFound(Text(ja="その操作はありません", en="There is no such action"))
    with visit.desk.ledger.store.read() as connection:
        number = get_action(connection, action_id).incident_id
    try:
        do(visit.desk.plane, action_id, outcome=outcome, actor=visit.actor)
    except HrxError as error:
        return _show(visit, number, error=error)
    return _back(number)


# `Any`: values for a template.
def _show(visit: Visit, incident_id: int, *, error: HrxError | None = None) -> Response:
    plane = visit.desk.plane
    incident = get_incident(plane.ledger.store, incident_id)
    with plane.ledger.store.read() as connection:
        found = find_post_mortem(connection, incident_id)
        actions = list_actions(connection, incident_id=incident_id)
    past = look_back(plane, incident)
    values: dict[str, Any] = {
        "incident": incident,
        "found": found,
        "past": past,
        "actions": actions,
        "sections": SECTIONS,
        "leaks": lint_sections(plane, found) if found else (),
        "is_needed": needs_post_mortem(plane, incident),
        "rules": plane.content.communication.post_mortem,
        "people": plane.content.contacts.people,
        "today": _today(visit),
        "now": clock.now(),
        "error": error,
    }
    return visit.page("post_mortem.html", status=200 if error is None else 409, **values)


def _today(visit: Visit) -> date:
    return clock.now().astimezone(visit.desk.plane.content.respond.calendar.zone).date()


def _back(incident_id: int) -> Response:
    return go(f"/incidents/{incident_id}/post-mortem")


def _read_day(given: str) -> date:
    try:
        return date.fromisoformat(given.strip())
    except ValueError as error:
        raise Invalid(
            Text(ja="期限の日を選んでください", en="Choose the day until when"), code="post_mortem.no_day"
        ) from error
