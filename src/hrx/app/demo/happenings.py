"""What is under way on the first day somebody looks: reservations, a proposal, a correction, a renamed unit.

Done through the same actions as in the portal, by the accounts who would do it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.demo.accounts import ACCOUNTS
from hrx.app.demo.names import make_name
from hrx.app.people.employees.actions.hiring import hire_employee
from hrx.app.people.employees.actions.moving import correct_assignments, depart_employee, transfer_employee
from hrx.app.people.employees.inputs import Correction, Departure, Hire, Transfer
from hrx.app.people.org.actions import change_unit
from hrx.app.people.org.inputs import UnitRename
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import PersonId, Principal, Role, TenantId, UserId, system_principal

_MEMBERS = text(
    "SELECT p.id, a.org_unit_id, a.manager_person_id, t.grade, lower(a.valid) AS since"
    " FROM app.assignment AS a"
    " JOIN app.org_unit AS u ON u.id = a.org_unit_id"
    " JOIN app.person AS p ON p.id = a.person_id"
    " LEFT JOIN app.assignment_terms AS t ON t.assignment_id = a.id"
    " WHERE u.code = :unit AND a.kind = 'primary' AND upper_inf(a.known) AND upper_inf(a.valid)"
    "  AND a.valid @> app.tenant_today() AND t.grade IN ('G1', 'G2', 'G3')"
    " ORDER BY p.number_key"
)
_UNITS = text("SELECT code, id FROM app.org_unit")
_USERS = text("SELECT email, id, person_id FROM app.user_account")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who acts in what happens."""

    hr: Principal
    manager: Principal


async def let_things_happen(database: Database, *, tenant_id: TenantId, today: date, seed: int) -> int:
    """Give the company its open business; gives how many change orders were made."""
    async with database.transaction(system_principal(tenant_id)) as session:
        people = await find_cast(session, tenant_id)
        units = {row.code: int(row.id) for row in (await session.execute(_UNITS)).all()}
        heads = await _heads(session)
    chance = random.Random(seed + 2)  # noqa: S311 - a made-up world, not a secret.
    async with database.transaction(people.hr) as session:
        made = await _rename(session, units, today)
        made += await _reserve_transfers(session, units, heads, today)
        made += await _reserve_arrivals(session, units, heads, today, chance)
        made += await _announce_departure(session, today)
        made += await _correct_something(session, today)
    async with database.transaction(people.manager) as session:
        made += await _propose(session, units, heads, today)
    return made


async def find_cast(session: AsyncSession, tenant_id: TenantId) -> Cast:
    """The accounts that act; they must be there."""
    rows = {row.email: row for row in (await session.execute(_USERS)).all()}
    found = {}
    for account in ACCOUNTS:
        row = rows[account.email]
        found[account.role] = Principal(
            tenant_id=tenant_id,
            user_id=UserId(row.id),
            person_id=None if row.person_id is None else PersonId(row.person_id),
            roles=frozenset({account.role}),
        )
    return Cast(hr=found[Role.HR], manager=found[Role.MANAGER])


async def _heads(session: AsyncSession) -> dict[str, int]:
    rows = await session.execute(
        text(
            "SELECT u.code, v.head_person_id FROM app.org_unit_version AS v"
            " JOIN app.org_unit AS u ON u.id = v.org_unit_id"
            " WHERE upper_inf(v.known) AND v.valid @> app.tenant_today() AND v.head_person_id IS NOT NULL"
        )
    )
    return {row.code: int(row.head_person_id) for row in rows.all()}


# `Any`: SQLAlchemy's rows are typed by the statement above only.
async def _members(session: AsyncSession, unit: str) -> list[Any]:
    return list((await session.execute(_MEMBERS, {"unit": unit})).all())


async def _rename(session: AsyncSession, units: dict[str, int], today: date) -> int:
    """The IT section got its fashionable name last spring."""
    spring = date(today.year if today >= date(today.year, 4, 2) else today.year - 1, 4, 1)
    asked = UnitRename(
        effective_on=spring, name_ja="DX推進課", name_en="Digital Transformation", reason="組織改編"
    )
    await change_unit(session, org_unit_id=units["MS-ADM-GA-2"], asked=asked)
    return 1


async def _reserve_transfers(
    session: AsyncSession, units: dict[str, int], heads: dict[str, int], today: date
) -> int:
    """The next round of personnel changes is decided already for three people."""
    moves = (
        ("MS-SAL-E-1", "MS-SAL-W-1"),
        ("MS-ENG-D-3", "MS-ADM-GA-2"),
        ("MS-MFG-K-1", "MS-MFG-Y-1"),
    )
    for source, target in moves:
        member = (await _members(session, source))[-1]
        asked = Transfer(
            effective_on=next_round(today),
            org_unit_id=units[target],
            manager_id=heads[target],
            reason="定期人事異動",
        )
        await transfer_employee(session, person_id=member.id, asked=asked)
    return len(moves)


async def _reserve_arrivals(
    session: AsyncSession, units: dict[str, int], heads: dict[str, int], today: date, chance: random.Random
) -> int:
    """Two graduates have accepted for next April."""
    spring = date(today.year if today < date(today.year, 4, 1) else today.year + 1, 4, 1)
    for number, unit in enumerate(("MS-ENG-D-2", "MS-SAL-E-2"), start=1):
        name = make_name(chance, sex="female" if number == 1 else "male", born_year=spring.year - 22)
        asked = Hire(
            **name.as_dict(),
            employee_number=f"{spring.year}{number:03d}",
            hired_on=spring,
            org_unit_id=units[unit],
            manager_id=heads[unit],
            grade="G1",
            reason="新卒採用",
        )
        await hire_employee(session, asked=asked)
    return 2


async def _announce_departure(session: AsyncSession, today: date) -> int:
    member = (await _members(session, "MS-MFG-K-3"))[-1]
    month_after = (today.replace(day=1) + timedelta(days=62)).replace(day=1)
    asked = Departure(left_on=month_after - timedelta(days=1), reason="自己都合")
    await depart_employee(session, person_id=member.id, asked=asked)
    return 1


async def _correct_something(session: AsyncSession, today: date) -> int:
    """A grade was written wrongly for months; what was known before stays known."""
    member = (await _members(session, "MS-ADM-FIN-2"))[0]
    wrong_since = max(member.since, today - timedelta(days=120))
    grade = f"G{int(member.grade[1:]) + 1}"
    asked = Correction(valid_from=wrong_since, grade=grade, reason="昇格の登録漏れ")
    await correct_assignments(session, person_id=member.id, asked=asked)
    return 1


async def _propose(session: AsyncSession, units: dict[str, int], heads: dict[str, int], today: date) -> int:
    """The head of development asks for somebody to change sections; HR has not decided yet."""
    member = (await _members(session, "MS-ENG-D-1"))[-1]
    asked = Transfer(
        effective_on=next_round(today),
        org_unit_id=units["MS-ENG-D-3"],
        manager_id=heads["MS-ENG-D-3"],
        reason="組込みソフトの増員のため、機械設計の経験者を迎えたい",
    )
    await transfer_employee(session, person_id=member.id, asked=asked)
    return 1


def next_round(today: date) -> date:
    """The next first of April or October."""
    rounds = (date(year, month, 1) for year in (today.year, today.year + 1) for month in (4, 10))
    return min(day for day in rounds if day > today)
