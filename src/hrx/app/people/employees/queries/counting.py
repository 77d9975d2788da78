"""How many people, and which of them, for questions with a form of their own; the reader's policies decide
who counts at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.names import display_name
from hrx.app.people.employees.queries.asked import Asked
from hrx.app.people.employees.queries.units import UnitTree
from hrx.app.platform.db import fetch_dicts
from hrx.app.platform.tenancy import Principal

# One statement: the conditions are constant pieces. Indexes: assignment_in_unit, person_by_kana.
_FIND: Final = """
WITH found AS (
  SELECT p.id, p.kana_key, p.family_kanji, p.given_kanji, p.family_latin, p.given_latin
  FROM app.person AS p
  WHERE {conditions}
), page AS (
  SELECT found.*, count(*) OVER () AS total FROM found ORDER BY found.kana_key, found.id LIMIT :limit
)
SELECT page.*, post.org_unit_id, post.title_ja, post.title_en
FROM page
LEFT JOIN LATERAL (
  SELECT a.org_unit_id, pv.title_ja, pv.title_en
  FROM app.assignment AS a
  LEFT JOIN app.position_version AS pv
    ON pv.position_id = a.position_id AND {known:pv} AND pv.valid @> {day}
  WHERE a.person_id = page.id AND a.kind = 'primary' AND {known:a} AND a.valid @> {day}
  LIMIT 1
) AS post ON true
ORDER BY page.kana_key, page.id
"""
_EMPLOYED: Final = "p.employed @> {day}"
_IN_UNITS: Final = (
    "p.id IN (SELECT x.person_id FROM app.assignment AS x WHERE x.org_unit_id = ANY(CAST(:units AS bigint[]))"
    " AND {known:x} AND x.valid @> {day})"
)
_IN_UNITS_WITHIN: Final = (
    "p.id IN (SELECT x.person_id FROM app.assignment AS x WHERE x.org_unit_id = ANY(CAST(:units AS bigint[]))"
    " AND {known:x} AND x.valid && daterange(CAST(:since AS date), CAST(:until AS date), '[]'))"
)
_JOINED: Final = (
    "EXISTS (SELECT 1 FROM unnest(p.employed) AS spell (days)"
    " WHERE lower(spell.days) BETWEEN CAST(:since AS date) AND CAST(:until AS date))"
)
# The upper bound is the first day on which somebody is gone.
_LEFT: Final = (
    "EXISTS (SELECT 1 FROM unnest(p.employed) AS spell (days)"
    " WHERE upper(spell.days) - 1 BETWEEN CAST(:since AS date) AND CAST(:until AS date))"
)
_ONE_OF: Final = "p.id = ANY(CAST(:ids AS bigint[]))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Who is looked for; what is None does not matter. `joined`, `left`: first and last day of a period.

    `unit_ids`: with a post in one of these on the asked day, or on one of `units_within`; units below have to
    be named too."""

    employed: bool = False
    unit_ids: Sequence[int] | None = None
    units_within: tuple[date, date] | None = None
    joined: tuple[date, date] | None = None
    left: tuple[date, date] | None = None
    ids: Sequence[int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A person as an answer shows them; the post is that of the asked day."""

    id: int
    name: str
    org_unit: str | None
    position: str | None


async def find_people(
    session: AsyncSession, wanted: Wanted, *, asked: Asked, tree: UnitTree, limit: int
) -> tuple[int, list[Counted]]:
    """How many there are, and the first of them by name. `ask_about` was called before."""
    conditions: list[str] = []
    parameters: dict[str, object] = {**asked.parameters, "limit": limit}
    if wanted.employed:
        conditions.append(_EMPLOYED)
    if wanted.unit_ids is not None:
        conditions.append(_IN_UNITS if wanted.units_within is None else _IN_UNITS_WITHIN)
        parameters["units"] = list(wanted.unit_ids)
    for condition, period in ((_JOINED, wanted.joined), (_LEFT, wanted.left), (None, wanted.units_within)):
        if period is not None:
            conditions += [condition] if condition else []
            parameters |= {"since": period[0], "until": period[1]}
    if wanted.ids is not None:
        conditions.append(_ONE_OF)
        parameters["ids"] = list(wanted.ids)
    statement = asked.fill(_FIND, conditions=" AND ".join(conditions) or "true")
    rows = await fetch_dicts(session, statement, parameters)
    principal: Principal = session.info["principal"]
    return (rows[0]["total"] if rows else 0), [_counted(row, tree, principal) for row in rows]


# `Any`: columns differ in type.
def _counted(row: dict[str, Any], tree: UnitTree, principal: Principal) -> Counted:
    locale = principal.locale
    unit = tree.units.get(row["org_unit_id"])
    title = row["title_ja"] if locale == "ja" else row["title_en"] or row["title_ja"]
    return Counted(
        id=row["id"],
        name=display_name(
            kanji=f"{row['family_kanji']} {row['given_kanji']}".strip(),
            latin=f"{row['given_latin']} {row['family_latin']}".strip(),
            locale=locale,
        ),
        org_unit=unit.name(locale) if unit else None,
        position=title or None,
    )
