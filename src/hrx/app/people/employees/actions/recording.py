"""The one way in which facts about people are written: nothing is overwritten, everything has a moment."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from sqlalchemy import insert, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.models import (
    ASSIGNMENT,
    ASSIGNMENT_TERMS,
    EMPLOYMENT,
    EMPLOYMENT_VERSION,
)
from hrx.app.people.employees.record import Rewrite, Segment, Spell

_NEW_MOMENT: Final = text("SELECT app.new_moment()")
# The trigger keep_knowledge turns any update of an open row into its closing, at this action's moment.
_CLOSE_SPELLS: Final = text(
    "UPDATE app.employment_version SET known = known, closed_by = :order_id"
    " WHERE id = ANY(CAST(:ids AS bigint[])) RETURNING id"
)
_CLOSE_SEGMENTS: Final = text(
    "UPDATE app.assignment SET known = known, closed_by = :order_id"
    " WHERE id = ANY(CAST(:ids AS bigint[])) RETURNING id"
)


async def begin_recording(session: AsyncSession) -> datetime:
    """Take the moment of an action, and the tenant's turn to write, until the transaction ends.

    Waits for another writer of the tenant up to the lock time-out. What was read before is read again after
    this: only then nobody else can change it."""
    session.info["wrote_people"] = True
    moment = await session.scalar(_NEW_MOMENT)
    assert isinstance(moment, datetime)  # noqa: S101 - the function's own type
    return moment


async def record_rewrite(
    session: AsyncSession, *, person_id: int, rewrite: Rewrite, order_id: int | None
) -> None:
    """Close and insert what a plan says, at this action's moment.

    Overlaps, rings of managers and assignments outside their employment are refused by the database."""
    await _close(session, rewrite, order_id)
    new_employment_id = None
    if any(spell.employment_id is None for spell in rewrite.opened_spells):
        new_employment_id = await session.scalar(
            insert(EMPLOYMENT).values(person_id=person_id).returning(EMPLOYMENT.c.id)
        )
    if rewrite.opened_spells:
        rows = [
            _spell_row(spell, person_id, spell.employment_id or new_employment_id, order_id)
            for spell in rewrite.opened_spells
        ]
        await session.execute(insert(EMPLOYMENT_VERSION), rows)
    for segment in rewrite.opened_segments:
        await _open_segment(session, segment, person_id, segment.employment_id or new_employment_id, order_id)


async def _close(session: AsyncSession, rewrite: Rewrite, order_id: int | None) -> None:
    if rewrite.closed_segments:
        ids = [segment.id for segment in rewrite.closed_segments]
        await session.execute(_CLOSE_SEGMENTS, {"ids": ids, "order_id": order_id})
    if rewrite.closed_spells:
        ids = [spell.version_id for spell in rewrite.closed_spells]
        await session.execute(_CLOSE_SPELLS, {"ids": ids, "order_id": order_id})


async def _open_segment(
    session: AsyncSession,
    segment: Segment,
    person_id: int,
    employment_id: int | None,
    order_id: int | None,
) -> None:
    statement = (
        insert(ASSIGNMENT)
        .values(
            employment_id=employment_id,
            person_id=person_id,
            kind=segment.kind,
            org_unit_id=segment.org_unit_id,
            position_id=segment.position_id,
            manager_person_id=segment.manager_id,
            valid=days(segment.from_on, segment.until_on),
            change_order_id=segment.order_id if segment.is_remainder else order_id,
            opened_by=order_id,
        )
        .returning(ASSIGNMENT.c.id)
    )
    assignment_id = await session.scalar(statement)
    terms = {"assignment_id": assignment_id, "grade": segment.grade, "fte": segment.fte}
    await session.execute(insert(ASSIGNMENT_TERMS), [terms])


def _spell_row(
    spell: Spell, person_id: int, employment_id: int | None, order_id: int | None
) -> dict[str, object]:
    return {
        "employment_id": employment_id,
        "person_id": person_id,
        "kind": spell.kind,
        "employed": days(spell.from_on, spell.until_on),
        "change_order_id": order_id,
        "opened_by": order_id,
    }


def days(from_on: date | None, until_on: date | None) -> Range[date]:
    """Half-open days as PostgreSQL writes them."""
    return Range(from_on, until_on, bounds="[)")
