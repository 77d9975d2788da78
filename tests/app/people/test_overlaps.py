"""Overlapping periods are refused by the database itself: by SQL, past everything that checks before."""

from __future__ import annotations

from datetime import date
from typing import Final

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import TenantId, system_principal
from tests.conftest import MakeTenant

pytestmark = pytest.mark.req("R2-2")

#: What stands already: [2020-04-01, 2021-04-01).
STANDING: Final = (date(2020, 4, 1), date(2021, 4, 1))
OVERLAPPING: Final = {
    "the same": STANDING,
    "inside": (date(2020, 6, 1), date(2020, 7, 1)),
    "around": (date(2019, 1, 1), date(2022, 1, 1)),
    "around without an end": (date(2019, 1, 1), None),
    "the last day": (date(2021, 3, 31), None),
    "the first day": (date(2019, 1, 1), date(2020, 4, 2)),
}
TOUCHING: Final = {
    "the day after": (date(2021, 4, 1), None),
    "until the day before": (date(2019, 1, 1), date(2020, 4, 1)),
}
_INSERTS: Final = {
    "employments_of_a_person_do_not_overlap": (
        "WITH spell AS (INSERT INTO app.employment (person_id) VALUES (:person) RETURNING id)"
        " INSERT INTO app.employment_version (employment_id, person_id, employed)"
        " SELECT id, :person, daterange(:start, :until) FROM spell"
    ),
    "one_primary_assignment_at_a_time": (
        "INSERT INTO app.assignment (employment_id, person_id, kind, org_unit_id, valid)"
        " VALUES (:spell, :person, 'primary', :unit, daterange(:start, :until))"
    ),
    "concurrent_posts_differ": (
        "INSERT INTO app.assignment (employment_id, person_id, kind, org_unit_id, valid)"
        " VALUES (:spell, :person, 'concurrent', :unit, daterange(:start, :until))"
    ),
    "person_versions_do_not_overlap": (
        "INSERT INTO app.person_version (person_id, family_kanji, kana_key, valid)"
        " VALUES (:person, '佐藤', 'さとう', daterange(:start, :until))"
    ),
    "org_unit_versions_do_not_overlap": (
        "INSERT INTO app.org_unit_version (org_unit_id, name_ja, valid)"
        " VALUES (:unit, '本社', daterange(:start, :until))"
    ),
    "position_versions_do_not_overlap": (
        "INSERT INTO app.position_version (position_id, title_ja, valid)"
        " VALUES (:position, '主任', daterange(:start, :until))"
    ),
}


async def _prepare(session: AsyncSession) -> dict[str, object]:
    """A person, a unit and a position that nothing is known of yet."""
    made: dict[str, object] = {}
    for name, statement in {
        "person": "INSERT INTO app.person (employee_number, family_kanji, search_text, kana_key)"
        " VALUES ('1', '佐藤', '佐藤', '佐藤') RETURNING id",
        "spell": "INSERT INTO app.employment (person_id) VALUES (:person) RETURNING id",
        "unit": "INSERT INTO app.org_unit (code) VALUES ('A') RETURNING id",
        "position": "INSERT INTO app.position (code) VALUES ('A') RETURNING id",
    }.items():
        made[name] = await session.scalar(text(statement), made)
    return made


async def _insert(
    session: AsyncSession, constraint: str, made: dict[str, object], period: tuple[date, date | None]
) -> None:
    start, until = period
    statement = _INSERTS[constraint].replace(":start, :until", "CAST(:start AS date), CAST(:until AS date)")
    await session.execute(text(statement), {**made, "start": start, "until": until})


@pytest.mark.parametrize("constraint", _INSERTS)
@pytest.mark.parametrize("period", OVERLAPPING.values(), ids=OVERLAPPING)
async def test_overlapping_periods_are_refused(
    database: Database, make_tenant: MakeTenant, constraint: str, period: tuple[date, date | None]
) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        await _write(database, await make_tenant(), constraint, period)


@pytest.mark.parametrize("constraint", _INSERTS)
@pytest.mark.parametrize("period", TOUCHING.values(), ids=TOUCHING)
async def test_periods_that_touch_stand_beside_each_other(
    database: Database, make_tenant: MakeTenant, constraint: str, period: tuple[date, date | None]
) -> None:
    await _write(database, await make_tenant(), constraint, period)


async def _write(
    database: Database, tenant_id: TenantId, constraint: str, period: tuple[date, date | None]
) -> None:
    """Two periods of the same thing. Nothing stays: posts without employment would be refused at the end."""
    async with database.transaction(system_principal(tenant_id)) as session:
        made = await _prepare(session)
        await _insert(session, constraint, made, STANDING)
        await _insert(session, constraint, made, period)
        await session.rollback()


async def test_a_closed_period_makes_room_and_one_version_of_a_spell_is_known(
    database: Database, make_tenant: MakeTenant
) -> None:
    tenant_id = await make_tenant()
    version = text(
        "INSERT INTO app.employment_version (employment_id, person_id, employed)"
        " VALUES (:spell, :person, daterange(CAST(:start AS date), CAST(:until AS date)))"
    )
    async with database.transaction(system_principal(tenant_id)) as session:
        made = await _prepare(session)
        await session.execute(version, {**made, "start": date(2020, 4, 1), "until": None})
    async with database.transaction(system_principal(tenant_id)) as session:
        await session.execute(text("UPDATE app.employment_version SET known = known"))
        await session.execute(version, {**made, "start": date(2019, 4, 1), "until": None})
    with pytest.raises(IntegrityError, match="one_version_of_an_employment"):
        async with database.transaction(system_principal(tenant_id)) as session:
            await session.execute(version, {**made, "start": date(2010, 4, 1), "until": date(2011, 4, 1)})
    async with database.transaction(system_principal(tenant_id)) as session:
        known = await session.execute(text("SELECT upper_inf(known) FROM app.employment_version ORDER BY id"))
        assert [row[0] for row in known] == [False, True]
