"""What writers of the organisation need to know before they write."""

from __future__ import annotations

from datetime import date
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.org.planning import UnitVersion
from hrx.app.people.org.queries.chart import unit_not_found

# Index: org_unit_version_of_unit.
_VERSIONS: Final = text(
    "SELECT v.id, v.org_unit_id, v.name_ja, v.name_en, v.parent_id, v.kind, v.head_person_id,"
    " lower(v.valid) AS from_on, upper(v.valid) AS until_on, v.change_order_id AS order_id"
    " FROM app.org_unit_version AS v"
    " WHERE v.org_unit_id = :org_unit_id AND upper_inf(v.known)"
    " ORDER BY lower(v.valid)"
)
# Index: assignment_in_unit.
_MEMBERS_FROM: Final = text(
    "SELECT count(DISTINCT a.person_id) FROM app.assignment AS a"
    " WHERE a.org_unit_id = :org_unit_id AND upper_inf(a.known)"
    " AND (upper_inf(a.valid) OR upper(a.valid) > :day)"
)
_CHILDREN_FROM: Final = text(
    "SELECT count(DISTINCT v.org_unit_id) FROM app.org_unit_version AS v"
    " WHERE v.parent_id = :org_unit_id AND upper_inf(v.known)"
    " AND (upper_inf(v.valid) OR upper(v.valid) > :day)"
)
_NAME: Final = text(
    "SELECT v.name_ja AS ja, v.name_en AS en FROM app.org_unit_version AS v"
    " WHERE v.org_unit_id = :id AND upper_inf(v.known) ORDER BY lower(v.valid) DESC LIMIT 1"
)
_PERSON: Final = text(
    "SELECT concat_ws(' ', nullif(p.family_kanji, ''), nullif(p.given_kanji, '')) AS ja,"
    " concat_ws(' ', nullif(p.given_latin, ''), nullif(p.family_latin, '')) AS en,"
    " p.employed @> CAST(:day AS date) AS is_employed"
    " FROM app.person AS p WHERE p.id = :id"
)


async def list_versions(session: AsyncSession, org_unit_id: int) -> list[UnitVersion]:
    """A unit's versions as known now. Raises OrgUnitNotFound."""
    rows = (await session.execute(_VERSIONS, {"org_unit_id": org_unit_id})).mappings().all()
    if not rows:
        raise unit_not_found()
    return [UnitVersion(**dict(row)) for row in rows]


async def count_left_behind(session: AsyncSession, *, org_unit_id: int, day: date) -> tuple[int, int]:
    """People assigned to a unit, and units below it, on or after a day."""
    parameters = {"org_unit_id": org_unit_id, "day": day}
    people = await session.scalar(_MEMBERS_FROM, parameters)
    units = await session.scalar(_CHILDREN_FROM, parameters)
    return int(people or 0), int(units or 0)


async def find_unit_label(session: AsyncSession, org_unit_id: int | None) -> dict[str, object] | None:
    """A unit's newest names for an order's changes; None when there is no such unit."""
    if org_unit_id is None:
        return None
    row = (await session.execute(_NAME, {"id": org_unit_id})).one_or_none()
    return None if row is None else {"id": org_unit_id, "ja": row.ja, "en": row.en}


async def find_employee_label(
    session: AsyncSession, person_id: int | None, *, day: date
) -> dict[str, object] | None:
    """A person's names, when they are employed on the day."""
    if person_id is None:
        return None
    row = (await session.execute(_PERSON, {"id": person_id, "day": day})).one_or_none()
    return {"id": person_id, "ja": row.ja, "en": row.en} if row is not None and row.is_employed else None
