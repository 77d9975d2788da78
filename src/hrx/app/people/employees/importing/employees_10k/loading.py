"""Loading a shaped company into a tenant, in one transaction, by the same writer as every import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.importing.employees_10k.shaping import Shaped, shape
from hrx.app.people.employees.importing.employees_10k.source import Source, read_source
from hrx.app.people.employees.importing.outcomes import open_order
from hrx.app.people.employees.importing.recorded import load_record
from hrx.app.people.employees.importing.writing import PlanWriter
from hrx.app.platform import audit
from hrx.app.platform.db import Database
from hrx.app.platform.live import EventKind, publish
from hrx.app.platform.tenancy import TenantId, system_principal
from hrx.kit import clock


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What went in and what came out. `is_new` is False when the tenant had people already."""

    is_new: bool
    employees: int
    department_spells: int
    titles: int
    skipped: tuple[str, ...]
    overlapping: int
    posts: int
    elapsed_s: float

    @property
    def rows_per_s(self) -> float:
        """Rows of the source (people, department spells, titles) by second, reading included."""
        rows = self.employees + self.department_spells + self.titles
        return rows / self.elapsed_s if self.elapsed_s else 0.0


async def load_employees(database: Database, *, folder: Path, slug: str, name: str) -> LoadReport:
    """Read a folder and load it; a tenant that has people already is left alone."""
    started = clock.monotonic_s()
    source = read_source(folder)
    shaped = shape(source)
    tenant_id = await _provide_tenant(database, slug=slug, name=name)
    async with database.transaction(system_principal(tenant_id)) as session:
        await session.execute(text("SELECT set_config('statement_timeout', '0', true)"))
        # Taking the moment also takes turns: a second loader waits here, then finds the people.
        await session.execute(text("SELECT app.new_moment()"))
        is_new = not await session.scalar(text("SELECT EXISTS (SELECT FROM app.person)"))
        if is_new:
            await _write(session, shaped)
    return _report(source, shaped, is_new=is_new, elapsed_s=clock.monotonic_s() - started)


async def find_tenant(database: Database, *, slug: str) -> TenantId | None:
    """The tenant of a slug."""
    async with database.transaction(None) as session:
        found = await session.scalar(text("SELECT app.find_tenant(:slug)"), {"slug": slug})
    return None if found is None else TenantId(found)


async def _provide_tenant(database: Database, *, slug: str, name: str) -> TenantId:
    found = await find_tenant(database, slug=slug)
    if found is not None:
        return found
    async with database.transaction(None) as session:
        created = await session.scalar(
            text("SELECT app.create_tenant(:slug, :name, 'Asia/Tokyo', 'ja')"), {"slug": slug, "name": name}
        )
    return TenantId(int(str(created)))


async def _write(session: AsyncSession, shaped: Shaped) -> None:
    record = await load_record(session, numbers=set(), may_create_units=True, may_create_positions=True)
    order_id = await open_order(
        session, reason="employees-10k", payload={"adapter": "employees_10k"}, effective_on=record.today
    )
    writer = PlanWriter(
        session, shaped.plan, record, order_id=order_id, import_id=None, on_progress=lambda _: None
    )
    await writer.write()
    await audit.record(
        session,
        action="people.loaded",
        details={"adapter": "employees_10k", "people": len(shaped.plan.people), "change_order_id": order_id},
    )
    await publish(session, kind=EventKind.PEOPLE_CHANGED)
    await publish(session, kind=EventKind.ORG_CHANGED)


def _report(source: Source, shaped: Shaped, *, is_new: bool, elapsed_s: float) -> LoadReport:
    return LoadReport(
        is_new=is_new,
        employees=len(source.employees),
        department_spells=len(source.posts),
        titles=len(source.titles),
        skipped=tuple(
            f"{what} {spell.what} of {spell.number}: {spell.start} to {spell.end}"
            for what, spell in shaped.skipped
        ),
        overlapping=len(shaped.overlapping),
        posts=sum(len(spell.opened) for person in shaped.plan.people for spell in person.spells),
        elapsed_s=elapsed_s,
    )
