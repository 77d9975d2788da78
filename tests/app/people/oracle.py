"""Who may see which row, worked out the slow way in Python from all rows, and compared with PostgreSQL.

Independent of the product's SQL: chains are walked person by person, days are compared as dates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Principal, Role, TenantId, system_principal

TABLES: Final = (
    "person",
    "person_private",
    "person_version",
    "employment_version",
    "assignment",
    "assignment_terms",
    "org_unit_version",
    "change_order",
)
_EVERYBODY: Final = {Role.OWNER, Role.HR, Role.AUDITOR, Role.SYSTEM}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Half-open; None is without a bound."""

    start: date | None
    end: date | None

    def holds(self, day: date) -> bool:
        return (self.start is None or self.start <= day) and (self.end is None or day < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of any table, with what access depends on."""

    table: str
    id: int
    person_id: int | None = None
    manager_id: int | None = None
    period: Period = field(default_factory=lambda: Period(start=None, end=None))
    is_known: bool = True
    requested_by: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All rows of one tenant, as only its system principal sees them."""

    tenant_id: TenantId
    today: date
    rows: tuple[Row, ...]

    def of(self, table: str) -> list[Row]:
        return [row for row in self.rows if row.table == table]

    def is_employed(self, person_id: int, day: date) -> bool:
        return any(
            row.person_id == person_id and row.is_known and row.period.holds(day)
            for row in self.of("employment_version")
        )

    def chain_above(self, person_id: int, day: date) -> set[int]:
        """Every manager above a person on a day, over all kinds of posts."""
        found: set[int] = set()
        waiting = [person_id]
        while waiting:
            at = waiting.pop()
            for row in self.of("assignment"):
                is_link = row.person_id == at and row.is_known and row.period.holds(day)
                if is_link and row.manager_id is not None and row.manager_id not in found:
                    found.add(row.manager_id)
                    waiting.append(row.manager_id)
        return found

    def is_in_line(self, principal: Principal, person_id: int | None, day: date) -> bool:
        me = principal.person_id
        if person_id is None or me is None or not self.is_employed(me, self.today):
            return False
        return me in self.chain_above(person_id, day)


def may_see(world: World, principal: Principal, row: Row, *, asked_on: date) -> bool:
    """The rule, as a person would read it aloud."""
    if principal.tenant_id != world.tenant_id:
        return False
    if principal.roles & _EVERYBODY:
        return True
    me, is_today = principal.person_id, asked_on == world.today
    is_mine = row.person_id is not None and row.person_id == me
    is_lines = world.is_in_line(principal, row.person_id, asked_on)
    is_of_the_day = row.period.holds(asked_on)
    is_listed = is_today and row.is_known and row.period.holds(world.today)
    match row.table:
        case "person":
            assert row.person_id is not None
            return is_mine or is_lines or (is_today and world.is_employed(row.person_id, world.today))
        case "person_private":
            return is_mine
        case "person_version" | "assignment":
            return is_mine or is_listed or (is_of_the_day and is_lines)
        case "employment_version" | "assignment_terms":
            return is_mine or (is_of_the_day and is_lines)
        case "org_unit_version":
            assert row.period.start is not None
            return row.is_known and row.period.start <= world.today and asked_on <= world.today
        case "change_order":
            is_asker = row.requested_by is not None and row.requested_by == principal.user_id
            return is_mine or is_asker or world.is_in_line(principal, row.person_id, world.today)
    raise AssertionError(row.table)


_READ: Final = {
    "person": "SELECT id, id AS person_id FROM app.person",
    "person_private": "SELECT person_id AS id, person_id FROM app.person_private",
    "person_version": (
        "SELECT id, person_id, lower(valid) AS a, upper(valid) AS b, upper_inf(known) AS is_known"
        " FROM app.person_version"
    ),
    "employment_version": (
        "SELECT id, person_id, lower(employed) AS a, upper(employed) AS b, upper_inf(known) AS is_known"
        " FROM app.employment_version"
    ),
    "assignment": (
        "SELECT id, person_id, manager_person_id AS manager_id, lower(valid) AS a, upper(valid) AS b,"
        " upper_inf(known) AS is_known FROM app.assignment"
    ),
    "assignment_terms": (
        "SELECT assignment_id AS id, person_id, lower(valid) AS a, upper(valid) AS b"
        " FROM app.assignment_terms"
    ),
    "org_unit_version": (
        "SELECT id, lower(valid) AS a, upper(valid) AS b, upper_inf(known) AS is_known"
        " FROM app.org_unit_version"
    ),
    "change_order": "SELECT id, person_id, requested_by FROM app.change_order",
}


async def read_world(database: Database, tenant_id: TenantId) -> World:
    """All rows of a tenant."""
    rows: list[Row] = []
    async with database.transaction(system_principal(tenant_id)) as session:
        today = await session.scalar(text("SELECT app.tenant_today()"))
        assert isinstance(today, date)
        for table in TABLES:
            for found in (await session.execute(text(_READ[table]))).mappings():
                rows.append(_row(table, dict(found)))
    return World(tenant_id=tenant_id, today=today, rows=tuple(rows))


def _row(table: str, found: dict[str, Any]) -> Row:
    return Row(
        table=table,
        id=found["id"],
        person_id=found.get("person_id"),
        manager_id=found.get("manager_id"),
        period=Period(start=found.get("a"), end=found.get("b")),
        is_known=found.get("is_known", True),
        requested_by=found.get("requested_by"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """Rows that a principal sees and should not, or should and does not."""

    who: str
    asked_on: date
    table: str
    leaked: frozenset[int]
    hidden: frozenset[int]


async def compare(
    database: Database, world: World, principals: Iterable[Principal], days: Iterable[date]
) -> list[Mismatch]:
    """Every principal, day and table, by PostgreSQL and by the rule."""
    mismatches = []
    days = list(days)
    for principal in principals:
        for day in days:
            async with database.transaction(principal) as session:
                await session.execute(
                    text("SELECT set_config('hrx.as_of', :day, true)"), {"day": day.isoformat()}
                )
                mismatches += [
                    found
                    for table in TABLES
                    if (found := await _compare_table(session, world, principal, day, table)) is not None
                ]
    return mismatches


async def _compare_table(
    session: AsyncSession, world: World, principal: Principal, day: date, table: str
) -> Mismatch | None:
    rows = await session.execute(text(_READ[table]))
    seen = {row.id for row in rows}
    if principal.tenant_id != world.tenant_id:
        # What a neighbour sees of their own is none of this world's business.
        seen &= {row.id for row in world.of(table)}
    expected = {row.id for row in world.of(table) if may_see(world, principal, row, asked_on=day)}
    if seen == expected:
        return None
    return Mismatch(
        who=f"{sorted(principal.roles)} person {principal.person_id}",
        asked_on=day,
        table=table,
        leaked=frozenset(seen - expected),
        hidden=frozenset(expected - seen),
    )
