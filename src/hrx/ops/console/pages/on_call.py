"""On call: who is called now, the coming weeks, what changes them, and whether somebody always is there."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from hrx.kit import clock
from hrx.kit.errors import Forbidden, Invalid, Text
from hrx.ops.console.desk import Visit, desk_of, go, language_of, needs, needs_form
from hrx.ops.console.drawing_shifts import draw_shifts
from hrx.ops.operators.roles import Permission
from hrx.ops.paging.calendars import find_feed_token, is_feed_token, write_roster
from hrx.ops.paging.roster import list_new_gaps, list_now, list_rotations, prove_coverage, read_changes
from hrx.ops.paging.roster_changes import make_change, plan_change, read_wall_clock, take_back
from hrx.ops.paging.roster_words import (
    name_person,
    name_policy,
    name_target,
    say_gaps,
    say_moment,
    say_weak,
)
from hrx.ops.run.plane import Plane
from hrx.ops.schedules.proving import Proof

router: Final = APIRouter()
Looker = Annotated[Visit, Depends(needs(Permission.LOOK))]
Doer = Annotated[Visit, Depends(needs_form(Permission.PLAN_AND_RUN))]
_DAYS: Final = 28
_COLOURS: Final = 8
_SPOTS_SHOWN: Final = 20
_CALENDAR: Final = "text/calendar; charset=utf-8"
_NO_CACHE: Final = {"Cache-Control": "private, max-age=300"}


@router.get("/on-call")
def show_on_call(visit: Looker, opened: Annotated[int, Query(ge=0, le=9999)] = 0) -> Response:
    plane = visit.desk.plane
    return visit.page("on_call.html", **_values(visit, plane), opened=opened)


@router.get("/on-call.ics")
def read_feed(
    request: Request,
    operator: Annotated[str, Query(max_length=100)] = "",
    token: Annotated[str, Query(max_length=100)] = "",
    rotation: Annotated[str | None, Query(max_length=60)] = None,
    person: Annotated[str | None, Query(max_length=60)] = None,
) -> Response:
    """For calendar programs: the token in the address stands for the sign-in. Raises Forbidden."""
    plane = desk_of(request).plane
    if not is_feed_token(plane, operator=operator, token=token):
        raise Forbidden(
            Text(ja="このカレンダーのアドレスは無効です", en="This calendar's address is not valid"),
            hint=Text(
                ja="運用コンソールの「当番」から新しいアドレスを取ってください。",
                en="Take a new address from the page “On call” of the console.",
            ),
            code="on_call.wrong_token",
        )
    found = write_roster(plane, language=language_of(request), rotation=rotation, person=person)
    return Response(found, media_type=_CALENDAR, headers=_NO_CACHE)


@router.post("/on-call/override")
def override(
    visit: Doer,
    person: Annotated[str, Form(max_length=60)] = "",
    rotation: Annotated[str, Form(max_length=60)] = "",
    starts: Annotated[str, Form(max_length=20)] = "",
    until: Annotated[str, Form(max_length=20)] = "",
    reason: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    plane = visit.desk.plane
    zone = plane.content.on_call.get_rotation(rotation).time_zone
    return _change(visit, person, starts=starts, until=until, reason=reason, zone=zone, rotation=rotation)


@router.post("/on-call/leave")
def leave(
    visit: Doer,
    person: Annotated[str, Form(max_length=60)] = "",
    starts: Annotated[str, Form(max_length=20)] = "",
    until: Annotated[str, Form(max_length=20)] = "",
    reason: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    zone = visit.desk.plane.content.contacts.get(person).time_zone
    return _change(visit, person, starts=starts, until=until, reason=reason, zone=zone, rotation=None)


@router.post("/on-call/changes/{number}/cancel")
def cancel(visit: Doer, number: int) -> Response:
    take_back(visit.desk.plane, number, actor=visit.actor)
    return go("/on-call")


def _change(
    visit: Visit, person: str, *, starts: str, until: str, reason: str, zone: str, rotation: str | None
) -> Response:
    if not starts or not until:
        raise Invalid(
            Text(ja="始まりと終わりを入れてください", en="Say when it begins and ends"),
            code="on_call.no_period",
        )
    plane = visit.desk.plane
    planned = plan_change(
        plane,
        person=person,
        starts_at=read_wall_clock(starts, zone=zone),
        ends_at=read_wall_clock(until, zone=zone),
        reason=reason,
        rotation=rotation,
    )
    gaps = list_new_gaps(plane, planned)
    make_change(plane, planned, actor=visit.actor)
    return go(f"/on-call?opened={len(gaps)}" if gaps else "/on-call")


# `Any`: the values of the template.
def _values(visit: Visit, plane: Plane) -> dict[str, Any]:
    now, language = clock.now(), language_of(visit.request)
    calendar, content = plane.content.respond.calendar, plane.content
    zone = calendar.zone.key
    start = now.astimezone(calendar.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    rotations = list_rotations(plane, start=start, end=start + timedelta(days=_DAYS))
    people = list(
        dict.fromkeys(
            name for one in content.on_call.rotations for layer in one.layers for name in layer.people
        )
    )
    colours = {name: at % _COLOURS for at, name in enumerate(people)}
    names = {one.id: one.name.in_language(language) for one in content.contacts.people}
    proof = prove_coverage(plane)
    return {
        "now": list_now(plane, at=now),
        "name_policy": name_policy,
        "name_target": lambda target: name_target(content, target),
        "say_moment": lambda moment: say_moment(moment, zone=zone),
        "name_person": lambda name: name_person(content, name),
        "zone": zone,
        "chart": draw_shifts(
            rotations,
            start=start,
            days=_DAYS,
            zone=zone,
            now=now,
            colours=colours,
            names=names,
            language=language,
        ),
        "legend": [(name, names.get(name, name), colours[name]) for name in people],
        "rotations": rotations,
        "proof": proof,
        "proven": _proven(plane, proof, zone=zone),
        "changes": read_changes(plane, after=now),
        "people": content.contacts.people,
        "is_example": content.contacts.is_example,
        "wall_now": f"{now.astimezone(calendar.zone):%Y-%m-%dT%H:00}",
        "feed": _feed(visit, plane),
    }


def _proven(plane: Plane, proof: Proof, *, zone: str) -> list[dict[str, Any]]:
    content = plane.content
    return [
        {
            "name": name_policy(one.policy),
            "proof": one,
            "gaps": say_gaps(content, one.gaps, zone=zone)[:_SPOTS_SHOWN],
            "weak": say_weak(content, one, zone=zone)[:_SPOTS_SHOWN],
        }
        for one in proof.policies
    ]


def _feed(visit: Visit, plane: Plane) -> str | None:
    """The address for this operator's calendar program; None when the plane has no token."""
    token = find_feed_token(plane, visit.session.operator.name)
    if token is None:
        return None
    base = plane.settings.ops_public_url or str(visit.request.base_url).rstrip("/")
    query = urlencode({"operator": visit.session.operator.name, "token": token})
    return f"{base.rstrip('/')}/on-call.ics?{query}"
