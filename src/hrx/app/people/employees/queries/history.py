"""A person's assignments and spells of employment over time, as known now or at a moment."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.queries.asked import Asked
from hrx.app.people.employees.queries.assignments import (
    ASSIGNMENT_WORDS,
    shape_assignment,
)
from hrx.app.people.employees.queries.people import person_not_found
from hrx.app.platform.tenancy import Principal

#: Names of units and positions are those of the day on which the assignment began.
_ROWS: Final = """
SELECT {assignment_json}
FROM {assignment_source}
WHERE a.person_id = :person_id AND {wanted}
ORDER BY lower(a.valid) DESC, a.kind DESC, a.id DESC
"""
_SPELLS: Final = """
SELECT e.employment_id AS id, e.kind, lower(e.employed) AS hired_on, upper(e.employed) - 1 AS left_on,
       lower(e.known) AS known_from, upper(e.known) AS known_to
FROM app.employment_version AS e
WHERE e.person_id = :person_id AND {wanted}
ORDER BY lower(e.employed) DESC, lower(e.known) DESC
"""
_ACCESS: Final = text("SELECT app.person_access(:person_id, app.asked_on())")


async def get_history(
    session: AsyncSession, *, person_id: int, asked: Asked, with_superseded: bool
) -> dict[str, object]:
    """All assignments and spells that the reader may see; `with_superseded`: whenever they were known.

    Somebody else than the person, HR and auditors sees what they may see on the asked day.
    Raises PersonNotFound."""
    principal: Principal = session.info["principal"]
    access = await session.scalar(_ACCESS, {"person_id": person_id})
    if access is None:
        raise person_not_found()
    parameters = {"person_id": person_id, **({} if with_superseded else asked.parameters)}
    known_a, known_e = ("true", "true") if with_superseded else ("{known:a}", "{known:e}")
    rows = await session.scalars(
        text(asked.fill(_ROWS, **ASSIGNMENT_WORDS, wanted=known_a, on="lower(a.valid)")), parameters
    )
    spells = await session.execute(text(asked.fill(_SPELLS, wanted=known_e)), parameters)
    return {
        "items": [
            shape_assignment(raw, locale=principal.locale, is_directory=access == "directory") for raw in rows
        ],
        "employments": [dict(row) for row in spells.mappings()],
    }
