"""Believable people and units for tests, made through the product's own actions."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# The doors register what carries out each kind of order.
from hrx.app.people.employees import routes as _employee_doors  # noqa: F401
from hrx.app.people.employees.actions import hiring, moving
from hrx.app.people.employees.inputs import Departure, Hire, Transfer
from hrx.app.people.org import actions as org_actions
from hrx.app.people.org.inputs import PositionCreation, UnitCreation
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import PersonId, Principal, Role, TenantId, system_principal

FAMILY = ("佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村")
FAMILY_KANA = ("サトウ", "スズキ", "タカハシ", "タナカ", "イトウ", "ワタナベ", "ヤマモト", "ナカムラ")
FAMILY_LATIN = ("Sato", "Suzuki", "Takahashi", "Tanaka", "Ito", "Watanabe", "Yamamoto", "Nakamura")


@dataclass(slots=True, kw_only=True)
class Company:
    """One tenant with shortcuts; every call is a transaction of its own, as a request would be."""

    database: Database
    tenant_id: TenantId
    hired: int = 0

    @asynccontextmanager
    async def acting(self, principal: Principal | None = None) -> AsyncIterator[AsyncSession]:
        """A transaction of the tenant; its background principal unless told."""
        async with self.database.transaction(principal or system_principal(self.tenant_id)) as session:
            yield session

    def principal(self, *roles: Role, person_id: int | None = None) -> Principal:
        """Somebody without an account: enough where only the database decides."""
        return Principal(
            tenant_id=self.tenant_id,
            user_id=None,
            person_id=PersonId(person_id) if person_id is not None else None,
            roles=frozenset(roles),
        )

    async def unit(
        self,
        name: str = "営業部",
        *,
        parent_id: int | None = None,
        since: date = date(2000, 1, 1),
        **given: Any,
    ) -> int:
        asked = UnitCreation(
            code=given.pop("code", f"U{secrets.token_hex(4)}"),
            name_ja=name,
            parent_id=parent_id,
            effective_on=since,
            **given,
        )
        async with self.acting() as session:
            order_id = await org_actions.create_unit(session, asked)
            found = await session.scalar(
                text("SELECT org_unit_id FROM app.change_order WHERE id = :id"), {"id": order_id}
            )
        assert isinstance(found, int)
        return found

    async def position(self, title: str = "課長", *, since: date = date(2000, 1, 1)) -> int:
        asked = PositionCreation(code=f"P{secrets.token_hex(4)}", title_ja=title, effective_on=since)
        async with self.acting() as session:
            await org_actions.create_position(session, asked)
            found = await session.scalar(
                text("SELECT id FROM app.position WHERE code = :code"), {"code": asked.code}
            )
        assert isinstance(found, int)
        return found

    async def hire(
        self,
        org_unit_id: int,
        *,
        hired_on: date = date(2020, 4, 1),
        manager_id: int | None = None,
        **given: Any,
    ) -> int:
        """A new employee; gives the person's id."""
        asked = self.hire_input(org_unit_id, hired_on=hired_on, manager_id=manager_id, **given)
        async with self.acting() as session:
            order_id = await hiring.hire_employee(session, asked=asked)
            found = await session.scalar(
                text("SELECT person_id FROM app.change_order WHERE id = :id"), {"id": order_id}
            )
        assert isinstance(found, int)
        return found

    def hire_input(self, org_unit_id: int, **given: Any) -> Hire:
        """A believable hire."""
        number = self.hired
        self.hired += 1
        at = number % len(FAMILY)
        values: dict[str, Any] = {
            "employee_number": f"{1000 + number}",
            "family_kanji": FAMILY[at],
            "given_kanji": f"太郎{number}",
            "family_kana": FAMILY_KANA[at],
            "given_kana": "タロウ",
            "family_latin": FAMILY_LATIN[at],
            "given_latin": "Taro",
            "work_email": f"taro{number}@example.co.jp",
            "hired_on": date(2020, 4, 1),
            "org_unit_id": org_unit_id,
            **{name: value for name, value in given.items() if value is not None},
        }
        return Hire.model_validate(values)

    async def transfer(self, person_id: int, on: date, **patch: Any) -> int:
        async with self.acting() as session:
            return await moving.transfer_employee(
                session, person_id=person_id, asked=Transfer(effective_on=on, **patch)
            )

    async def depart(self, person_id: int, left_on: date) -> int:
        async with self.acting() as session:
            return await moving.depart_employee(
                session, person_id=person_id, asked=Departure(left_on=left_on)
            )

    async def today(self) -> date:
        async with self.acting() as session:
            found = await session.scalar(text("SELECT app.tenant_today()"))
        assert isinstance(found, date)
        return found


async def create_tenant(database: Database, *, time_zone: str = "Asia/Tokyo") -> TenantId:
    """A tenant of its own, for tests that need more than one or make one for each example."""
    async with database.transaction(None) as session:
        created = await session.scalar(
            text("SELECT app.create_tenant(:slug, '株式会社観察', :time_zone, 'ja')"),
            {"slug": f"t-{secrets.token_hex(6)}", "time_zone": time_zone},
        )
    assert isinstance(created, int)
    return TenantId(created)
