"""What a change refers to must be there on its first day; what ends before it is said as a warning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.constraints import NOBODY_MANAGES_THEMSELVES
from hrx.app.people.employees.queries.records import (
    ReferenceKind,
    References,
    find_references,
    get_duties,
)
from hrx.app.people.employees.record import PersonRecord, Rewrite, Segment
from hrx.kit.errors import FieldProblem, Invalid, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning:
    """Something that a person should know before they agree."""

    code: str
    message: Text


_FIELDS: Final[dict[ReferenceKind, str]] = {
    "org_unit": "org_unit_id",
    "position": "position_id",
    "manager": "manager_id",
}
_ABSENT: Final[dict[ReferenceKind, Text]] = {
    "org_unit": Text(ja="その日に存在しない組織です。", en="There is no such org unit on that day."),
    "position": Text(ja="その日に存在しない役職です。", en="There is no such position on that day."),
    "manager": Text(ja="その日に在籍していない上司です。", en="This manager is not employed on that day."),
}


async def check_references(
    session: AsyncSession,
    segments: tuple[Segment, ...],
    *,
    person_id: int | None,
    also: Sequence[Segment] = (),
) -> tuple[References, list[Warning]]:
    """The names of what new assignments refer to, and warnings about what ends before they do.

    `person_id`: whose assignments they are; None for somebody who is not hired yet.
    `also`: further assignments whose names are wanted, without a check.

    Raises Invalid for what is not there on the first day; another tenant's ids are never there. Nobody is
    their own manager: the database says so too, but only when an order is carried out, not when asked for."""
    references = await find_references(session, [*segments, *also])
    problems: list[FieldProblem] = []
    if person_id is not None and any(segment.manager_id == person_id for segment in segments):
        problems.append(
            FieldProblem(field="manager_id", code="manager.is_oneself", message=NOBODY_MANAGES_THEMSELVES)
        )
    warnings: list[Warning] = []
    for segment in segments:
        for kind, ref_id in _refers_to(segment):
            found = references.get((kind, ref_id))
            is_there, ends_on = found.end_of(segment.from_on) if found else (False, None)
            if not is_there or found is None:
                problems.append(
                    FieldProblem(field=_FIELDS[kind], code=f"{kind}.not_there", message=_ABSENT[kind])
                )
            elif ends_on is not None and (segment.until_on is None or ends_on < segment.until_on):
                warnings.append(_ends_early(kind, found.ja, found.en or found.ja, ends_on))
    if problems:
        raise Invalid(problems[0].message, fields=tuple(dict.fromkeys(problems)))
    return references, warnings


def warn_of_later_changes(record: PersonRecord, rewrite: Rewrite) -> list[Warning]:
    """Assignments recorded for later days stay as they are, and end what is said now."""
    if not rewrite.new_segments:
        return []
    newest = max(segment.from_on for segment in rewrite.new_segments)
    employments = {segment.employment_id for segment in rewrite.new_segments}
    later = [
        s.from_on
        for s in rewrite.applied_to(record).segments
        if s.kind == "primary" and s.from_on > newest and s.employment_id in employments
    ]
    if not later:
        return []
    day = min(later)
    return [
        Warning(
            code="later_change_stays",
            message=Text(
                ja=f"{day} からの別の配属がすでに登録されています。そのまま残ります。",
                en=f"Another assignment is recorded from {day} on. It stays as it is.",
            ),
        )
    ]


async def warn_of_departure(
    session: AsyncSession, *, record: PersonRecord, rewrite: Rewrite, day: date
) -> list[Warning]:
    """Reports and units that lose their leader, and reservations that go with the departure."""
    duties = await get_duties(session, person_id=record.person_id, day=day)
    warnings = []
    if duties.reports:
        warnings.append(
            Warning(
                code="reports_lose_manager",
                message=Text(
                    ja=f"{duties.reports} 名の上司のままです。先に上司を変更してください。",
                    en=f"Still the manager of {duties.reports} people. Give them another one first.",
                ),
            )
        )
    if duties.units:
        warnings.append(
            Warning(
                code="units_lose_head",
                message=Text(
                    ja=f"{duties.units} 組織の組織長のままです。",
                    en=f"Still the head of {duties.units} org units.",
                ),
            )
        )
    dropped = [s for s in rewrite.closed_segments if s.from_on >= day]
    if dropped:
        warnings.append(
            Warning(
                code="reservations_dropped",
                message=Text(
                    ja=f"退職後に予約されていた配属 {len(dropped)} 件は取り消されます。",
                    en=f"{len(dropped)} assignments reserved for later days are dropped.",
                ),
            )
        )
    return warnings


def _refers_to(segment: Segment) -> list[tuple[ReferenceKind, int]]:
    named: list[tuple[ReferenceKind, int | None]] = [
        ("org_unit", segment.org_unit_id),
        ("position", segment.position_id),
        ("manager", segment.manager_id),
    ]
    return [(kind, ref_id) for kind, ref_id in named if ref_id is not None]


def _ends_early(kind: ReferenceKind, ja: str, en: str, day: date) -> Warning:
    messages: dict[ReferenceKind, Text] = {
        "org_unit": Text(ja=f"組織「{ja}」は {day} に廃止されます。", en=f"The unit {en} closes on {day}."),
        "position": Text(ja=f"役職「{ja}」は {day} に廃止されます。", en=f"The position {en} ends on {day}."),
        "manager": Text(ja=f"上司 {ja} は {day} より前に退職します。", en=f"{en} leaves before {day}."),
    }
    return Warning(code=f"{kind}_ends", message=messages[kind])
