"""`load FOLDER` and `verify FOLDER`, as a process; the database comes from the application's settings."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from hrx.app.people.employees.importing.employees_10k.loading import find_tenant, load_employees
from hrx.app.people.employees.importing.employees_10k.verifying import verify
from hrx.app.platform.db import Database, open_database
from hrx.app.settings import AppSettings
from hrx.kit.errors import HrxError
from hrx.kit.settings import load


def main() -> int:
    """0 done or equal, 1 failed or different."""
    parser = argparse.ArgumentParser(prog="employees_10k", description=__doc__)
    parser.add_argument("step", choices=("load", "verify"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tenant", default="employees-10k", help="slug of the tenant (made when missing)")
    parser.add_argument("--name", default="Employees Sample", help="name of a new tenant")
    parser.add_argument("--days", type=int, default=100, help="days to compare (verify)")
    given = parser.parse_args()
    try:
        return asyncio.run(_run(given))
    except HrxError as error:
        sys.stderr.write(f"{error.message.en}\n")
        if error.hint:
            sys.stderr.write(f"{error.hint.en}\n")
        return 1


async def _run(given: argparse.Namespace) -> int:
    settings = load(AppSettings)
    database = open_database(settings.database_url.get_secret_value(), statement_timeout_ms=600_000)
    try:
        if given.step == "load":
            return await _load(database, given)
        return await _verify(database, given)
    finally:
        await database.close()


async def _load(database: Database, given: argparse.Namespace) -> int:
    report = await load_employees(database, folder=given.folder, slug=given.tenant, name=given.name)
    if not report.is_new:
        _say(f"Tenant {given.tenant} has people already; nothing was loaded.")
        return 0
    _say(f"people            {report.employees:>7,}")
    _say(f"department spells {report.department_spells:>7,}")
    _say(f"title spells      {report.titles:>7,}")
    _say(f"posts written     {report.posts:>7,}  (cut by title and by the department's manager)")
    _say(f"overlapping       {report.overlapping:>7,}  (kept as concurrent posts)")
    _say(f"skipped           {len(report.skipped):>7,}  (zero days long)")
    for line in report.skipped:
        _say(f"  - {line}")
    _say(f"{report.elapsed_s:.2f} s, {report.rows_per_s:,.0f} source rows/s, files to commit")
    return 0


async def _verify(database: Database, given: argparse.Namespace) -> int:
    tenant_id = await find_tenant(database, slug=given.tenant)
    if tenant_id is None:
        _say(f"There is no tenant {given.tenant}.")
        return 1
    verdict = await verify(database, tenant_id=tenant_id, folder=given.folder, days=given.days)
    _say(f"people            files {verdict.people[0]:>7,}  record {verdict.people[1]:>7,}")
    for name, (source, record) in (
        ("department spells", verdict.department_spells),
        ("title spells     ", verdict.title_spells),
    ):
        _say(f"{name} files {source:>7,}  record {record:>7,}  (of at least one day)")
    _say(f"org charts        {verdict.days} days, {verdict.people_seen:,} posts compared")
    if verdict.is_equal:
        _say("equal")
        return 0
    _say(f"DIFFERENT on {len(verdict.different)} days; first: {verdict.first_difference}")
    return 1


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
