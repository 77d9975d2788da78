"""A person's assignments and spells of employment over time, as known now or at a moment."""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.queries.asked import Asked
from hrx.app.people.employees.queries.assignments import ASSIGNMENT_WORDS, shape_assignment
from hrx.app.people.employees.queries.people import person_not_found
from hrx.app.platform.db import fetch_dicts
from hrx.app.platform.tenancy import Principal

#: One statement, for a page costs about as much as its round trips. Names of units and positions are those of
#: the day on which the assignment began.
_HISTORY: Final = """
SELECT app.person_access(CAST(:person_id AS bigint), app.asked_on()) AS access,
       (SELECT coalesce(json_agg({assignment_json}
                                 ORDER BY lower(a.valid) DESC, a.kind DESC, a.id DESC), '[]')
        FROM {assignment_source}
        WHERE a.person_id = :person_id AND {wanted:a}) AS items,
       (SELECT coalesce(json_agg(json_build_object(
            'id', e.employment_id, 'kind', e.kind, 'hired_on', lower(e.employed),
            'left_on', upper(e.employed) - 1, 'known_from', lower(e.known), 'known_to', upper(e.known))
            ORDER BY lower(e.employed) DESC, lower(e.known) DESC), '[]')
        FROM app.employment_version AS e
        WHERE e.person_id = :person_id AND {wanted:e}) AS employments
"""


async def get_history(
    session: AsyncSession, *, person_id: int, asked: Asked, with_superseded: bool
) -> dict[str, object]:
    """All assignments and spells that the reader may see; `with_superseded`: whenever they were known.

    Somebody else than the person, HR and auditors sees what they may see on the asked day.
    Raises PersonNotFound."""
    principal: Principal = session.info["principal"]
    known_a, known_e = ("true", "true") if with_superseded else ("{known:a}", "{known:e}")
    template = _HISTORY.replace("{wanted:a}", known_a).replace("{wanted:e}", known_e)
    statement = asked.fill(template, **ASSIGNMENT_WORDS, on="lower(a.valid)")
    parameters = {"person_id": person_id, **asked.parameters}
    (found,) = await fetch_dicts(session, statement, parameters)
    access = found["access"]
    if access is None:
        raise person_not_found()
    return {
        "items": [
            shape_assignment(raw, locale=principal.locale, is_directory=access == "directory")
            for raw in found["items"]
        ],
        "employments": found["employments"],
    }
