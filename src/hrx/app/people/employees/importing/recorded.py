"""The recorded state that an import is planned against, read in a few large statements.

Part of the import's queries: everything as known now, by whoever sees everyone (HR, background work)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.importing.references import (
    PositionIndex,
    PositionVersion,
    UnitIndex,
    UnitVersion,
)
from hrx.app.people.employees.importing.state import (
    NAME_FIELDS,
    PersonState,
    Record,
    ReportingLine,
    SpellState,
)
from hrx.app.people.employees.importing.timeline import FOREVER, Segment, Terms

#: People read with one statement; larger arrays gain nothing.
BATCH: Final = 10_000

_TODAY = text("SELECT app.tenant_today()")
_UNITS = text(
    "SELECT v.org_unit_id, u.code, v.name_ja, v.name_en, v.parent_id, lower(v.valid), upper(v.valid)"
    " FROM app.org_unit_version AS v JOIN app.org_unit AS u ON u.id = v.org_unit_id"
    " WHERE upper_inf(v.known)"
)
_POSITIONS = text(
    "SELECT v.position_id, p.code, v.title_ja, v.title_en, lower(v.valid), upper(v.valid)"
    " FROM app.position_version AS v JOIN app.position AS p ON p.id = v.position_id"
    " WHERE upper_inf(v.known)"
)
_EVERYBODY = text("SELECT employee_number, id, work_email FROM app.person")
_LINES = text(
    "SELECT person_id, manager_person_id, lower(valid), upper(valid) FROM app.assignment"
    " WHERE kind = 'primary' AND upper_inf(known) AND manager_person_id IS NOT NULL"
)
_PEOPLE = text(
    "SELECT p.id, p.employee_number, p.family_kanji, p.given_kanji, p.family_kana, p.given_kana,"
    " p.family_latin, p.given_latin, p.work_email, v.birth_on, v.gender, v.postal_code, v.prefecture,"
    " v.city, v.line1, v.line2, v.personal_email, v.personal_phone"
    " FROM app.person AS p LEFT JOIN app.person_private AS v ON v.person_id = p.id"
    " WHERE p.id = ANY (CAST(:ids AS bigint[]))"
)
_SPELLS = text(
    "SELECT employment_id, id, person_id, kind, lower(employed), upper(employed)"
    " FROM app.employment_version"
    " WHERE person_id = ANY (CAST(:ids AS bigint[])) AND upper_inf(known)"
    " ORDER BY lower(employed)"
)
_POSTS = text(
    "SELECT a.id, a.employment_id, a.kind, a.org_unit_id, a.position_id, a.manager_person_id, t.grade, t.fte,"
    " lower(a.valid), upper(a.valid), a.change_order_id"
    " FROM app.assignment AS a LEFT JOIN app.assignment_terms AS t ON t.assignment_id = a.id"
    " WHERE a.person_id = ANY (CAST(:ids AS bigint[])) AND upper_inf(a.known)"
    " ORDER BY lower(a.valid), a.id"
)
_FULL_TIME: Final = Decimal("1.000")


async def load_record(
    session: AsyncSession, *, numbers: set[str], may_create_units: bool, may_create_positions: bool
) -> Record:
    """What is known now of the people with these employee numbers, of all units, positions and managers.

    About 0.1 ms for each person; ten statements for up to 10,000 people."""
    today = await session.scalar(_TODAY)
    if not isinstance(today, date):
        raise TypeError("tenant_today() gave no day")
    units = UnitIndex(may_create=may_create_units)
    units.add(_unit(row) for row in (await session.execute(_UNITS)).all())
    positions = PositionIndex(may_create=may_create_positions)
    positions.add(_position(row) for row in (await session.execute(_POSITIONS)).all())
    everybody = (await session.execute(_EVERYBODY)).all()
    number_of = {row[1]: row[0] for row in everybody}
    wanted = [person_id for person_id, number in number_of.items() if number in numbers]
    return Record(
        today=today,
        people=await _load_people(session, wanted, number_of),
        person_ids={row[0]: row[1] for row in everybody},
        email_owners={row[2]: row[0] for row in everybody if row[2] is not None},
        lines=await _load_lines(session, number_of),
        units=units,
        positions=positions,
    )


async def _load_lines(session: AsyncSession, number_of: dict[int, str]) -> dict[str, list[ReportingLine]]:
    lines: dict[str, list[ReportingLine]] = defaultdict(list)
    for person_id, manager_id, start, end in (await session.execute(_LINES)).all():
        lines[number_of[person_id]].append(ReportingLine(start, end or FOREVER, number_of[manager_id]))
    return lines


async def _load_people(
    session: AsyncSession, ids: Sequence[int], number_of: dict[int, str]
) -> dict[str, PersonState]:
    people: dict[str, PersonState] = {}
    for at in range(0, len(ids), BATCH):
        batch = {"ids": list(ids[at : at + BATCH])}
        by_id = {row[0]: _person(row) for row in (await session.execute(_PEOPLE, batch)).all()}
        spells = {}
        for row in (await session.execute(_SPELLS, batch)).all():
            spell = SpellState(
                spell_id=row[0], version_id=row[1], kind=row[3], hired=row[4], end=row[5] or FOREVER
            )
            spells[row[0]] = spell
            by_id[row[2]].spells.append(spell)
        for row in (await session.execute(_POSTS, batch)).all():
            posts = spells[row[1]].primary if row[2] == "primary" else spells[row[1]].concurrent
            posts.append(_segment(row, number_of))
        people.update({person.number: person for person in by_id.values()})
    return people


# Rows are positional and typed by the statements above; `Any` stands for SQLAlchemy's untyped Row.
def _unit(row: Any) -> UnitVersion:
    return UnitVersion(
        unit_id=row[0],
        code=row[1],
        name_ja=row[2],
        name_en=row[3],
        parent_id=row[4],
        start=row[5],
        end=row[6] or FOREVER,
    )


def _position(row: Any) -> PositionVersion:
    return PositionVersion(
        position_id=row[0],
        code=row[1],
        title_ja=row[2],
        title_en=row[3],
        start=row[4],
        end=row[5] or FOREVER,
    )


def _person(row: Any) -> PersonState:
    return PersonState(
        person_id=row[0],
        number=row[1],
        names=dict(zip(NAME_FIELDS, row[2:8], strict=True)),
        work_email=row[8],
        private={
            "birth_on": row[9],
            "gender": row[10],
            "postal_code": row[11],
            "prefecture": row[12],
            "city": row[13],
            "address_line1": row[14],
            "address_line2": row[15],
            "personal_email": row[16],
            "personal_phone": row[17],
        },
    )


def _segment(row: Any, number_of: dict[int, str]) -> Segment:
    return Segment(
        kind=row[2],
        start=row[8],
        end=row[9] or FOREVER,
        terms=Terms(
            unit=row[3],
            position=row[4],
            manager=None if row[5] is None else number_of[row[5]],
            grade=row[6],
            fte=row[7] if row[7] is not None else _FULL_TIME,
        ),
        recorded_id=row[0],
        order_id=row[10],
    )
