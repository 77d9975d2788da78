"""Background work on employees' records."""

from __future__ import annotations

from hrx.app.people.employees.actions.deciding import apply_due_orders
from hrx.app.platform import jobs
from hrx.app.platform.jobs import JobContext


@jobs.every_tenant("change_orders.apply_due", cron="*/10 * * * *")
async def apply_due(job: JobContext) -> None:
    """Reserved orders whose day has come become applied; every ten minutes, for days begin at many hours."""
    async with job.transaction() as session:
        await apply_due_orders(session)
