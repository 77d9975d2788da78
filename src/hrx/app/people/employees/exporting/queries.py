"""The rows of an export: people with their posts on a day or ever, as far as the asker may see them.

Row-level security decides what comes back; a column that the asker may not see is empty. One statement with
a cursor on the server, so that a long export is one consistent picture."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.importing.references import UnitIndex, UnitVersion
from hrx.app.people.employees.importing.timeline import FOREVER
from hrx.app.people.employees.queries.asked import Asked

_FETCH_ROWS: Final = 2_000


class Scope(StrEnum):
    """DAY: one row for each post on the asked day. HISTORY: every post that is known."""

    DAY = "day"
    HISTORY = "history"


_SELECT: Final = """
SELECT p.employee_number, n.family_kanji, n.given_kanji, n.family_kana, n.given_kana, n.family_latin,
       n.given_latin, n.work_email, lower(e.employed) AS hired_on, upper(e.employed) - 1 AS left_on,
       e.kind AS employment_kind, lower(a.valid) AS valid_from, upper(a.valid) - 1 AS valid_to,
       a.kind AS assignment_kind, a.org_unit_id, pv.title_ja AS position,
       m.employee_number AS manager_number, t.grade, t.fte, s.birth_on, s.gender, s.postal_code,
       s.prefecture, s.city, s.line1 AS address_line1, s.line2 AS address_line2, s.personal_email,
       s.personal_phone
FROM app.person AS p
JOIN app.person_version AS n ON n.person_id = p.id AND {known:n} AND n.valid @> {day}
"""
_DAY: Final = """
LEFT JOIN app.employment_version AS e ON e.person_id = p.id AND {known:e} AND e.employed @> {day}
LEFT JOIN app.assignment AS a ON a.person_id = p.id AND {known:a} AND a.valid @> {day}
"""
_HISTORY: Final = """
JOIN app.employment_version AS e ON e.person_id = p.id AND {known:e}
LEFT JOIN app.assignment AS a ON a.employment_id = e.employment_id AND {known:a}
"""
_REST: Final = """
LEFT JOIN app.position_version AS pv ON pv.position_id = a.position_id AND {known:pv}
  AND pv.valid @> {position_day}
LEFT JOIN app.person AS m ON m.id = a.manager_person_id
LEFT JOIN app.assignment_terms AS t ON t.assignment_id = a.id
LEFT JOIN app.person_private AS s ON s.person_id = p.id
WHERE {condition}
ORDER BY p.number_key, p.id, lower(e.employed), lower(a.valid), a.kind DESC, a.id
"""
_UNITS: Final = """
SELECT v.org_unit_id, u.code, v.name_ja, v.name_en, v.parent_id, lower(v.valid), upper(v.valid)
FROM app.org_unit_version AS v JOIN app.org_unit AS u ON u.id = v.org_unit_id
WHERE {known:v}
"""


async def load_units(session: AsyncSession, *, asked: Asked) -> UnitIndex:
    """All units that the asker may see, with their names and places on every day."""
    index = UnitIndex(may_create=False)
    rows = (await session.execute(text(asked.fill(_UNITS)), asked.parameters)).all()
    index.add(_unit(row) for row in rows)
    return index


async def get_asked_day(session: AsyncSession) -> date:
    """The day that this transaction asks about."""
    day = await session.scalar(text("SELECT app.asked_on()"))
    if not isinstance(day, date):
        raise TypeError("asked_on() gave no day")
    return day


async def stream_people(session: AsyncSession, *, asked: Asked, scope: Scope) -> AsyncIterator[RowMapping]:
    """Rows in order of employee number; `ask_about` was called before."""
    statement = text(asked.fill(_statement(asked, scope)))
    result = await session.stream(statement.execution_options(yield_per=_FETCH_ROWS), asked.parameters)
    async for row in result.mappings():
        yield row


def _statement(asked: Asked, scope: Scope) -> str:
    rest = _REST
    if scope is Scope.HISTORY:
        rest = rest.replace("{position_day}", "lower(a.valid)").replace("{condition}", "true")
        return _SELECT + _HISTORY + rest
    # The employment of colleagues is not for everybody's eyes; that they work here today is.
    is_employed = "p.employed @> {day}" if asked.as_known is None else "e.id IS NOT NULL"
    return _SELECT + _DAY + rest.replace("{position_day}", "{day}").replace("{condition}", is_employed)


# `Any`: SQLAlchemy's rows are typed by the statement above only.
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
