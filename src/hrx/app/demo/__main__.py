"""`python -m hrx.app.demo` loads the demo company; `… bulk PEOPLE` makes a crowd to measure with.

The last line of output is JSON with the accounts, for the program that starts this one."""

from __future__ import annotations

import argparse
import asyncio
import sys

import orjson

from hrx.app.demo.accounts import ACCOUNTS
from hrx.app.demo.bulk import load_crowd
from hrx.app.demo.loading import SLUG, load_demo
from hrx.app.demo.settings import DemoSettings
from hrx.app.demo.units import COMPANY_NAME
from hrx.app.platform.db import Database, open_database
from hrx.app.settings import AppSettings
from hrx.kit.errors import HrxError
from hrx.kit.settings import load


def main() -> int:
    """0 when the company is there, loaded now or before."""
    parser = argparse.ArgumentParser(prog="hrx.app.demo", description=__doc__)
    what = parser.add_subparsers(dest="what")
    bulk = what.add_parser("bulk", help="a tenant of made-up people for measuring")
    bulk.add_argument("people", type=int)
    bulk.add_argument("--tenant", help="slug (crowd-PEOPLE unless given)")
    given = parser.parse_args()
    try:
        return asyncio.run(_run(given))
    except HrxError as error:
        sys.stderr.write(f"{error.message.en}\n")
        return 1


async def _run(given: argparse.Namespace) -> int:
    settings = load(AppSettings)
    database = open_database(settings.database_url.get_secret_value(), statement_timeout_ms=600_000)
    try:
        if given.what == "bulk":
            return await _load_bulk(database, given)
        return await _load_company(database, settings)
    finally:
        await database.close()


async def _load_company(database: Database, settings: AppSettings) -> int:
    wanted = load(DemoSettings)
    report = await load_demo(
        database,
        settings,
        password=wanted.demo_password.get_secret_value(),
        has_papers=wanted.demo_documents,
    )
    sys.stdout.write(
        f"{COMPANY_NAME}: {report.people} people, {report.posts} posts, {report.orders} orders,"
        f" {report.accounts} accounts, {report.papers} documents made\n"
    )
    accounts = [{"email": account.email, "role": account.role.value} for account in ACCOUNTS]
    _tell({"tenant": SLUG, "is_new": report.is_new, "accounts": accounts})
    return 0


async def _load_bulk(database: Database, given: argparse.Namespace) -> int:
    slug = given.tenant or f"crowd-{given.people}"
    report = await load_crowd(database, slug=slug, people=given.people)
    _tell(
        {
            "tenant": slug,
            "is_new": report.is_new,
            "people": report.people,
            "posts": report.posts,
            "elapsed_s": round(report.elapsed_s, 2),
        }
    )
    return 0


def _tell(value: dict[str, object]) -> None:
    sys.stdout.write(orjson.dumps(value).decode() + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
