"""Changing the roster for a while: overrides and leave. The rules themselves are content of the runbook."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hrx.kit import clock
from hrx.kit.errors import Invalid, Text
from hrx.ops.ledger.on_call import add_change, cancel_change
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.run.plane import Plane
from hrx.ops.schedules.rotation import ChangeKind, OnCallChange
from hrx.ops.schedules.spans import at_wall_clock

_LONGEST: Final = timedelta(days=366)
_REASON_CHARS: Final = 300


def plan_change(
    plane: Plane,
    *,
    person: str,
    starts_at: datetime,
    ends_at: datetime,
    reason: str = "",
    rotation: str | None = None,
    by: str = "",
) -> OnCallChange:
    """An override (with `rotation`) or leave (without) as it would be; nothing is written.

    Raises NotFound for unknown people and rotations, Invalid for a period that is over, wrong or too long."""
    plane.content.contacts.get(person)
    if rotation is not None:
        plane.content.on_call.get_rotation(rotation)
    if not starts_at < ends_at <= starts_at + _LONGEST or ends_at <= clock.now():
        raise Invalid(
            Text(
                ja="期間が正しくありません。終わりは始まりより後、今より後、1 年以内です",
                en="The period is wrong: it must end after it starts, after now, and within a year",
            ),
            code="on_call.wrong_period",
        )
    return OnCallChange(
        id=0,
        kind=ChangeKind.LEAVE if rotation is None else ChangeKind.OVERRIDE,
        person=person,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason.strip()[:_REASON_CHARS],
        made_by=by,
        made_at=clock.now(),
        rotation=rotation,
    )


def make_change(plane: Plane, planned: OnCallChange, *, actor: Actor) -> OnCallChange:
    """Put it in force and on record. Raises Forbidden."""
    require(actor, Permission.PLAN_AND_RUN)
    return add_change(
        plane.ledger,
        kind=planned.kind,
        person=planned.person,
        starts_at=planned.starts_at,
        ends_at=planned.ends_at,
        reason=planned.reason,
        by=actor.name,
        rotation=planned.rotation,
    )


def take_back(plane: Plane, number: int, *, actor: Actor) -> OnCallChange:
    """Cancel a change from now on. Raises Forbidden, NotFound, Conflict."""
    require(actor, Permission.PLAN_AND_RUN)
    return cancel_change(plane.ledger, number, by=actor.name)


def read_wall_clock(said: str, *, zone: str) -> datetime:
    """`2026-12-01 09:00` (or with a T, or a day alone: its midnight) by the clocks of a zone, in UTC.

    Raises Invalid for anything else."""
    try:
        wall = datetime.fromisoformat(said.strip())
    except ValueError:
        wall = None
    if wall is None or wall.tzinfo is not None:
        raise Invalid(
            Text(ja=f"「{said}」は日時ではありません", en=f"“{said}” is no date and time"),
            hint=Text(ja="例: 2026-12-01 09:00", en="Such as 2026-12-01 09:00"),
            code="on_call.wrong_moment",
        )
    return at_wall_clock(wall.date(), wall.time(), zone=ZoneInfo(zone))
