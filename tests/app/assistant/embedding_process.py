"""The worker's job of one tenant as a process of its own, to be killed; the environment has its settings."""

from __future__ import annotations

import asyncio
import sys

from hrx.app.assistant.indexing.jobs import embed_lacking
from hrx.app.platform.db import open_database
from hrx.app.platform.jobs import JobContext
from hrx.app.platform.tenancy import TenantId, system_principal
from hrx.app.settings import AppSettings
from hrx.kit.settings import load


async def main(tenant: int) -> None:
    settings = load(AppSettings)
    database = open_database(settings.database_url.get_secret_value(), pool_size=2)
    job = JobContext(
        principal=system_principal(TenantId(tenant)), database=database, settings=settings, attempt=1
    )
    await embed_lacking(job)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
