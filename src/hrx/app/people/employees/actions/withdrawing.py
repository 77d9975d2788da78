"""Taking back a reserved order: what it said is no longer known, and what it displaced is known again.

An order that was recorded afterwards for the days before the reservation stays, and goes on for as long as it
would have gone on without the reservation. What was known meanwhile stays known as having been known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import RowMapping, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.actions.restoring import Period, plan_restoration


@dataclass(frozen=True, slots=True, kw_only=True)
class _Versioned:
    """A table with a `known` range: which rows tell of the same thing, and what they tell."""

    table: str
    #: Rows that agree in these follow one another in time; NULL agrees with NULL.
    line: tuple[str, ...]
    facts: tuple[str, ...]
    period: str = "valid"


_TABLES: Final = (
    _Versioned(
        table="employment_version",
        line=("employment_id",),
        facts=("employment_id", "person_id", "kind"),
        period="employed",
    ),
    _Versioned(
        table="assignment",
        line=("employment_id", "kind"),
        facts=(
            "employment_id",
            "person_id",
            "kind",
            "org_unit_id",
            "position_id",
            "manager_person_id",
        ),
    ),
    _Versioned(
        table="org_unit_version",
        line=("org_unit_id",),
        facts=("org_unit_id", "name_ja", "name_en", "parent_id", "kind", "head_person_id"),
    ),
    _Versioned(
        table="position_version",
        line=("position_id",),
        facts=("position_id", "title_ja", "title_en", "rank"),
    ),
)

# Index on each table: *_opened_by or the table is small.
_LATER: Final = """
SELECT DISTINCT t.closed_by
FROM app.{table} AS t
LEFT JOIN app.change_order AS c ON c.id = t.closed_by
WHERE t.opened_by = :order_id AND t.change_order_id = :order_id AND NOT upper_inf(t.known)
  AND c.state IS DISTINCT FROM 'cancelled'
"""
_WITHDRAW: Final = """
UPDATE app.{table} SET known = known, closed_by = :order_id
WHERE opened_by = :order_id AND change_order_id = :order_id AND upper_inf(known)
"""
_DISPLACED: Final = """
SELECT t.*
FROM app.{table} AS t
WHERE t.closed_by = :order_id AND t.opened_by IS DISTINCT FROM :order_id
ORDER BY lower(t.{period})
"""
_OPEN: Final = "SELECT t.* FROM app.{table} AS t WHERE {line} AND upper_inf(t.known)"
_CLOSE: Final = "UPDATE app.{table} SET known = known, closed_by = :order_id WHERE id = :id"
_INSERT: Final = """
INSERT INTO app.{table} ({facts}, {period}, change_order_id, opened_by)
SELECT {facts}, daterange(CAST(:from_on AS date), CAST(:until_on AS date)), change_order_id,
       CAST(:opened_by AS bigint)
FROM app.{table}
WHERE id = :id
RETURNING id
"""
_COPY_TERMS: Final = text(
    "INSERT INTO app.assignment_terms (assignment_id, grade, fte)"
    " SELECT :new_id, t.grade, t.fte FROM app.assignment_terms AS t WHERE t.assignment_id = :id"
)


async def find_later_orders(session: AsyncSession, order_id: int) -> list[int | None]:
    """Orders that changed what this order said (None: a change without an order)."""
    later: set[int | None] = set()
    for versioned in _TABLES:
        statement = text(_LATER.replace("{table}", versioned.table))
        later.update(await session.scalars(statement, {"order_id": order_id}))
    return sorted(later, key=lambda found: found or 0)


async def withdraw(session: AsyncSession, order_id: int) -> None:
    """Take back what an order recorded; the caller saw to it that nothing changed what it said."""
    for versioned in _TABLES:
        await session.execute(text(_WITHDRAW.replace("{table}", versioned.table)), {"order_id": order_id})
        displaced = await session.execute(text(_fill(_DISPLACED, versioned)), {"order_id": order_id})
        for row in displaced.mappings().all():
            await _restore(session, versioned, row, order_id=order_id)


async def _restore(session: AsyncSession, versioned: _Versioned, row: RowMapping, *, order_id: int) -> None:
    """Fill the days of a displaced row that nothing tells of any more."""
    open_rows = await _list_open(session, versioned, row)
    periods = [Period(id=other["id"], **_ends(other[versioned.period])) for other in open_rows]
    displaced = Period(id=row["id"], **_ends(row[versioned.period]))
    opened_by = {other["id"]: other["opened_by"] for other in open_rows}
    for step in plan_restoration(displaced, periods):
        if step.replaces:
            await session.execute(text(_fill(_CLOSE, versioned)), {"id": step.facts_of, "order_id": order_id})
        # A remainder that this order made goes back to the order that had made the whole.
        origin = opened_by.get(step.facts_of, order_id)
        new_id = await session.scalar(
            text(_fill(_INSERT, versioned)),
            {
                "id": step.facts_of,
                "from_on": step.from_on,
                "until_on": step.until_on,
                "opened_by": row["opened_by"] if origin == order_id else origin,
            },
        )
        if versioned.table == "assignment":
            await session.execute(_COPY_TERMS, {"new_id": new_id, "id": step.facts_of})


async def _list_open(session: AsyncSession, versioned: _Versioned, row: RowMapping) -> Sequence[RowMapping]:
    line = versioned.line
    if versioned.table == "assignment" and row["kind"] == "concurrent":
        # Concurrent posts run side by side: each post is a line of its own.
        line = (*line, "org_unit_id", "position_id")
    conditions = " AND ".join(f"t.{column} IS NOT DISTINCT FROM :{column}" for column in line)
    statement = _fill(_OPEN, versioned).replace("{line}", conditions)
    rows = await session.execute(text(statement), {column: row[column] for column in line})
    return rows.mappings().all()


def _ends(period: Range[date]) -> dict[str, Any]:
    return {"from_on": period.lower, "until_on": period.upper}


def _fill(template: str, versioned: _Versioned) -> str:
    return (
        template.replace("{table}", versioned.table)
        .replace("{facts}", ", ".join(versioned.facts))
        .replace("{period}", versioned.period)
    )
