"""The communication of an incident: what is due, words in the making, what the linter says, saying it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Query, Response

from hrx.kit import clock
from hrx.kit.errors import HrxError, Invalid, NotFound, Text
from hrx.ops.communication.causes import confirm_cause
from hrx.ops.communication.drafting import Words
from hrx.ops.communication.facts import Said, find_cause
from hrx.ops.communication.leaks import Leak, has_errors
from hrx.ops.communication.notices import discard, draft, edit, lint, said_of
from hrx.ops.communication.previewing import make_preview
from hrx.ops.communication.rhythm import concerns_customers
from hrx.ops.communication.speaking import publish
from hrx.ops.console.desk import Visit, go, needs, needs_form
from hrx.ops.console.panels import list_waiting
from hrx.ops.incidents.actions.responding import IncidentRole
from hrx.ops.ledger.communications import (
    Audience,
    Notice,
    NoticeKind,
    NoticeState,
    get_notice,
    list_notices,
)
from hrx.ops.ledger.incidents import get_incident
from hrx.ops.operators.roles import Permission

router: Final = APIRouter()
Looker = Annotated[Visit, Depends(needs(Permission.LOOK))]
Doer = Annotated[Visit, Depends(needs_form(Permission.PLAN_AND_RUN))]
Line = Annotated[str, Form(max_length=1000)]
Words4000 = Annotated[str, Form(max_length=8000)]
_KINDS: Final = (NoticeKind.FIRST, NoticeKind.UPDATE, NoticeKind.RESOLUTION, NoticeKind.REPORT)
_MEDIA: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@router.get("/incidents/{incident_id}/communication")
def show_communication(
    visit: Looker, incident_id: int, audience: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    return _show(visit, incident_id, audience=_audience(audience))


@router.get("/fragments/incidents/{incident_id}/communication")
def show_dues(visit: Looker, incident_id: int) -> Response:
    """What is due alone, asked for every two seconds."""
    incident = get_incident(visit.desk.ledger.store, incident_id)
    return visit.page("fragments/words_due.html", incident=incident, waiting=list_waiting(visit, incident))


@router.get("/incidents/{incident_id}/communication/{notice_id}/preview/{file_name}")
def show_preview(visit: Looker, incident_id: int, notice_id: int, file_name: str) -> Response:
    """The status page as it would be with these words."""
    notice = _get_notice(visit, incident_id, notice_id)
    kind = file_name.rpartition(".")[2]
    files = make_preview(visit.desk.plane, notice) if kind in _MEDIA else {}
    if file_name not in files:
        raise NotFound(Text(ja="このページはありません", en="There is no such page"))
    return Response(files[file_name], media_type=_MEDIA[kind])


@router.post("/incidents/{incident_id}/communication/draft")
def make_draft(
    visit: Doer,
    incident_id: int,
    audience: Annotated[str, Form(max_length=20)] = "customers",
    kind: Annotated[str, Form(max_length=20)] = "",
    action_ja: Line = "",
    action_en: Line = "",
    workaround_ja: Line = "",
    workaround_en: Line = "",
    prevention_ja: Line = "",
    prevention_en: Line = "",
    expected_at: Annotated[str, Form(max_length=40)] = "",
    source: Line = "",
) -> Response:
    chosen = _audience(audience)
    said = Said(
        action=Text(ja=action_ja.strip(), en=action_en.strip()),
        workaround=Text(ja=workaround_ja.strip(), en=workaround_en.strip()),
        prevention=Text(ja=prevention_ja.strip(), en=prevention_en.strip()),
        expected_at=_read_moment(expected_at, zone=visit.desk.plane.content.communication.zone),
        source=source,
    )
    wanted = NoticeKind(kind) if kind in {one.value for one in _KINDS} else None
    try:
        draft(visit.desk.plane, incident_id, audience=chosen, kind=wanted, said=said, actor=visit.actor)
    except Invalid as error:
        return _show(visit, incident_id, audience=chosen, error=error)
    return _back(incident_id, chosen)


@router.post("/incidents/{incident_id}/communication/cause")
def confirm(
    visit: Doer, incident_id: int, cause_ja: Line = "", cause_en: Line = "", basis: Line = ""
) -> Response:
    says = Text(ja=cause_ja, en=cause_en)
    try:
        confirm_cause(visit.desk.plane, incident_id, says=says, basis=basis, actor=visit.actor)
    except Invalid as error:
        return _show(visit, incident_id, audience=Audience.CUSTOMERS, error=error)
    return _back(incident_id, Audience.CUSTOMERS)


@router.post("/incidents/{incident_id}/communication/{notice_id}/edit")
def save_words(
    visit: Doer,
    incident_id: int,
    notice_id: int,
    title_ja: Line = "",
    title_en: Line = "",
    text_ja: Words4000 = "",
    text_en: Words4000 = "",
    next_update_at: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    notice = _get_notice(visit, incident_id, notice_id)
    words = Words(title=Text(ja=title_ja, en=title_en), text=Text(ja=text_ja, en=text_en))
    at = _read_moment(next_update_at, zone=visit.desk.plane.content.communication.zone)
    edit(visit.desk.plane, notice_id, words=words, next_update_at=at, actor=visit.actor)
    return _back(incident_id, notice.audience)


@router.post("/incidents/{incident_id}/communication/{notice_id}/publish")
def say_it(visit: Doer, incident_id: int, notice_id: int, override: Line = "") -> Response:
    notice = _get_notice(visit, incident_id, notice_id)
    try:
        publish(visit.desk.plane, notice_id, actor=visit.actor, override=override)
    except HrxError as error:
        return _show(visit, incident_id, audience=notice.audience, error=error)
    return _back(incident_id, notice.audience)


@router.post("/incidents/{incident_id}/communication/{notice_id}/discard")
def throw_away(visit: Doer, incident_id: int, notice_id: int) -> Response:
    notice = _get_notice(visit, incident_id, notice_id)
    discard(visit.desk.plane, notice_id, actor=visit.actor)
    return _back(incident_id, notice.audience)


# `Any`: values for a template.
def _show(visit: Visit, incident_id: int, *, audience: Audience, error: HrxError | None = None) -> Response:
    plane = visit.desk.plane
    incident = get_incident(plane.ledger.store, incident_id)
    with plane.ledger.store.read() as connection:
        notices = list_notices(connection, incident_id=incident_id)
    ours = [one for one in notices if one.audience is audience]
    opened = next((one for one in ours if one.state is NoticeState.DRAFT), None)
    leaks = lint(plane, opened) if opened else ()
    values: dict[str, Any] = {
        "incident": incident,
        "audience": audience,
        "audiences": list(Audience),
        "waiting": list_waiting(visit, incident),
        "kinds": [one.value for one in _KINDS],
        "draft": opened,
        "said": said_of(opened) if opened else Said(),
        "leaks": leaks,
        "may_publish": not has_errors(leaks),
        "published": [one for one in notices if one.state is NoticeState.PUBLISHED],
        "roles": {role: incident.body.get("roles", {}).get(role.value) for role in IncidentRole},
        "cause": find_cause(incident),
        "concerns_customers": concerns_customers(plane, incident),
        "zone": plane.content.communication.zone,
        "local": lambda at: _to_local(at, plane.content.communication.zone),
        "marked": mark_leaks,
        "error": error,
    }
    return visit.page("communication.html", status=200 if error is None else 409, **values)


def mark_leaks(
    said: str, leaks: tuple[Leak, ...], *, field: str, language: str
) -> list[tuple[str, Leak | None]]:
    """A text cut where the linter points, so that the page can mark the places."""
    pieces: list[tuple[str, Leak | None]] = []
    at = 0
    ours = [one for one in leaks if (one.field, one.language) == (field, language) and one.end > one.start]
    for leak in sorted(ours, key=lambda one: (one.start, -one.end)):
        if leak.start < at:
            continue
        pieces += [(said[at : leak.start], None), (said[leak.start : leak.end], leak)]
        at = leak.end
    return [*pieces, (said[at:], None)]


def _get_notice(visit: Visit, incident_id: int, notice_id: int) -> Notice:
    with visit.desk.ledger.store.read() as connection:
        found = get_notice(connection, notice_id)
    if found.incident_id != incident_id:
        raise NotFound(
            Text(ja="この障害のお知らせではありません", en="This notice is about another incident"),
            code="communication.not_found",
        )
    return found


def _back(incident_id: int, audience: Audience) -> Response:
    return go(f"/incidents/{incident_id}/communication?audience={audience.value}")


def _audience(given: str) -> Audience:
    return Audience.INTERNAL if given == Audience.INTERNAL.value else Audience.CUSTOMERS


def _read_moment(given: str, *, zone: ZoneInfo) -> datetime | None:
    """What a form's field for a moment says, in the readers' zone. Raises Invalid."""
    if not given.strip():
        return None
    try:
        return datetime.fromisoformat(given.strip()).replace(tzinfo=zone).astimezone(clock.now().tzinfo)
    except ValueError as error:
        raise Invalid(
            Text(ja="時刻の形が正しくありません", en="This is no moment"), code="communication.no_moment"
        ) from error


def _to_local(at: datetime | None, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M") if at else ""
