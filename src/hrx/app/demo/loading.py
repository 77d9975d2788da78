"""Loading plans that were made up into a tenant of their own, and the demo company as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from prometheus_client import CollectorRegistry
from sqlalchemy import text

from hrx.app.demo.accounts import ensure_accounts
from hrx.app.demo.careers import simulate
from hrx.app.demo.happenings import find_cast, let_things_happen
from hrx.app.demo.papers import load_papers
from hrx.app.demo.shaping import shape_company
from hrx.app.demo.units import COMPANY_NAME
from hrx.app.identity.parts import build_identity
from hrx.app.people.employees.importing.outcomes import open_order
from hrx.app.people.employees.importing.recorded import load_record
from hrx.app.people.employees.importing.state import ImportPlan
from hrx.app.people.employees.importing.writing import PlanWriter
from hrx.app.platform import audit
from hrx.app.platform.db import Database
from hrx.app.platform.live import EventKind, publish
from hrx.app.platform.tenancy import TenantId, system_principal
from hrx.app.settings import AppSettings
from hrx.kit import clock

SLUG: Final = "minato-seiki"
#: The demo company's own world; another seed is another company.
SEED: Final = 1978_10_02
_TIME_ZONE: Final = "Asia/Tokyo"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """What loading did; all zero when everything was there already."""

    tenant_id: TenantId
    is_new: bool
    people: int
    posts: int
    accounts: int
    orders: int
    papers: int


async def load_demo(
    database: Database, settings: AppSettings, *, password: str, has_papers: bool
) -> DemoReport:
    """The demo company, with documents when it `has_papers`; safe to run again, also after a run that was cut
    off."""
    tenant_id = await provide_tenant(database, slug=SLUG, name=COMPANY_NAME)
    today = clock.today(_TIME_ZONE)
    plan = plan_company(anchor=today)
    is_new = await write_if_empty(database, plan, tenant_id=tenant_id, source="初期データの登録")
    identity = build_identity(settings, registry=CollectorRegistry())
    async with database.transaction(system_principal(tenant_id)) as session:
        accounts = await ensure_accounts(session, identity, password=password)
        has_orders = await session.scalar(
            text("SELECT EXISTS (SELECT FROM app.change_order WHERE kind <> 'import')")
        )
    orders = 0
    if not has_orders:
        orders = await let_things_happen(database, tenant_id=tenant_id, today=today, seed=SEED)
    papers = 0
    if has_papers:
        async with database.transaction(system_principal(tenant_id)) as session:
            cast = await find_cast(session, tenant_id)
        papers = await load_papers(database, settings, hr=cast.hr)
    return DemoReport(
        tenant_id=tenant_id,
        is_new=is_new,
        people=len(plan.people) if is_new else 0,
        posts=plan.count_writes() - len(plan.people) if is_new else 0,
        accounts=accounts,
        orders=orders,
        papers=papers,
    )


def plan_company(*, anchor: date) -> ImportPlan:
    """The demo company as it stands on a day; the same day gives the same company."""
    return shape_company(simulate(anchor=anchor, seed=SEED), seed=SEED)


async def provide_tenant(database: Database, *, slug: str, name: str) -> TenantId:
    """The tenant of a slug, made when missing."""
    async with database.transaction(None) as session:
        found = await session.scalar(text("SELECT app.find_tenant(:slug)"), {"slug": slug})
        if found is None:
            found = await session.scalar(
                text("SELECT app.create_tenant(:slug, :name, :zone, 'ja')"),
                {"slug": slug, "name": name, "zone": _TIME_ZONE},
            )
    return TenantId(int(str(found)))


async def write_if_empty(database: Database, plan: ImportPlan, *, tenant_id: TenantId, source: str) -> bool:
    """Write a plan into a tenant without people; False when it has some. One transaction."""
    async with database.transaction(system_principal(tenant_id)) as session:
        await session.execute(
            text(
                "SELECT set_config('statement_timeout', '0', true),"
                " set_config('idle_in_transaction_session_timeout', '0', true)"
            )
        )
        # Taking the moment also takes turns: a second loader waits here, then finds the people.
        await session.execute(text("SELECT app.new_moment()"))
        if await session.scalar(text("SELECT EXISTS (SELECT FROM app.person)")):
            return False
        record = await load_record(session, numbers=set(), may_create_units=True, may_create_positions=True)
        order_id = await open_order(
            session, reason=source, payload={"source": source}, effective_on=record.today
        )
        writer = PlanWriter(
            session, plan, record, order_id=order_id, import_id=None, on_progress=lambda _: None
        )
        await writer.write()
        await audit.record(
            session, action="people.loaded", details={"source": source, "people": len(plan.people)}
        )
        await publish(session, kind=EventKind.PEOPLE_CHANGED)
        await publish(session, kind=EventKind.ORG_CHANGED)
    return True
