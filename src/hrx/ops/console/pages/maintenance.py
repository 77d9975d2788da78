"""Planned work: what is announced, under way and over; announcing, ending early, extending, cancelling."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Response

from hrx.kit import clock
from hrx.kit.errors import HrxError, Invalid, NotFound, Text
from hrx.ops.communication import maintenance
from hrx.ops.communication.drafting import Words
from hrx.ops.communication.notices import edit, judge
from hrx.ops.console.desk import Visit, go, needs, needs_form
from hrx.ops.ledger.communications import Audience, Notice, NoticeKind, NoticeState, list_notices
from hrx.ops.operators.roles import Permission

router: Final = APIRouter()
Looker = Annotated[Visit, Depends(needs(Permission.LOOK))]
Doer = Annotated[Visit, Depends(needs_form(Permission.PLAN_AND_RUN))]
Line = Annotated[str, Form(max_length=500)]
LongText = Annotated[str, Form(max_length=8000)]


@router.get("/maintenance")
def show_all(visit: Looker) -> Response:
    return _show(visit)


@router.post("/maintenance")
def plan(
    visit: Doer,
    parts: Annotated[list[str] | None, Form()] = None,
    starts_at: Line = "",
    ends_at: Line = "",
    said_ja: Line = "",
    said_en: Line = "",
) -> Response:
    zone = visit.desk.plane.content.communication.zone
    try:
        maintenance.plan(
            visit.desk.plane,
            parts=parts or [],
            starts_at=_read_moment(starts_at, zone),
            ends_at=_read_moment(ends_at, zone),
            said=Text(ja=said_ja, en=said_en),
            actor=visit.actor,
        )
    except HrxError as error:
        return _show(visit, error=error)
    return go("/maintenance")


@router.post("/maintenance/{notice_id}/{verb}")
def act(
    visit: Doer,
    notice_id: int,
    verb: str,
    reason: Line = "",
    until: Line = "",
    title_ja: Line = "",
    title_en: Line = "",
    text_ja: LongText = "",
    text_en: LongText = "",
) -> Response:
    """One step of a window; shows the list afterwards."""
    plane, actor = visit.desk.plane, visit.actor
    try:
        match verb:
            case "announce":
                maintenance.announce(plane, notice_id, actor=actor, urgent=reason)
            case "end":
                maintenance.end_early(plane, notice_id, actor=actor)
            case "extend":
                at = _read_moment(until, plane.content.communication.zone)
                maintenance.extend(plane, notice_id, until=at, reason=reason, actor=actor)
            case "cancel":
                maintenance.cancel(plane, notice_id, reason=reason, actor=actor)
            case "edit":
                words = Words(title=Text(ja=title_ja, en=title_en), text=Text(ja=text_ja, en=text_en))
                edit(plane, notice_id, words=words, next_update_at=None, actor=actor)
            case _:
                raise NotFound(Text(ja="その操作はありません", en="There is no such action"))
    except NotFound:
        raise
    except HrxError as error:
        return _show(visit, error=error)
    return go("/maintenance")


def _show(visit: Visit, *, error: HrxError | None = None) -> Response:
    plane, now = visit.desk.plane, clock.now()
    with plane.ledger.store.read() as connection:
        found = list_notices(
            connection,
            kind=NoticeKind.MAINTENANCE,
            states=(NoticeState.DRAFT, NoticeState.PUBLISHED),
            limit=100,
        )
    # `Any`: values for a template.
    values: dict[str, Any] = {
        "drafts": [one for one in found if one.state is NoticeState.DRAFT],
        "leaks": {one.id: _judge(visit, one) for one in found if one.state is NoticeState.DRAFT},
        "days": {
            one.id: maintenance.notice_days(plane, one) for one in found if one.state is NoticeState.DRAFT
        },
        "running": [one for one in found if _is_published(one) and one.is_running(now)],
        "planned": [one for one in found if _is_published(one) and _is_ahead(one, now)],
        "over": [
            one for one in found if _is_published(one) and not one.is_running(now) and not _is_ahead(one, now)
        ][:30],
        "parts": plane.content.parts,
        "rules": plane.content.communication.maintenance,
        "zone": plane.content.communication.zone,
        "features": {one.id: one.title for one in plane.content.communication.features},
        "now": clock.now,
        "error": error,
    }
    return visit.page("maintenance.html", status=200 if error is None else 409, **values)


def _judge(visit: Visit, notice: Notice) -> tuple[object, ...]:
    words = Words(title=notice.title, text=notice.text)
    return judge(visit.desk.plane, words, audience=Audience.CUSTOMERS, facts=None)


def _is_published(notice: Notice) -> bool:
    return notice.state is NoticeState.PUBLISHED


def _is_ahead(notice: Notice, now: datetime) -> bool:
    return not notice.is_cancelled and notice.due_at is not None and notice.due_at > now


def _read_moment(given: str, zone: ZoneInfo) -> datetime:
    try:
        return datetime.fromisoformat(given.strip()).replace(tzinfo=zone).astimezone(UTC)
    except ValueError as error:
        raise Invalid(
            Text(ja="日時を選んでください", en="Choose day and time"), code="maintenance.no_moment"
        ) from error
